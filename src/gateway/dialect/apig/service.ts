/** A service behind the API gateway: its routes, and the words in which it refuses. */
import type { Fault, Result } from "../../../base/mod.ts";
import type { CloudProject } from "../../../control/mod.ts";
import type { ApigAnswer } from "./answer.ts";
import type { Caller } from "./authenticate.ts";
import type { ApigRequest } from "./request.ts";

/** A request to a route that everybody may call. */
export interface OpenCall {
  readonly request: ApigRequest;
  /** The value of `{name}` in the route's path. */
  readonly path: (name: string) => string;
}

export interface AccountCall extends OpenCall {
  readonly caller: Caller;
}

export interface ProjectCall extends AccountCall {
  /** That of `{project_id}` in the path, the caller's own. */
  readonly project: CloudProject;
}

type Operation<Call> = (call: Call) => Result<ApigAnswer> | Promise<Result<ApigAnswer>>;

interface RouteHead {
  /** The operation's name in the cloud's reference. */
  readonly name: string;
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  /** Segments; `{name}` is any one segment that is not empty. */
  readonly path: string;
}

export interface OpenRoute extends RouteHead {
  readonly access: "open";
  readonly operation: Operation<OpenCall>;
}

export interface AccountRoute extends RouteHead {
  readonly access: "account";
  readonly operation: Operation<AccountCall>;
}

export interface ProjectRoute extends RouteHead {
  readonly access: "project";
  /** What a policy must allow, such as `vpc:flowLogs:create`. */
  readonly action: string;
  /**
   * The last part of the resource's name, after account and region: `flowlog/*`, with `{name}` of the path; a
   * function where the path does not tell.
   */
  readonly resource: string | ((call: ProjectCall) => string);
  readonly operation: Operation<ProjectCall>;
}

export type ApigRoute = OpenRoute | AccountRoute | ProjectRoute;

/** Where a request was refused: by its route's name, or before that. */
export interface Refusal {
  readonly fault: Fault;
  readonly operation: string;
  readonly request: ApigRequest;
  readonly project?: CloudProject;
}

export interface ApigService {
  /** As logs and metrics name it. */
  readonly name: string;
  readonly routes: readonly ApigRoute[];
  /** The service's answer to a fault of its operations, and of what is checked before them. */
  refuse(refusal: Refusal): ApigAnswer;
}

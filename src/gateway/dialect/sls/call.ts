/** What an operation is given: the request, who sent it, and the parts of Weir that it works on. */
import type { Result } from "../../../base/mod.ts";
import type { LogProject, LogProjects, Logstore } from "../../../control/mod.ts";
import type { LogReader } from "../../../query/mod.ts";
import { type Parsed, parsed, refuseFault, type SlsAnswer } from "./answer.ts";
import type { Caller } from "./authenticate.ts";
import type { ProjectHost } from "./host.ts";
import type { Parameters, SlsRequest } from "./request.ts";

export interface SlsServices {
  readonly logProjects: LogProjects;
  readonly logReader: LogReader;
  /** The region of what is created without naming one. */
  readonly regionId: string;
  /** The regions in which a project can be. */
  readonly regionIds: readonly string[];
}

export interface SlsCall {
  readonly services: SlsServices;
  readonly request: SlsRequest;
  /** The query's parameters. */
  readonly query: Parameters;
  readonly caller: Caller;
  readonly host: ProjectHost;
}

export type Operation = (call: SlsCall) => SlsAnswer | Promise<SlsAnswer>;

/**
 * The project that the host names. One server answers for every region: a region in the host is binding;
 * otherwise the signature's region and then the server's own are looked at first, and others after them.
 */
export function projectOf({ services, caller, host }: SlsCall): Parsed<LogProject> {
  const { accountId } = caller;
  const { regionId } = host;
  const find = (project: string): Result<LogProject> => {
    if (regionId !== undefined) return services.logProjects.getProject({ accountId, regionId, project });
    const regionIds = [caller.regionId, services.regionId].filter((id) => id !== undefined);
    return services.logProjects.locateProject({ accountId, project, regionIds });
  };
  const dotted = host.dotted === undefined ? undefined : find(host.dotted);
  if (dotted?.ok === true) return parsed(dotted.value);
  const named = find(host.project ?? "");
  return named.ok ? parsed(named.value) : { ok: false, answer: refuseFault(named.fault) };
}

/** The logstore that the path names. */
export function logstoreOf(call: SlsCall): Parsed<Logstore> {
  const project = projectOf(call);
  if (!project.ok) return project;
  const { accountId, regionId, name } = project.value;
  const logstore = call.request.segments[1] ?? "";
  const found = call.services.logProjects.getLogstore({ accountId, regionId, project: name, logstore });
  return found.ok ? parsed(found.value) : { ok: false, answer: refuseFault(found.fault) };
}

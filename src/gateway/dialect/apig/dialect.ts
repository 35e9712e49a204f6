/**
 * The REST style of Huawei Cloud and Open Telekom Cloud, as their API gateway has it: services told apart by
 * path, requests signed by an access key or sent with a token, refused by the gateway in words of its own.
 *
 * Every request takes one way: find its route, authenticate, find its project, authorise, answer. Nothing of
 * a body is parsed before the credential holds.
 */
import { randomBytes } from "node:crypto";

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

import { type Fault, fail, ok, type Result, toFault } from "../../../base/mod.ts";
import type { AccessRequest, CloudProject, CloudProjects } from "../../../control/mod.ts";
import type { Counter, Logger, Metrics } from "../../../observe/mod.ts";
import { type Authorizer, networkConditions } from "../../auth/mod.ts";
import type { Dialect, RequestHead } from "../../dialect.ts";
import { headerOf, requestHeadOf, segmentsOf } from "../../head.ts";
import { type ApigAnswer, refuse, refuseCredential } from "./answer.ts";
import { authenticate, type Caller, type CredentialDeps } from "./authenticate.ts";
import { type ApigRequest, canonicalId, parseRequest } from "./request.ts";
import { findRoute, type FoundRoute } from "./route.ts";
import type { ApigService, ProjectCall, ProjectRoute } from "./service.ts";
import { tokenHeader } from "./token.ts";

export interface ApigDeps extends CredentialDeps {
  readonly services: readonly ApigService[];
  readonly projects: CloudProjects;
  readonly authorizer: Authorizer;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

interface ApigServer {
  readonly deps: ApigDeps;
  readonly requests: Counter;
}

/** It is kept before its credential is known to hold. */
const bodyBytesMax = 1024 * 1024;
/** What is read of anybody's word, with no credential at all. */
const openBodyBytesMax = 64 * 1024;
const openBodyTooLarge = fail("InputTooLarge", "the body is too large", {
  allowed: `at most ${openBodyBytesMax} bytes`,
});
const methodsWithoutParsedBody = new Set(["GET", "HEAD"]);

export function createApigDialect(deps: ApigDeps): Dialect {
  const requests = deps.metrics.counter(
    "weir_apig_requests_total",
    "Requests of the Huawei Cloud and Open Telekom Cloud APIs answered, by service, operation and error code",
  );
  const server: ApigServer = { deps, requests };
  return {
    name: "apig",
    matches: (head) => isApigRequest(head, deps.services),
    plugin: async (instance) => plugin(instance, server),
  };
}

/** What has a credential of these clouds, or asks for one of their paths. */
function isApigRequest(head: RequestHead, services: readonly ApigService[]): boolean {
  if (/^(?:SDK|V11)-HMAC-/u.test(headerOf(head, "authorization") ?? "")) return true;
  if (head.headers["x-auth-token"] !== undefined) return true;
  if (head.headers["authorization"] !== undefined) return false;
  const isBrowser = headerOf(head, "accept")?.includes("text/html") === true;
  if (head.path === "/") return head.target === "/" && head.method === "GET" && !isBrowser;
  return findRoute(services, head.method, segmentsOf(head)) !== "path";
}

function plugin(instance: FastifyInstance, server: ApigServer): void {
  instance.removeAllContentTypeParsers();
  const options = { parseAs: "buffer", bodyLimit: bodyBytesMax } as const;
  instance.addContentTypeParser("*", options, (_request, body, done) => done(null, body));
  instance.setErrorHandler((error: { statusCode?: number; message: string }, _request, reply) => {
    send(server, reply, { service: "none", operation: "none", answer: refuseHttp(server, error) });
  });
  const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const body = await bodyOf(request);
    const answered = body === null ? tooLarge : await answerRequest(server, request, body);
    send(server, reply, answered);
  };
  instance.all("/", handler);
  instance.all("/*", handler);
}

interface Answered {
  readonly service: string;
  readonly operation: string;
  readonly answer: ApigAnswer;
}

const tooLarge: Answered = {
  service: "none",
  operation: "none",
  answer: refuse(413, "APIGW.0201", "Request entity too large"),
};

/** What fastify refuses by itself while it reads a request. */
function refuseHttp(
  { deps }: ApigServer,
  { statusCode = 500, message }: { statusCode?: number; message: string },
): ApigAnswer {
  if (statusCode === 413) return tooLarge.answer;
  if (statusCode < 500) return refuse(statusCode, "APIGW.0201", message);
  deps.logger.error({ error: message }, "a request of the Huawei Cloud APIs failed");
  return internalError;
}

const internalError = refuse(500, "APIGW.0204", "Internal server error");

/** Some clients send and sign a body with GET, which fastify leaves unread. Null where it is too large. */
async function bodyOf({ method, body, raw }: FastifyRequest): Promise<Buffer | null> {
  if (!methodsWithoutParsedBody.has(method)) return Buffer.isBuffer(body) ? body : Buffer.alloc(0);
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of raw as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > bodyBytesMax) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function answerRequest({ deps }: ApigServer, { raw }: FastifyRequest, body: Buffer): Promise<Answered> {
  const scheme = "encrypted" in raw.socket && raw.socket.encrypted === true ? "https" : "http";
  const request = parseRequest(requestHeadOf(raw), body, scheme);
  const found = findRoute(deps.services, request.head.method, request.segments);
  if (typeof found === "string") return notPublished(found, request);
  const { service, route } = found;
  const named = { service: service.name, operation: route.name };
  try {
    const outcome = await run(deps, found, request, networkConditions(raw));
    if (outcome.ok) return { ...named, answer: outcome.value };
    if (outcome.fault.code === "Internal") logFailure(deps, named, outcome.fault);
    return { ...named, answer: refuseFault(found, request, outcome) };
  } catch (error) {
    logFailure(deps, named, toFault(error));
    return { ...named, answer: internalError };
  }
}

function logFailure({ logger }: ApigDeps, named: { service: string; operation: string }, fault: Fault): void {
  logger.error({ ...named, error: fault.message }, "an operation of the Huawei Cloud APIs failed");
}

function notPublished(what: "method" | "path", { head }: ApigRequest): Answered {
  const message =
    what === "method"
      ? `The API does not exist: method ${head.method} not found`
      : "The API does not exist or has not been published in the environment";
  return { service: "none", operation: "none", answer: refuse(404, "APIGW.0101", message) };
}

interface Refused {
  readonly fault: Fault;
  /** What is wrong is the credential itself, which the gateway says and not the service. */
  readonly isCredential?: boolean;
  readonly project?: CloudProject;
}

type Outcome = { readonly ok: true; readonly value: ApigAnswer } | ({ readonly ok: false } & Refused);

async function run(
  deps: ApigDeps,
  { route, values }: FoundRoute,
  request: ApigRequest,
  conditions: AccessRequest["conditions"],
): Promise<Outcome> {
  const path = (name: string): string => canonicalId(values.get(name) ?? "");
  if (route.access === "open") {
    return request.body.length > openBodyBytesMax ? openBodyTooLarge : route.operation({ request, path });
  }
  const caller = authenticate(request, deps);
  if (!caller.ok) return { ...caller, isCredential: caller.fault.field !== tokenHeader };
  if (route.access === "account") return route.operation({ request, path, caller: caller.value });
  const project = projectOf(deps.projects, caller.value, path("project_id"));
  if (!project.ok) return project;
  const call = { request, path, caller: caller.value, project: project.value };
  const access = { ...accessOf(route, call), conditions };
  const allowed = deps.authorizer.authorize(caller.value.principal, access);
  if (!allowed.ok) return allowed;
  const outcome = await route.operation(call);
  return outcome.ok ? outcome : { ...outcome, project: project.value };
}

/**
 * Faults: `InputInvalid` (field `project_id`) for a project that is not the caller's or not the token's,
 * `AccessDenied` (field `scope`) for a token that is good for no project.
 */
function projectOf(projects: CloudProjects, { principal, token }: Caller, id: string): Result<CloudProject> {
  if (token !== undefined && token.projectId === undefined) {
    return fail("AccessDenied", "the token is good for no project", { field: "scope" });
  }
  const project = projects.find(principal.accountId, id);
  const isTokens = token === undefined || token.projectId === id;
  if (project !== undefined && isTokens) return ok(project);
  return fail("InputInvalid", "the project is not the one of the credential", {
    field: "project_id",
    value: id.slice(0, 80),
  });
}

function accessOf({ action, resource }: ProjectRoute, call: ProjectCall): Omit<AccessRequest, "conditions"> {
  const [service] = action.split(":");
  const { accountId, regionId } = call.project;
  const name =
    typeof resource === "function"
      ? resource(call)
      : resource.replaceAll(/\{(\w+)\}/gu, (_text, variable: string) => call.path(variable));
  return { action, resources: [`acs:${service}:${regionId}:${accountId}:${name}`] };
}

function refuseFault({ service, route }: FoundRoute, request: ApigRequest, refused: Refused): ApigAnswer {
  const { fault, isCredential = false, project } = refused;
  if (isCredential) return refuseCredential(fault.message);
  const where = project === undefined ? {} : { project };
  return service.refuse({ fault, operation: route.name, request, ...where });
}

function send({ requests }: ApigServer, reply: FastifyReply, { service, operation, answer }: Answered): void {
  const { status, headers, body, errorCode = "none" } = answer;
  requests.add(1, { service, operation, error_code: errorCode });
  const requestId = randomBytes(16).toString("hex");
  const isError = errorCode !== "none" && body !== undefined;
  const sent = isError && !("error" in body) ? { ...body, request_id: requestId } : body;
  void reply
    .code(status)
    .headers({
      server: "Weir",
      "x-request-id": requestId,
      ...(sent === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    })
    .send(sent === undefined ? undefined : JSON.stringify(sent));
}

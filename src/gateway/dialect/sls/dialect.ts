/**
 * The dialect of Alibaba Cloud's Log Service (SLS), API version 0.6.0: projects, logstores and reading.
 *
 * Every request takes one way: take it apart, authenticate it, find its operation, authorise it, answer.
 * Nothing of a body is parsed before the signature holds.
 */
import { randomBytes } from "node:crypto";

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

import { type Clock, toFault } from "../../../base/mod.ts";
import type { Counter, Logger, Metrics } from "../../../observe/mod.ts";
import type { Credentials } from "../../../control/mod.ts";
import { type Authorizer, networkConditions } from "../../auth/mod.ts";
import type { Dialect, RequestHead } from "../../dialect.ts";
import { requestHeadOf } from "../../head.ts";
import { refuse, type SlsAnswer } from "./answer.ts";
import { authenticate } from "./authenticate.ts";
import type { SlsCall, SlsServices } from "./call.ts";
import { parseHost, resolveProject } from "./host.ts";
import { refusalOf } from "./permission.ts";
import { parseRequest, queryParameters } from "./request.ts";
import { findRoute } from "./route.ts";

export interface SlsDialectConfig {
  /** Names, without port, by which clients know this server: what they call the endpoint. */
  readonly endpoints: readonly string[];
  /** The region of projects that are created without naming one. */
  readonly regionId: string;
  /** The regions in which a project can be created. */
  readonly regionIds: readonly string[];
}

export interface SlsDialectDeps extends Pick<SlsServices, "logProjects" | "logReader"> {
  readonly clock: Clock;
  readonly credentials: Pick<Credentials, "find">;
  readonly authorizer: Authorizer;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

interface SlsServer {
  readonly config: SlsDialectConfig;
  readonly deps: SlsDialectDeps;
  readonly requests: Counter;
}

/** It is kept before its signature is known to hold: the longest query, every character escaped, and little more. */
const bodyBytesMax = 512 * 1024;

export function createSlsDialect(config: SlsDialectConfig, deps: SlsDialectDeps): Dialect {
  const requests = deps.metrics.counter(
    "weir_sls_requests_total",
    "Requests of the Log Service API answered, by operation and error code",
  );
  const server: SlsServer = { config, deps, requests };
  return {
    name: "sls",
    matches: (head) => isSlsRequest(head, config.endpoints),
    plugin: async (instance) => plugin(instance, server),
  };
}

/**
 * Whether a request is one of the log service: it has a header of the service, is signed the service's
 * way, or asks a project's host for a logstore. Requests of the RPC services have none of these.
 */
export function isSlsRequest(head: RequestHead, endpoints: readonly string[]): boolean {
  if (/^(?:LOG |SLS4-)/u.test(head.headers["authorization"]?.toString() ?? "")) return true;
  if (Object.keys(head.headers).some((name) => name.startsWith("x-log-"))) return true;
  const isLogPath = /^\/(?:logstores|logs)(?:\/|$)/u.test(head.path);
  return isLogPath && parseHost(head.host, endpoints).project !== undefined;
}

function plugin(instance: FastifyInstance, server: SlsServer): void {
  instance.removeAllContentTypeParsers();
  instance.addContentTypeParser(
    "*",
    { parseAs: "buffer", bodyLimit: bodyBytesMax },
    (_request, body, done) => {
      done(null, body);
    },
  );
  instance.setErrorHandler((error: { statusCode?: number; message: string }, _request, reply) => {
    send(server, reply, { operation: "none", answer: refuseHttp(server, error) });
  });
  const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    send(server, reply, await answerRequest(server, request));
  };
  instance.all("/", handler);
  instance.all("/*", handler);
}

/** What fastify refuses by itself while it reads a request. */
function refuseHttp(
  { deps }: SlsServer,
  { statusCode = 500, message }: { statusCode?: number; message: string },
): SlsAnswer {
  if (statusCode === 413) return refuse(400, "PostBodyTooLarge", message);
  if (statusCode === 415) return refuse(415, "InvalidContentType", message);
  if (statusCode < 500) return refuse(statusCode, "ParameterInvalid", message);
  deps.logger.error({ error: message }, "a log service request failed");
  return refuse(500, "InternalServerError", "internal server error");
}

interface Answered {
  /** The operation's name; `none` if the request never came to one. */
  readonly operation: string;
  readonly answer: SlsAnswer;
}

async function answerRequest({ config, deps }: SlsServer, { raw, body }: FastifyRequest): Promise<Answered> {
  const head = requestHeadOf(raw);
  const request = parseRequest(head, Buffer.isBuffer(body) ? body : Buffer.alloc(0));
  const caller = authenticate(request, deps);
  if (!caller.ok) return { operation: "none", answer: caller.answer };
  const route = findRoute(request);
  if (!("operation" in route)) return { operation: "none", answer: route };
  const operation = route.name;
  const host = resolveProject(head, config);
  if (host.isContradictory === true) {
    const message = "the request target and the Host header name different projects.";
    return { operation, answer: refuse(400, "ParameterInvalid", message) };
  }
  const { logProjects, logReader, authorizer } = deps;
  const call: SlsCall = {
    services: { logProjects, logReader, regionId: config.regionId, regionIds: config.regionIds },
    request,
    query: queryParameters(request.query),
    caller: caller.value,
    host,
  };
  try {
    const conditions = networkConditions(raw);
    const refusal = refusalOf(route.permission, call, { authorizer, conditions });
    return { operation, answer: refusal ?? (await route.operation(call)) };
  } catch (error) {
    deps.logger.error({ operation, error: toFault(error).message }, "a log service operation failed");
    return { operation, answer: refuse(500, "InternalServerError", "internal server error") };
  }
}

/** The headers that every answer has, and the body as the clients read it: JSON, or nothing at all. */
function send({ deps, requests }: SlsServer, reply: FastifyReply, { operation, answer }: Answered): void {
  const { status, headers, body, errorCode = "none" } = answer;
  requests.add(1, { operation, error_code: errorCode });
  void reply
    .code(status)
    .headers({
      server: "Weir",
      "access-control-allow-origin": "*",
      "x-log-requestid": randomBytes(12).toString("hex").toUpperCase(),
      "x-log-time": `${Math.floor(deps.clock.nowMs() / 1000)}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    })
    .send(body === undefined ? undefined : JSON.stringify(body));
}

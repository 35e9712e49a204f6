/**
 * The RPC style of Alibaba Cloud: everything at `/`, the operation named by Action, the service by Version.
 *
 * Several services share one endpoint; which one is meant may stand in a form body alone, so one dialect
 * holds them all. A call is authenticated before its action is even looked up, and authorised before its
 * parameters are judged.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

import { fault, newRequestId, type Result, toFault } from "../../../base/mod.ts";
import type { Logger } from "../../../observe/mod.ts";
import {
  type Authenticator,
  type Authorizer,
  isAcs3,
  networkConditions,
  type SignedRequest,
} from "../../auth/mod.ts";
import type { Dialect, RequestHead } from "../../dialect.ts";
import { requestHeadOf } from "../../head.ts";
import { contentTypes, render, type RpcFormat, type RpcObject } from "./answer.ts";
import {
  accessDeniedError,
  commonError,
  commonErrors,
  errorBody,
  type RpcError,
  type RpcResult,
} from "./error.ts";
import { mergeParameters, parseParameters } from "./parameters.ts";
import type { RpcCall, RpcOperation, RpcService } from "./service.ts";

export interface RpcDependencies {
  readonly services: readonly RpcService[];
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  readonly logger: Logger;
}

/** Far more than an operation takes: what is signed is encoded twice over before its signature is known to hold. */
const bodyBytesMax = 256 * 1024;
const noBody = new Uint8Array(0);
const noParameters: ReadonlyMap<string, string> = new Map();
const rpcQuery = /[?&](?:Action|Version|AccessKeyId|Signature)=/u;

export function createRpcDialect(dependencies: RpcDependencies): Dialect {
  return {
    name: "rpc",
    matches: isRpc,
    plugin: async (server) => {
      takeBodiesAsBytes(server);
      server.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
        const refused = errorOfThrown(error);
        if (refused.status >= 500) dependencies.logger.error({ error: error.stack }, "RPC call failed");
        return sendError(request, reply, "JSON", refused, productOf(dependencies));
      });
      server.all("/", { bodyLimit: bodyBytesMax }, (request, reply) => answer(request, reply, dependencies));
    },
  };
}

/** At `/`, what is a form post or carries one of the style's own parameters or headers, and is not SLS's. */
function isRpc({ method, path, target, headers }: RequestHead): boolean {
  if (path !== "/" || headers["x-log-apiversion"] !== undefined) return false;
  if (headers["x-acs-action"] !== undefined || headers["x-acs-version"] !== undefined) return true;
  const hasForm = method === "POST" && isForm(String(headers["content-type"] ?? ""));
  return hasForm || rpcQuery.test(target);
}

function isForm(contentType: string): boolean {
  return contentType.toLowerCase().startsWith("application/x-www-form-urlencoded");
}

/** What fastify itself refuses: a body too large, or one that does not arrive as announced. */
function errorOfThrown({ statusCode = 500, message }: Error & { statusCode?: number }): RpcError {
  if (statusCode === 413) return commonError(fault("InputTooLarge", message));
  return statusCode >= 500
    ? commonErrors.internal
    : { status: statusCode, code: "InvalidParameter", message };
}

/** The signature covers the very bytes, so nothing may parse them before it is checked. */
function takeBodiesAsBytes(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
}

async function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  dependencies: RpcDependencies,
): Promise<FastifyReply> {
  const signed = signedRequestOf(request);
  const format = signed.ok ? formatOf(signed.value.parameters) : "JSON";
  if (!signed.ok)
    return sendError(request, reply, "JSON", commonError(signed.fault), productOf(dependencies));
  if (format === null) {
    return sendError(
      request,
      reply,
      "JSON",
      commonErrors.invalidParameter("Format"),
      productOf(dependencies),
    );
  }
  const { service, outcome, action } = await call(request, signed.value, dependencies);
  const product = service?.product ?? productOf(dependencies);
  if (!outcome.ok) return sendError(request, reply, format, outcome.error, product);
  const requestId = newRequestId();
  const value = { RequestId: requestId, ...outcome.value };
  return reply
    .header("x-acs-request-id", requestId)
    .type(contentTypes[format])
    .send(render(format, `${action}Response`, value));
}

interface Called {
  readonly service?: RpcService;
  readonly action: string;
  readonly outcome: RpcResult<RpcObject>;
}

async function call(
  request: FastifyRequest,
  signed: SignedRequest,
  dependencies: RpcDependencies,
): Promise<Called> {
  if (request.method !== "GET" && request.method !== "POST") return refuse(commonErrors.unsupportedMethod);
  const action = namedBy(signed, "Action");
  const version = namedBy(signed, "Version");
  const service = dependencies.services.find((candidate) => candidate.version === version);
  const principal = await dependencies.authenticator.authenticate(signed);
  if (!principal.ok) {
    const refused = refuse(commonError(principal.fault));
    return service === undefined ? refused : { ...refused, service };
  }
  if (action === "") return refuse(commonErrors.missingParameter("Action"));
  if (version === "") return refuse(commonErrors.missingParameter("Version"));
  if (service === undefined) return refuse(commonErrors.invalidVersion);
  const operation = service.operations.get(action);
  if (operation === undefined) return { ...refuse(commonErrors.invalidAction), service };
  const rpcCall: RpcCall = {
    principal: principal.value,
    parameters: signed.parameters,
    host: requestHeadOf(request.raw).host,
    conditions: networkConditions(request.raw),
  };
  const refused = denialOf(service, operation, rpcCall, dependencies.authorizer);
  if (refused !== undefined) return { ...refuse(refused), service };
  return { service, action, outcome: await run(operation, rpcCall, dependencies.logger) };
}

function denialOf(
  { denied }: RpcService,
  { permission }: RpcOperation,
  call: RpcCall,
  authorizer: Authorizer,
): RpcError | undefined {
  if (permission === "everyone") return undefined;
  const { conditions } = call;
  const request = { action: permission.action, resources: permission.resources(call), conditions };
  const allowed = authorizer.authorize(call.principal, request);
  return allowed.ok ? undefined : accessDeniedError(allowed.fault, denied);
}

async function run(operation: RpcOperation, call: RpcCall, logger: Logger): Promise<RpcResult<RpcObject>> {
  try {
    return await operation.run(call);
  } catch (error) {
    logger.error({ error: toFault(error).message }, "an RPC operation threw");
    return { ok: false, error: commonErrors.internal };
  }
}

function refuse(error: RpcError): Called {
  return { action: "", outcome: { ok: false, error } };
}

/** Only ACS3 signs headers; with the RPC signature an action in a header is nobody's word. */
function namedBy({ parameters, headers }: SignedRequest, name: "Action" | "Version"): string {
  const given = parameters.get(name) ?? "";
  if (given !== "" || !isAcs3(headers)) return given;
  return String(headers[`x-acs-${name.toLowerCase()}`] ?? "");
}

function signedRequestOf(request: FastifyRequest): Result<SignedRequest> {
  const { target, path } = requestHeadOf(request.raw);
  const query = parseParameters(target.slice(path.length + 1));
  if (!query.ok) return query;
  const body = request.body instanceof Uint8Array ? request.body : noBody;
  const hasForm = body.length > 0 && isForm(request.headers["content-type"] ?? "");
  const form = hasForm ? parseForm(body) : ({ ok: true, value: noParameters } as const);
  if (!form.ok) return form;
  const parameters = mergeParameters(query.value, form.value);
  if (!parameters.ok) return parameters;
  const { method, headers } = request;
  return { ok: true, value: { method, headers, query: query.value, parameters: parameters.value, body } };
}

function parseForm(body: Uint8Array): Result<Map<string, string>> {
  return parseParameters(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8"));
}

/** JSON unless XML is asked for: every current SDK reads JSON, and most read nothing else. */
function formatOf(parameters: ReadonlyMap<string, string>): RpcFormat | null {
  const asked = (parameters.get("Format") ?? "").toUpperCase();
  if (asked === "" || asked === "JSON") return "JSON";
  return asked === "XML" ? "XML" : null;
}

function productOf({ services }: RpcDependencies): string {
  return services[0]?.product ?? "";
}

function sendError(
  request: FastifyRequest,
  reply: FastifyReply,
  format: RpcFormat,
  error: RpcError,
  product: string,
): FastifyReply {
  const context = { requestId: newRequestId(), hostId: requestHeadOf(request.raw).host, product };
  return reply
    .code(error.status)
    .header("x-acs-request-id", context.requestId)
    .type(contentTypes[format])
    .send(render(format, "Error", errorBody(error, context)));
}

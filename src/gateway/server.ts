/**
 * The HTTP server in front of every dialect.
 *
 * One gateway is one listener. Weir makes two: the clouds' dialects on a TCP port, and the native API
 * alone on a Unix socket, whose file permission is its authentication. Each request is sent by its head
 * to the internal prefix of the first dialect that matches, where that dialect's own parser, routes and
 * error body apply. `/metrics`, `/healthz` and `/readyz` are the gateway's own.
 */
import { chmodSync, rmSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";

import {
  fastify,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from "fastify";

import { fail, ok, type Result, toFault } from "../base/mod.ts";
import type { Counter, Logger, Metrics } from "../observe/mod.ts";
import type { Dialect, RequestHead } from "./dialect.ts";
import { requestHeadOf } from "./head.ts";
import { defaultGatewayLimits, type GatewayLimits } from "./limits.ts";
import { installTlsFront, type TlsFront, type TlsOptions } from "./tls-front.ts";

export type ListenAddress =
  | { readonly host: string; readonly port: number }
  | { readonly socketPath: string };

export interface Health {
  /** Whether the system serves its purpose now, and what each part says of itself. */
  ready(): { readonly ready: boolean; readonly checks: Readonly<Record<string, string>> };
}

export interface GatewayOptions {
  readonly listen: ListenAddress;
  /** Asked in order; the first that matches answers. */
  readonly dialects: readonly Dialect[];
  readonly limits?: Partial<GatewayLimits>;
  readonly health?: Health;
  /** https on the same port; absent, it speaks http alone. */
  readonly tls?: TlsOptions;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export interface Gateway {
  /**
   * Listens. The address is `http://host:port` with the port that was given out, `https://…` where that
   * alone is spoken, or `unix:<path>`.
   * Faults: `PortInUse`, `PrivilegeMissing` (a port below 1024), `ConfigInvalid` (no such address).
   */
  start(): Promise<Result<{ readonly address: string }>>;
  /** Refuses new connections, answers the requests under way and closes; takes 2 seconds at most. */
  stop(): Promise<void>;
  /** Runs a request without a socket. */
  readonly inject: FastifyInstance["inject"];
}

const stopGraceMs = 2000;
const ownPrefix = "/@gateway";
const ownPaths = new Set(["/metrics", "/healthz", "/readyz"]);

export function createGateway(options: GatewayOptions): Gateway {
  const limits = { ...defaultGatewayLimits, ...options.limits };
  const clientErrors = options.metrics.counter(
    "weir_http_client_errors_total",
    "Connections closed because what they sent was no HTTP request, too large or too slow",
  );
  const server = fastify({
    logger: false,
    bodyLimit: limits.bodyBytesMax,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    http: {
      maxHeaderSize: limits.headerBytesMax,
      headersTimeout: limits.headersTimeoutMs,
      connectionsCheckingInterval: 1000,
    },
    forceCloseConnections: "idle",
    exposeHeadRoutes: false,
    onProtoPoisoning: "error",
    onConstructorPoisoning: "error",
    // Signed targets are longer than any path, and no route has a parameter that a stranger chooses.
    routerOptions: { maxParamLength: 1024 },
    rewriteUrl: (raw) => internalUrl(raw, options.dialects),
    clientErrorHandler: (error, socket) => answerClientError(error, socket, clientErrors),
    frameworkErrors: (error, _request, reply) => answerFrameworkError(error, reply as FastifyReply),
  });
  discardBodies(server);
  limitConnections(server, limits.connectionsMax, options.metrics);
  observeRequests(server, options);
  void server.register(ownRoutes(options), { prefix: ownPrefix });
  for (const dialect of options.dialects) {
    void server.register(dialect.plugin, { prefix: dialectPrefix(dialect) });
  }
  server.setNotFoundHandler((request, reply) => {
    const { method, path } = requestHeadOf(request.raw);
    void reply.code(404).type("text/plain").send(`Weir: no API of this server answers ${method} ${path}\n`);
  });
  server.setErrorHandler((error: FastifyError, request, reply) => {
    const status = error.statusCode ?? 500;
    const { path } = requestHeadOf(request.raw);
    if (status >= 500) options.logger.error({ error: error.stack, path }, "request failed");
    const message = status >= 500 ? "internal error" : error.message;
    void reply.code(status).type("text/plain").send(`Weir: ${message}\n`);
  });
  const { tls, logger } = options;
  const front =
    tls === undefined
      ? undefined
      : installTlsFront(server.server, tls, {
          logger,
          clientErrors,
          handshakeTimeoutMs: limits.headersTimeoutMs,
        });
  const scheme = tls?.plainHttp === false ? "https" : "http";
  return {
    start: () => listen(server, options.listen, scheme),
    stop: () => stop(server, front),
    inject: server.inject.bind(server),
  };
}

/** Only a dialect knows what a body is: where none answers, it is let pass unread, of whatever type it is. */
function discardBodies(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser("*", (_request, payload, done) => {
    payload.resume();
    done(null);
  });
}

/** What the router itself refuses. */
function answerFrameworkError(error: FastifyError, reply: FastifyReply): void {
  void reply
    .code(error.statusCode ?? 400)
    .type("text/plain")
    .send(`Weir: ${error.message}\n`);
}

function dialectPrefix(dialect: Dialect): string {
  return `/@${dialect.name}`;
}

/** Every target is rewritten, so that no client can name an internal prefix itself. */
function internalUrl(raw: IncomingMessage, dialects: readonly Dialect[]): string {
  const head = requestHeadOf(raw);
  if (ownPaths.has(head.path)) return ownPrefix + head.target;
  const dialect = dialects.find((candidate) => candidate.matches(head));
  return dialect === undefined ? "/@none" : dialectPrefix(dialect) + routable(head);
}

/** The router refuses a path that it cannot decode; the dialect is to do so, in its own error body. */
function routable({ path, target }: RequestHead): string {
  try {
    decodeURIComponent(path);
    return target;
  } catch {
    return path.replaceAll("%", "%25") + target.slice(path.length);
  }
}

function ownRoutes({ health, metrics }: GatewayOptions) {
  return async (server: FastifyInstance): Promise<void> => {
    server.get("/metrics", (_request, reply) => {
      void reply.type("text/plain; version=0.0.4; charset=utf-8").send(metrics.render());
    });
    server.get("/healthz", (_request, reply) => {
      void reply.type("text/plain").send("ok\n");
    });
    server.get("/readyz", (_request, reply) => {
      const state = health?.ready() ?? { ready: true, checks: {} };
      void reply.code(state.ready ? 200 : 503).send(state);
    });
  };
}

function limitConnections(server: FastifyInstance, connectionsMax: number, metrics: Metrics): void {
  const refused = metrics.counter(
    "weir_http_connections_refused_total",
    "Connections closed at accept because too many were open",
  );
  server.server.maxConnections = connectionsMax;
  server.server.on("drop", () => refused.add());
}

function observeRequests(server: FastifyInstance, { dialects, logger, metrics }: GatewayOptions): void {
  const requests = metrics.counter(
    "weir_http_requests_total",
    "HTTP requests answered, by dialect and status",
  );
  const seconds = metrics.counter("weir_http_request_seconds_total", "Time spent answering HTTP requests");
  const names = new Map(dialects.map((dialect) => [dialectPrefix(dialect), dialect.name]));
  const dialectOf = (request: FastifyRequest): string => {
    const url = request.raw.url ?? "";
    return names.get(url.slice(0, prefixEnd(url))) ?? "gateway";
  };
  server.addHook("onResponse", (request, reply, done) => {
    const dialect = dialectOf(request);
    requests.add(1, { dialect, status: `${reply.statusCode}` });
    seconds.add(reply.elapsedTime / 1000, { dialect });
    if (reply.statusCode >= 500) {
      logger.warn(
        { dialect, method: request.method, status: reply.statusCode },
        "request answered with a server error",
      );
    }
    done();
  });
}

function prefixEnd(url: string): number {
  for (let index = 1; index < url.length; index++) {
    const character = url.charCodeAt(index);
    if (character === 0x2f || character === 0x3f) return index;
  }
  return url.length;
}

const clientErrorStatus: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
};

/** Answers what is not HTTP, too large or too slow: one line, then the connection is closed. */
function answerClientError(error: Error & { code?: string }, socket: Socket, clientErrors: Counter): void {
  clientErrors.add(1, { code: error.code ?? "unknown" });
  if (error.code === "ECONNRESET" || socket.destroyed) return;
  const status = clientErrorStatus[error.code ?? ""] ?? "400 Bad Request";
  if (socket.writable) socket.write(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  socket.destroySoon();
}

/** Answers the requests under way; a client that keeps one open past the grace time is cut off. */
async function stop(server: FastifyInstance, front: TlsFront | undefined): Promise<void> {
  front?.closeSilent();
  const impatience = setTimeout(() => {
    server.server.closeAllConnections();
    front?.closeTls();
  }, stopGraceMs);
  await server.close();
  clearTimeout(impatience);
}

async function listen(
  server: FastifyInstance,
  address: ListenAddress,
  scheme: "http" | "https",
): Promise<Result<{ readonly address: string }>> {
  try {
    if ("socketPath" in address) {
      if (!(await removeStaleSocket(address.socketPath))) return portInUse(address.socketPath);
      await server.listen({ path: address.socketPath });
      chmodSync(address.socketPath, 0o600);
      return ok({ address: `unix:${address.socketPath}` });
    }
    await server.listen({ host: address.host, port: address.port });
    const bound = server.server.address() as AddressInfo;
    const host = address.host.includes(":") ? `[${address.host}]` : address.host;
    return ok({ address: `${scheme}://${host}:${bound.port}` });
  } catch (error) {
    return listenFault(error, address);
  }
}

/** A socket file that nobody answers on was left by a killed Weir. False when somebody answers. */
async function removeStaleSocket(path: string): Promise<boolean> {
  const alive = await new Promise<boolean>((resolve) => {
    const probe = connect(path);
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", () => resolve(false));
  });
  if (!alive) rmSync(path, { force: true });
  return !alive;
}

function listenFault(error: unknown, address: ListenAddress): Result<never> {
  const name = "socketPath" in address ? address.socketPath : `${address.host}:${address.port}`;
  const code = error instanceof Error && "code" in error ? error.code : "";
  if (code === "EADDRINUSE") return portInUse(name);
  if (code === "EACCES" || code === "EPERM") {
    return fail("PrivilegeMissing", `this user may not listen on ${name}`, {
      field: "listen",
      value: name,
      remedy: "choose a port above 1023 with --listen HOST:PORT",
      cause: error,
    });
  }
  return fail("ConfigInvalid", `cannot listen on ${name}: ${toFault(error).message}`, {
    field: "listen",
    value: name,
    allowed: "an address of this host and a port from 0 to 65535",
    cause: error,
  });
}

function portInUse(name: string): Result<never> {
  return fail("PortInUse", `another program listens on ${name}`, {
    field: "listen",
    value: name,
    remedy: "stop it, or choose another address with --listen HOST:PORT; port 0 takes any that is free",
  });
}

/**
 * http and https on one port: the first byte of a connection tells which it is.
 *
 * A TLS connection begins with a handshake record, whose type is 22 (RFC 8446 section 5.1), and no HTTP
 * request does. The HTTP server is one for both, with its limits, timeouts and its list of connections.
 */
import type { Server } from "node:http";
import type { Socket } from "node:net";
import {
  createSecureContext,
  createServer,
  type SecureContext,
  type Server as TlsServer,
  type TLSSocket,
} from "node:tls";

import { type Result, toFault } from "../base/mod.ts";
import type { Counter, Logger } from "../observe/mod.ts";

export interface CertificateSource {
  /** The certificate for a client that asks for `host`; the same object as long as it is the same. */
  certificateFor(
    host: string | undefined,
  ): Promise<Result<{ readonly certificate: string; readonly key: string }>>;
}

export interface TlsOptions {
  readonly certificates: CertificateSource;
  /** Whether http is served beside https. */
  readonly plainHttp: boolean;
}

interface Dependencies {
  readonly logger: Logger;
  /** Counts connections that came to no request. */
  readonly clientErrors: Counter;
  /** From the connection to the end of the TLS handshake. */
  readonly handshakeTimeoutMs: number;
}

export interface TlsFront {
  /** Closes the connections that said nothing yet. */
  closeSilent(): void;
  /** Closes every TLS connection, whatever is under way on it. */
  closeTls(): void;
}

const handshakeRecord = 22;
const refusalText = "Weir: this port speaks https alone.\n";
const refusal = [
  "HTTP/1.1 400 Bad Request",
  "Connection: close",
  "Content-Type: text/plain",
  `Content-Length: ${refusalText.length}`,
  "",
  refusalText,
].join("\r\n");

/** Puts itself between the server's port and its HTTP parser. */
export function installTlsFront(server: Server, options: TlsOptions, dependencies: Dependencies): TlsFront {
  const serveHttp = takeListeners(server);
  const { logger, clientErrors, handshakeTimeoutMs } = dependencies;
  const contexts = createContexts(options.certificates);
  const silent = new Set<Socket>();
  // The HTTP server knows a TLS connection once its handshake is over, and not before.
  const encrypted = new Set<Socket>();
  const tls = createServer({
    ALPNProtocols: ["http/1.1"],
    minVersion: "TLSv1.2",
    handshakeTimeout: handshakeTimeoutMs,
    SNICallback: (host, done) => {
      contexts.find(host).then((context) => done(null, context), done);
    },
  });
  tls.on("secureConnection", (socket) => serveHttp(socket));
  tls.on("tlsClientError", (error: NodeJS.ErrnoException, socket) => {
    clientErrors.add(1, { code: error.code ?? "unknown" });
    socket.destroy();
  });
  const decide = async (socket: Socket, first: number | undefined): Promise<void> => {
    if (first !== handshakeRecord) {
      if (options.plainHttp) serveHttp(socket);
      else {
        socket.write(refusal);
        socket.destroySoon();
      }
      return;
    }
    // As an https server's sockets are: a client that ends within its handshake has gone.
    socket.allowHalfOpen = false;
    encrypted.add(socket);
    socket.once("close", () => encrypted.delete(socket));
    if (await contexts.prepare(tls)) tls.emit("connection", socket);
    else socket.destroy();
  };
  server.on("connection", (socket: Socket) => {
    silent.add(socket);
    const timer = setTimeout(() => socket.destroy(), handshakeTimeoutMs);
    socket.on("error", ignoreBreak);
    socket.once("close", () => {
      clearTimeout(timer);
      silent.delete(socket);
    });
    socket.once("data", (bytes: Buffer) => {
      clearTimeout(timer);
      silent.delete(socket);
      socket.pause();
      socket.unshift(bytes);
      decide(socket, bytes[0])
        .catch((error: unknown) => {
          logger.error({ error: toFault(error).message }, "a connection could not be served");
          socket.destroy();
        })
        .finally(() => process.nextTick(() => socket.resume()));
    });
  });
  return { closeSilent: () => destroyAll(silent), closeTls: () => destroyAll(encrypted) };
}

/** A connection that breaks before it said anything is nobody's error; afterwards its protocol sees to it. */
function ignoreBreak(): void {}

function destroyAll(sockets: ReadonlySet<Socket>): void {
  for (const socket of sockets) socket.destroy();
}

/** What the HTTP server itself does with a connection. */
function takeListeners(server: Server): (socket: Socket | TLSSocket) => void {
  const listeners = server.listeners("connection");
  server.removeAllListeners("connection");
  return (socket) => {
    for (const listener of listeners) listener.call(server, socket);
  };
}

interface Contexts {
  /** The context for a host; undefined where there is no certificate, so that the handshake fails. */
  find(host: string | undefined): Promise<SecureContext | undefined>;
  /** Gives the server the certificate for clients that name no host; false if there is none. */
  prepare(server: TlsServer): Promise<boolean>;
}

/** A secure context costs a millisecond: one is kept for each certificate. */
function createContexts(certificates: CertificateSource): Contexts {
  const made = new WeakMap<object, SecureContext>();
  let current: object | undefined;
  return {
    find: async (host) => {
      const found = await certificates.certificateFor(host);
      if (!found.ok) return undefined;
      const { certificate, key } = found.value;
      const known = made.get(found.value) ?? createSecureContext({ cert: certificate, key });
      made.set(found.value, known);
      return known;
    },
    prepare: async (server) => {
      const found = await certificates.certificateFor(undefined);
      if (!found.ok) return false;
      if (current !== found.value) {
        server.setSecureContext({ cert: found.value.certificate, key: found.value.key });
        current = found.value;
      }
      return true;
    },
  };
}

import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request as requestHttps } from "node:https";
import { connect as connectTcp, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { promisify } from "node:util";

import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { fail, ok, unwrap } from "../../src/base/mod.ts";
import { type CertificateSource, createGateway, type Dialect, type Gateway } from "../../src/gateway/mod.ts";
import { networkConditions } from "../../src/gateway/auth/mod.ts";
import { createMetrics, type Metrics, silentLogger } from "../../src/observe/mod.ts";
import { issueAuthority, issueServer, newKey } from "../../src/tls/issue.ts";
import type { ServerCertificate } from "../../src/tls/server-certificate.ts";
import { requirePeer } from "../support/peers.ts";

const run = promisify(execFile);
const directory = mkdtempSync(join(tmpdir(), "weir-front-"));
const ca = join(directory, "ca.pem");
let authority: ServerCertificate;
let certificate: ServerCertificate;

const validity = { nowMs: Date.now(), days: 10 };
const names = ["localhost", "*.weir.test", "127.0.0.1"];

beforeAll(async () => {
  authority = await issueAuthority("test", validity);
  certificate = await issueServer(authority, { key: newKey(), names }, validity);
  writeFileSync(ca, authority.certificate);
});
afterAll(() => rmSync(directory, { recursive: true }));

/** Answers what it knows of the connection and the body. */
const echo: Dialect = {
  name: "echo",
  matches: () => true,
  plugin: async (server) => {
    server.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
    server.all("/*", async ({ raw, body, headers }) => ({
      ...networkConditions(raw),
      host: headers.host,
      octets: Buffer.isBuffer(body) ? body.length : 0,
    }));
  },
};

let gateway: Gateway | undefined;
let metrics: Metrics;
afterEach(() => gateway?.stop());

async function start(
  options: { plainHttp?: boolean; certificates?: CertificateSource; limits?: object } = {},
): Promise<number> {
  metrics = createMetrics();
  const {
    plainHttp = true,
    certificates = { certificateFor: async () => ok(certificate) },
    limits = {},
  } = options;
  gateway = createGateway({
    listen: { host: "127.0.0.1", port: 0 },
    dialects: [echo],
    tls: { certificates, plainHttp },
    limits,
    logger: silentLogger,
    metrics,
  });
  const { address } = unwrap(await gateway.start());
  expect(address.startsWith(plainHttp ? "http://" : "https://")).toBe(true);
  return Number(new URL(address).port);
}

async function open(port: number): Promise<Socket> {
  const socket = connectTcp(port, "127.0.0.1");
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

async function textOf(socket: Socket): Promise<string> {
  let text = "";
  socket.setEncoding("latin1").on("data", (part: string) => (text += part));
  await once(socket, "close");
  return text;
}

function getOverTls(port: number, path: string, body?: Buffer): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const options = {
      port,
      host: "127.0.0.1",
      ca: authority.certificate,
      agent: false,
      path,
      method: "POST",
    };
    const call = requestHttps(options, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => (text += part));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: text }));
    });
    call.on("error", reject);
    call.end(body);
  });
}

describe("one port for http and https", () => {
  it.skipIf(!requirePeer("curl"))("serves both to curl, which trusts the authority", async () => {
    const port = await start();
    const curl = async (...args: string[]) =>
      JSON.parse((await run("curl", ["-sS", ...args])).stdout) as object;
    expect(await curl(`http://127.0.0.1:${port}/`)).toMatchObject({
      "acs:SecureTransport": "false",
      "acs:SourceIp": "127.0.0.1",
    });
    expect(await curl("--cacert", ca, `https://127.0.0.1:${port}/`)).toMatchObject({
      "acs:SecureTransport": "true",
      "acs:SourceIp": "127.0.0.1",
    });
    const resolve = ["--resolve", `flows.weir.test:${port}:127.0.0.1`];
    const url = `https://flows.weir.test:${port}/`;
    expect(await curl("--cacert", ca, ...resolve, url)).toMatchObject({ host: `flows.weir.test:${port}` });
    await expect(curl(...resolve, url)).rejects.toThrow(/certificate/u);
    await expect(
      curl("--cacert", ca, "--resolve", `example.com:${port}:127.0.0.1`, `https://example.com:${port}/`),
    ).rejects.toThrow(/example\.com/u);
  });

  it.skipIf(!requirePeer("openssl"))("speaks TLS 1.2 and 1.3, and nothing older", async () => {
    const port = await start();
    const handshake = (version: string) =>
      run(
        "openssl",
        ["s_client", "-connect", `127.0.0.1:${port}`, version, "-CAfile", ca, "-verify_return_error"],
        {
          timeout: 20_000,
        },
      );
    for (const version of ["-tls1_2", "-tls1_3"]) {
      const call = handshake(version);
      call.child.stdin?.end();
      expect((await call).stdout).toContain("Verify return code: 0 (ok)");
    }
    const old = handshake("-tls1_1");
    old.child.stdin?.end();
    await expect(old).rejects.toThrow();
  });

  it("carries bodies of any size, and many requests on one connection", async () => {
    const port = await start();
    const { status, body } = await getOverTls(port, "/", Buffer.alloc(1_500_000, 7));
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({ octets: 1_500_000 });
    const socket = connectTls({ port, host: "127.0.0.1", ca: authority.certificate });
    await once(socket, "secureConnect");
    const requests = 20;
    socket.write("GET /a HTTP/1.1\r\nHost: x\r\n\r\n".repeat(requests));
    let text = "";
    socket.setEncoding("latin1").on("data", (part: string) => (text += part));
    await expect.poll(() => text.split("HTTP/1.1 200").length - 1, { timeout: 20_000 }).toBe(requests);
    socket.destroy();
  });

  it("reads requests that come octet by octet", async () => {
    const port = await start();
    const socket = await open(port);
    const answer = textOf(socket);
    for (const character of "GET / HTTP/1.1\r\nHost: slow\r\nConnection: close\r\n\r\n") {
      socket.write(character);
      await new Promise((resume) => setTimeout(resume, 1));
    }
    expect(await answer).toContain('"host":"slow"');
  });

  it("counts handshakes that come to nothing, and serves on", async () => {
    const port = await start();
    for (const bytes of [
      Buffer.from([22]),
      Buffer.from([22, 3, 1, 0, 5, 1, 2, 3, 4, 5]),
      Buffer.alloc(5000, 22),
    ]) {
      const socket = await open(port);
      const closed = once(socket, "close");
      socket.end(bytes);
      socket.resume();
      await closed;
    }
    expect(metrics.render()).toMatch(/weir_http_client_errors_total\{code="[A-Z_]+"\} [1-9]/u);
    expect((await getOverTls(port, "/")).status).toBe(200);
  });

  it("closes connections that say nothing, and handshakes that do not go on", async () => {
    const port = await start({ limits: { headersTimeoutMs: 300 } });
    const [silent, stuck] = [await open(port), await open(port)];
    stuck.write(Buffer.from([22, 3, 1, 2, 0]));
    for (const socket of [silent, stuck]) socket.resume();
    const startedMs = performance.now();
    await Promise.all([once(silent, "close"), once(stuck, "close")]);
    expect(performance.now() - startedMs).toBeLessThan(20_000);
  });

  it("stops within seconds although clients are silent or in the middle of a handshake", async () => {
    const port = await start();
    const [silent, stuck] = [await open(port), await open(port)];
    stuck.write(Buffer.from([22, 3, 1, 2, 0]));
    for (const socket of [silent, stuck]) socket.resume();
    await new Promise((resume) => setTimeout(resume, 100));
    const startedMs = performance.now();
    await gateway!.stop();
    expect(performance.now() - startedMs).toBeLessThan(20_000);
  });

  it("shows new clients a certificate that was exchanged meanwhile", async () => {
    let current = certificate;
    const port = await start({ certificates: { certificateFor: async () => ok(current) } });
    const serial = async (): Promise<string> => {
      const socket = connectTls({ port, host: "127.0.0.1", ca: authority.certificate });
      await once(socket, "secureConnect");
      const { serialNumber } = socket.getPeerCertificate();
      socket.destroy();
      return serialNumber;
    };
    const before = await serial();
    expect(await serial()).toBe(before);
    current = await issueServer(authority, { key: newKey(), names }, validity);
    expect(await serial()).not.toBe(before);
  });

  it("goes on with http where there is no certificate to be had", async () => {
    const port = await start({ certificates: { certificateFor: async () => fail("DiskFull", "no room") } });
    await expect(getOverTls(port, "/")).rejects.toThrow();
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).json()).toMatchObject({
      "acs:SecureTransport": "false",
    });
  });

  it("says so to http where https alone is served", async () => {
    const port = await start({ plainHttp: false });
    const socket = await open(port);
    const answer = textOf(socket);
    socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    const text = await answer;
    expect(text).toContain("400 Bad Request");
    const [head = "", body = ""] = text.split("\r\n\r\n");
    expect(head).toContain(`Content-Length: ${body.length}`);
    expect(body).toContain("https alone");
    expect((await getOverTls(port, "/")).status).toBe(200);
  });
});

import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { afterEach, describe, expect, it, vi } from "vitest";

import { createGateway, requestHeadOf, type Dialect, type Gateway } from "../../src/gateway/mod.ts";
import { createMetrics, silentLogger } from "../../src/observe/mod.ts";
import { scratchFolder } from "../support/scratch.ts";

const echo = (name: string, matches: Dialect["matches"]): Dialect => ({
  name,
  matches,
  plugin: async (server) => {
    server.removeAllContentTypeParsers();
    server.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
    server.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
      void reply.code(error.statusCode ?? 500).send({ dialect: name, error: error.message });
    });
    server.all("/*", async (request) => {
      const { target, host } = requestHeadOf(request.raw);
      const body = request.body instanceof Buffer ? request.body.length : 0;
      return { dialect: name, target, host, body };
    });
  },
});

const running: Gateway[] = [];
const directory = scratchFolder("gateway");
afterEach(async () => {
  await Promise.all(running.splice(0).map((gateway) => gateway.stop()));
});

function gatewayOf(options: Partial<Parameters<typeof createGateway>[0]> = {}): Gateway {
  const gateway = createGateway({
    listen: { host: "127.0.0.1", port: 0 },
    dialects: [
      echo("first", (head) => head.path.startsWith("/first")),
      echo("second", (head) => head.host === "second.test"),
    ],
    limits: { bodyBytesMax: 1000, connectionsMax: 20 },
    logger: silentLogger,
    metrics: createMetrics(),
    ...options,
  });
  running.push(gateway);
  return gateway;
}

async function started(gateway: Gateway): Promise<number> {
  const result = await gateway.start();
  if (!result.ok) throw new Error(result.fault.message);
  return Number(new URL(result.value.address).port);
}

/** Sends bytes as they are and reads until the server closes. */
function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(text));
    let answer = "";
    socket.on("data", (bytes) => (answer += bytes.toString("latin1")));
    socket.on("close", () => resolve(answer));
    socket.on("error", reject);
  });
}

describe("the gateway", () => {
  it("gives a request to the first dialect that matches its head", async () => {
    const gateway = gatewayOf();
    expect((await gateway.inject({ url: "/first/a?b=1" })).json()).toMatchObject({
      dialect: "first",
      target: "/first/a?b=1",
    });
    expect((await gateway.inject({ url: "/x", headers: { host: "SECOND.test" } })).json()).toMatchObject({
      dialect: "second",
    });
  });

  it("answers what no dialect matches with a plain 404", async () => {
    const answer = await gatewayOf().inject({ url: "/nothing?secret=1" });
    expect(answer.statusCode).toBe(404);
    expect(answer.headers["content-type"]).toContain("text/plain");
    expect(answer.body).toContain("GET /nothing");
    expect(answer.body).not.toContain("secret");
  });

  it("lets no client name an internal prefix", async () => {
    for (const url of ["/@first/first/a", "/@gateway/metrics", "/@none"]) {
      expect((await gatewayOf().inject({ url })).statusCode).toBe(404);
    }
  });

  it.each(["application/json", "text/plain", "x/y", ""])(
    "parses no %s that no dialect asked for",
    async (type) => {
      const headers = type === "" ? {} : { "content-type": type };
      for (const url of ["/nowhere", "/metrics"]) {
        const answer = await gatewayOf().inject({ method: "POST", url, headers, payload: '{"a":[' });
        expect(answer.statusCode).toBe(404);
      }
    },
  );

  it("reads a body that no dialect asked for to its end and keeps nothing of it", async () => {
    const port = await started(gatewayOf());
    const body = "x".repeat(5000);
    const post = `POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const answers = await raw(port, `${post}GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    expect(answers.match(/HTTP\/1\.1 \d+/gu)).toEqual(["HTTP/1.1 404", "HTTP/1.1 200"]);
  });

  it("accepts absolute-form targets, whose authority outranks the Host header", async () => {
    const port = await started(gatewayOf());
    const answer = await raw(
      port,
      "GET http://second.test/y?z HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n",
    );
    expect(answer).toContain('"dialect":"second","target":"/y?z","host":"second.test"');
    const bare = await raw(
      port,
      "GET http://second.test HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n",
    );
    expect(bare).toContain('"target":"/"');
    const query = await raw(
      port,
      "GET http://second.test?a=b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    );
    expect(query).toContain('"target":"/?a=b"');
  });

  it("hands a path with a broken escape to its dialect like any other", async () => {
    const port = await started(gatewayOf());
    const answer = await raw(port, "GET /first/%zz?%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    expect(answer).toContain('"target":"/first/%zz?%zz"');
  });

  it("serves metrics, liveness and readiness itself", async () => {
    let ready = false;
    const gateway = gatewayOf({
      health: { ready: () => ({ ready, checks: { store: ready ? "ok" : "starting" } }) },
    });
    expect((await gateway.inject({ url: "/healthz" })).statusCode).toBe(200);
    const waiting = await gateway.inject({ url: "/readyz" });
    expect([waiting.statusCode, waiting.json()]).toEqual([
      503,
      { ready: false, checks: { store: "starting" } },
    ]);
    ready = true;
    expect((await gateway.inject({ url: "/readyz" })).statusCode).toBe(200);
    await gateway.inject({ url: "/first/a" });
    const metrics = (await gateway.inject({ url: "/metrics" })).body;
    expect(metrics).toContain('weir_http_requests_total{dialect="first",status="200"} 1');
  });

  it("lets each dialect word its own refusals", async () => {
    const answer = await gatewayOf().inject({ method: "POST", url: "/first/a", payload: "x".repeat(1001) });
    expect([answer.statusCode, answer.json()]).toEqual([
      413,
      { dialect: "first", error: expect.any(String) },
    ]);
  });

  it("refuses a body past the limit that comes in chunks", async () => {
    const port = await started(gatewayOf());
    const status = await new Promise<number>((resolve, reject) => {
      const request = httpRequest({ port, path: "/first/a", method: "POST" }, (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      });
      request.on("error", reject);
      for (let chunk = 0; chunk < 20; chunk++) request.write("x".repeat(100));
      request.end();
    });
    expect(status).toBe(413);
  });

  it("closes connections that are too slow, speak no HTTP or send too much head", async () => {
    const hasty = await started(gatewayOf({ limits: { headersTimeoutMs: 300, requestTimeoutMs: 300 } }));
    expect(await raw(hasty, "GET / HTTP/1.1\r\nHost: x\r\n")).toMatch(/^HTTP\/1\.1 408/u);
    const port = await started(gatewayOf({ limits: { headerBytesMax: 4096 } }));
    expect(await raw(port, "\u0016\u0003\u0001 this is TLS")).toMatch(/^HTTP\/1\.1 400/u);
    const large = `GET / HTTP/1.1\r\nHost: x\r\nX: ${"y".repeat(8000)}\r\n\r\n`;
    expect(await raw(port, large)).toMatch(/^HTTP\/1\.1 431/u);
  });

  it("keeps no more connections than it may, and counts those it refuses", async () => {
    const metrics = createMetrics();
    const port = await started(gatewayOf({ metrics, limits: { connectionsMax: 3 } }));
    const sockets = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const socket = connect(port, "127.0.0.1");
        socket.on("error", () => undefined);
        await once(socket, "connect");
        return socket;
      }),
    );
    const isOpen = (socket: Socket): boolean => !socket.readableEnded && !socket.destroyed;
    await vi.waitFor(() => expect(sockets.filter(isOpen)).toHaveLength(3), { timeout: 20_000 });
    expect(metrics.value("weir_http_connections_refused_total")).toBe(5);
    for (const socket of sockets) socket.destroy();
  });

  it("stops within seconds although a client never ends its request", async () => {
    const gateway = gatewayOf({ limits: { requestTimeoutMs: 60_000, headersTimeoutMs: 60_000 } });
    const port = await started(gateway);
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write("POST /first/a HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf");
    await sleep(200);
    const startMs = performance.now();
    await gateway.stop();
    expect(performance.now() - startMs).toBeLessThan(20_000);
  });

  it("says who is in the way when the port is taken", async () => {
    const blocker = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => blocker.once("listening", resolve));
    const { port } = blocker.address() as AddressInfo;
    const result = await gatewayOf({ listen: { host: "127.0.0.1", port } }).start();
    expect(result).toMatchObject({ ok: false, fault: { code: "PortInUse", value: `127.0.0.1:${port}` } });
    blocker.close();
  });

  it("says what is wrong with an address that this host has not", async () => {
    const result = await gatewayOf({ listen: { host: "192.0.2.1", port: 0 } }).start();
    expect(result).toMatchObject({ ok: false, fault: { code: "ConfigInvalid", field: "listen" } });
  });

  it("listens on a Unix socket of mode 0600, replaces a stale one and yields to a live one", async () => {
    const socketPath = join(directory, "weir.sock");
    const first = gatewayOf({ listen: { socketPath } });
    expect(await first.start()).toMatchObject({ ok: true, value: { address: `unix:${socketPath}` } });
    expect(statSync(socketPath).mode & 0o777).toBe(0o600);
    const second = await gatewayOf({ listen: { socketPath } }).start();
    expect(second).toMatchObject({ ok: false, fault: { code: "PortInUse" } });
    await first.stop();
    const script = `require("net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))`;
    spawnSync(process.execPath, ["-e", script, socketPath]);
    expect(existsSync(socketPath)).toBe(true);
    expect((await gatewayOf({ listen: { socketPath } }).start()).ok).toBe(true);
  });
});

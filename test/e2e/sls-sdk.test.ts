import { execFile } from "node:child_process";
import dns from "node:dns";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { parseAddress, unwrap } from "../../src/base/mod.ts";
import { requireRoot } from "../support/peers.ts";
import { type FlowStore, openFlowStore, type StoredFlow } from "../query/flow-store.ts";
import {
  accessKeyId,
  accessKeySecret,
  accountId,
  type Call,
  createSlsServer,
  type RawCall,
  regionId,
  signV1,
  type SlsServer,
} from "../gateway/dialect/sls/server.ts";

/*
 * Alibaba's own SDKs for JavaScript, unmodified, against a listening server. They dial
 * `<project>.<endpoint>`; the names are resolved as docs/how-to/read-with-alicloud-log.md tells.
 */

const require = createRequire(import.meta.url);
const startS = 1_700_000_000;
const flowCount = 250;

const { lookup } = dns;
let flowStore: FlowStore;
let server: SlsServer;
let endpoint: string;

function flowNumber(index: number): StoredFlow {
  const address = (text: string): Uint8Array => unwrap(parseAddress(text));
  return {
    fields: {
      startUs: startS * 1e6,
      endUs: (startS + ((index * 37) % 600)) * 1e6,
      sourceAddress: address(index % 2 === 0 ? `10.0.0.${index}` : `2001:db8::${index.toString(16)}`),
      destinationAddress: address("10.0.1.1"),
      sourcePort: 1024 + index,
      destinationPort: index % 5 === 0 ? 443 : 53,
      protocol: index % 5 === 0 ? 6 : 17,
      packets: index + 1,
      octets: (index + 1) * 100,
    },
    resourceId: "sag-1",
    resourceSerial: "SN-1",
    accountId,
    agentId: "host-a",
  };
}

beforeAll(async () => {
  dns.lookup = ((name: string, ...rest: unknown[]) =>
    (lookup as (...all: unknown[]) => void)(
      name.endsWith(".localhost") ? "localhost" : name,
      ...rest,
    )) as typeof dns.lookup;
  flowStore = await openFlowStore();
  server = createSlsServer(flowStore.store);
  const { address } = unwrap(await server.gateway.start());
  endpoint = `localhost:${new URL(address).port}`;
  // What the pages read from, which nothing has written to.
  unwrap(server.logProjects.ensure({ accountId, regionId, project: "traffic", logstore: "flows" }));
  const logstore = unwrap(
    server.logProjects.ensure({ accountId, regionId, project: "flows", logstore: "records" }),
  );
  await flowStore.append(
    logstore.id,
    Array.from({ length: flowCount }, (_, index) => flowNumber(index)),
  );
});

afterAll(async () => {
  dns.lookup = lookup;
  await server.gateway.stop();
  await flowStore.close();
});

/** How many of the flows each search finds, counted here. */
const searches: [string, number][] = [
  ["", 250],
  ["*", 250],
  ["dstport: 443", 50],
  ["srcaddr: 10.0.0.* not protocol: 17", 25],
  ["srcaddr: 10.0.0.4", 1],
  ["srcaddr: 2001:db8::3 or srcaddr: 10.0.0.4", 2],
  ["bytes in [100 1000]", 10],
  ['"tcp-flags": 0 and packets > 200', 50],
  ["dstport: 80", 0],
];

type Records = Record<string, string>[];

interface LogClient {
  createProject(project: string, data: { description: string }): Promise<unknown>;
  getProject(project: string): Promise<Record<string, unknown>>;
  deleteProject(project: string): Promise<unknown>;
  createLogStore(project: string, logstore: string, data: object): Promise<unknown>;
  getLogStore(project: string, logstore: string): Promise<Record<string, unknown>>;
  listLogStore(project: string, data?: object): Promise<Record<string, unknown>>;
  updateLogStore(project: string, logstore: string, data: object): Promise<unknown>;
  deleteLogStore(project: string, logstore: string): Promise<unknown>;
  getIndexConfig(project: string, logstore: string): Promise<{ keys: Record<string, object> }>;
  getLogs(project: string, logstore: string, from: Date, to: Date, data?: object): Promise<Records>;
  getHistograms(
    project: string,
    logstore: string,
    from: Date,
    to: Date,
    data?: object,
  ): Promise<{ from: number; to: number; count: number; progress: string }[]>;
  postLogStoreLogs(project: string, logstore: string, data: object): Promise<unknown>;
}

describe("@alicloud/log", () => {
  const from = new Date(startS * 1000);
  const to = new Date((startS + 600) * 1000);

  function client(secret = accessKeySecret): LogClient {
    const Client = require("@alicloud/log") as new (config: object) => LogClient;
    return new Client({ accessKeyId, accessKeySecret: secret, endpoint: `http://${endpoint}` });
  }

  it("makes, shows, changes and deletes a project and a logstore", async () => {
    const log = client();
    await log.createProject("made-by-sdk", { description: "first" });
    expect(await log.getProject("made-by-sdk")).toMatchObject({
      projectName: "made-by-sdk",
      region: regionId,
    });
    await log.createLogStore("made-by-sdk", "records", { ttl: 7, shardCount: 2 });
    await log.updateLogStore("made-by-sdk", "records", { ttl: 30, shardCount: 2 });
    expect(await log.getLogStore("made-by-sdk", "records")).toMatchObject({ ttl: 30, shardCount: 2 });
    expect(await log.listLogStore("made-by-sdk")).toEqual({ count: 1, total: 1, logstores: ["records"] });
    expect((await log.getIndexConfig("made-by-sdk", "records")).keys["srcaddr"]).toMatchObject({
      type: "text",
    });
    await log.deleteLogStore("made-by-sdk", "records");
    await log.deleteProject("made-by-sdk");
    await expect(log.getProject("made-by-sdk")).rejects.toMatchObject({ code: "ProjectNotExist" });
  });

  it.each(searches)("finds for %j %d records, and the histogram counts as many", async (query, expected) => {
    const log = client();
    const records: Records = [];
    for (let offset = 0; offset <= flowCount; offset += 100) {
      records.push(...(await log.getLogs("flows", "records", from, to, { query, line: 100, offset })));
    }
    expect(records).toHaveLength(expected);
    expect(new Set(records.map((record) => record["srcport"])).size).toBe(expected);
    const histograms = await log.getHistograms("flows", "records", from, to, { query });
    expect(histograms.reduce((sum, { count }) => sum + count, 0)).toBe(expected);
    for (const { from: first, to: last, count } of histograms) {
      const inside = records.filter(({ __time__: time }) => Number(time) >= first && Number(time) < last);
      expect(inside).toHaveLength(count);
    }
  });

  it("reads newest first where it asks so", async () => {
    const log = client();
    const query = { query: "protocol: 6", line: 100 };
    const forward = await log.getLogs("flows", "records", from, to, { ...query, reverse: false });
    const backward = await log.getLogs("flows", "records", from, to, { ...query, reverse: true });
    expect(backward).toEqual(forward.toReversed());
    expect(forward.map((record) => Number(record["__time__"]))).toEqual(
      forward.map((record) => Number(record["__time__"])).toSorted((a, b) => a - b),
    );
  });

  it("understands what it is refused", async () => {
    const log = client();
    const read = async (data: object): Promise<Records> => log.getLogs("flows", "records", from, to, data);
    await expect(read({ query: "a and (" })).rejects.toMatchObject({ code: "ParameterInvalid" });
    await expect(read({ query: "* | select count(1)" })).rejects.toMatchObject({
      code: "ParameterInvalid",
      message: expect.stringContaining("SQL") as unknown,
    });
    await expect(read({ line: -1 })).rejects.toMatchObject({ code: "InvalidLine" });
    await expect(log.getLogs("flows", "records", to, from)).rejects.toMatchObject({
      code: "InvalidTimeRange",
    });
    await expect(log.getLogStore("flows", "none")).rejects.toMatchObject({ code: "LogStoreNotExist" });
    await expect(client("wrong").getProject("flows")).rejects.toMatchObject({
      code: "SignatureNotMatch",
      requestid: expect.stringMatching(/^[0-9A-F]{24}$/u) as unknown,
    });
    const logs = [{ timestamp: startS, content: { key: "value" } }];
    await expect(log.postLogStoreLogs("flows", "records", { logs })).rejects.toMatchObject({
      code: "NotSupported",
    });
  });
});

interface SlsClient {
  createProject(request: object): Promise<{ statusCode: number }>;
  getProject(project: string): Promise<{ body: Record<string, unknown> }>;
  listProject(request: object): Promise<{ body: Record<string, unknown> }>;
  updateProject(project: string, request: object): Promise<{ statusCode: number }>;
  deleteProject(project: string, request: object): Promise<{ statusCode: number }>;
  createLogStore(project: string, request: object): Promise<{ statusCode: number }>;
  getLogStore(project: string, logstore: string): Promise<{ body: Record<string, unknown> }>;
  listLogStores(project: string, request: object): Promise<{ body: Record<string, unknown> }>;
  updateLogStore(project: string, logstore: string, request: object): Promise<{ statusCode: number }>;
  deleteLogStore(project: string, logstore: string): Promise<{ statusCode: number }>;
  getIndex(project: string, logstore: string): Promise<{ body: { keys: Record<string, object> } }>;
  listShards(project: string, logstore: string): Promise<{ body: object[] }>;
  getLogs(project: string, logstore: string, request: object): Promise<{ body: Records }>;
  getLogsV2(
    project: string,
    logstore: string,
    request: object,
    headers?: object,
  ): Promise<{ body: { meta: Record<string, unknown>; data: Records } }>;
  getHistograms(project: string, logstore: string, request: object): Promise<{ body: { count: number }[] }>;
}

describe.each(["v1", "v4"])("@alicloud/sls20201230 with signatures %s", (signatureVersion) => {
  const sdk = require("@alicloud/sls20201230") as Record<string, new (fields: object) => object>;
  const range = { from: startS, to: startS + 600 };

  function client(secret = accessKeySecret): SlsClient {
    const { $OpenApiUtil } = require("@alicloud/openapi-core") as {
      $OpenApiUtil: { Config: new (fields: object) => object };
    };
    const Client = sdk["default"] as new (config: object) => SlsClient;
    const config = {
      accessKeyId,
      accessKeySecret: secret,
      endpoint,
      protocol: "http",
      regionId,
      signatureVersion,
    };
    return new Client(new $OpenApiUtil.Config(config));
  }

  function requestOf(name: string, fields: object): object {
    return new sdk[`${name}Request`]!(fields);
  }

  it("makes, shows, changes and deletes a project and a logstore", async () => {
    const sls = client();
    const project = `made-by-${signatureVersion}`;
    await sls.createProject(requestOf("CreateProject", { projectName: project, description: "first" }));
    await sls.updateProject(project, requestOf("UpdateProject", { description: "second" }));
    expect((await sls.getProject(project)).body).toMatchObject({
      projectName: project,
      description: "second",
    });
    const { body } = await sls.listProject(requestOf("ListProject", { projectName: project }));
    expect(body).toMatchObject({ count: 1, total: 1 });
    const settings = { logstoreName: "records", ttl: 7, shardCount: 2 };
    await sls.createLogStore(project, requestOf("CreateLogStore", settings));
    await sls.updateLogStore(project, "records", requestOf("UpdateLogStore", { ...settings, ttl: 30 }));
    expect((await sls.getLogStore(project, "records")).body).toMatchObject({ ttl: 30 });
    expect(
      (await sls.listLogStores(project, requestOf("ListLogStores", { offset: 0, size: 10 }))).body,
    ).toMatchObject({
      logstores: ["records"],
    });
    expect((await sls.getIndex(project, "records")).body.keys["dstport"]).toMatchObject({ type: "long" });
    expect((await sls.listShards(project, "records")).body).toHaveLength(1);
    expect((await sls.deleteLogStore(project, "records")).statusCode).toBe(200);
    expect((await sls.deleteProject(project, requestOf("DeleteProject", {}))).statusCode).toBe(200);
    await expect(sls.getProject(project)).rejects.toMatchObject({ code: "ProjectNotExist" });
  });

  it.each(searches)(
    "finds for %j %d records in either form, and the histogram counts as many",
    async (query, expected) => {
      const sls = client();
      const records: Records = [];
      const posted: Records = [];
      for (let offset = 0; offset <= flowCount; offset += 100) {
        const page = { ...range, query, line: 100, offset };
        records.push(...(await sls.getLogs("flows", "records", requestOf("GetLogs", page))).body);
        const { body } = await sls.getLogsV2("flows", "records", requestOf("GetLogsV2", page));
        expect(body.meta).toMatchObject({ progress: "Complete", count: body.data.length });
        posted.push(...body.data);
      }
      expect(records).toHaveLength(expected);
      expect(posted).toEqual(records);
      const { body } = await sls.getHistograms(
        "flows",
        "records",
        requestOf("GetHistograms", { ...range, query }),
      );
      expect(body.reduce((sum, { count }) => sum + count, 0)).toBe(expected);
    },
  );

  it("understands what it is refused", async () => {
    await expect(client("wrong").getProject("flows")).rejects.toMatchObject({ code: "SignatureNotMatch" });
    const page = requestOf("GetLogsV2", { ...range, query: "nosuch: 1" });
    await expect(client().getLogsV2("flows", "records", page)).rejects.toMatchObject({
      code: "ParameterInvalid",
    });
  });
});

describe("requests as other clients send them", () => {
  function status(call: RawCall, target: string): Promise<number | undefined> {
    const { hostname: host, port } = new URL(`http://${endpoint}`);
    return new Promise((resolve, reject) => {
      const sent = request(
        { host, port, method: call.method, path: target, headers: call.headers },
        (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        },
      );
      sent.on("error", reject);
      sent.end(call.payload);
    });
  }

  const call: Call = { method: "GET", path: "/logstores/records", query: { offset: "" } };

  it("may name the project in an absolute-form target, as through a proxy", async () => {
    const signed = signV1({ ...call, host: "127.0.0.1" });
    expect(await status(signed, `http://flows.sls.example.org${signed.url}`)).toBe(200);
    expect(await status(signed, `http://none.sls.example.org${signed.url}`)).toBe(404);
  });

  it("may name the project in the Host header behind a target that names an address", async () => {
    const signed = signV1({ ...call, host: "flows.127.0.0.1" });
    expect(await status(signed, `http://127.0.0.1:80${signed.url}`)).toBe(200);
  });

  it("may name the project in a header, and be sent in chunks", async () => {
    const headers = { "x-log-project": "flows", "x-log-bodyrawsize": "0", "transfer-encoding": "chunked" };
    const body = { from: startS, to: startS + 600, query: "", line: 1 };
    const signed = signV1({
      method: "POST",
      host: "127.0.0.1",
      path: "/logstores/records/logs",
      headers,
      body,
    });
    expect(await status(signed, signed.url)).toBe(200);
  });
});

describe("the recipes of docs/how-to/read-with-alicloud-log.md", () => {
  const page = readFileSync(
    resolve(import.meta.dirname, "../../docs/how-to/read-with-alicloud-log.md"),
    "utf8",
  );
  const directory = mkdtempSync(join(tmpdir(), "weir-recipe-"));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  /** The code block of the page that begins with a comment naming the file. */
  function save(name: string): string {
    const block = [...page.matchAll(/```\w+\n([^]*?)```/gu)].find(([, code]) =>
      code!.startsWith(`// ${name}`),
    );
    const code = block![1]!
      .replaceAll("localhost:8080", endpoint)
      .replace('require("@alicloud/log")', `require(${JSON.stringify(require.resolve("@alicloud/log"))})`);
    writeFileSync(join(directory, name), code);
    return join(directory, name);
  }

  async function run(command: string, args: readonly string[]): Promise<string> {
    const environment = { WEIR_ACCESS_KEY_ID: accessKeyId, WEIR_ACCESS_KEY_SECRET: accessKeySecret };
    const { stdout } = await promisify(execFile)(command, args, { env: { ...process.env, ...environment } });
    return stdout;
  }

  /** The program prints the records and then the histogram; there are none in its logstore. */
  const answered = /^\[\] \[\s*\{ from: \d+/u;

  it("without root: a module that resolves names under localhost", async () => {
    const names = save("localhost-names.mjs");
    expect(await run(process.execPath, ["--import", names, save("read.cjs")])).toMatch(answered);
  });

  it.skipIf(!requireRoot("mount a hosts file of its own"))("as root: a line in /etc/hosts", async () => {
    const hosts = join(directory, "hosts");
    writeFileSync(hosts, `${readFileSync("/etc/hosts", "utf8")}\n127.0.0.1 traffic.localhost\n`);
    const script = `mount --bind ${hosts} /etc/hosts && exec "$@"`;
    const args = ["--mount", "sh", "-c", script, "sh", process.execPath, save("read.cjs")];
    expect(await run("unshare", args)).toMatch(answered);
  });
});

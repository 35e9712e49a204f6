import { beforeEach, describe, expect, it } from "vitest";

import { fail, ok, unwrap } from "../../../../src/base/mod.ts";
import type { LogReaderStore } from "../../../../src/query/mod.ts";
import { accountId, callSls, createSlsServer, regionId, type SlsServer } from "./server.ts";

const endpoint = "weir.example.com";
let server: SlsServer;

async function codeOf(
  ...call: Parameters<typeof callSls> extends [unknown, infer C] ? [C] : never
): Promise<string> {
  const { status, errorCode } = await callSls(server, ...call);
  return status === 200 ? "200" : `${status} ${errorCode}`;
}

beforeEach(async () => {
  server = createSlsServer();
  unwrap(server.logProjects.ensure({ accountId, regionId, project: "flows", logstore: "records" }));
});

describe("every answer", () => {
  it("has the service's headers", async () => {
    const { headers } = await callSls(server, { method: "GET", path: "/" });
    expect(headers["x-log-requestid"]).toMatch(/^[0-9A-F]{24}$/u);
    expect(headers["x-log-time"]).toMatch(/^\d{10}$/u);
    expect(headers).toMatchObject({ server: "Weir", "access-control-allow-origin": "*" });
  });

  it("is of zero length where there is nothing to say", async () => {
    const { headers, text } = await callSls(server, { method: "PUT", path: "/", body: { description: "x" } });
    expect(text).toBe("");
    expect(headers["content-length"]).toBe("0");
    expect(headers["content-type"]).toBeUndefined();
  });

  it("is counted by operation and error code", async () => {
    await callSls(server, { method: "GET", path: "/logstores/none" });
    const labels = { operation: "GetLogStore", errorCode: "LogStoreNotExist" };
    expect(server.metrics.value("weir_sls_requests_total", labels)).toBe(1);
  });
});

describe("projects", () => {
  it("are made at the endpoint itself and at the project's host", async () => {
    const create = { method: "POST", path: "/" } as const;
    const body = (projectName: string): object => ({ projectName, description: "d" });
    expect(await codeOf({ ...create, host: endpoint, body: body("first") })).toBe("200");
    expect(await codeOf({ ...create, host: `second.${endpoint}`, body: body("second") })).toBe("200");
    expect(await codeOf({ ...create, host: `third.cn-beijing.${endpoint}`, body: body("third") })).toBe(
      "200",
    );
    expect(
      unwrap(server.logProjects.getProject({ accountId, regionId, project: "second" })).description,
    ).toBe("d");
    expect(server.logProjects.listProjects({ accountId, regionId: "cn-beijing" })).toHaveLength(1);
    expect(await codeOf({ ...create, host: endpoint, body: body("first") })).toBe("400 ProjectAlreadyExist");
  });

  it.each([
    [{}, "400 ParameterInvalid"],
    [{ projectName: "A" }, "400 ParameterInvalid"],
    [{ projectName: 7 }, "400 ParameterInvalid"],
    [{ projectName: "fine", description: "<" }, "400 ParameterInvalid"],
    ["[]", "400 PostBodyInvalid"],
    ["{", "400 PostBodyInvalid"],
    ["", "400 PostBodyInvalid"],
  ])("made of %j are refused", async (body, code) => {
    expect(await codeOf({ method: "POST", path: "/", host: endpoint, body })).toBe(code);
  });

  it("are shown as the SDKs read them", async () => {
    const { json } = await callSls(server, { method: "GET", path: "/" });
    expect(json).toMatchObject({
      projectName: "flows",
      status: "Normal",
      owner: accountId,
      region: regionId,
      description: "",
      createTime: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/u) as unknown,
      lastModifyTime: expect.any(String) as unknown,
    });
  });

  it("are listed at the endpoint itself, in pages", async () => {
    for (const project of ["aaa", "bbb", "ccc"])
      unwrap(server.logProjects.createProject({ accountId, regionId, project }));
    const list = async (query: Record<string, string>): Promise<unknown> =>
      (await callSls(server, { method: "GET", path: "/", host: endpoint, query })).json;
    expect(await list({})).toMatchObject({ count: 4, total: 4 });
    expect(await list({ offset: "1", size: "2" })).toMatchObject({
      count: 2,
      total: 4,
      projects: [{ projectName: "bbb" }, { projectName: "ccc" }],
    });
    expect(await list({ projectName: "low", offset: "", size: "" })).toMatchObject({ count: 1, total: 1 });
    expect(await codeOf({ method: "GET", path: "/", host: endpoint, query: { size: "501" } })).toBe(
      "400 ParameterInvalid",
    );
  });

  it("are found in whatever region they are, the host's own first", async () => {
    unwrap(server.logProjects.createProject({ accountId, regionId: "cn-beijing", project: "north" }));
    expect(await codeOf({ method: "GET", path: "/", host: `north.${endpoint}` })).toBe("200");
    expect(await codeOf({ method: "GET", path: "/", host: `north.cn-beijing.${endpoint}` })).toBe("200");
    expect(await codeOf({ method: "GET", path: "/", host: `north.cn-shanghai.${endpoint}` })).toBe(
      "404 ProjectNotExist",
    );
  });

  it("are changed and deleted at their host", async () => {
    expect(await codeOf({ method: "PUT", path: "/", body: { description: "new" } })).toBe("200");
    expect(unwrap(server.logProjects.getProject({ accountId, regionId, project: "flows" })).description).toBe(
      "new",
    );
    expect(await codeOf({ method: "DELETE", path: "/", body: { projectName: "flows" } })).toBe("200");
    expect(await codeOf({ method: "DELETE", path: "/" })).toBe("404 ProjectNotExist");
    expect(await codeOf({ method: "GET", path: "/" })).toBe("404 ProjectNotExist");
  });

  it("of other accounts do not exist", async () => {
    expect(await codeOf({ method: "GET", path: "/", accessKeyId: "LTAIother" })).toBe("404 ProjectNotExist");
    const { json } = await callSls(server, {
      method: "GET",
      path: "/",
      host: endpoint,
      accessKeyId: "LTAIother",
    });
    expect(json).toMatchObject({ total: 0 });
  });
});

describe("logstores", () => {
  const settings = { ttl: 7, shardCount: 2 };

  it("are made, shown, changed and deleted", async () => {
    const body = { logstoreName: "second", ...settings, enable_tracking: false, autoSplit: "True" };
    expect(await codeOf({ method: "POST", path: "/logstores", body })).toBe("200");
    expect(await codeOf({ method: "POST", path: "/logstores", body })).toBe("400 LogStoreAlreadyExist");
    expect((await callSls(server, { method: "GET", path: "/logstores/second" })).json).toEqual({
      logstoreName: "second",
      ttl: 7,
      shardCount: 2,
      enable_tracking: false,
      autoSplit: true,
      maxSplitShard: 64,
      appendMeta: false,
      telemetryType: "",
      mode: "standard",
      createTime: expect.any(Number) as unknown,
      lastModifyTime: expect.any(Number) as unknown,
    });
    const update = { method: "PUT", path: "/logstores/second" } as const;
    expect(await codeOf({ ...update, body: { logstoreName: "second", ttl: 3650, shardCount: 2 } })).toBe(
      "200",
    );
    expect(await codeOf({ ...update, body: { shardCount: 3 } })).toBe("400 ParameterInvalid");
    expect(await codeOf({ ...update, body: { ttl: 3651 } })).toBe("400 LogStoreInfoInvalid");
    expect(await codeOf({ method: "DELETE", path: "/logstores/second" })).toBe("200");
    expect(await codeOf({ method: "DELETE", path: "/logstores/second" })).toBe("404 LogStoreNotExist");
  });

  it.each([
    [{}, "400 LogStoreInfoInvalid"],
    [{ logstoreName: "second" }, "400 LogStoreInfoInvalid"],
    [{ logstoreName: "second", ttl: 1 }, "400 LogStoreInfoInvalid"],
    [{ logstoreName: "second", ttl: 1, shardCount: 1 }, "200"],
    [{ logstoreName: "second", ttl: 0, shardCount: 1 }, "400 LogStoreInfoInvalid"],
    [{ logstoreName: "second", ttl: 3650, shardCount: 1 }, "200"],
    [{ logstoreName: "second", ttl: 3651, shardCount: 1 }, "400 LogStoreInfoInvalid"],
    [{ logstoreName: "second", ttl: 1.5, shardCount: 1 }, "400 LogStoreInfoInvalid"],
    [{ logstoreName: "second", ttl: 1, shardCount: 0 }, "400 LogStoreInfoInvalid"],
    [{ logstoreName: "second", ttl: 1, shardCount: 101 }, "400 LogStoreInfoInvalid"],
    [{ logstoreName: "second", ttl: 1, shardCount: 1, maxSplitShard: 257 }, "400 LogStoreInfoInvalid"],
    [{ logstoreName: "second", ttl: 1, shardCount: 1, mode: "other" }, "400 LogStoreInfoInvalid"],
    [{ logstoreName: "second", ttl: 1, shardCount: 1, autoSplit: "maybe" }, "400 ParameterInvalid"],
    [{ logstoreName: "No", ttl: 1, shardCount: 1 }, "400 LogStoreInfoInvalid"],
  ])("made of %j are answered %s", async (body, code) => {
    expect(await codeOf({ method: "POST", path: "/logstores", body })).toBe(code);
  });

  it("are listed in pages and by part of the name", async () => {
    for (const logstore of ["aaa-1", "aaa-2"])
      unwrap(server.logProjects.ensure({ accountId, regionId, project: "flows", logstore }));
    const list = async (query: Record<string, string>): Promise<unknown> =>
      (await callSls(server, { method: "GET", path: "/logstores", query })).json;
    expect(await list({})).toEqual({ count: 3, total: 3, logstores: ["aaa-1", "aaa-2", "records"] });
    expect(await list({ logstoreName: "aaa", offset: "1", size: "1" })).toEqual({
      count: 1,
      total: 2,
      logstores: ["aaa-2"],
    });
    expect(await list({ telemetryType: "Metrics" })).toEqual({ count: 0, total: 0, logstores: [] });
    expect(await codeOf({ method: "GET", path: "/logstores", host: `none.${endpoint}` })).toBe(
      "404 ProjectNotExist",
    );
  });

  it("have one shard and a fixed index", async () => {
    const { json: shards } = await callSls(server, { method: "GET", path: "/logstores/records/shards" });
    expect(shards).toMatchObject([{ shardID: 0, status: "readwrite", inclusiveBeginKey: "0".repeat(32) }]);
    const { json: index } = await callSls(server, { method: "GET", path: "/logstores/records/index" });
    expect(index).toMatchObject({
      index_mode: "v2",
      line: { caseSensitive: false, token: expect.arrayContaining([",", " "]) as unknown },
      keys: { srcaddr: { type: "text" }, dstport: { type: "long" }, "tcp-flags": { type: "long" } },
    });
    expect(await codeOf({ method: "POST", path: "/logstores/records/index", body: {} })).toBe(
      "400 IndexAlreadyExist",
    );
  });
});

describe("reading", () => {
  const range = { from: "1700000000", to: "1700003600" };
  const asked: { sql: string; parameters: object }[] = [];
  const store: LogReaderStore = {
    query: async (sql, parameters) => {
      asked.push({ sql, parameters });
      return Promise.resolve(ok({ columns: [], rows: [], rowsRead: 42, elapsedMs: 3.4 }));
    },
  };

  beforeEach(() => {
    asked.length = 0;
    server = createSlsServer(store);
    unwrap(server.logProjects.ensure({ accountId, regionId, project: "flows", logstore: "records" }));
  });

  it("answers GET with a bare array and the rest in headers", async () => {
    const query = {
      type: "log",
      ...range,
      query: 'snid:"é" and dstport:443',
      topic: "",
      line: "",
      offset: "",
    };
    const { json, headers } = await callSls(server, { method: "GET", path: "/logstores/records", query });
    expect(json).toEqual([]);
    expect(headers).toMatchObject({
      "x-log-progress": "Complete",
      "x-log-count": "0",
      "x-log-processed-rows": "42",
      "x-log-elapsed-millisecond": "3",
      "x-log-has-sql": "false",
    });
    expect(JSON.parse(String(headers["x-log-query-info"]))).toMatchObject({
      terms: [
        ["é", "snid"],
        ["443", "dstport"],
      ],
      limited: "100",
    });
  });

  it("answers POST with meta and data", async () => {
    const body = { from: 1_700_000_000, to: 1_700_003_600, query: "a", line: 10, offset: 0, reverse: false };
    const { json } = await callSls(server, { method: "POST", path: "/logstores/records/logs", body });
    expect(json).toMatchObject({
      meta: {
        progress: "Complete",
        count: 0,
        limited: 10,
        hasSQL: false,
        whereQuery: "a",
        processedRows: 42,
        terms: [{ key: "", term: "a" }],
        keys: expect.arrayContaining(["__time__", "srcaddr"]) as unknown,
      },
      data: [],
    });
  });

  it("answers histograms at both of their addresses", async () => {
    const query = { type: "histogram", ...range };
    for (const path of ["/logstores/records", "/logstores/records/index"]) {
      const { json, headers } = await callSls(server, { method: "GET", path, query });
      expect(json).toHaveLength(60);
      expect((json as object[])[0]).toEqual({
        from: 1_700_000_000,
        to: 1_700_000_060,
        count: 0,
        progress: "Complete",
      });
      expect(headers).toMatchObject({ "x-log-progress": "Complete", "x-log-count": "0" });
    }
    const { json } = await callSls(server, {
      method: "GET",
      path: "/logstores/records",
      query: { ...query, interval: "600" },
    });
    expect(json).toHaveLength(6);
  });

  it.each([
    [{ line: "-1" }, "400 InvalidLine"],
    [{ line: "x" }, "400 InvalidLine"],
    [{ line: "0" }, "200"],
    [{ line: "101" }, "200"],
    [{ offset: "-1" }, "400 InvalidOffset"],
    [{ offset: "1e3" }, "400 InvalidOffset"],
    [{ reverse: "True" }, "200"],
    [{ reverse: "yes" }, "400 InvalidReverse"],
    [{ to: "1700000000" }, "400 InvalidTimeRange"],
    [{ to: "1699999999" }, "400 InvalidTimeRange"],
    [{ from: "" }, "400 InvalidTimeRange"],
    [{ from: "-1" }, "400 InvalidTimeRange"],
    [{ from: "now" }, "400 InvalidTimeRange"],
    [{ query: "(" }, "400 ParameterInvalid"],
    [{ query: "nosuch:1" }, "400 ParameterInvalid"],
    [{ query: "* | select 1" }, "400 ParameterInvalid"],
    [{ query: "a ".repeat(31) }, "400 InvalidQueryString"],
    [{ powerSql: "False", accurate: "True", highlight: "false", session: "mode=scan", fromNs: "0" }, "200"],
  ])("with %j is answered %s, in both forms", async (change, code) => {
    const parameters: Record<string, string> = { ...range, ...change };
    const get = { method: "GET", path: "/logstores/records", query: { type: "log", ...parameters } } as const;
    expect(await codeOf(get)).toBe(code);
    expect(await codeOf({ method: "POST", path: "/logstores/records/logs", body: parameters })).toBe(code);
  });

  it("caps the number of lines at 100", async () => {
    const query = { type: "log", ...range, line: "5000" };
    await callSls(server, { method: "GET", path: "/logstores/records", query });
    expect(Object.values(asked[0]!.parameters)).toContain(100);
    expect(Object.values(asked[0]!.parameters)).not.toContain(5000);
  });

  it("names the kind of a query's error and its place", async () => {
    const messageOf = async (query: string): Promise<unknown> => {
      const call = {
        method: "GET",
        path: "/logstores/records",
        query: { type: "log", ...range, query },
      } as const;
      return ((await callSls(server, call)).json as { errorMessage: string }).errorMessage;
    };
    expect(await messageOf("a and (")).toMatch(
      /^ErrorType:QueryParseError\.ErrorMessage:syntax error.*column:7/u,
    );
    expect(await messageOf("* | select 1")).toMatch(
      /^ErrorType:OLSQueryParseError\.ErrorMessage:SQL analysis/u,
    );
  });

  it("of a logstore or a project that is not there says so", async () => {
    const call = { method: "GET", path: "/logstores/none", query: { type: "log", ...range } } as const;
    expect(await codeOf(call)).toBe("404 LogStoreNotExist");
    expect(await codeOf({ ...call, host: `none.${endpoint}` })).toBe("404 ProjectNotExist");
  });

  it("says ServerBusy without a store, Incomplete after too long, and nothing of what broke inside", async () => {
    const call = { method: "GET", path: "/logstores/records", query: { type: "log", ...range } } as const;
    const failing = (code: "StoreUnavailable" | "Timeout" | "Internal"): void => {
      server = createSlsServer({ query: async () => Promise.resolve(fail(code, "inner detail")) });
      unwrap(server.logProjects.ensure({ accountId, regionId, project: "flows", logstore: "records" }));
    };
    failing("StoreUnavailable");
    expect(await codeOf(call)).toBe("503 ServerBusy");
    failing("Timeout");
    expect((await callSls(server, call)).headers["x-log-progress"]).toBe("Incomplete");
    failing("Internal");
    const { status, text } = await callSls(server, call);
    expect(status).toBe(500);
    expect(text).not.toContain("inner detail");
  });
});

describe("what is not offered", () => {
  it.each([
    ["POST", "/logstores/records/shards/lb", {}],
    ["POST", "/logstores/records", {}],
    ["GET", "/logstores/records/shards/0", { type: "cursor", from: "begin" }],
    ["GET", "/logstores/records", { type: "context_log" }],
    ["GET", "/logstores/records", { type: "topic" }],
    ["PUT", "/logstores/records/index", {}],
    ["GET", "/logs", { query: "select 1" }],
    ["GET", "/dashboards", {}],
    ["GET", "/machinegroups", {}],
    ["GET", "//logstores", {}],
    ["GET", "/logstores//shards", {}],
  ] as const)("%s %s %j says so in the service's form", async (method, path, query) => {
    const { status, json } = await callSls(server, { method, path, query });
    expect(status).toBe(404);
    expect(json).toMatchObject({
      errorCode: "NotSupported",
      errorMessage: expect.stringContaining(method) as unknown,
    });
  });

  it("includes compressed bodies and bodies that are not JSON", async () => {
    const call = { method: "POST", path: "/logstores/records/logs", body: "{}" } as const;
    expect(await codeOf({ ...call, headers: { "x-log-compresstype": "lz4" } })).toBe(
      "400 InvalidCompressType",
    );
    expect(await codeOf({ ...call, headers: { "content-type": "text/plain" } })).toBe(
      "415 InvalidContentType",
    );
    expect(await codeOf({ ...call, body: `{"a":"${"x".repeat(1024 * 1024)}"}` })).toBe(
      "400 PostBodyTooLarge",
    );
  });
});

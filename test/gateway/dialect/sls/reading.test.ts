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

beforeEach(() => {
  server = createSlsServer();
  unwrap(server.logProjects.ensure({ accountId, regionId, project: "flows", logstore: "records" }));
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

  it.each(["flows_Of.tf", "flows_of.tf", "FLOWS_OF.TF"])(
    "finds the project that a host names %s",
    async (name) => {
      unwrap(server.logProjects.ensure({ accountId, regionId, project: "flows_Of.tf", logstore: "R_1" }));
      const call = { method: "GET", path: "/logstores/R_1", query: { type: "log", ...range } } as const;
      expect(await codeOf({ ...call, host: `${name}.${endpoint}` })).toBe("200");
      expect(await codeOf({ ...call, host: endpoint, headers: { "x-log-project": name } })).toBe("200");
      expect(await codeOf({ ...call, host: `${name}.other.example.com` })).toBe("404 ProjectNotExist");
    },
  );

  it("escapes a query's words in headers", async () => {
    const query = { type: "log", ...range, query: 'snid:"\u{1f40b} é"' };
    const { headers } = await callSls(server, { method: "GET", path: "/logstores/records", query });
    expect(JSON.parse(String(headers["x-log-query-info"]))).toMatchObject({
      terms: [["\u{1f40b} é", "snid"]],
    });
  });

  it("takes the longest query, every character escaped", async () => {
    const body = `{"from":1700000000,"to":1700003600,"query":"${"\\u0020".repeat(65_536)}"}`;
    expect(await codeOf({ method: "POST", path: "/logstores/records/logs", body })).toBe("200");
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
      "x-log-weir-tier": "raw",
    });
    expect(JSON.parse(String(headers["x-log-query-info"]))).toMatchObject({
      terms: [
        ["é", "snid"],
        ["443", "dstport"],
      ],
      limited: "100",
    });
  });

  it("names the rollup tiers that answer a histogram", async () => {
    const tierOf = async (query: Record<string, string>): Promise<unknown> => {
      const histogram = { type: "histogram", from: "1699999200", to: "1700085600", ...query };
      const { status, headers } = await callSls(server, {
        method: "GET",
        path: "/logstores/records",
        query: histogram,
      });
      expect(status).toBe(200);
      return headers["x-log-weir-tier"];
    };
    expect(await tierOf({ interval: "3600" })).toBe("1h,raw");
    expect(await tierOf({ interval: "3600", query: "dstport: 3306" })).toBe("1m,raw");
    expect(await tierOf({ query: "srcaddr: 10.0.0.1" })).toBe("raw");
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
        keys: [],
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
    expect(await codeOf({ ...call, body: `{"a":"${"x".repeat(512 * 1024)}"}` })).toBe("400 PostBodyTooLarge");
  });
});

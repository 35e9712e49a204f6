import { get } from "node:http";

import { beforeEach, describe, expect, it } from "vitest";

import { unwrap } from "../../../../src/base/mod.ts";
import { accountId, callSls, createSlsServer, regionId, signV4, type SlsServer } from "./server.ts";

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
    const labels = { operation: "GetLogStore", error_code: "LogStoreNotExist" };
    expect(server.metrics.value("weir_sls_requests_total", labels)).toBe(1);
  });
});

describe("projects", () => {
  it("have no policy and no tags, as Terraform asks after each of them", async () => {
    const { status, text } = await callSls(server, { method: "GET", path: "/policy" });
    expect([status, text]).toEqual([200, ""]);
    expect(await codeOf({ method: "GET", host: `none.${endpoint}`, path: "/policy" })).toBe(
      "404 ProjectNotExist",
    );
    const tags = (query: Record<string, string>) =>
      ({ method: "GET", host: endpoint, path: "/tags", query }) as const;
    const { json } = await callSls(server, tags({ resourceType: "PROJECT", resourceId: '["flows"]' }));
    expect(json).toEqual({ nextToken: "", tagResources: [] });
    expect(await codeOf(tags({ resourceType: "LOGSTORE" }))).toBe("200");
    expect(await codeOf(tags({ resourceType: "PROJECT", resourceId: '["flows","none"]' }))).toBe(
      "404 ProjectNotExist",
    );
    for (const query of [
      {},
      { resourceType: "PROJECT", resourceId: "flows" },
      { resourceType: "PROJECT", resourceId: "[1]" },
    ]) {
      expect(await codeOf(tags(query as Record<string, string>))).toBe("400 ParameterInvalid");
    }
    expect(await codeOf({ method: "POST", host: endpoint, path: "/tag", body: { tags: [] } })).toBe(
      "404 NotSupported",
    );
  });

  it("are not taken from a target that the signed Host header contradicts", async () => {
    unwrap(server.logProjects.ensure({ accountId, regionId, project: "other", logstore: "records" }));
    const { address } = unwrap(await server.gateway.start());
    const ask = (target: string): Promise<number | undefined> => {
      const { headers } = signV4({ method: "GET", path: "/logstores/records" });
      const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
      const { hostname, port } = new URL(address);
      get({ hostname, port, path: target, headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).on("error", reject);
      return promise;
    };
    expect(await ask(`http://flows.${endpoint}/logstores/records`)).toBe(200);
    expect(await ask(`http://other.${endpoint}/logstores/records`)).toBe(400);
    await server.gateway.stop();
  });

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

  it("are not listed beside the log groups of the other cloud's log service", async () => {
    const group = { name: "group", alias: "", retentionDays: 7, tags: {} };
    unwrap(server.logProjects.createProject({ accountId, regionId, project: "a-log-group", group }));
    const { json } = await callSls(server, { method: "GET", path: "/", host: endpoint });
    expect(JSON.stringify(json)).not.toContain("a-log-group");
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
      maxSplitShard: 0,
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
    [{ logstoreName: "second", ttl: 1, shardCount: 1, maxSplitShard: 0 }, "200"],
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

  it("are charged as the service's are by default", async () => {
    const path = "/logstores/records/meteringmode";
    expect((await callSls(server, { method: "GET", path })).json).toEqual({
      meteringMode: "ChargeByFunction",
    });
    expect(await codeOf({ method: "GET", path: "/logstores/none/meteringmode" })).toBe(
      "404 LogStoreNotExist",
    );
    expect(await codeOf({ method: "PUT", path, body: { meteringMode: "ChargeByDataIngest" } })).toBe(
      "404 NotSupported",
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

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { unwrap } from "../../../src/base/mod.ts";
import type { DeliveryStatus } from "../../../src/gateway/mod.ts";
import { type HuaweiServer, makeStream, startHuaweiServer } from "./fixture.ts";

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/u;

let server: HuaweiServer;
let base: string;
let sample: Record<string, string>;
let problems: string[];
let settlements: number;

beforeEach(async () => {
  problems = [];
  settlements = 0;
  server = await startHuaweiServer({
    deliveryStatus: (): DeliveryStatus => ({
      healthy: problems.length === 0,
      message: problems.join("; "),
      problems: [],
    }),
    settled: async () => {
      settlements++;
      return Promise.resolve();
    },
  });
  base = `/v1/${server.project.id}/fl/flow_logs`;
  const { groupId, streamId } = makeStream(server);
  sample = {
    name: "flowlog",
    description: "just a test",
    resource_type: "port",
    resource_id: server.resource("eth0").uuid,
    traffic_type: "reject",
    log_group_id: groupId,
    log_topic_id: streamId,
  };
});
afterEach(() => server.stop());

async function create(fields: Readonly<Record<string, unknown>> = {}) {
  const { body, status } = await server.call("POST", base, { flow_log: { ...sample, ...fields } });
  expect(status).toBe(200);
  return body.flow_log;
}

describe("CreateFlowLog", () => {
  it("answers the example of its documentation in the fields of the service", async () => {
    const flowLog = await create();
    expect(Object.keys(flowLog)).toEqual([
      "id",
      "name",
      "description",
      "status",
      "tenant_id",
      "resource_type",
      "resource_id",
      "traffic_type",
      "log_group_id",
      "log_topic_id",
      "created_at",
      "updated_at",
      "admin_state",
      "log_store_type",
      "log_version",
    ]);
    expect(flowLog).toMatchObject({
      ...sample,
      tenant_id: server.project.id,
      status: "ACTIVE",
      admin_state: true,
      log_store_type: "lts",
      log_version: 1,
    });
    expect(flowLog.id).toMatch(uuid);
    expect(flowLog.created_at).toMatch(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$/u);
    expect(settlements).toBe(1);
  });

  it("makes a flow log that cuts at windows of ten minutes and filters what it was asked to", async () => {
    const { id } = await create();
    const scope = { ...server.project, service: "huawei" } as const;
    expect(unwrap(server.control.flowLogs.get(scope, id))).toMatchObject({
      service: "huawei",
      regionId: "eu-de",
      policy: { kind: "window", windowS: 600 },
      filter: { trafficType: "reject" },
      target: { type: "interface", id: server.resource("eth0").id },
    });
  });

  it.each(["port", "Port", "PORT", "network", "Network", "vpc", "VPC"])(
    "shows the resource type as it was sent, %s",
    async (resource_type) => {
      const names: Record<string, string> = { port: "eth0", network: "10.0.0.0/24", vpc: "testhost" };
      const kinds: Record<string, string> = { port: "interface", network: "subnet", vpc: "vpc" };
      const wanted = resource_type.toLowerCase();
      const resource = server.control.resources
        .all()
        .find(({ type, name }) => type === kinds[wanted] && name === names[wanted])!;
      const flowLog = await create({ resource_type, resource_id: resource.uuid, traffic_type: "ALL" });
      expect(flowLog).toMatchObject({ resource_type, resource_id: resource.uuid, traffic_type: "ALL" });
      const shown = await server.call("GET", `${base}/${flowLog.id}`);
      expect(shown.body.flow_log).toEqual(flowLog);
    },
  );

  it("has no name and an empty description where none were sent, and says what it was told of the index", async () => {
    const { name: _name, description: _description, ...rest } = sample;
    const { body } = await server.call("POST", base, { flow_log: { ...rest, index_enabled: true } });
    expect(body.flow_log).toMatchObject({ name: "", description: "", index_enabled: true });
  });

  it.each([
    ["name", "x".repeat(65)],
    ["name", "a b"],
    ["name", 1],
    ["description", "x".repeat(256)],
    ["description", "<b>"],
    ["resource_type", "server"],
    ["resource_type", undefined],
    ["traffic_type", "none"],
    ["traffic_type", undefined],
    ["log_store_type", "obs"],
    ["log_group_id", undefined],
    ["log_group_id", "05c4052d-8d14-488f-aa00-19fea5a25fdd"],
    ["log_topic_id", "a9d7dee7-37d2-4cba-a208-a016252aaa63"],
    ["resource_id", undefined],
  ])("refuses %s %j with VPC.3001", async (field, value) => {
    const answer = await server.call("POST", base, { flow_log: { ...sample, [field]: value } });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ code: "VPC.3001", message: `${field} is invalid` });
  });

  it.each(["", "{", "[]", '{"flow_log":1}', "null"])("refuses the body %j with VPC.3001", async (body) => {
    const answer = await server.call("POST", base, body);
    expect([answer.status, answer.body.code]).toEqual([400, "VPC.3001"]);
  });

  it("takes names of 64 letters, digits, Chinese characters, _, - and .", async () => {
    expect(await create({ name: "流日志_a-b.C9" })).toMatchObject({ name: "流日志_a-b.C9" });
    expect(await create({ name: "x".repeat(64), traffic_type: "all" })).toMatchObject({ status: "ACTIVE" });
  });

  it.each([
    ["port", "Port"],
    ["network", "Network"],
    ["vpc", "Vpc"],
  ])("answers 404 VPC.3002 for a %s that there is not", async (resource_type, title) => {
    const resource_id = "05c4052d-8d14-488f-aa00-19fea5a25fde";
    const answer = await server.call("POST", base, { flow_log: { ...sample, resource_type, resource_id } });
    expect(answer.status).toBe(404);
    expect(answer.body).toMatchObject({
      code: "VPC.3002",
      message: `${title} ${resource_id} could not be found.`,
      error_code: "VPC.3002",
      error_msg: `${title} ${resource_id} could not be found.`,
    });
  });

  it("answers 404 for a resource of another type than it says", async () => {
    const answer = await server.call("POST", base, { flow_log: { ...sample, resource_type: "vpc" } });
    expect([answer.status, answer.body.code]).toEqual([404, "VPC.3002"]);
  });

  it("answers 409 VPC.3004 for the same traffic to the same stream, and takes another filter", async () => {
    await create();
    const answer = await server.call("POST", base, { flow_log: { ...sample, name: "other" } });
    expect(answer.status).toBe(409);
    expect(answer.body.code).toBe("VPC.3004");
    expect(answer.body.message).toContain(`resource id ${sample["resource_id"]}, traffic type reject`);
    await create({ traffic_type: "accept" });
  });
});

describe("a change that cannot be saved", () => {
  it("is answered 500 with the operation's own words, and changes nothing", async () => {
    const { id } = await create();
    const target = `${base}/${id}`;
    server.loseDatabase();
    for (const [method, body, verb] of [
      ["PUT", { flow_log: { admin_state: false } }, "Update"],
      ["DELETE", undefined, "Delete"],
    ] as const) {
      const answer = await server.call(method, target, body);
      expect([answer.status, answer.body.code, answer.body.message]).toEqual([
        500,
        "VPC.3002",
        `${verb} flow log by ${server.project.id} fail.`,
      ]);
    }
    expect((await server.call("GET", target)).body.flow_log.status).toBe("ACTIVE");
    // Where not even the log group can be read, the error is Weir's own.
    const created = await server.call("POST", base, { flow_log: sample });
    expect([created.status, created.body.code]).toEqual([500, "APIGW.0204"]);
  });
});

describe("the quota of flow logs", () => {
  it("is told, and answered with 409 when it is used up", async () => {
    const small = await startHuaweiServer({ control: { flowLogsMax: 1 } });
    try {
      const { groupId, streamId } = makeStream(small);
      const flow_log = {
        ...sample,
        resource_id: small.resource("eth0").uuid,
        log_group_id: groupId,
        log_topic_id: streamId,
      };
      const target = `/v1/${small.project.id}/fl/flow_logs`;
      await small.call("POST", target, { flow_log });
      const answer = await small.call("POST", target, { flow_log: { ...flow_log, traffic_type: "all" } });
      expect(answer.status).toBe(409);
      expect(answer.body).toMatchObject({
        code: "VPC.3002",
        message: "Quota exceeded for resources: ['flow_log'].",
      });
      const quota = await small.call("GET", `/v1/${small.project.id}/quotas?type=flow_log`);
      expect(quota.body).toEqual({
        quotas: { resources: [{ type: "flow_log", used: 1, quota: 1, min: 0 }] },
      });
      const unknown = await small.call("GET", `/v1/${small.project.id}/quotas?type=router`);
      expect([unknown.status, unknown.body.code, unknown.body.message]).toEqual([
        400,
        "VPC.1207",
        "Invalid resource type.",
      ]);
    } finally {
      await small.stop();
    }
  });
});

describe("UpdateFlowLog", () => {
  it("changes what is sent and keeps the rest, and switches off and on", async () => {
    const flowLog = await create();
    const target = `${base}/${flowLog.id}`;
    const off = await server.call("PUT", target, { flow_log: { admin_state: false } });
    expect(off.status).toBe(200);
    expect(off.body.flow_log).toEqual({
      ...flowLog,
      status: "DOWN",
      admin_state: false,
      updated_at: off.body.flow_log.updated_at,
    });
    const renamed = await server.call("PUT", target, { flow_log: { name: "second" } });
    expect(renamed.body.flow_log).toMatchObject({
      name: "second",
      description: "just a test",
      status: "DOWN",
    });
    const on = await server.call("PUT", target, { flow_log: { description: "", admin_state: true } });
    expect(on.body.flow_log).toMatchObject({ name: "second", description: "", status: "ACTIVE" });
    expect((await server.call("GET", target)).body.flow_log).toEqual(on.body.flow_log);
  });

  it("is refused by the bounds of create, and for what there is not", async () => {
    const { id } = await create();
    const long = await server.call("PUT", `${base}/${id}`, { flow_log: { name: "x".repeat(65) } });
    expect([long.status, long.body.code, long.body.message]).toEqual([400, "VPC.3001", "name is invalid"]);
    const none = "05c4052d-8d14-488f-aa00-19fea5a25fde";
    const gone = await server.call("PUT", `${base}/${none}`, { flow_log: {} });
    expect([gone.status, gone.body.code]).toEqual([404, "VPC.3005"]);
    expect(gone.body.message).toBe(`Flow log ${none} could not be found.`);
    const bad = await server.call("PUT", `${base}/abc`, { flow_log: {} });
    expect([bad.status, bad.body.code]).toEqual([404, "VPC.3001"]);
    expect(bad.body.message).toBe("resource could not be found, flowlog id is invalid.");
  });
});

describe("DeleteFlowLog", () => {
  it("answers 204 without a body, and 404 VPC.3005 from then on", async () => {
    const { id } = await create();
    const gone = await server.call("DELETE", `${base}/${id}`);
    expect([gone.status, gone.text]).toEqual([204, ""]);
    const again = await server.call("DELETE", `${base}/${id}`);
    expect([again.status, again.body.code]).toEqual([404, "VPC.3005"]);
    const shown = await server.call("GET", `${base}/${id}`);
    expect([shown.status, shown.body.code]).toEqual([404, "VPC.3002"]);
    const bad = await server.call("DELETE", `${base}/xyz`);
    expect([bad.status, bad.body.code]).toEqual([404, "VPC.3001"]);
  });

  it("leaves the log group and its stream", async () => {
    const { id } = await create();
    await server.call("DELETE", `${base}/${id}`);
    expect(server.groups.list(server.project)).toHaveLength(1);
  });
});

describe("the status", () => {
  it("is ERROR while records do not get where they belong, and ACTIVE again by itself", async () => {
    const { id } = await create();
    const statusOf = async () => (await server.call("GET", `${base}/${id}`)).body.flow_log.status;
    problems = ["the log stream is gone"];
    expect(await statusOf()).toBe("ERROR");
    const listed = await server.call("GET", `${base}?status=ERROR`);
    expect(listed.body.flow_logs).toHaveLength(1);
    problems = [];
    expect(await statusOf()).toBe("ACTIVE");
  });

  it("does not stand in the way of a new name when the log stream is gone", async () => {
    const { id, log_group_id } = await create();
    unwrap(server.groups.remove(server.project, log_group_id));
    const answer = await server.call("PUT", `${base}/${id}`, { flow_log: { name: "renamed" } });
    expect([answer.status, answer.body.flow_log.name]).toEqual([200, "renamed"]);
    expect(server.groups.list(server.project)).toEqual([]);
  });
});

describe("ListFlowLogs", () => {
  async function createFive(): Promise<string[]> {
    const ids: string[] = [];
    for (const [name, traffic_type, resource] of [
      ["a", "all", "eth0"],
      ["b", "accept", "eth0"],
      ["c", "reject", "eth0"],
      ["d", "all", "eth1"],
      ["e", "accept", "eth1"],
    ] as const) {
      const resource_id = server.resource(resource).uuid;
      ids.push((await create({ name, traffic_type, resource_id })).id);
    }
    return ids;
  }

  const namesOf = async (query: string): Promise<string[]> => {
    const { body, status } = await server.call("GET", base + query);
    expect(status).toBe(200);
    return body.flow_logs.map((flowLog: { name: string }) => flowLog.name);
  };

  it("pages by limit and marker until a page is empty", async () => {
    const ids = await createFive();
    expect(await namesOf("?limit=2")).toEqual(["a", "b"]);
    expect(await namesOf(`?limit=2&marker=${ids[1]}`)).toEqual(["c", "d"]);
    expect(await namesOf(`?marker=${ids[3]}`)).toEqual(["e"]);
    expect(await namesOf(`?marker=${ids[4]}`)).toEqual([]);
    expect(await namesOf("?limit=0")).toEqual([]);
    expect(await namesOf("?limit=5000")).toHaveLength(5);
  });

  it.each(["marker=05c4052d-8d14-488f-aa00-19fea5a25fde", "limit=-1", "limit=many"])(
    "answers 404 VPC.3001 for %s",
    async (query) => {
      await createFive();
      const answer = await server.call("GET", `${base}?${query}`);
      const [name] = query.split("=");
      expect([answer.status, answer.body.code, answer.body.message]).toEqual([
        404,
        "VPC.3001",
        `resource could not be found, ${name} is invalid.`,
      ]);
    },
  );

  it("filters by each of its fields, exactly, and by several at once", async () => {
    const ids = await createFive();
    expect(await namesOf(`?id=${ids[2]}`)).toEqual(["c"]);
    expect(await namesOf("?name=d")).toEqual(["d"]);
    expect(await namesOf("?traffic_type=ALL")).toEqual(["a", "d"]);
    expect(await namesOf(`?resource_id=${server.resource("eth1").uuid}&traffic_type=accept`)).toEqual(["e"]);
    expect(await namesOf("?resource_type=vpc")).toEqual([]);
    expect(await namesOf(`?log_group_id=${sample["log_group_id"]}&log_store_type=lts`)).toHaveLength(5);
    expect(await namesOf("?log_topic_id=none")).toEqual([]);
    expect(await namesOf("?description=just%20a%20test&status=ACTIVE")).toHaveLength(5);
    expect(await namesOf("?status=DOWN")).toEqual([]);
    expect(await namesOf(`?tenant_id=${server.project.id}`)).toHaveLength(5);
    expect(await namesOf("?name=d&limit=1")).toEqual(["d"]);
  });

  it("shows a project its own alone", async () => {
    await createFive();
    const { body } = await server.call("GET", "/v3/projects?name=eu-nl");
    const other = await server.call("GET", `/v1/${body.projects[0].id}/fl/flow_logs`);
    expect(other.body).toEqual({ flow_logs: [] });
  });
});

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

  it("takes two flow logs of a resource to a stream, and more to another stream or of another resource", async () => {
    await create({ traffic_type: "reject" });
    const { id } = await create({ traffic_type: "accept" });
    const third = { ...sample, traffic_type: "all" };
    const refused = await server.call("POST", base, { flow_log: third });
    // The sentence of the user guide; the error codes have none for it.
    expect([refused.status, refused.body.code, refused.body.message]).toEqual([
      409,
      "VPC.3002",
      "Only two flow logs, each with a different filter, can be created for a single resource under the same log group and log topic.",
    ]);
    await create({ ...third, resource_id: server.resource("eth1").uuid });
    const { id: streamId } = unwrap(
      server.groups.createStream(server.project, sample["log_group_id"]!, { name: "second" }),
    );
    await create({ ...third, log_topic_id: streamId });
    await server.call("DELETE", `${base}/${id}`);
    await create(third);
  });
});

describe("UUIDs", () => {
  it("mean the same in upper case, and are answered as they were sent", async () => {
    const upper = Object.fromEntries(
      ["resource_id", "log_group_id", "log_topic_id"].map((field) => [field, sample[field]!.toUpperCase()]),
    );
    const flowLog = await create(upper);
    expect(flowLog).toMatchObject(upper);
    const twin = await server.call("POST", base, { flow_log: sample });
    expect([twin.status, twin.body.code]).toEqual([409, "VPC.3004"]);
    const target = `${base.replace(server.project.id, server.project.id.toUpperCase())}/${flowLog.id.toUpperCase()}`;
    expect((await server.call("GET", target)).body.flow_log).toEqual(flowLog);
    for (const query of [
      `id=${flowLog.id.toUpperCase()}`,
      `resource_id=${sample["resource_id"]}`,
      `log_group_id=${sample["log_group_id"]}`,
      `tenant_id=${server.project.id.toUpperCase()}`,
    ]) {
      expect((await server.call("GET", `${base}?${query}`)).body.flow_logs).toEqual([flowLog]);
    }
    const after = await server.call("GET", `${base}?marker=${flowLog.id.toUpperCase()}`);
    expect(after.body.flow_logs).toEqual([]);
    const streams = `/v2/${server.project.id}/groups/${upper["log_group_id"]}/streams`;
    expect((await server.call("GET", streams)).body.log_streams).toMatchObject([
      { log_stream_id: sample["log_topic_id"] },
    ]);
    expect((await server.call("DELETE", target)).status).toBe(204);
  });
});

describe("what was sent", () => {
  it("is shown no more where the settings were changed since", async () => {
    const { id } = await create({ traffic_type: "ALL" });
    const { flowLogs } = server.control;
    const other = unwrap(server.groups.createStream(server.project, sample["log_group_id"]!, { name: "b" }));
    const flowLog = flowLogs.all().find(({ uuid: own }) => own === id)!;
    const outputs = { logService: { logstore: other.id } };
    unwrap(flowLogs.modify(flowLog, flowLog.id, { filter: { trafficType: "reject" }, outputs }));
    const shown = { ...sample, traffic_type: "reject", log_topic_id: other.id };
    expect((await server.call("GET", `${base}/${id}`)).body.flow_log).toMatchObject(shown);
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

  it("is one change, whatever it is of", async () => {
    const { id } = await create();
    const changes: string[] = [];
    const unsubscribe = server.control.onChange(({ subject, action }) =>
      changes.push(`${subject} ${action}`),
    );
    const all = { name: "second", description: "other", admin_state: false };
    const answer = await server.call("PUT", `${base}/${id}`, { flow_log: all });
    expect(answer.body.flow_log).toMatchObject({ ...all, status: "DOWN" });
    expect(changes).toEqual(["flowLog modified"]);
    for (const same of [{}, { admin_state: false }, { name: null, description: null, admin_state: null }]) {
      expect((await server.call("PUT", `${base}/${id}`, { flow_log: same })).body).toEqual(answer.body);
    }
    expect(changes).toHaveLength(1);
    unsubscribe();
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

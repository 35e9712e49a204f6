import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { unwrap } from "../../../../src/base/mod.ts";
import { createLogGroups } from "../../../../src/control/mod.ts";
import { createNativeServer, type NativeServer, record } from "./support.ts";

let server: NativeServer;
beforeAll(() => {
  server = createNativeServer();
});
afterAll(() => server.close());

interface Reply {
  readonly status: number;
  // oxlint-disable-next-line typescript/no-explicit-any -- answers are compared, not used
  readonly body: any;
}

async function call(
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
  path: string,
  body?: object,
): Promise<Reply> {
  const response = await server.gateway.inject({
    method,
    url: `/api/v1${path}`,
    ...(body === undefined ? {} : { payload: body }),
  });
  return { status: response.statusCode, body: JSON.parse(response.body) };
}

const netflow = { enabled: true, address: "192.0.2.1", port: 9995, version: 9 };

async function createFlowLog(settings: object = { outputs: { netflow } }): Promise<string> {
  const { body } = await call("POST", "/flow-logs", { settings });
  return body.id as string;
}

describe("flow logs", () => {
  it("are created active, with the defaults of what is not said", async () => {
    const { status, body } = await call("POST", "/flow-logs", {
      settings: {
        name: "edge",
        outputs: { netflow, logService: { enabled: true, project: "traffic", logstore: "flows" } },
      },
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      name: "edge",
      status: "active",
      service: "sag",
      regionId: "cn-shanghai",
      policy: { activeTimeoutS: 300, inactiveTimeoutS: 15 },
      outputs: {
        netflow,
        logService: { enabled: true, regionId: "cn-shanghai", project: "traffic", logstore: "flows" },
      },
      resourceIds: [],
      delivery: { netflow: { datagramsSent: 3 } },
    });
    expect(body.id).toMatch(/^fl-[a-z0-9]{20}$/u);
  });

  it("live through update, associate, deactivate, activate, disassociate and delete", async () => {
    const id = await createFlowLog();
    const updated = await call("PATCH", `/flow-logs/${id}`, { settings: { policy: { activeTimeoutS: 60 } } });
    expect(updated.body.policy).toEqual({ kind: "aging", activeTimeoutS: 60, inactiveTimeoutS: 15 });
    const bound = await call("PUT", `/flow-logs/${id}/resources/${server.gatewayId}`);
    expect(bound.body.resourceIds).toEqual([server.gatewayId]);
    expect((await call("GET", `/resources/${server.gatewayId}`)).body.flowLogId).toBe(id);
    expect((await call("POST", `/flow-logs/${id}/deactivate`)).body.status).toBe("inactive");
    expect((await call("POST", `/flow-logs/${id}/activate`)).body.status).toBe("active");
    expect((await call("DELETE", `/flow-logs/${id}`)).body.error.code).toBe("FlowLogAssociated");
    await call("DELETE", `/flow-logs/${id}/resources/${server.gatewayId}`);
    expect((await call("DELETE", `/flow-logs/${id}`)).status).toBe(200);
    expect((await call("GET", `/flow-logs/${id}`)).status).toBe(404);
  });

  it("are made in and moved to resource groups that there are, which stay as long", async () => {
    const settings = { outputs: { netflow } };
    const unknown = await call("POST", "/flow-logs", { settings, resourceGroupId: "rg-none" });
    expect([unknown.status, unknown.body.error.code]).toEqual([404, "ResourceGroupNotFound"]);
    const group = (await call("POST", "/resource-groups", { name: "edges" })).body;
    const made = await call("POST", "/flow-logs", { settings, resourceGroupId: group.id });
    expect(made.body.resourceGroupId).toBe(group.id);
    const moved = await call("POST", `/flow-logs/${made.body.id}/move`, { resourceGroupId: "rg-none" });
    expect([moved.status, moved.body.error.code]).toEqual([404, "ResourceGroupNotFound"]);
    const held = await call("DELETE", `/resource-groups/${group.id}`);
    expect([held.status, held.body.error.code]).toEqual([409, "ResourceGroupNotEmpty"]);
    await call("DELETE", `/flow-logs/${made.body.id}`);
    expect((await call("DELETE", `/resource-groups/${group.id}`)).status).toBe(200);
  });

  it("of every region and service are listed", async () => {
    const accountId = server.control.accounts.default.id;
    const scope = { accountId, regionId: "eu-central-1", service: "sag" } as const;
    server.control.flowLogs.create(scope, { outputs: { netflow: { enabled: true, address: "192.0.2.9" } } });
    const { body } = await call("GET", "/flow-logs");
    expect(body.flowLogs.map(({ regionId }: { regionId: string }) => regionId)).toContain("eu-central-1");
  });
});

describe("a call that is refused", () => {
  const table: [name: string, run: () => Promise<Reply>, status: number, error: object][] = [
    ["names an unknown flow log", () => call("GET", "/flow-logs/fl-none"), 404, { code: "FlowLogNotFound" }],
    [
      "names an unknown resource",
      () => call("GET", "/resources/sag-none"),
      404,
      { code: "ResourceNotFound" },
    ],
    [
      "lacks what an output needs",
      () => call("POST", "/flow-logs", { settings: { outputs: { logService: { enabled: true } } } }),
      400,
      { code: "InputMissing", field: "outputs.logService.regionId" },
    ],
    [
      "is out of bounds",
      () =>
        call("POST", "/flow-logs", { settings: { policy: { activeTimeoutS: 59 }, outputs: { netflow } } }),
      400,
      { code: "InputOutOfRange", field: "policy.activeTimeoutS", value: "59" },
    ],
    [
      "has a field that does not exist",
      () => call("POST", "/flow-logs", { settings: { policy: { activeTimeout: 60 } } }),
      400,
      { code: "InputInvalid", field: "settings.policy.activeTimeout" },
    ],
    ["lacks a field", () => call("POST", "/projects", {}), 400, { code: "InputMissing", field: "name" }],
    [
      "has a field of another type",
      () => call("POST", "/projects", { name: 7 }),
      400,
      { code: "InputInvalid", field: "name" },
    ],
    [
      "names a logstore that does not exist",
      () => call("POST", "/records/tail", { project: "none", logstore: "none" }),
      404,
      { code: "ProjectNotFound" },
    ],
    ["does not exist", () => call("GET", "/nothing"), 404, { code: "InputInvalid" }],
  ];

  it.each(table)("%s: the fault and its status are answered", async (_name, run, status, error) => {
    const reply = await run();
    expect(reply.status).toBe(status);
    expect(reply.body.error).toMatchObject(error);
  });

  it("is not JSON: that is said", async () => {
    const response = await server.gateway.inject({
      method: "POST",
      url: "/api/v1/projects",
      headers: { "content-type": "application/json" },
      payload: "{",
    });
    expect(response.statusCode).toBe(400);
    expect(JSON.parse(response.body)).toEqual({
      error: { code: "InputInvalid", message: "the body is not JSON", retryable: false },
    });
  });
});

describe("access keys", () => {
  it("show their secret once", async () => {
    const created = await call("POST", "/access-keys", {});
    expect(created.status).toBe(201);
    const { accessKeyId, accessKeySecret } = created.body;
    expect(accessKeySecret).toHaveLength(30);
    const listed = await call("GET", "/access-keys");
    expect(JSON.stringify(listed.body)).toContain(accessKeyId);
    expect(JSON.stringify(listed.body)).not.toContain(accessKeySecret);
  });

  it("are disabled and deleted", async () => {
    const { accessKeyId } = (await call("POST", "/access-keys", {})).body;
    expect((await call("PATCH", `/access-keys/${accessKeyId}`, { status: "inactive" })).body.status).toBe(
      "inactive",
    );
    expect((await call("DELETE", `/access-keys/${accessKeyId}`)).status).toBe(200);
    expect((await call("DELETE", `/access-keys/${accessKeyId}`)).body.error.code).toBe("AccessKeyNotFound");
  });
});

describe("log groups", () => {
  it("are listed with what their owner calls them, read and deleted in their own region", async () => {
    const { control } = server;
    const groups = createLogGroups(control.logProjects);
    const scope = { accountId: control.accounts.default.id, regionId: "eu-de" };
    const group = unwrap(groups.create(scope, { name: "flows", retentionDays: 7 }));
    const stream = unwrap(groups.createStream(scope, group.id, { name: "all" }));
    const listed = await call("GET", "/projects?regionId=eu-de");
    expect(listed.body.projects).toMatchObject([{ name: group.id, regionId: "eu-de", logGroup: "flows" }]);
    const streams = await call("GET", `/projects/${group.id}/logstores?regionId=eu-de`);
    expect(streams.body.logstores).toMatchObject([{ name: stream.id, logStream: "all" }]);
    const search = { project: group.id, logstore: stream.id, regionId: "eu-de", fromS: 1, toS: 2 };
    expect((await call("POST", "/records/search", search)).status).toBe(200);
    // They are made by their own service alone.
    const made = await call("POST", "/projects?regionId=eu-de", { name: "project" });
    expect(made.status).toBe(400);
    expect(made.body.error.code).toBe("RegionNotFound");
    expect((await call("DELETE", `/projects/${group.id}?regionId=eu-de`)).status).toBe(200);
    expect(groups.list(scope)).toEqual([]);
    expect((await call("GET", "/projects?regionId=moon")).status).toBe(400);
  });
});

describe("records", () => {
  it("are found in whatever region their project is, and in any case of its letters", async () => {
    const { logProjects, accounts } = server.control;
    const key = { accountId: accounts.default.id, regionId: "eu-central-1", project: "Tf_Away" };
    const { id } = unwrap(logProjects.ensure({ ...key, logstore: "R_1" }));
    const search = { project: "tf_away", logstore: "R_1", fromS: 1, toS: 2 };
    expect((await call("POST", "/records/search", search)).status).toBe(200);
    expect(server.asked.at(-1)).toMatchObject({ logstore: id });
    const elsewhere = { ...search, regionId: "cn-shanghai" };
    expect((await call("POST", "/records/search", elsewhere)).status).toBe(404);
  });

  it("are searched in the logstore's number", async () => {
    await call("POST", "/projects", { name: "searched" });
    await call("POST", "/projects/searched/logstores", { name: "flows", retentionDays: 7 });
    const { body } = await call("POST", "/records/search", {
      project: "searched",
      logstore: "flows",
      fromS: 1,
      toS: 2,
      query: "dstport: 443",
    });
    expect(body).toEqual({ progress: "Complete", tiers: [], records: [record] });
    expect(server.asked.at(-1)).toMatchObject({
      fromS: 1,
      toS: 2,
      query: "dstport: 443",
      line: 100,
      offset: 0,
    });
    const tail = await call("POST", "/records/tail", {
      project: "searched",
      logstore: "flows",
      afterPosition: "7",
    });
    expect(tail.body).toEqual({ progress: "Complete", tiers: [], records: [], position: "7" });
    const counted = { project: "searched", logstore: "flows", fromS: 60, toS: 180, intervalS: 60 };
    const histogram = await call("POST", "/records/histogram", counted);
    expect(histogram.body).toEqual({
      progress: "Complete",
      tiers: [{ tier: "1m", records: 3 }],
      intervals: [{ fromS: 60, toS: 120, records: 3, packets: 4, octets: 400 }],
    });
    expect(server.asked.at(-1)).toMatchObject({ fromS: 60, toS: 180, intervalS: 60, traffic: true });
    expect((await call("POST", "/records/histogram", { ...counted, intervalS: 0 })).status).toBe(400);
  });
});

/** A flow log's life, and its wire forms as Terraform and the aliyun CLI send and read them. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { rememberDeliveries } from "../../../src/gateway/dialect/rpc/mod.ts";
import type { DeliveryStatus } from "../../../src/gateway/mod.ts";
import { type RecordedClients, recordedClients } from "../rpc/recorded-client.ts";
import { type SagServer, startSagServer } from "./fixture.ts";
import { scratchFolder } from "../../support/scratch.ts";

let server: SagServer;
let clients: RecordedClients;
let delivery: DeliveryStatus | undefined;
let settledCalls = 0;
beforeAll(async () => {
  server = await startSagServer({
    deliveryStatus: () => delivery,
    settled: async () => void settledCalls++,
  });
  clients = recordedClients({ ...server, version: "2018-03-13" });
});
afterAll(() => server.stop());

const all = {
  OutputType: "all",
  SlsRegionId: "cn-shanghai",
  ProjectName: "weir-project",
  LogstoreName: "weir-store",
  NetflowServerIp: "127.0.0.1",
};

async function ok(
  action: string,
  fields: Record<string, string | number> = {},
): Promise<Record<string, never>> {
  const answer = await server.call(action, fields);
  expect(answer.status, answer.text).toBe(200);
  return answer.body as Record<string, never>;
}

async function shown(FlowLogId: string): Promise<Record<string, unknown>> {
  const { FlowLogs } = (await ok("DescribeFlowLogs", { FlowLogId })) as unknown as {
    FlowLogs: { FlowLogSetType: Record<string, unknown>[] };
  };
  return FlowLogs.FlowLogSetType[0]!;
}

async function create(): Promise<string> {
  return (await ok("CreateFlowLog", all))["FlowLogId"] as unknown as string;
}

it("deliveries are asked for once a second and flow log", () => {
  let ms = 0;
  const asked: string[] = [];
  const lookup = rememberDeliveries(
    (flowLogId) => {
      asked.push(flowLogId);
      return undefined;
    },
    { nowMs: () => 0, monotonicMs: () => ms },
  );
  for (ms = 0; ms < 2000; ms += 100) for (const flowLogId of ["a", "b"]) lookup(flowLogId);
  expect(asked).toEqual(["a", "b", "a", "b"]);
});

describe("a flow log", () => {
  it("is activated and deactivated any number of times, associated or not", async () => {
    const FlowLogId = await create();
    const steps: [string, string][] = [
      ["ActiveFlowLog", "Active"],
      ["DeactiveFlowLog", "Inactive"],
      ["DeactiveFlowLog", "Inactive"],
      ["ActiveFlowLog", "Active"],
      ["ActiveFlowLog", "Active"],
    ];
    for (const [action, status] of steps) {
      await ok(action, { FlowLogId });
      expect((await shown(FlowLogId))["Status"]).toBe(status);
    }
    await ok("DeactiveFlowLog", { FlowLogId });
    await ok("DeleteFlowLog", { FlowLogId });
  });

  it("is bound to the same gateway again without complaint, and bound while inactive", async () => {
    const FlowLogId = await create();
    const SmartAGId = server.gateway.id;
    await ok("DeactiveFlowLog", { FlowLogId });
    await ok("AssociateFlowLog", { FlowLogId, SmartAGId });
    await ok("AssociateFlowLog", { FlowLogId, SmartAGId });
    expect((await shown(FlowLogId))["TotalSagNum"]).toBe(1);
    await ok("DisassociateFlowLog", { FlowLogId, SmartAGId });
    await ok("DeleteFlowLog", { FlowLogId });
  });

  it("gives up an interface that was bound by other means, which it lists but cannot bind", async () => {
    const FlowLogId = await create();
    const { control, scope } = server;
    const SmartAGId = control.resources.all().find(({ type }) => type === "interface")!.id;
    const code = async (action: string) =>
      (await server.call(action, { FlowLogId, SmartAGId })).body.Code as unknown;
    expect(await code("AssociateFlowLog")).toBe("InvalidSmartAGId.NotFound");
    expect(await code("DisassociateFlowLog")).toBe("InvalidSmartAGId.NotFound");
    expect(control.flowLogs.associate(scope, FlowLogId, SmartAGId).ok).toBe(true);
    const listed = await ok("DescribeFlowLogSags", { FlowLogId });
    expect(listed).toMatchObject({ TotalCount: 1, Sags: { Sag: [{ SmartAGId }] } });
    await ok("DisassociateFlowLog", { FlowLogId, SmartAGId });
    await ok("DeleteFlowLog", { FlowLogId });
  });

  it("makes its project and logstore on first use", async () => {
    const FlowLogId = await create();
    const key = {
      accountId: server.scope.accountId,
      regionId: "cn-shanghai",
      project: "weir-project",
      logstore: "weir-store",
    };
    expect(server.control.logProjects.getLogstore(key).ok).toBe(true);
    await ok("DeleteFlowLog", { FlowLogId });
  });

  it("shows how its deliveries go once that is known", async () => {
    const FlowLogId = await create();
    expect(await shown(FlowLogId)).not.toHaveProperty("FlowLogDeliverStatus");
    delivery = { healthy: false, message: "127.0.0.1:9995: ECONNREFUSED", problems: [] };
    await expect
      .poll(() => shown(FlowLogId), { timeout: 20_000 })
      .toMatchObject({
        FlowLogDeliverStatus: "FAILED",
        FlowLogDeliverErrorMessage: "127.0.0.1:9995: ECONNREFUSED",
      });
    delivery = undefined;
    await ok("DeleteFlowLog", { FlowLogId });
  });

  it("is answered for when a change of it has taken effect, and at once when nothing changed", async () => {
    settledCalls = 0;
    const FlowLogId = await create();
    expect(settledCalls).toBe(1);
    await ok("DescribeFlowLogs");
    await server.call("DeleteFlowLog", { FlowLogId: "fl-none" });
    expect(settledCalls).toBe(1);
    await ok("DeleteFlowLog", { FlowLogId });
    expect(settledCalls).toBe(2);
  });

  it("is changed even where the running system fails to take the change over, or takes long", async () => {
    const failing = await startSagServer({ settled: () => Promise.reject(new Error("capture is down")) });
    expect((await failing.call("CreateFlowLog", all)).status).toBe(200);
    await failing.stop();
    const hanging = await startSagServer({ settled: () => new Promise(() => undefined) });
    const startMs = performance.now();
    expect((await hanging.call("CreateFlowLog", all)).status).toBe(200);
    expect(performance.now() - startMs).toBeLessThan(20_000);
    await hanging.stop();
  });

  it("is as it was after a restart, with its gateways and its number", async () => {
    const directory = scratchFolder("sag-restart");
    const first = await startSagServer({ directory });
    const ids: string[] = [];
    for (let index = 0; index < 3; index++) {
      ids.push((await first.call("CreateFlowLog", { ...all, Name: `n${index}` })).body.FlowLogId as string);
    }
    await first.call("AssociateFlowLog", { FlowLogId: ids[0]!, SmartAGId: first.gateway.id });
    await first.call("DeactiveFlowLog", { FlowLogId: ids[1]! });
    await first.call("DeleteFlowLog", { FlowLogId: ids[2]! });
    const before = (await first.call("DescribeFlowLogs")).body.FlowLogs as object;
    const numbers = first.control.flowLogs.all().map((flowLog) => flowLog.number);
    await first.stop();
    const second = await startSagServer({ directory });
    expect((await second.call("DescribeFlowLogs")).body.FlowLogs).toEqual(before);
    expect(second.gateway.id).toBe(first.gateway.id);
    expect(second.control.flowLogs.all().map((flowLog) => flowLog.number)).toEqual(numbers);
    const { FlowLogId } = (await second.call("CreateFlowLog", all)).body as { FlowLogId: string };
    expect(second.control.flowLogs.find(FlowLogId)!.number).toBe(4);
    await second.stop();
  });
});

const terraform: RecordedClients["terraform"] = (action, fields) => clients.terraform(action, fields);

describe("Terraform's alicloud provider", () => {
  it("creates, activates, reads, updates and destroys", async () => {
    const created = await terraform("CreateFlowLog", {
      ActiveAging: "300",
      Description: "tf test accFlowLog",
      InactiveAging: "15",
      LogstoreName: "tf_testacc_logstore",
      Name: "tf testAcc+name",
      NetflowServerIp: "192.168.0.2",
      NetflowServerPort: "9995",
      NetflowVersion: "V9",
      OutputType: "all",
      ProjectName: "tf_testacc_project",
      RegionId: "cn-shanghai",
      SlsRegionId: "cn-shanghai",
    });
    expect(created.status).toBe(200);
    const { FlowLogId } = created.body as { FlowLogId: string };
    expect((await terraform("ActiveFlowLog", { FlowLogId, RegionId: "cn-shanghai" })).status).toBe(200);
    const read = (await terraform("DescribeFlowLogs", { FlowLogId, RegionId: "cn-shanghai" })).body as {
      FlowLogs: { FlowLogSetType: Record<string, unknown>[] };
    };
    expect(read.FlowLogs.FlowLogSetType).toHaveLength(1);
    expect(read.FlowLogs.FlowLogSetType[0]).toMatchObject({
      Name: "tf testAcc+name",
      Status: "Active",
      ProjectName: "tf_testacc_project",
    });
    const { accountId } = server.scope;
    const made = { accountId, regionId: "cn-shanghai", project: "tf_testacc_project" };
    expect(server.control.logProjects.listLogstores(made)).toMatchObject({
      ok: true,
      value: [{ name: "tf_testacc_logstore" }],
    });
    // What the provider sends when output_type goes to netflow: the rest of its fields, three of them empty.
    const updated = await terraform("ModifyFlowLogAttribute", {
      FlowLogId,
      InactiveAging: "20",
      LogstoreName: "",
      Name: "tf testAcc+name",
      NetflowServerIp: "192.168.0.3",
      NetflowServerPort: "9996",
      NetflowVersion: "V10",
      OutputType: "netflow",
      ProjectName: "",
      RegionId: "cn-shanghai",
      SlsRegionId: "",
    });
    expect(updated.status).toBe(200);
    expect(await shown(FlowLogId)).toMatchObject({
      ActiveAging: 300,
      Description: "tf test accFlowLog",
      InactiveAging: 20,
      NetflowServerPort: "9996",
      OutputType: "netflow",
      ProjectName: "",
    });
    expect((await terraform("DeleteFlowLog", { FlowLogId, RegionId: "cn-shanghai" })).status).toBe(200);
    const gone = await terraform("DescribeFlowLogs", { FlowLogId, RegionId: "cn-shanghai" });
    expect(gone).toMatchObject({ status: 200, body: { FlowLogs: { FlowLogSetType: [] } } });
  });

  it("pages its data source", async () => {
    const answer = await terraform("DescribeFlowLogs", {
      PageNumber: "1",
      PageSize: "50",
      RegionId: "cn-shanghai",
    });
    expect(answer).toMatchObject({ status: 200, body: { TotalCount: 0, PageSize: 50 } });
  });

  it("finds no word in an answer that would make it retry", async () => {
    const answer = await terraform("DeleteFlowLog", { FlowLogId: "fl-none", RegionId: "cn-shanghai" });
    expect(answer.status).toBe(400);
    expect(JSON.stringify(answer.body)).not.toMatch(
      /Throttling|ServiceUnavailable|SystemBusy|UnknownError|OperationConflict/u,
    );
  });
});

describe("the aliyun CLI", () => {
  it.each(["POST", "GET"])(
    "puts everything into the query of a %s, with an empty SignatureType",
    async (method) => {
      const fields = { ...all, RegionId: "cn-shanghai", Name: "from the cli" };
      const answer = await clients.cli(method, "CreateFlowLog", fields);
      expect(answer.status).toBe(200);
      const { FlowLogId } = answer.body as { FlowLogId: string };
      expect((await shown(FlowLogId))["Name"]).toBe("from the cli");
      await ok("DeleteFlowLog", { FlowLogId });
    },
  );

  it.each(["query", "form", "split"] as const)(
    "and any other client may put its parameters into the %s",
    async (place) => {
      const answer = await server.call("DescribeFlowLogs", { PageSize: 5 }, { place });
      expect(answer.body).toMatchObject({ PageSize: 5 });
    },
  );
});

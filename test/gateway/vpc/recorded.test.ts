/** The requests of Terraform's alicloud provider and of the aliyun CLI, in the forms in which they send them. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { unwrap } from "../../../src/base/mod.ts";
import { type RecordedClients, recordedClients, type RecordedFields } from "../rpc/recorded-client.ts";
import { startVpcServer, vpcVersion, type VpcServer } from "./fixture.ts";

let server: VpcServer;
let clients: RecordedClients;
beforeAll(async () => {
  server = await startVpcServer();
  clients = recordedClients({ ...server, version: vpcVersion });
});
afterAll(() => server.stop());
afterEach(() => server.clear());

const RegionId = "cn-shanghai";
/** Words that make the provider repeat a call, as its source lists them. */
const retried =
  /Throttling|ServiceUnavailable|SystemBusy|UnknownError|OperationConflict|LastTokenProcessing/u;

interface ReadFlowLog {
  readonly [name: string]: unknown;
  readonly Status: string;
  readonly Tags: { readonly Tag: readonly { readonly Key: string; readonly Value: string }[] };
  readonly TrafficPath: { readonly TrafficPathList: readonly string[] };
}

async function terraform(action: string, fields: RecordedFields): Promise<Record<string, unknown>> {
  const { status, body } = await clients.terraform(action, { RegionId, ...fields });
  expect(status, JSON.stringify(body)).toBe(200);
  // As the provider judges a success: no Code but these words, and Success true where it is there.
  const { Code = "200", Success = "true" } = body as Record<string, unknown>;
  expect(["200", "true"]).toEqual([Code, Success]);
  return body as Record<string, unknown>;
}

/** As the provider reads it; undefined where it takes the flow log for gone. */
async function read(FlowLogId: string): Promise<ReadFlowLog | undefined> {
  const body = await terraform("DescribeFlowLogs", { FlowLogId });
  return (body["FlowLogs"] as { FlowLog: ReadFlowLog[] }).FlowLog[0];
}

/** Polls as the provider does; capture takes the change over meanwhile. */
async function waitFor(FlowLogId: string, status: string): Promise<void> {
  expect((await read(FlowLogId))?.Status).toMatch(/ing$/u);
  server.settle();
  expect((await read(FlowLogId))?.Status).toBe(status);
}

async function created(): Promise<string> {
  const body = await terraform("CreateFlowLog", {
    AggregationInterval: "10",
    Description: "tf example + description",
    FlowLogName: "tf-example",
    LogStoreName: "tf-example-store",
    ProjectName: "tf-example-project",
    ResourceId: server.vpc.id,
    ResourceType: "VPC",
    "Tag.1.Key": "Created",
    "Tag.1.Value": "TF",
    "TrafficPath.1": "all",
    TrafficType: "All",
  });
  const FlowLogId = body["FlowLogId"] as string;
  await waitFor(FlowLogId, "Active");
  return FlowLogId;
}

describe("Terraform's alicloud_vpc_flow_log", () => {
  it("is created, and waits until it is active", async () => {
    const flowLog = await read(await created());
    expect(flowLog).toMatchObject({
      AggregationInterval: 10,
      BusinessStatus: "Normal",
      Description: "tf example + description",
      FlowLogName: "tf-example",
      IpVersion: "IPv4",
      LogStoreName: "tf-example-store",
      ProjectName: "tf-example-project",
      ResourceType: "VPC",
      TrafficType: "All",
    });
    expect(flowLog!.Tags.Tag).toEqual([{ Key: "Created", Value: "TF" }]);
    expect(flowLog!.TrafficPath.TrafficPathList).toEqual(["all"]);
  });

  it("is changed argument by argument, and waits each time", async () => {
    const FlowLogId = await created();
    for (const [name, value] of [
      ["AggregationInterval", "1"],
      ["Description", "changed"],
      ["Description", ""],
      ["FlowLogName", "renamed"],
      ["IpVersion", "IPv4"],
    ] as const) {
      await terraform("ModifyFlowLogAttribute", { FlowLogId, [name]: value });
      await waitFor(FlowLogId, "Active");
      expect(String((await read(FlowLogId))?.[name])).toBe(value);
    }
  });

  it("is stopped and started, each only where its status is another", async () => {
    const FlowLogId = await created();
    await terraform("DeactiveFlowLog", { FlowLogId });
    await waitFor(FlowLogId, "Inactive");
    await terraform("ActiveFlowLog", { FlowLogId });
    await waitFor(FlowLogId, "Active");
  });

  it("is tagged: first what goes, then what comes", async () => {
    const FlowLogId = await created();
    const tagged = { "ResourceId.1": FlowLogId, ResourceType: "FLOWLOG" };
    await terraform("UnTagResources", { ...tagged, "TagKey.1": "Created" });
    await terraform("TagResources", {
      ...tagged,
      "Tag.1.Key": "For",
      "Tag.1.Value": "acceptance test",
      "Tag.2.Key": "Created",
      "Tag.2.Value": "TF-update",
    });
    expect((await read(FlowLogId))!.Tags.Tag).toEqual([
      { Key: "For", Value: "acceptance test" },
      { Key: "Created", Value: "TF-update" },
    ]);
  });

  it("is moved to another resource group", async () => {
    const FlowLogId = await created();
    const group = unwrap(server.control.resourceGroups.create(server.scope.accountId, "terraform"));
    const fields = { NewResourceGroupId: group.id, ResourceId: FlowLogId, ResourceType: "FLOWLOG" };
    await terraform("MoveResourceGroup", fields);
    expect((await read(FlowLogId))?.["ResourceGroupId"]).toBe(group.id);
  });

  it("is destroyed, and waits until it is gone", async () => {
    const FlowLogId = await created();
    await terraform("DeleteFlowLog", { FlowLogId });
    expect((await read(FlowLogId))?.Status).toBe("Deleting");
    server.settle();
    expect(await read(FlowLogId)).toBeUndefined();
  });

  it("is retried where another change is under way, and not where it never will succeed", async () => {
    const FlowLogId = await created();
    await terraform("ModifyFlowLogAttribute", { FlowLogId, FlowLogName: "x" });
    const busy = await clients.terraform("DeleteFlowLog", { FlowLogId, RegionId });
    expect(busy).toMatchObject({ status: 400, body: { Code: "IncorrectStatus.flowlog" } });
    const never = await clients.terraform("CreateFlowLog", { RegionId, ResourceType: "VPC" });
    expect(never).toMatchObject({ status: 400, body: { Code: "MissingParameter" } });
    expect(JSON.stringify(never.body)).not.toMatch(retried);
  });
});

describe("Terraform's data sources", () => {
  it("page through alicloud_vpc_flow_logs", async () => {
    await created();
    const body = await terraform("DescribeFlowLogs", { PageNumber: "1", PageSize: "50" });
    expect(body).toMatchObject({ TotalCount: "1", PageSize: "50" });
    const none = await terraform("DescribeFlowLogs", {
      PageNumber: "1",
      PageSize: "50",
      ResourceType: "VSwitch",
      TrafficType: "All",
      Status: "Active",
    });
    expect(none["FlowLogs"]).toEqual({ FlowLog: [] });
  });

  it("find alicloud_vpc_flow_log_service open, and take it so where it is opened again", async () => {
    expect((await terraform("GetFlowLogServiceStatus", {}))["Enabled"]).toBe(true);
    const again = await clients.terraform("OpenFlowLogService", { RegionId });
    expect(again).toMatchObject({ status: 400, body: { Code: "OperationFailed.ExceedPurchaseLimit" } });
  });
});

describe("the aliyun CLI", () => {
  it.each(["POST", "GET"])("leads a flow log through its life by %s", async (method) => {
    const cli = async (action: string, fields: RecordedFields): Promise<Record<string, unknown>> => {
      const { status, body } = await clients.cli(method, action, { RegionId, ...fields });
      expect(status, JSON.stringify(body)).toBe(200);
      server.settle();
      return body as Record<string, unknown>;
    };
    const { FlowLogId } = (await cli("CreateFlowLog", {
      FlowLogName: "from the cli",
      ResourceId: server.interfaces[0]!.id,
      ResourceType: "NetworkInterface",
      TrafficType: "All",
    })) as { FlowLogId: string };
    await cli("ModifyFlowLogAttribute", { FlowLogId, AggregationInterval: "5" });
    expect((await cli("DescribeFlowLogs", { "Tags.1.Key": "none" }))["TotalCount"]).toBe("0");
    expect((await cli("DescribeFlowLogs", { FlowLogId }))["FlowLogs"]).toMatchObject({
      FlowLog: [{ FlowLogName: "from the cli", AggregationInterval: 5, Status: "Active" }],
    });
    await cli("DeleteFlowLog", { FlowLogId });
    expect((await cli("DescribeFlowLogs", { FlowLogId }))["TotalCount"]).toBe("0");
  });
});

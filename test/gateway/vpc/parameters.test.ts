/** Every parameter of the operations that change, at and past its bounds. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { unwrap } from "../../../src/base/mod.ts";
import { type Fields, outcomeOf } from "../rpc/client.ts";
import { type Cases, rowsOf, startVpcServer, type VpcServer } from "./fixture.ts";

let server: VpcServer;
beforeAll(async () => {
  server = await startVpcServer();
});
afterAll(() => server.stop());
afterEach(() => server.clear());

/** What CreateFlowLog and ModifyFlowLogAttribute say to the settings that both take. */
const settings: Readonly<Record<string, readonly (readonly [string, string, string])[]>> = {
  AggregationInterval: [
    ["1", "ok", "ok"],
    ["5", "ok", "ok"],
    ["10", "ok", "ok"],
    ["", "ok", "ok"],
    ...["0", "2", "6", "11", "60", "600", "-1", "1.0", "1e1", "0x1", " 1", "ten", "4294967297"].map(
      (value) =>
        [value, "400 IllegalParam.AggregationInterval", "400 IllegalParam.AggregationInterval"] as const,
    ),
  ],
  FlowLogName: [
    ["a", "ok", "ok"],
    ["流日志 & <name>", "ok", "ok"],
    ["x".repeat(128), "ok", "ok"],
    ["x".repeat(129), "400 ParameterInvalid", "400 InvalidName.Malformed"],
    ["http://x", "400 ParameterInvalid", "400 InvalidName.Malformed"],
    ["https://x", "400 ParameterInvalid", "400 InvalidName.Malformed"],
    ["ahttp://x", "ok", "ok"],
    ["tab\there", "400 ParameterInvalid", "400 ParameterInvalid"],
    ["", "ok", "ok"],
  ],
  Description: [
    ["a", "ok", "ok"],
    ["x".repeat(256), "ok", "ok"],
    ["x".repeat(257), "400 ParameterInvalid", "400 ParameterInvalid"],
    ["http://x", "400 ParameterInvalid", "400 ParameterInvalid"],
    ["https://x", "400 ParameterInvalid", "400 ParameterInvalid"],
    ["bell\u0007", "400 ParameterInvalid", "400 ParameterInvalid"],
    ["", "ok", "ok"],
  ],
  IpVersion: [
    ["IPv4", "ok", "ok"],
    ["IPv6", "ok", "ok"],
    ["DualStack", "ok", "ok"],
    ["ipv4", "400 ParameterInvalid", "400 ParameterInvalid"],
    ["4", "400 ParameterInvalid", "400 ParameterInvalid"],
    ["", "ok", "ok"],
  ],
  LogFormat: [
    ["${srcaddr}", "400 ParameterInvalid", "400 ParameterInvalid"],
    ["", "ok", "ok"],
  ],
};

/** What CreateFlowLog alone takes. */
const ofCreate: Readonly<Record<string, Cases>> = {
  ResourceType: [
    ["VSwitch", "400 InvalidResourceType.NotFound"],
    ["VPC", "400 InvalidResourceType.NotFound"],
    ["Gateway", "400 OperationUnsupported.ResourceType"],
    ["networkinterface", "400 OperationUnsupported.ResourceType"],
    ["constructor", "400 OperationUnsupported.ResourceType"],
    ["", "400 MissingParameter"],
  ],
  ResourceId: [
    ["eni-none", "400 InvalidInstanceId"],
    ["", "400 MissingParameter"],
  ],
  TrafficType: [
    ["All", "ok"],
    ["Allow", "ok"],
    ["Drop", "ok"],
    ["all", "400 InvalidTrafficType.NotFound"],
    ["ACCEPT", "400 InvalidTrafficType.NotFound"],
    ["", "400 MissingParameter"],
  ],
  ProjectName: [
    ["flow-log-project", "ok"],
    ["FlowLogProject", "ok"],
    ["p".repeat(128), "ok"],
    ["p".repeat(129), "400 ParameterInvalid"],
    ["", "ok"],
  ],
  LogStoreName: [
    ["flow_log-store", "ok"],
    ["FlowLogStore", "ok"],
    ["l".repeat(129), "400 ParameterInvalid"],
    ["", "ok"],
  ],
  ResourceGroupId: [
    ["rg-none", "400 IllegalParam.ResourceGroupId"],
    ["", "ok"],
  ],
  ClientToken: [
    ["t".repeat(64), "ok"],
    ["t".repeat(65), "400 InvalidParameter"],
    ["流", "400 InvalidParameter"],
    ["", "ok"],
  ],
  RegionId: [
    ["mars-1", "400 InvalidRegionId.NotFound"],
    ["cn-hangzhou", "400 InvalidInstanceId"],
    ["", "400 MissingParameter"],
  ],
  "TrafficPath.1": [
    ["all", "ok"],
    ["All", "400 IllegalParam.TrafficPath"],
    ["", "400 IllegalParam.TrafficPath"],
    ...[
      ..."internetGateway natGateway vpnGateway transitRouter gatewayEndpoint vbr ecr ipv4Gateway".split(" "),
      "gatewayLoadBalancerEndpoint",
    ].map((path) => [path, "400 UnsupportedFeature.UserDefinedTrafficPath"] as const),
  ],
  OwnerId: [["nonsense", "ok"]],
};

describe.each(rowsOf(ofCreate))("CreateFlowLog with %s %j", (name, value, expected) => {
  it(`is ${expected}`, async () => {
    expect(outcomeOf(await server.call("CreateFlowLog", { ...server.onEth0, [name]: value }))).toBe(expected);
  });
});

describe.each(
  Object.entries(settings).flatMap(([name, cases]) =>
    cases.map(([value, created, modified]): [string, string, string, string] => [
      name,
      value,
      created,
      modified,
    ]),
  ),
)("%s %j", (name, value, created, modified) => {
  it(`is ${created} to CreateFlowLog`, async () => {
    expect(outcomeOf(await server.call("CreateFlowLog", { ...server.onEth0, [name]: value }))).toBe(created);
  });

  it(`is ${modified} to ModifyFlowLogAttribute, which changes it or nothing`, async () => {
    const FlowLogId = await server.create({ FlowLogName: "before", Description: "before" });
    const before = await server.shown(FlowLogId);
    const answer = await server.call("ModifyFlowLogAttribute", { FlowLogId, [name]: value });
    expect(outcomeOf(answer)).toBe(modified);
    server.settle();
    const changes = modified === "ok" && (value !== "" || ["FlowLogName", "Description"].includes(name));
    const wanted = name === "AggregationInterval" ? Number(value) : value;
    expect(await server.shown(FlowLogId)).toEqual(changes ? { ...before, [name]: wanted } : before);
  });
});

describe("CreateFlowLog", () => {
  it("gives what is absent its default, the log service's names too", async () => {
    const answer = await server.call("CreateFlowLog", server.onEth0);
    expect(answer.body).toEqual({
      RequestId: expect.stringMatching(/^[0-9A-F-]{36}$/u),
      Success: "true",
      FlowLogId: expect.stringMatching(/^fl-[a-z0-9]{20}$/u),
      ResourceGroupId: server.control.accounts.default.resourceGroupId,
    });
    expect(await server.shown(answer.body.FlowLogId as string)).toEqual({
      FlowLogId: answer.body.FlowLogId,
      FlowLogName: "",
      Description: "",
      Status: "Activating",
      CreationTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/u),
      RegionId: "cn-shanghai",
      ResourceType: "NetworkInterface",
      ResourceId: server.interfaces[0]!.id,
      TrafficType: "All",
      ProjectName: `flowlog-${server.scope.accountId}-cn-shanghai`,
      LogStoreName: "vpc-flow-log",
      AggregationInterval: 10,
      TrafficPath: { TrafficPathList: ["all"] },
      BusinessStatus: "Normal",
      ServiceType: "",
      ResourceGroupId: server.control.accounts.default.resourceGroupId,
      Tags: { Tag: [] },
      FlowLogDeliverStatus: "SUCCESS",
      FlowLogDeliverErrorMessage: "",
      IpVersion: "IPv4",
    });
  });

  it("takes each type of resource", async () => {
    const targets = { VPC: server.vpc, VSwitch: server.subnets[1]!, NetworkInterface: server.interfaces[2]! };
    for (const [ResourceType, { id: ResourceId }] of Object.entries(targets)) {
      const FlowLogId = await server.create({ ResourceType, ResourceId, TrafficType: "Drop" });
      expect(await server.shown(FlowLogId)).toMatchObject({ ResourceType, ResourceId, TrafficType: "Drop" });
    }
  });

  it("names a VSwitch that there is not in the service's words", async () => {
    const answer = await server.call("CreateFlowLog", {
      ...server.onEth0,
      ResourceType: "VSwitch",
      ResourceId: "vsw-none",
    });
    expect([answer.body.Code, answer.body.Message]).toEqual(["InvalidInstanceId", "vswitch does not exist."]);
  });

  it.each([
    [["all", "all"], "DuplicatedParam.TrafficPath"],
    [["natGateway", "natGateway"], "DuplicatedParam.TrafficPath"],
    [["all", "natGateway"], "UnsupportedFeature.UserDefinedTrafficPath"],
    [["vbr", "nowhere"], "IllegalParam.TrafficPath"],
    [Array.from({ length: 21 }, () => "all"), "IllegalParam.TrafficPath"],
  ])("refuses the traffic paths %j", async (paths, code) => {
    const fields = Object.fromEntries(paths.map((path, index) => [`TrafficPath.${index + 1}`, path]));
    const answer = await server.call("CreateFlowLog", { ...server.onEth0, ...fields });
    expect([answer.status, answer.body.Code]).toEqual([400, code]);
  });

  it("answers a call that comes again under its ClientToken as the first time", async () => {
    const fields = { ...server.onEth0, ClientToken: "123e4567-e89b-12d3-a456-426655440000" };
    const first = await server.call("CreateFlowLog", fields);
    const again = await server.call("CreateFlowLog", fields, { place: "form" });
    expect(again.body).toEqual({ ...first.body, RequestId: again.body.RequestId });
    const other = await server.call("CreateFlowLog", { ...fields, TrafficType: "Drop" });
    expect([other.status, other.body.Code]).toEqual([400, "IdempotentParameterMismatch"]);
    expect((await server.call("DescribeFlowLogs")).body.TotalCount).toBe("1");
  });

  it("answers as the first time also when what it made was moved, or is gone", async () => {
    const fields = { ...server.onEth0, ClientToken: "moved-and-gone" };
    const first = await server.call("CreateFlowLog", fields);
    const { FlowLogId } = first.body;
    server.settle();
    const group = unwrap(server.control.resourceGroups.create(server.scope.accountId, "elsewhere"));
    unwrap(server.control.flowLogs.moveResourceGroup(server.scope, FlowLogId, group.id));
    const moved = await server.call("CreateFlowLog", fields);
    expect(moved.body).toEqual({ ...first.body, RequestId: moved.body.RequestId });
    await server.call("DeleteFlowLog", { FlowLogId });
    server.settle();
    const gone = await server.call("CreateFlowLog", fields);
    expect(gone.body).toEqual({ ...first.body, RequestId: gone.body.RequestId });
    expect((await server.call("DescribeFlowLogs")).body.TotalCount).toBe("0");
  });
});

const tag = (key: string, value = "v"): Fields => ({ "Tag.1.Key": key, "Tag.1.Value": value });
const many = (count: number): Fields =>
  Object.fromEntries(
    Array.from({ length: count }, (_, index): [string, string][] => [
      [`Tag.${index + 1}.Key`, `k${index}`],
      [`Tag.${index + 1}.Value`, ""],
    ]).flat(),
  );

/** Tags, and what CreateFlowLog and TagResources say to them alike. */
const tags: readonly (readonly [string, Fields, string])[] = [
  ["a key and a value", tag("FinanceDept", "FinanceJoshua"), "ok"],
  ["an empty value", tag("k", ""), "ok"],
  ["the longest key and value", tag("k".repeat(128), "v".repeat(128)), "ok"],
  ["a key too long", tag("k".repeat(129)), "400 InvalidTagKey"],
  ["an empty key", tag(""), "400 InvalidTagKey"],
  ["a key with an address", tag("see http://x"), "400 InvalidTagKey"],
  ["a key that begins with aliyun", tag("aliyun-x"), "400 Forbidden.TagKeys"],
  ["a key that begins with acs:", tag("ACS:x"), "400 Forbidden.TagKeys"],
  ["a value too long", tag("k", "v".repeat(129)), "400 InvalidTagValue"],
  ["a value with an address", tag("k", "https://x"), "400 InvalidTagValue"],
  ["a value that begins with acs:", tag("k", "acs:x"), "400 InvalidTagValue"],
  ["a key without a value", { "Tag.1.Key": "k" }, "400 MissingParameter.TagValue"],
  ["a value without a key", { "Tag.1.Value": "v" }, "400 MissingParameter.TagKey"],
  ["a key twice", { ...tag("k"), "Tag.2.Key": "k", "Tag.2.Value": "w" }, "400 Forbidden.TagKey.Duplicated"],
  ["as many as may be", many(20), "ok"],
  ["one more than may be", many(21), "400 SizeLimitExceeded.TagNum"],
  ["names that an object has of its own", tag("__proto__", "constructor"), "ok"],
];

describe.each(tags)("%s", (_, fields, expected) => {
  it(`is ${expected} to CreateFlowLog`, async () => {
    expect(outcomeOf(await server.call("CreateFlowLog", { ...server.onEth0, ...fields }))).toBe(expected);
  });

  it(`is ${expected} to TagResources`, async () => {
    const ResourceId = await server.create();
    const fixed = { ResourceType: "FLOWLOG", "ResourceId.1": ResourceId };
    expect(outcomeOf(await server.call("TagResources", { ...fixed, ...fields }))).toBe(expected);
    const keys = Object.entries(fields).filter(([name]) => name.endsWith(".Key"));
    const shown = await server.shown(ResourceId);
    const { Tag } = shown!["Tags"] as { Tag: { Key: string }[] };
    expect(Tag.map(({ Key }) => Key)).toEqual(expected === "ok" ? keys.map(([, key]) => key) : []);
  });
});

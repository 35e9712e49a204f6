/** Every error code that the VPC API answers, provoked by a request. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { unwrap } from "../../../src/base/mod.ts";
import { vpcErrors } from "../../../src/gateway/dialect/vpc/mod.ts";
import type { Answer, Fields } from "../rpc/client.ts";
import { startVpcServer, type VpcServer } from "./fixture.ts";

let server: VpcServer;
let strict: VpcServer;
beforeAll(async () => {
  server = await startVpcServer();
  strict = await startVpcServer({
    control: { quotas: { vpc: 2 }, openByDefault: false, createLogTargets: false },
  });
});
afterAll(async () => {
  await server.stop();
  await strict.stop();
});
afterEach(() => {
  server.clear();
  strict.clear();
});

const call = (action: string, fields?: Fields): Promise<Answer> => server.call(action, fields);
const create = (fields: Fields): Promise<Answer> => call("CreateFlowLog", { ...server.onEth0, ...fields });
const modify = async (fields: Fields): Promise<Answer> =>
  call("ModifyFlowLogAttribute", { FlowLogId: await server.create(), ...fields });
const tag = async (fields: Fields): Promise<Answer> =>
  call("TagResources", { ResourceType: "FLOWLOG", "ResourceId.1": await server.create(), ...fields });
const list = (fields: Fields): Promise<Answer> => call("ListTagResources", fields);
const move = async (fields: Fields): Promise<Answer> =>
  call("MoveResourceGroup", {
    ResourceId: await server.create(),
    ResourceType: "FlowLog",
    NewResourceGroupId: server.control.accounts.default.resourceGroupId,
    ...fields,
  });
const numbered = (count: number, name: (index: number) => string, value: string): Fields =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [name(index + 1), `${value}${index}`]));

/** A call while another change is under way. */
async function inTransition(change: string, action: string): Promise<Answer> {
  const FlowLogId = await server.create();
  expect((await call(change, { FlowLogId, FlowLogName: "changed" })).status).toBe(200);
  return call(action, { FlowLogId, FlowLogName: "changed" });
}

const provocations: Readonly<Record<keyof typeof vpcErrors, () => Promise<Answer>>> = {
  MissingParameter: () => create({ TrafficType: "" }),
  ParameterInvalid: () => create({ IpVersion: "IPv5" }),
  "InvalidRegionId.NotFound": () => call("DescribeFlowLogs", { RegionId: "mars-1" }),
  "OptInRequired.FlowLog": () => strict.call("CreateFlowLog", strict.onEth0),
  "OperationUnsupported.ResourceType": () => create({ ResourceType: "Gateway" }),
  "InvalidResourceType.NotFound": () => create({ ResourceType: "VPC" }),
  InvalidInstanceId: () => create({ ResourceId: "eni-none" }),
  "InvalidResourceId.NotFound": async () => {
    await server.create();
    return create({ TrafficType: "Drop" });
  },
  "InvalidTrafficType.NotFound": () => create({ TrafficType: "Some" }),
  "IllegalParam.AggregationInterval": () => modify({ AggregationInterval: 2 }),
  "IllegalParam.TrafficPath": () => create({ "TrafficPath.1": "nowhere" }),
  "DuplicatedParam.TrafficPath": () => create({ "TrafficPath.1": "all", "TrafficPath.2": "all" }),
  "UnsupportedFeature.UserDefinedTrafficPath": () => create({ "TrafficPath.1": "natGateway" }),
  "IllegalParam.ResourceGroupId": () => create({ ResourceGroupId: "rg-none" }),
  "InvalidName.Malformed": () => modify({ FlowLogName: "http://name" }),
  "QuotaExceeded.FlowlogCount": async () => {
    await open();
    unwrap(
      strict.control.logProjects.ensure({ ...strict.scope, project: "a-project", logstore: "a-logstore" }),
    );
    const target = { ProjectName: "a-project", LogStoreName: "a-logstore" };
    const answers = [];
    for (const { id } of strict.interfaces) {
      answers.push(await strict.call("CreateFlowLog", { ...strict.onEth0, ...target, ResourceId: id }));
    }
    expect(answers.slice(0, 2).map(({ status }) => status)).toEqual([200, 200]);
    return answers[2]!;
  },
  ProjectOrLogstoreNotExist: async () => {
    await open();
    return strict.call("CreateFlowLog", { ...strict.onEth0, ProjectName: "no-project" });
  },
  "InvalidInstanceId.NotFound": () => call("DeleteFlowLog", { FlowLogId: "fl-none" }),
  InvalidStatus: () => inTransition("DeleteFlowLog", "DeleteFlowLog"),
  "IncorrectStatus.flowlog": () => inTransition("ModifyFlowLogAttribute", "DeactiveFlowLog"),
  "OperationDenied.FlowLogDeliverFailed": async () => {
    const FlowLogId = await server.create({ ProjectName: "soon-gone", LogStoreName: "soon-gone" });
    await call("DeactiveFlowLog", { FlowLogId });
    server.settle();
    unwrap(server.control.logProjects.deleteProject({ ...server.scope, project: "soon-gone" }));
    return call("ActiveFlowLog", { FlowLogId });
  },
  "OperationFailed.ExceedPurchaseLimit": () => call("OpenFlowLogService"),
  IdempotentParameterMismatch: async () => {
    await create({ ClientToken: "a-token" });
    return create({ ClientToken: "a-token", TrafficType: "Drop" });
  },
  InvalidTagKey: () => tag({ "Tag.1.Key": "", "Tag.1.Value": "v" }),
  InvalidTagValue: () => tag({ "Tag.1.Key": "k", "Tag.1.Value": "http://v" }),
  MissingParam: () => call("TagResources", { ResourceType: "FLOWLOG", "Tag.1.Key": "k", "Tag.1.Value": "v" }),
  "MissingParam.ResourceType": () => list({ "ResourceId.1": "fl-none" }),
  "MissingParam.Tags": () => tag({}),
  "MissingParameter.TagKey": () => tag({ "Tag.1.Value": "v" }),
  "MissingParameter.TagValue": () => tag({ "Tag.1.Key": "k" }),
  "InvalidInstanceType.NotFound": () => list({ ResourceType: "VPC", "ResourceId.1": "vpc-none" }),
  "InvalidInstanceIds.NotFound": () => list({ ResourceType: "FLOWLOG", "ResourceId.1": "fl-none" }),
  "Forbidden.TagKeys": () => tag({ "Tag.1.Key": "acs:k", "Tag.1.Value": "v" }),
  "Forbidden.TagKey.Duplicated": () =>
    tag({ "Tag.1.Key": "k", "Tag.1.Value": "v", "Tag.2.Key": "k", "Tag.2.Value": "w" }),
  "QuotaExceeded.TagNum": async () => {
    const id = await server.create({
      ...numbered(20, (index) => `Tag.${index}.Key`, "key"),
      ...numbered(20, (index) => `Tag.${index}.Value`, "value"),
    });
    const one = { "Tag.1.Key": "another", "Tag.1.Value": "" };
    return call("TagResources", { ResourceType: "FLOWLOG", "ResourceId.1": id, ...one });
  },
  "SizeLimitExceeded.TagNum": () =>
    list({ ResourceType: "FLOWLOG", ...numbered(21, (index) => `Tag.${index}.Key`, "key") }),
  "SizeLimitExceeded.ResourceId": () =>
    list({ ResourceType: "FLOWLOG", ...numbered(51, (index) => `ResourceId.${index}`, "fl-") }),
  "BothEmpty.TagsAndResources": () => list({ ResourceType: "FLOWLOG" }),
  InvalidResourceGroupId: () => move({ NewResourceGroupId: "rg-none" }),
  "IllegalParam.ResourceType": () => move({ ResourceType: "VPC" }),
  "OperationFailed.InstanceStatusNotAllowed": async () => {
    const ResourceId = await server.create();
    await call("DeactiveFlowLog", { FlowLogId: ResourceId });
    const { resourceGroupId } = server.control.accounts.default;
    return call("MoveResourceGroup", {
      ResourceId,
      ResourceType: "FLOWLOG",
      NewResourceGroupId: resourceGroupId,
    });
  },
};

async function open(): Promise<void> {
  const status = await strict.call("GetFlowLogServiceStatus");
  if (status.body.Enabled === true) return;
  expect((await strict.call("OpenFlowLogService")).body).toMatchObject({ Code: "200" });
}

describe("the VPC API", () => {
  it.each(Object.keys(provocations) as (keyof typeof vpcErrors)[])("answers %s", async (code) => {
    const [status, message] = vpcErrors[code];
    const answer = await provocations[code]();
    expect(answer.status, answer.text).toBe(status);
    expect(answer.body).toEqual({
      RequestId: expect.stringMatching(/^[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}$/u),
      HostId: expect.stringMatching(/^127\.0\.0\.1:\d+$/u),
      Code: code,
      Message: message,
      Recommend: expect.stringContaining(`q=${code}&product=Vpc`),
    });
  });

  it.each([
    ["DeleteFlowLog", {}],
    ["ActiveFlowLog", {}],
    ["DeactiveFlowLog", {}],
    ["ModifyFlowLogAttribute", {}],
    ["MoveResourceGroup", { ResourceType: "FLOWLOG" }],
  ])("misses what %s needs", async (action, fields) => {
    expect((await call(action, fields)).body.Code).toBe("MissingParameter");
    expect((await call(action, { FlowLogId: "fl-none", ResourceId: "fl-none", RegionId: "" })).body).toEqual(
      expect.objectContaining({ Code: "MissingParameter" }),
    );
  });

  it("finds no flow log of another region or another service", async () => {
    const FlowLogId = await server.create();
    const elsewhere = await call("DeleteFlowLog", { FlowLogId, RegionId: "cn-hangzhou" });
    expect(elsewhere.body.Code).toBe("InvalidInstanceId.NotFound");
    const ofGateways = { ...server.scope, service: "sag" } as const;
    const netflow = { enabled: true, address: "192.0.2.1" };
    const other = unwrap(server.control.flowLogs.create(ofGateways, { outputs: { netflow } }));
    const answer = await call("DeleteFlowLog", { FlowLogId: other.id });
    expect(answer.body.Code).toBe("InvalidInstanceId.NotFound");
    expect(await server.shown(other.id)).toBeUndefined();
  });

  it("knows no operation of another service", async () => {
    expect((await call("AssociateFlowLog")).body.Code).toBe("InvalidAction.NotFound");
  });

  it("refuses a flow log that is moved and is not there, in the words of that operation", async () => {
    const answer = await move({ ResourceId: "fl-none" });
    expect(answer.body).toMatchObject({
      Code: "InvalidResourceId.NotFound",
      Message: "The specified ResourceId does not exist.",
    });
  });
});

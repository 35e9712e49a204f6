/** What users may do with VPC flow logs: the actions and resources that each operation asks for. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { unwrap } from "../../../src/base/mod.ts";
import type { AccessKeyWithSecret } from "../../../src/control/mod.ts";
import { type Fields, outcomeOf } from "../rpc/client.ts";
import { startVpcServer, type VpcServer } from "./fixture.ts";

let server: VpcServer;
let key: AccessKeyWithSecret;
let userId: string;
let policies = 0;

beforeAll(async () => {
  server = await startVpcServer();
  const { accountId } = server.scope;
  userId = unwrap(server.control.access.users.create(accountId, "alice")).id;
  key = unwrap(server.control.accessKeys.create(accountId, { userId }));
});
afterAll(() => server.stop());
afterEach(() => server.clear());

async function call(action: string, fields: Fields = {}): Promise<string> {
  const common = { AccessKeyId: key.accessKeyId };
  return outcomeOf(await server.call(action, fields, { secret: key.accessKeySecret, common }));
}

/** What the user may with this policy alone. */
async function having(statement: object, work: () => Promise<void>): Promise<void> {
  const { accountId } = server.scope;
  const { policies: shelf } = server.control.access;
  const name = `test-${++policies}`;
  const document = JSON.stringify({ Version: "1", Statement: [{ Effect: "Allow", ...statement }] });
  unwrap(shelf.create(accountId, name, { document }));
  unwrap(shelf.attach(accountId, name, userId));
  await work();
  unwrap(shelf.detach(accountId, name, userId));
}

const denied = "403 Forbidden.RAM";
const arn = (relative: string): string => `acs:vpc:cn-shanghai:${server.scope.accountId}:${relative}`;

describe("a user", () => {
  it.each([
    "CreateFlowLog",
    "ModifyFlowLogAttribute",
    "DeleteFlowLog",
    "ActiveFlowLog",
    "DeactiveFlowLog",
    "DescribeFlowLogs",
    "GetFlowLogServiceStatus",
    "OpenFlowLogService",
    "TagResources",
    "UnTagResources",
    "ListTagResources",
    "MoveResourceGroup",
  ])("without policies may not %s, and is told so in the service's words", async (action) => {
    expect(await call(action, { FlowLogId: "fl-1", ResourceId: "fl-1", ResourceType: "FLOWLOG" })).toBe(
      denied,
    );
  });

  it("may list regions, as anybody", async () => {
    expect(await call("DescribeRegions")).toBe("ok");
  });

  it("who may create on a VPC may not on another, nor on a VSwitch", async () => {
    const onVpc = { ResourceType: "VPC", ResourceId: server.vpc.id, TrafficType: "All" };
    const Resource = [arn("flowlog/*"), arn(`vpc/${server.vpc.id}`)];
    await having({ Action: "vpc:CreateFlowLog", Resource }, async () => {
      expect(await call("CreateFlowLog", { ...onVpc, ResourceId: "vpc-other" })).toBe(denied);
      const { id } = server.subnets[0]!;
      expect(await call("CreateFlowLog", { ...onVpc, ResourceType: "VSwitch", ResourceId: id })).toBe(denied);
      expect(await call("CreateFlowLog", onVpc)).toBe("ok");
    });
  });

  it("who may change one flow log may not change another", async () => {
    const mine = await server.create();
    const other = await server.create({ ResourceId: server.interfaces[1]!.id });
    const Action = ["vpc:*FlowLog*", "vpc:*Tag*", "vpc:MoveResourceGroup"];
    await having({ Action, Resource: arn(`flowlog/${mine}`) }, async () => {
      const tag = { ResourceType: "FLOWLOG", "Tag.1.Key": "k", "Tag.1.Value": "v" };
      expect(await call("ModifyFlowLogAttribute", { FlowLogId: mine, FlowLogName: "x" })).toBe("ok");
      expect(await call("ModifyFlowLogAttribute", { FlowLogId: other, FlowLogName: "x" })).toBe(denied);
      expect(await call("DeleteFlowLog", { FlowLogId: other })).toBe(denied);
      expect(await call("TagResources", { ...tag, "ResourceId.1": mine })).toBe("ok");
      expect(await call("TagResources", { ...tag, "ResourceId.1": mine, "ResourceId.2": other })).toBe(
        denied,
      );
      expect(await call("ListTagResources", tag)).toBe(denied);
      const NewResourceGroupId = server.control.accounts.default.resourceGroupId;
      const moved = { ResourceType: "FLOWLOG", NewResourceGroupId };
      expect(await call("MoveResourceGroup", { ...moved, ResourceId: other })).toBe(denied);
      expect(await call("DescribeFlowLogs")).toBe(denied);
    });
  });

  it("is denied what a policy denies by whichever of its names it is called", async () => {
    const id = await server.create();
    const { uuid } = unwrap(server.control.flowLogs.get(server.scope, id));
    const { vpc } = server;
    const onVpc = { ResourceType: "VPC", TrafficType: "All" };
    const tag = { ResourceType: "FLOWLOG", "Tag.1.Key": "k", "Tag.1.Value": "v" };
    const Resource = [arn(`flowlog/${id}`), arn(`vpc/${vpc.id}`)];
    await having({ Action: "vpc:*", Resource: "*" }, () =>
      having({ Effect: "Deny", Action: "vpc:*", Resource }, async () => {
        for (const name of [id, uuid]) {
          expect(await call("DeleteFlowLog", { FlowLogId: name })).toBe(denied);
          expect(await call("TagResources", { ...tag, "ResourceId.1": name })).toBe(denied);
          expect(await call("MoveResourceGroup", { ...tag, ResourceId: name })).toBe(denied);
        }
        for (const name of [vpc.id, vpc.uuid]) {
          expect(await call("CreateFlowLog", { ...onVpc, ResourceId: name })).toBe(denied);
        }
      }),
    );
  });
});

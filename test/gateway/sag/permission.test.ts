import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { unwrap } from "../../../src/base/mod.ts";
import type { AccessKeyWithSecret } from "../../../src/control/mod.ts";
import { type Answer, type Fields, type SagServer, startSagServer } from "./fixture.ts";

let server: SagServer;
let key: AccessKeyWithSecret;
let userId: string;
let policies = 0;

beforeAll(async () => {
  server = await startSagServer();
  const { accountId } = server.scope;
  userId = unwrap(server.control.access.users.create(accountId, "alice")).id;
  key = unwrap(server.control.accessKeys.create(accountId, { userId }));
});
afterAll(() => server.stop());

function call(action: string, fields: Fields = {}): Promise<Answer> {
  return server.call(action, fields, {
    secret: key.accessKeySecret,
    common: { AccessKeyId: key.accessKeyId },
  });
}

/** What the user may with this policy alone. */
async function having<T>(statement: object, work: () => Promise<T>): Promise<T> {
  const { accountId } = server.scope;
  const { policies: shelf } = server.control.access;
  const name = `test-${++policies}`;
  const document = JSON.stringify({ Version: "1", Statement: [statement] });
  unwrap(shelf.create(accountId, name, { document }));
  unwrap(shelf.attach(accountId, name, userId));
  try {
    return await work();
  } finally {
    unwrap(shelf.detach(accountId, name, userId));
  }
}

async function flowLog(): Promise<string> {
  const { body } = await server.call("CreateFlowLog", {
    OutputType: "netflow",
    NetflowServerIp: "192.0.2.1",
  });
  return String(body.FlowLogId);
}

const code = ({ status, body }: Answer): string => `${status} ${body.Code ?? "ok"}`;
const denied = "403 Forbidden";

describe("a user without policies", () => {
  it.each([
    "CreateFlowLog",
    "ModifyFlowLogAttribute",
    "DeleteFlowLog",
    "ActiveFlowLog",
    "DeactiveFlowLog",
    "AssociateFlowLog",
    "DisassociateFlowLog",
    "DescribeFlowLogs",
    "DescribeFlowLogSags",
    "DescribeUnbindFlowLogSags",
  ])("may not %s", async (action) => {
    const answer = await call(action, { FlowLogId: "fl-1", SmartAGId: "sag-1", OutputType: "all" });
    expect(answer.status).toBe(403);
    expect(answer.body).toMatchObject({
      Code: "Forbidden",
      Message: "User not authorized to operate on the specified resource.",
      AccessDeniedDetail: {
        AuthAction: `smartag:${action}`,
        NoPermissionType: "ImplicitDeny",
        AuthPrincipalType: "SubUser",
      },
    });
  });

  it("may ask for the regions", async () => {
    expect(code(await call("DescribeRegions"))).toBe("200 ok");
  });
});

describe("a user with policies", () => {
  it("may touch the flow logs that they name and no others", async () => {
    const [mine, other] = [await flowLog(), await flowLog()];
    const Resource = `acs:smartag:*:*:flowlog/${mine}`;
    await having({ Effect: "Allow", Action: "smartag:*", Resource }, async () => {
      expect(code(await call("DeactiveFlowLog", { FlowLogId: mine }))).toBe("200 ok");
      expect(code(await call("DescribeFlowLogSags", { FlowLogId: mine }))).toBe("200 ok");
      expect(code(await call("DeactiveFlowLog", { FlowLogId: other }))).toBe(denied);
      // The service authorises these on all resources, which such a policy is not about.
      expect(code(await call("DescribeFlowLogs", { FlowLogId: mine }))).toBe(denied);
    });
  });

  it("is denied what a policy denies by whichever of its names it is called", async () => {
    const FlowLogId = await flowLog();
    const { uuid } = unwrap(server.control.flowLogs.get(server.scope, FlowLogId));
    const { gateway } = server;
    const other = await flowLog();
    const Resource = [`acs:smartag:*:*:flowlog/${FlowLogId}`, `acs:smartag:*:*:smartag/${gateway.id}`];
    await having({ Effect: "Allow", Action: "smartag:*", Resource: "*" }, () =>
      having({ Effect: "Deny", Action: "smartag:*", Resource }, async () => {
        expect(code(await call("DeleteFlowLog", { FlowLogId }))).toBe(denied);
        expect(code(await call("DeleteFlowLog", { FlowLogId: uuid }))).toBe(denied);
        const bound = { FlowLogId: other, SmartAGId: gateway.uuid };
        expect(code(await call("AssociateFlowLog", bound))).toBe(denied);
      }),
    );
  });

  it("needs both the gateway and the flow log to bind them", async () => {
    const FlowLogId = await flowLog();
    const fields = { FlowLogId, SmartAGId: server.gateway.id };
    const gateways = "acs:smartag:*:*:smartag/*";
    const flowLogs = "acs:smartag:*:*:flowlog/*";
    const statement = { Effect: "Allow", Action: "smartag:AssociateFlowLog" };
    await having({ ...statement, Resource: flowLogs }, async () => {
      expect(code(await call("AssociateFlowLog", fields))).toBe(denied);
    });
    await having({ ...statement, Resource: [flowLogs, gateways] }, async () => {
      expect(code(await call("AssociateFlowLog", fields))).toBe("200 ok");
    });
    await server.call("DisassociateFlowLog", fields);
  });

  it("may in the region that they name", async () => {
    const { accountId } = server.scope;
    const Resource = `acs:smartag:cn-hangzhou:${accountId}:*`;
    await having({ Effect: "Allow", Action: "smartag:Describe*", Resource }, async () => {
      expect(code(await call("DescribeFlowLogs", { RegionId: "cn-hangzhou" }))).toBe("200 ok");
      expect(code(await call("DescribeFlowLogs", { RegionId: "cn-shanghai" }))).toBe(denied);
    });
  });

  it.each<[string, object, string]>([
    ["from this address", { IpAddress: { "acs:SourceIp": "127.0.0.0/8" } }, "200 ok"],
    ["from another", { NotIpAddress: { "acs:SourceIp": "127.0.0.1" } }, denied],
    ["without TLS", { Bool: { "acs:SecureTransport": "false" } }, "200 ok"],
    ["over TLS", { Bool: { "acs:SecureTransport": "true" } }, denied],
    ["since 2020", { DateGreaterThan: { "acs:CurrentTime": "2020-01-01T00:00:00Z" } }, "200 ok"],
    ["until 2020", { DateLessThan: { "acs:CurrentTime": "2020-01-01T00:00:00Z" } }, denied],
  ])("may %s alone, where a condition says so", async (_what, Condition, expected) => {
    await having({ Effect: "Allow", Action: "*", Resource: "*", Condition }, async () => {
      expect(code(await call("DescribeFlowLogs"))).toBe(expected);
    });
  });

  it("is denied what one of them denies, and is told so", async () => {
    await having({ Effect: "Allow", Action: "*", Resource: "*" }, () =>
      having({ Effect: "Deny", Action: "smartag:Create*", Resource: "*" }, async () => {
        expect(code(await call("DescribeFlowLogs"))).toBe("200 ok");
        const { body } = await call("CreateFlowLog", { OutputType: "sls" });
        expect(body.AccessDeniedDetail).toMatchObject({ NoPermissionType: "ExplicitDeny" });
      }),
    );
  });

  it("has the policies of its groups, as long as it is in them", async () => {
    const { accountId } = server.scope;
    const { groups, policies: shelf } = server.control.access;
    const group = unwrap(groups.create(accountId, "readers"));
    unwrap(shelf.attach(accountId, "ReadOnlyAccess", group.id));
    unwrap(groups.join(group.id, userId));
    expect(code(await call("DescribeFlowLogs"))).toBe("200 ok");
    unwrap(groups.leave(group.id, userId));
    expect(code(await call("DescribeFlowLogs"))).toBe(denied);
  });

  it("loses its keys and their rights when it is deleted", async () => {
    const { accountId } = server.scope;
    const { access, accessKeys } = server.control;
    const passing = unwrap(access.users.create(accountId, "passing"));
    const { accessKeyId, accessKeySecret } = unwrap(accessKeys.create(accountId, { userId: passing.id }));
    const options = { secret: accessKeySecret, common: { AccessKeyId: accessKeyId } };
    expect(code(await server.call("DescribeRegions", {}, options))).toBe("200 ok");
    unwrap(access.users.remove(accountId, "passing"));
    expect(code(await server.call("DescribeRegions", {}, options))).toBe("404 InvalidAccessKeyId.NotFound");
  });
});

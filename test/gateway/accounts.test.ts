/** Two accounts of one installation: through no dialect does one see or touch what is the other's. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { unwrap } from "../../src/base/mod.ts";
import { type AccessKeyWithSecret, cloudProjectId, type Control } from "../../src/control/mod.ts";
import { callHuawei } from "../support/huawei-client.ts";
import { type HuaweiServer, makeStream, startHuaweiServer } from "./huawei/fixture.ts";
import { outcomeOf } from "./rpc/client.ts";
import { type Answer, type Fields, type SagServer, startSagServer } from "./sag/fixture.ts";
import { startVpcServer, type VpcServer } from "./vpc/fixture.ts";

interface Tenant {
  readonly accountId: string;
  readonly key: AccessKeyWithSecret;
}

function tenantOf({ accounts, accessKeys }: Control): Tenant {
  const { id: accountId } = unwrap(accounts.create("tenant"));
  return { accountId, key: unwrap(accessKeys.create(accountId)) };
}

/** Calls as the holder of a key. */
function as(server: SagServer | VpcServer, { accessKeyId, accessKeySecret }: AccessKeyWithSecret) {
  return (action: string, fields: Fields = {}, version?: string): Promise<Answer> =>
    server.call(action, fields, {
      secret: accessKeySecret,
      common: { AccessKeyId: accessKeyId, ...(version === undefined ? {} : { Version: version }) },
    });
}

describe("by the Smart Access Gateway API", () => {
  let server: SagServer;
  let tenant: Tenant;
  let call: ReturnType<typeof as>;
  let flowLogId: string;
  beforeAll(async () => {
    server = await startSagServer();
    tenant = tenantOf(server.control);
    call = as(server, tenant.key);
    const { body } = await server.call("CreateFlowLog", {
      OutputType: "netflow",
      NetflowServerIp: "192.0.2.1",
    });
    flowLogId = String(body.FlowLogId);
  });
  afterAll(() => server.stop());

  it("another account's flow logs and gateways are none", async () => {
    expect((await call("DescribeFlowLogs")).body).toMatchObject({ TotalCount: 0 });
    expect((await call("DescribeFlowLogs", { FlowLogId: flowLogId })).body).toMatchObject({ TotalCount: 0 });
    expect((await call("DescribeUnbindFlowLogSags")).body).toMatchObject({ Count: 0 });
    const missing = await call("DeleteFlowLog", { FlowLogId: "fl-none" });
    expect(missing.status).not.toBe(200);
    const bound = { FlowLogId: flowLogId, SmartAGId: server.gateway.id };
    for (const action of ["DeleteFlowLog", "ActiveFlowLog", "DeactiveFlowLog", "DescribeFlowLogSags"]) {
      const refused = await call(action, { FlowLogId: flowLogId });
      expect(outcomeOf(refused), action).toBe(outcomeOf(await call(action, { FlowLogId: "fl-none" })));
      expect(refused.status, action).not.toBe(200);
    }
    const own = await call("CreateFlowLog", { OutputType: "netflow", NetflowServerIp: "192.0.2.2" });
    const ownId = String(own.body.FlowLogId);
    expect((await call("AssociateFlowLog", bound)).status).not.toBe(200);
    const foreign = await call("AssociateFlowLog", { ...bound, FlowLogId: ownId });
    const none = await call("AssociateFlowLog", { FlowLogId: ownId, SmartAGId: "sag-none" });
    expect(outcomeOf(foreign)).toBe(outcomeOf(none));
    expect(outcomeOf(foreign)).not.toBe("ok");
    expect((await call("DescribeFlowLogs")).body).toMatchObject({ TotalCount: 1 });
    expect((await server.call("DescribeFlowLogs")).body).toMatchObject({ TotalCount: 1 });
  });
});

describe("by the Security Token Service", () => {
  const stsVersion = "2015-04-01";
  let server: SagServer;
  let tenant: Tenant;
  let user: AccessKeyWithSecret;
  beforeAll(async () => {
    server = await startSagServer();
    tenant = tenantOf(server.control);
    const { access, accessKeys } = server.control;
    const { id: userId } = unwrap(access.users.create(tenant.accountId, "alice"));
    unwrap(access.policies.attach(tenant.accountId, "AliyunSTSAssumeRoleAccess", userId));
    user = unwrap(accessKeys.create(tenant.accountId, { userId }));
  });
  afterAll(() => server.stop());

  function role(name: string, trusted: string): string {
    const { roles, policies } = server.control.access;
    const { accountId } = server.scope;
    const Statement = [{ Effect: "Allow", Action: "sts:AssumeRole", Principal: { RAM: [trusted] } }];
    const trustPolicy = JSON.stringify({ Version: "1", Statement });
    const { id } = unwrap(roles.create(accountId, name, { trustPolicy }));
    unwrap(policies.attach(accountId, "AliyunSmartAccessGatewayReadOnlyAccess", id));
    return `acs:ram::${accountId}:role/${name}`;
  }

  const assume = (RoleArn: string, more: Fields = {}): Promise<Answer> =>
    as(server, user)("AssumeRole", { RoleArn, RoleSessionName: "work", ...more }, stsVersion);

  it("a role of another account that trusts its own alone is none, whatever else is wrong", async () => {
    const arn = role("closed", `acs:ram::${server.scope.accountId}:root`);
    expect(outcomeOf(await assume(arn))).toBe("404 EntityNotExist.Role");
    expect(outcomeOf(await assume(arn, { DurationSeconds: 1 }))).toBe("404 EntityNotExist.Role");
  });

  it.each<[string, () => string]>([
    ["account", () => `acs:ram::${tenant.accountId}:root`],
    ["user", () => `acs:ram::${tenant.accountId}:user/alice`],
  ])(
    "a role of another account that trusts the caller's %s is lent, in that account",
    async (name, trusted) => {
      const arn = role(`lent-to-${name}`, trusted());
      const { status, body } = await assume(arn);
      expect(status).toBe(200);
      const { AccessKeyId, AccessKeySecret, SecurityToken } = body.Credentials;
      const session = (action: string, Version: string): Promise<Answer> =>
        server.call(action, {}, { secret: AccessKeySecret, common: { AccessKeyId, SecurityToken, Version } });
      expect((await session("GetCallerIdentity", stsVersion)).body).toMatchObject({
        AccountId: server.scope.accountId,
        IdentityType: "AssumedRoleUser",
      });
      expect(outcomeOf(await session("DescribeFlowLogs", "2018-03-13"))).toBe("ok");
    },
  );

  it("a role that trusts a namesake of another account is not lent", async () => {
    const arn = role("namesake", `acs:ram::${server.scope.accountId}:user/alice`);
    expect(outcomeOf(await assume(arn))).toBe("404 EntityNotExist.Role");
  });
});

describe("by the VPC API", () => {
  let server: VpcServer;
  beforeAll(async () => {
    server = await startVpcServer();
  });
  afterAll(() => server.stop());

  it("another account's flow logs and resources are none", async () => {
    const call = as(server, tenantOf(server.control).key);
    const FlowLogId = await server.create();
    expect((await call("DescribeFlowLogs")).body).toMatchObject({ TotalCount: "0" });
    for (const action of ["DeleteFlowLog", "ActiveFlowLog", "DeactiveFlowLog", "ModifyFlowLogAttribute"]) {
      const refused = await call(action, { FlowLogId, FlowLogName: "mine" });
      const none = await call(action, { FlowLogId: "fl-none", FlowLogName: "mine" });
      expect(refused.status, action).not.toBe(200);
      expect(outcomeOf(refused), action).toBe(outcomeOf(none));
    }
    const foreign = await call("CreateFlowLog", { ...server.onEth0, FlowLogName: "mine" });
    expect(outcomeOf(foreign)).toBe("400 InvalidInstanceId");
    expect(await server.shown(FlowLogId)).toMatchObject({ Status: "Active" });
  });
});

describe("by Huawei Cloud's API", () => {
  let server: HuaweiServer;
  beforeAll(async () => {
    server = await startHuaweiServer();
  });
  afterAll(() => server.stop());

  it("another account's projects, flow logs, log groups and resources are none", async () => {
    const { accountId, key } = tenantOf(server.control);
    const call = (method: string, target: string, body?: object) =>
      callHuawei({ endpoint: server.access.endpoint, ...key }, method, target, body);
    const { groupId, streamId } = makeStream(server);
    const flowLog = {
      name: "flowlog",
      resource_type: "port",
      resource_id: server.resource("eth0").uuid,
      traffic_type: "all",
      log_group_id: groupId,
      log_topic_id: streamId,
    };
    const created = await server.call("POST", `/v1/${server.project.id}/fl/flow_logs`, { flow_log: flowLog });
    const id = String(created.body.flow_log.id);

    const own = cloudProjectId(accountId, "eu-de");
    const projects = await call("GET", "/v3/projects?name=eu-de");
    expect(projects.body.projects).toMatchObject([{ id: own }]);
    expect(own).not.toBe(server.project.id);
    const tokenIn = (domain: string) =>
      server.call("POST", "/v3/auth/tokens", {
        auth: {
          identity: {
            methods: ["password"],
            password: {
              user: { name: key.accessKeyId, password: key.accessKeySecret, domain: { name: domain } },
            },
          },
          scope: { project: { name: "eu-de" } },
        },
      });
    expect((await tokenIn("tenant")).body.token).toMatchObject({ project: { id: own } });
    expect((await tokenIn("default")).status).toBe(401);
    for (const target of ["v1/PROJECT/fl/flow_logs", `v1/PROJECT/fl/flow_logs/${id}`, "v2/PROJECT/groups"]) {
      const [foreign, none] = await Promise.all(
        [server.project.id, "0".repeat(32)].map((project) =>
          call("GET", `/${target.replace("PROJECT", project)}`),
        ),
      );
      expect(foreign!.status, target).toBeGreaterThanOrEqual(400);
      expect([foreign!.status, foreign!.body.error_code], target).toEqual([
        none!.status,
        none!.body.error_code,
      ]);
    }
    expect((await call("GET", `/v1/${own}/fl/flow_logs`)).body).toMatchObject({ flow_logs: [] });
    expect((await call("GET", `/v1/${own}/fl/flow_logs/${id}`)).status).toBe(404);
    expect((await call("DELETE", `/v1/${own}/fl/flow_logs/${id}`)).status).toBe(404);
    expect((await call("GET", `/v2/${own}/groups`)).body).toMatchObject({ log_groups: [] });
    const stolen = await call("POST", `/v1/${own}/fl/flow_logs`, { flow_log: flowLog });
    expect(stolen.status).toBeGreaterThanOrEqual(400);
    expect((await server.call("GET", `/v1/${server.project.id}/fl/flow_logs/${id}`)).status).toBe(200);
  });
});

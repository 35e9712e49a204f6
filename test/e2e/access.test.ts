/** Users, roles and their sessions on the real program, with Alibaba's SDKs and policies made by the command line. */
import dns from "node:dns";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

import PopCore from "@alicloud/pop-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { callHuawei } from "../support/huawei-client.ts";
import { core, vpc as huaweiVpc } from "../support/huawei-sdk.ts";
import { runWeir, type RunningWeir, startWeir, temporaryDirectory } from "../support/weir.ts";

interface Key {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  readonly securityToken?: string;
}

type Answer = Record<string, unknown>;

interface Tea {
  readonly default: new (config: object) => {
    callApi(params: object, request: object, runtime: object): Promise<{ body: Answer }>;
  };
  readonly Config: new (map: object) => object;
  readonly Params: new (map: object) => object;
  readonly OpenApiRequest: new (map: object) => object;
}

interface StsSdk {
  readonly default: new (config: object) => {
    assumeRole(request: object): Promise<{ body: { credentials: Key } }>;
    getCallerIdentity(): Promise<{ body: { arn: string; identityType: string } }>;
  };
  readonly AssumeRoleRequest: new (map: object) => object;
}

// The packages are CommonJS; required as such, they look the same to every loader.
const require = createRequire(import.meta.url);
const openapi = require("@alicloud/openapi-client") as Tea;
const sts = require("@alicloud/sts20150401") as StsSdk;
const { $OpenApiUtil } = require("@alicloud/openapi-core") as { $OpenApiUtil: Tea };
const alibabaVpc = require("@alicloud/vpc20160428") as {
  readonly default: new (config: object) => {
    describeFlowLogs(request: object): Promise<{ body: { flowLogs: object } }>;
  };
  readonly DescribeFlowLogsRequest: new (map: object) => object;
};
const LogClient = require("@alicloud/log") as new (config: object) => {
  listLogStore(project: string): Promise<{ logstores: string[] }>;
  createProject(project: string, data: object): Promise<unknown>;
  createLogStore(project: string, logstore: string, data: object): Promise<unknown>;
  deleteLogStore(project: string, logstore: string): Promise<unknown>;
};

const { lookup } = dns;
dns.lookup = ((name: string, ...rest: unknown[]) =>
  (lookup as (...all: unknown[]) => void)(
    name.endsWith(".localhost") ? "127.0.0.1" : name,
    ...rest,
  )) as typeof dns.lookup;

const scratch = temporaryDirectory("access");
const data = join(scratch.path, "data");
let weir: RunningWeir;
let root: Key;
let alice: Key;
let accountId: string;

beforeAll(async () => {
  weir = await start();
  root = { accessKeyId: weir.ready.accessKeyId, accessKeySecret: weir.ready.accessKeySecret! };
  await cli("user", "create", "alice");
  alice = JSON.parse(await cli("access-key", "create", "--user", "alice", "--json")) as Key;
  const { arn } = (await new sts.default(stsConfig(alice)).getCallerIdentity()).body;
  accountId = arn.split(":")[3] ?? "";
});
afterAll(async () => {
  dns.lookup = lookup;
  await weir.stop();
  scratch.remove();
});

function start(): Promise<RunningWeir> {
  return startWeir({ data, environment: { WEIR_LOG_LEVEL: "warn" } });
}

const port = (): string => new URL(weir.ready.endpoint).port;

async function cli(...args: readonly string[]): Promise<string> {
  const { code, output, errors } = await runWeir([...args, "--data", data]);
  if (code !== 0) throw new Error(`weir ${args.join(" ")}: ${errors}`);
  return output;
}

async function policy(name: string, statements: readonly object[]): Promise<void> {
  const path = join(scratch.path, `${name}.json`);
  writeFileSync(path, JSON.stringify({ Version: "1", Statement: statements }));
  await cli("policy", "create", name, "--document", path);
}

function stsConfig(key: Key): object {
  return new $OpenApiUtil.Config({ ...key, endpoint: `localhost:${port()}`, protocol: "http" });
}

/** By RPC signature 1.0. */
async function popCore(key: Key, action: string, fields: object = {}): Promise<Answer> {
  const client = new PopCore({ ...key, endpoint: weir.ready.endpoint, apiVersion: "2018-03-13" });
  return client.request(action, { RegionId: "cn-shanghai", ...fields }, { method: "POST" });
}

/** By ACS3. */
async function openApi(key: Key, action: string, query: object = {}): Promise<Answer> {
  const client = new openapi.default(
    new openapi.Config({
      ...key,
      endpoint: `127.0.0.1:${port()}`,
      protocol: "http",
      regionId: "cn-shanghai",
    }),
  );
  const params = new openapi.Params({
    action,
    version: "2018-03-13",
    protocol: "HTTP",
    method: "POST",
    authType: "AK",
    style: "RPC",
    pathname: "/",
    reqBodyType: "json",
    bodyType: "json",
  });
  const request = new openapi.OpenApiRequest({ query: { RegionId: "cn-shanghai", ...query } });
  return (await client.callApi(params, request, {})).body;
}

/** Alibaba's SDK for its VPC service. */
async function describeVpcFlowLogs(key: Key): Promise<unknown> {
  const config = new $OpenApiUtil.Config({ ...key, endpoint: `127.0.0.1:${port()}`, protocol: "http" });
  const request = new alibabaVpc.DescribeFlowLogsRequest({ regionId: "cn-hangzhou" });
  return (await new alibabaVpc.default(config).describeFlowLogs(request)).body;
}

/** Huawei's, in the project that one of its regions is to the owner's account. */
async function listHuaweiFlowLogs(key: Key, owner: Key = root): Promise<unknown> {
  const { accessKeyId, accessKeySecret, securityToken } = key;
  const access = { ...owner, endpoint: weir.ready.endpoint };
  const { body } = await callHuawei(access, "GET", "/v3/projects?name=eu-de");
  const credential = new core.BasicCredentials()
    .withAk(accessKeyId)
    .withSk(accessKeySecret)
    .withProjectId(body.projects[0].id);
  if (securityToken !== undefined) credential.withSecurityToken(securityToken);
  const { endpoint } = weir.ready;
  const client = huaweiVpc.VpcClient.newBuilder().withCredential(credential).withEndpoint(endpoint).build();
  return client.listFlowLogs(new huaweiVpc.ListFlowLogsRequest());
}

function logs(key: Key): InstanceType<typeof LogClient> {
  return new LogClient({ ...key, endpoint: `http://localhost:${port()}` });
}

const clients: [string, typeof popCore][] = [
  ["pop-core", popCore],
  ["openapi-client", openApi],
];

describe("a user", () => {
  it.each(clients)("may nothing by %s before it has a policy, and is told so", async (_name, call) => {
    await expect(call(alice, "DescribeFlowLogs")).rejects.toMatchObject({ code: "Forbidden" });
  });

  it("may what its policies allow, from the next request on", async () => {
    await policy("gateway-reader", [{ Effect: "Allow", Action: "smartag:Describe*", Resource: "*" }]);
    await cli("user", "attach", "alice", "gateway-reader");
    for (const [, call] of clients) {
      expect(await call(alice, "DescribeFlowLogs")).toMatchObject({ TotalCount: expect.any(Number) });
      await expect(call(alice, "CreateFlowLog", { OutputType: "sls" })).rejects.toMatchObject({
        code: "Forbidden",
      });
    }
    await cli("user", "detach", "alice", "gateway-reader");
    await expect(popCore(alice, "DescribeFlowLogs")).rejects.toMatchObject({ code: "Forbidden" });
  });

  it("may touch the log projects that its policies name", async () => {
    for (const project of ["mine", "other"]) {
      await logs(root).createProject(project, { description: "" });
      await logs(root).createLogStore(project, "records", { ttl: 7, shardCount: 1 });
    }
    await expect(logs(alice).listLogStore("mine")).rejects.toMatchObject({ code: "Unauthorized" });
    await policy("mine-reader", [
      { Effect: "Allow", Action: ["log:List*", "log:Get*"], Resource: "acs:log:*:*:project/mine/*" },
    ]);
    await cli("user", "attach", "alice", "mine-reader");
    expect((await logs(alice).listLogStore("mine")).logstores).toEqual(["records"]);
    await expect(logs(alice).listLogStore("other")).rejects.toThrow(
      new RegExp(
        `denied by sts or ram, action: log:ListLogStores, resource: acs:log:cn-shanghai:${accountId}:project/other/logstore/\\*`,
        "u",
      ),
    );
    await expect(logs(alice).deleteLogStore("mine", "records")).rejects.toMatchObject({
      code: "Unauthorized",
    });
  });

  it("may at the VPC services of both clouds what a policy says in their words", async () => {
    const denied = { code: "Forbidden.RAM" };
    await expect(describeVpcFlowLogs(alice)).rejects.toMatchObject(denied);
    await expect(listHuaweiFlowLogs(alice)).rejects.toMatchObject({
      httpStatusCode: 403,
      errorCode: "VPC.2201",
    });
    await policy("huawei-reader", [{ Effect: "Allow", Action: "vpc:flowLogs:get", Resource: "*" }]);
    await cli("user", "attach", "alice", "huawei-reader");
    expect(await listHuaweiFlowLogs(alice)).toMatchObject({ flow_logs: [] });
    await expect(describeVpcFlowLogs(alice)).rejects.toMatchObject(denied);
    await cli("user", "attach", "alice", "AliyunVPCReadOnlyAccess");
    expect(await describeVpcFlowLogs(alice)).toMatchObject({ flowLogs: {} });
  });

  it("is stopped by disabling its key, and goes on with the one that rotation made", async () => {
    await cli("user", "attach", "alice", "gateway-reader");
    const rotated = JSON.parse(
      await cli("access-key", "rotate", alice.accessKeyId, "--disable", "--json"),
    ) as Key;
    await expect(popCore(alice, "DescribeFlowLogs")).rejects.toMatchObject({
      code: "InvalidAccessKeyId.Inactive",
    });
    expect(await popCore(rotated, "DescribeFlowLogs")).toMatchObject({ TotalCount: 0 });
    alice = rotated;
  });
});

describe("a session of a role", () => {
  let session: Key;
  beforeAll(async () => {
    await cli("role", "create", "operator");
    await cli("role", "attach", "operator", "AliyunSmartAccessGatewayFullAccess");
    await cli("role", "attach", "operator", "AliyunLogReadOnlyAccess");
    await cli("role", "attach", "operator", "AliyunVPCFullAccess");
    await cli("user", "attach", "alice", "AliyunSTSAssumeRoleAccess");
    session = await assume({});
  });

  async function assume(more: object): Promise<Key> {
    const RoleArn = `acs:ram::${accountId}:role/operator`;
    const request = new sts.AssumeRoleRequest({ roleArn: RoleArn, roleSessionName: "work", ...more });
    return (await new sts.default(stsConfig(alice)).assumeRole(request)).body.credentials;
  }

  it("says who it is by the STS SDK", async () => {
    const { body } = await new sts.default(stsConfig(session)).getCallerIdentity();
    expect(body).toMatchObject({
      identityType: "AssumedRoleUser",
      arn: `acs:ram::${accountId}:assumed-role/operator/work`,
    });
  });

  it("has its token honoured on every signature, and may what the role may", async () => {
    for (const [, call] of clients) {
      expect(await call(session, "DescribeFlowLogs")).toMatchObject({ TotalCount: expect.any(Number) });
    }
    expect(await describeVpcFlowLogs(session)).toMatchObject({ flowLogs: {} });
    expect(await listHuaweiFlowLogs(session)).toMatchObject({ flow_logs: [] });
    expect((await logs(session).listLogStore("other")).logstores).toEqual(["records"]);
    await expect(logs(session).deleteLogStore("other", "records")).rejects.toMatchObject({
      code: "Unauthorized",
    });
  });

  it("is narrowed by a policy of its own", async () => {
    const Statement = [{ Effect: "Allow", Action: "smartag:*", Resource: "*" }];
    const narrowed = await assume({ policy: JSON.stringify({ Version: "1", Statement }) });
    expect(await openApi(narrowed, "DescribeFlowLogs")).toMatchObject({ TotalCount: expect.any(Number) });
    await expect(logs(narrowed).listLogStore("other")).rejects.toMatchObject({ code: "Unauthorized" });
  });

  it("is refused with a token that was altered, in each service's words", async () => {
    const { securityToken = "" } = session;
    const altered = { ...session, securityToken: `${securityToken.slice(0, -8)}AAAAAAA=` };
    for (const [, call] of clients) {
      await expect(call(altered, "DescribeFlowLogs")).rejects.toMatchObject({
        code: "InvalidSecurityToken.Malformed",
      });
    }
    await expect(logs(altered).listLogStore("other")).rejects.toMatchObject({ code: "Unauthorized" });
    await expect(listHuaweiFlowLogs(altered)).rejects.toMatchObject({ httpStatusCode: 401 });
  });

  it("goes on after a kill of the program, with what users and policies were", async () => {
    await weir.kill();
    weir = await start();
    expect(await popCore(session, "DescribeFlowLogs")).toMatchObject({ TotalCount: 0 });
    expect(await popCore(alice, "DescribeFlowLogs")).toMatchObject({ TotalCount: 0 });
    await expect(popCore(alice, "CreateFlowLog", { OutputType: "sls" })).rejects.toMatchObject({
      code: "Forbidden",
    });
  });

  it("ends with its role", async () => {
    await cli("role", "delete", "operator");
    await expect(popCore(session, "DescribeFlowLogs")).rejects.toMatchObject({
      code: "InvalidSecurityToken.Expired",
    });
  });
});

describe("another account", () => {
  let tenant: Key;
  let carol: Key;
  beforeAll(async () => {
    await cli("account", "create", "tenant");
    tenant = JSON.parse(await cli("access-key", "create", "--account", "tenant", "--json")) as Key;
    await cli("user", "create", "carol", "--account", "tenant");
    await cli("user", "attach", "carol", "AliyunSTSAssumeRoleAccess", "--account", "tenant");
    carol = JSON.parse(
      await cli("access-key", "create", "--user", "carol", "--account", "tenant", "--json"),
    ) as Key;
  });

  it("has by every SDK what is its own, and sees nothing of the first one's", async () => {
    const { arn } = (await new sts.default(stsConfig(tenant)).getCallerIdentity()).body;
    expect(arn).toMatch(/^acs:ram::\d{16}:root$/u);
    expect(arn).not.toContain(accountId);
    const settings = { OutputType: "netflow", NetflowServerIp: "192.0.2.9" };
    const { FlowLogId } = await popCore(root, "CreateFlowLog", settings);
    for (const [, call] of clients) {
      expect(await call(tenant, "DescribeFlowLogs")).toMatchObject({ TotalCount: 0 });
      expect(await call(tenant, "DescribeUnbindFlowLogSags")).toMatchObject({ Count: 0 });
      await expect(call(tenant, "DeleteFlowLog", { FlowLogId })).rejects.toThrow();
    }
    expect(await describeVpcFlowLogs(tenant)).toMatchObject({ flowLogs: { flowLog: [] } });
    expect(await listHuaweiFlowLogs(tenant, tenant)).toMatchObject({ flow_logs: [] });
    await expect(listHuaweiFlowLogs(tenant, root)).rejects.toMatchObject({ httpStatusCode: 400 });
    await expect(logs(tenant).listLogStore("other")).rejects.toMatchObject({ code: "ProjectNotExist" });
    await logs(tenant).createProject("other", { description: "" });
    expect((await logs(tenant).listLogStore("other")).logstores).toEqual([]);
    expect((await logs(root).listLogStore("other")).logstores).toEqual(["records"]);
    await popCore(root, "DeleteFlowLog", { FlowLogId });
  });

  it("is lent a role of the first one where that trusts it, and no other", async () => {
    const tenantId = (await new sts.default(stsConfig(tenant)).getCallerIdentity()).body.arn.split(":")[3];
    const trust = join(scratch.path, "trust.json");
    const Principal = { RAM: [`acs:ram::${tenantId}:root`] };
    const Statement = [{ Effect: "Allow", Action: "sts:AssumeRole", Principal }];
    writeFileSync(trust, JSON.stringify({ Version: "1", Statement }));
    await cli("role", "create", "guest", "--trust-policy", trust);
    await cli("role", "attach", "guest", "AliyunSmartAccessGatewayReadOnlyAccess");
    await cli("role", "create", "closed");
    const assume = async (role: string): Promise<Key> => {
      const roleArn = `acs:ram::${accountId}:role/${role}`;
      const request = new sts.AssumeRoleRequest({ roleArn, roleSessionName: "visit" });
      return (await new sts.default(stsConfig(carol)).assumeRole(request)).body.credentials;
    };
    await expect(assume("closed")).rejects.toMatchObject({ code: "EntityNotExist.Role" });
    const session = await assume("guest");
    // The gateway of the host is the first account's.
    expect(await popCore(session, "DescribeUnbindFlowLogSags")).toMatchObject({ Count: 1 });
  });
});

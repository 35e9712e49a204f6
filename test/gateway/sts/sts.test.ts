import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { systemClock, unwrap } from "../../../src/base/mod.ts";
import { type Answer, type Fields, type SagServer, startSagServer } from "../sag/fixture.ts";

interface Signer {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  readonly securityToken?: string;
}

const clock = { aheadMs: 0, nowMs: () => systemClock.nowMs() + clock.aheadMs, monotonicMs: () => 0 };
const directory = mkdtempSync(join(tmpdir(), "weir-sts-"));
let server: SagServer;
let accountId: string;
let alice: Signer;

beforeAll(async () => {
  server = await startSagServer({ directory, clock });
  ({ accountId } = server.scope);
  const { access, accessKeys } = server.control;
  const user = unwrap(access.users.create(accountId, "alice"));
  alice = unwrap(accessKeys.create(accountId, { userId: user.id }));
  unwrap(access.policies.attach(accountId, "AliyunSTSAssumeRoleAccess", user.id));
  const bob = unwrap(access.users.create(accountId, "bob"));
  unwrap(access.policies.attach(accountId, "AdministratorAccess", bob.id));
  const reader = unwrap(
    access.roles.create(accountId, "reader", { trustPolicy: trust(`acs:ram::${accountId}:user/alice`) }),
  );
  unwrap(access.policies.attach(accountId, "AliyunSmartAccessGatewayReadOnlyAccess", reader.id));
});
afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true });
});

function trust(principal: string): string {
  const statement = { Effect: "Allow", Action: "sts:AssumeRole", Principal: { RAM: [principal] } };
  return JSON.stringify({ Version: "1", Statement: [statement] });
}

function keyOf(name: string): Signer {
  const user = unwrap(server.control.access.users.get(accountId, name));
  return unwrap(server.control.accessKeys.create(accountId, { userId: user.id }));
}

function as(signer: Signer, action: string, fields: Fields = {}, version = "2018-03-13"): Promise<Answer> {
  const { accessKeyId, accessKeySecret, securityToken } = signer;
  return server.call(action, fields, {
    secret: accessKeySecret,
    atMs: clock.nowMs(),
    common: {
      Version: version,
      AccessKeyId: accessKeyId,
      ...(securityToken === undefined ? {} : { SecurityToken: securityToken }),
    },
  });
}

const sts = (signer: Signer, action: string, fields: Fields = {}) => as(signer, action, fields, "2015-04-01");

async function assume(fields: Fields = {}, role = "reader"): Promise<Signer> {
  const named = { RoleArn: `acs:ram::${accountId}:role/${role}`, RoleSessionName: "test", ...fields };
  const { body } = await sts(alice, "AssumeRole", named);
  const { AccessKeyId, AccessKeySecret, SecurityToken } = body.Credentials;
  return { accessKeyId: AccessKeyId, accessKeySecret: AccessKeySecret, securityToken: SecurityToken };
}

const outcome = ({ status, body }: Answer): string => `${status} ${body.Code ?? "ok"}`;

describe("AssumeRole", () => {
  it("gives out credentials as the service's reference shows them", async () => {
    const { status, body } = await sts(alice, "AssumeRole", {
      RoleArn: `acs:ram::${accountId}:role/reader`,
      RoleSessionName: "alice@work",
      DurationSeconds: 900,
    });
    expect(status).toBe(200);
    expect(body).toEqual({
      RequestId: expect.stringMatching(/^[0-9A-F-]{36}$/u),
      AssumedRoleUser: {
        Arn: `acs:ram::${accountId}:assumed-role/reader/alice@work`,
        AssumedRoleId: expect.stringMatching(/^3\d{17}:alice@work$/u),
      },
      Credentials: {
        AccessKeyId: expect.stringMatching(/^STS\.[A-Za-z0-9]{25}$/u),
        AccessKeySecret: expect.stringMatching(/^[A-Za-z0-9]{44}$/u),
        SecurityToken: expect.stringMatching(/^[A-Za-z0-9+/=]+$/u),
        Expiration: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/u),
      },
    });
    const leftS = (Date.parse(body.Credentials.Expiration) - clock.nowMs()) / 1000;
    expect(leftS).toBeGreaterThan(890);
    expect(leftS).toBeLessThanOrEqual(900);
  });

  const role = () => `acs:ram::${accountId}:role/reader`;
  it.each<[string, () => Fields, string]>([
    ["no role", () => ({ RoleSessionName: "test" }), "400 MissingRoleArn"],
    [
      "a role that is no ARN",
      () => ({ RoleArn: "reader", RoleSessionName: "test" }),
      "400 InvalidParameter.RoleArn",
    ],
    [
      "a role that is not there",
      () => ({ RoleArn: `${role()}2`, RoleSessionName: "test" }),
      "404 EntityNotExist.Role",
    ],
    [
      "a role of another account",
      () => ({ RoleArn: "acs:ram::9999999999999999:role/reader", RoleSessionName: "test" }),
      "404 EntityNotExist.Role",
    ],
    ["no session name", () => ({ RoleArn: role() }), "400 MissingRoleSessionName"],
    [
      "a session name of one character",
      () => ({ RoleArn: role(), RoleSessionName: "x" }),
      "400 InvalidParameter.RoleSessionName",
    ],
    [
      "a session name with a space",
      () => ({ RoleArn: role(), RoleSessionName: "a b" }),
      "400 InvalidParameter.RoleSessionName",
    ],
    [
      "too short a session",
      () => ({ RoleArn: role(), RoleSessionName: "test", DurationSeconds: 899 }),
      "400 InvalidParameter.DurationSeconds",
    ],
    [
      "a longer session than the role's longest",
      () => ({ RoleArn: role(), RoleSessionName: "test", DurationSeconds: 3601 }),
      "400 InvalidParameter.DurationSeconds",
    ],
    [
      "a duration that is no number",
      () => ({ RoleArn: role(), RoleSessionName: "test", DurationSeconds: "1h" }),
      "400 InvalidParameter.DurationSeconds",
    ],
    [
      "a policy that is none",
      () => ({ RoleArn: role(), RoleSessionName: "test", Policy: "{}" }),
      "400 InvalidParameter.PolicyGrammar",
    ],
    [
      "too long a policy",
      () => ({ RoleArn: role(), RoleSessionName: "test", Policy: " ".repeat(2049) }),
      "400 InvalidParameter.PolicySize",
    ],
  ])("refuses %s", async (_what, fields, expected) => {
    expect(outcome(await sts(alice, "AssumeRole", fields()))).toBe(expected);
  });

  it("is refused to the account itself, to whom no policy allows it, and to whom the role does not trust", async () => {
    const fields = { RoleArn: role(), RoleSessionName: "test" };
    const root = await sts(server.key, "AssumeRole", fields);
    expect(root.body).toMatchObject({
      Code: "NoPermission",
      Message: "Roles may not be assumed by root accounts.",
    });
    const carol = unwrap(server.control.access.users.create(accountId, "carol"));
    const refused = await sts(keyOf("carol"), "AssumeRole", fields);
    expect(refused.body).toMatchObject({
      Code: "NoPermission",
      AccessDeniedDetail: {
        AuthAction: "sts:AssumeRole",
        AuthPrincipalDisplayName: carol.id,
        AuthPrincipalOwnerId: accountId,
        AuthPrincipalType: "SubUser",
        NoPermissionType: "ImplicitDeny",
        PolicyType: "AccountLevelIdentityBasedPolicy",
      },
    });
    const untrusted = await sts(keyOf("bob"), "AssumeRole", fields);
    expect(untrusted.body).toMatchObject({
      Code: "NoPermission",
      AccessDeniedDetail: { PolicyType: "AssumeRolePolicy", NoPermissionType: "ImplicitDeny" },
    });
  });

  it("is allowed to whomever the account lets, where the role trusts the account", async () => {
    const { access } = server.control;
    unwrap(access.roles.create(accountId, "shared", { trustPolicy: trust(`acs:ram::${accountId}:root`) }));
    const fields = { RoleArn: `acs:ram::${accountId}:role/shared`, RoleSessionName: "test" };
    expect(outcome(await sts(keyOf("bob"), "AssumeRole", fields))).toBe("200 ok");
  });

  it("hands a role's trust policy the word that was agreed on", async () => {
    const { access } = server.control;
    const Condition = { StringEquals: { "sts:ExternalId": "agreed" } };
    const Principal = { RAM: `acs:ram::${accountId}:root` };
    const statement = { Effect: "Allow", Action: "sts:AssumeRole", Principal, Condition };
    const trustPolicy = JSON.stringify({ Version: "1", Statement: [statement] });
    unwrap(access.roles.create(accountId, "agreed", { trustPolicy }));
    const fields = { RoleArn: `acs:ram::${accountId}:role/agreed`, RoleSessionName: "test" };
    expect(outcome(await sts(alice, "AssumeRole", fields))).toBe("403 NoPermission");
    expect(outcome(await sts(alice, "AssumeRole", { ...fields, ExternalId: "other" }))).toBe(
      "403 NoPermission",
    );
    expect(outcome(await sts(alice, "AssumeRole", { ...fields, ExternalId: "agreed" }))).toBe("200 ok");
  });

  it("chains: a role's session assumes a role that trusts the first", async () => {
    const { access } = server.control;
    const first = unwrap(
      access.roles.create(accountId, "first", { trustPolicy: trust(`acs:ram::${accountId}:root`) }),
    );
    unwrap(access.policies.attach(accountId, "AliyunSTSAssumeRoleAccess", first.id));
    unwrap(
      access.roles.create(accountId, "second", { trustPolicy: trust(`acs:ram::${accountId}:role/first`) }),
    );
    const session = await assume({}, "first");
    const fields = { RoleArn: `acs:ram::${accountId}:role/second`, RoleSessionName: "test" };
    expect(outcome(await sts(session, "AssumeRole", fields))).toBe("200 ok");
    expect(outcome(await sts(keyOf("bob"), "AssumeRole", fields))).toBe("403 NoPermission");
  });
});

describe("a session", () => {
  it("may what its role may, and no more", async () => {
    const session = await assume();
    expect(outcome(await as(session, "DescribeFlowLogs"))).toBe("200 ok");
    const refused = await as(session, "CreateFlowLog", { OutputType: "sls" });
    expect(outcome(refused)).toBe("403 Forbidden");
    expect(refused.body.AccessDeniedDetail).toMatchObject({
      AuthPrincipalType: "AssumedRoleUser",
      AuthPrincipalDisplayName: "reader:test",
    });
  });

  it("with a policy may what both allow", async () => {
    const statement = { Effect: "Allow", Action: "smartag:DescribeUnbind*", Resource: "*" };
    const session = await assume({ Policy: JSON.stringify({ Version: "1", Statement: [statement] }) });
    expect(outcome(await as(session, "DescribeUnbindFlowLogSags"))).toBe("200 ok");
    const refused = await as(session, "DescribeFlowLogs");
    expect(refused.body.AccessDeniedDetail).toMatchObject({ PolicyType: "SessionPolicy" });
  });

  it("is refused without its token, with another's, and with one that was changed", async () => {
    const session = await assume();
    const other = await assume();
    const { securityToken = "" } = session;
    const middle = Math.floor(securityToken.length / 2);
    const flipped = securityToken[middle] === "A" ? "B" : "A";
    const changed = securityToken.slice(0, middle) + flipped + securityToken.slice(middle + 1);
    const { accessKeyId, accessKeySecret } = session;
    const calls: [Signer, string][] = [
      [{ accessKeyId, accessKeySecret }, "400 MissingSecurityToken"],
      [{ ...session, securityToken: other.securityToken! }, "400 InvalidSecurityToken.MismatchWithAccessKey"],
      [{ ...session, securityToken: changed }, "400 InvalidSecurityToken.Malformed"],
      [{ ...session, securityToken: "x".repeat(20_000) }, "400 InvalidSecurityToken.Malformed"],
      [{ ...server.key, securityToken }, "400 InvalidSecurityToken.MismatchWithAccessKey"],
      [{ ...session, accessKeySecret: other.accessKeySecret }, "400 SignatureDoesNotMatch"],
    ];
    for (const [signer, expected] of calls) {
      expect(outcome(await as(signer, "DescribeFlowLogs")), expected).toBe(expected);
    }
  });

  it("ends at its time, and with its role", async () => {
    const session = await assume({ DurationSeconds: 900 });
    clock.aheadMs = 901_000;
    expect(outcome(await as(session, "DescribeFlowLogs"))).toBe("400 InvalidSecurityToken.Expired");
    clock.aheadMs = 0;
    const { roles } = server.control.access;
    const trustPolicy = trust(`acs:ram::${accountId}:root`);
    unwrap(roles.create(accountId, "passing", { trustPolicy }));
    const orphan = await assume({}, "passing");
    unwrap(roles.remove(accountId, "passing"));
    unwrap(roles.create(accountId, "passing", { trustPolicy }));
    expect(outcome(await sts(orphan, "GetCallerIdentity"))).toBe("400 InvalidSecurityToken.Expired");
  });

  it("goes on after a restart", async () => {
    const session = await assume();
    await server.stop();
    server = await startSagServer({ directory, clock });
    expect(outcome(await as(session, "DescribeFlowLogs"))).toBe("200 ok");
  });
});

describe("GetCallerIdentity", () => {
  it("names the account, a user and a session, whatever their policies", async () => {
    const session = await assume();
    const role = unwrap(server.control.access.roles.get(accountId, "reader"));
    const user = unwrap(server.control.access.users.get(accountId, "alice"));
    const identities = await Promise.all(
      [server.key, alice, session].map(async (signer) => (await sts(signer, "GetCallerIdentity")).body),
    );
    expect(identities).toMatchObject([
      {
        IdentityType: "Account",
        AccountId: accountId,
        PrincipalId: accountId,
        UserId: accountId,
        Arn: `acs:ram::${accountId}:root`,
      },
      {
        IdentityType: "RAMUser",
        AccountId: accountId,
        PrincipalId: user.id,
        UserId: user.id,
        Arn: `acs:ram::${accountId}:user/alice`,
      },
      {
        IdentityType: "AssumedRoleUser",
        AccountId: accountId,
        PrincipalId: `${role.id}:test`,
        RoleId: role.id,
        Arn: `acs:ram::${accountId}:assumed-role/reader/test`,
      },
    ]);
  });
});

describe("a refusal", () => {
  it("is the service's that was called, also of a signature that does not hold", async () => {
    const common = { Version: "2015-04-01" };
    const { body } = await server.call("GetCallerIdentity", {}, { common, secret: "another's" });
    expect(body).toMatchObject({
      Code: "SignatureDoesNotMatch",
      Recommend: expect.stringContaining("product=Sts") as unknown,
    });
  });
});

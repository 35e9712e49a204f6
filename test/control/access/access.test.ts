import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, describe, expect, it } from "vitest";

import { systemClock, unwrap } from "../../../src/base/mod.ts";
import { type Control, openControl } from "../../../src/control/mod.ts";
import { openDatabase } from "../../../src/database/mod.ts";
import { controlMigrations } from "../../../src/control/schema.ts";
import { silentLogger } from "../../../src/observe/mod.ts";

const directories: string[] = [];
afterAll(() => {
  for (const path of directories) rmSync(path, { recursive: true });
});

function newPath(): string {
  const directory = mkdtempSync(join(tmpdir(), "weir-access-"));
  directories.push(directory);
  return join(directory, "control.sqlite");
}

function open(path: string): Control {
  return unwrap(openControl({ path }, { clock: systemClock, logger: silentLogger }));
}

const document = JSON.stringify({
  Version: "1",
  Statement: [{ Effect: "Deny", Action: "*", Resource: "*" }],
});

describe("users, roles and policies", () => {
  it("are the same after a restart, attachments and keys included", () => {
    const path = newPath();
    const first = open(path);
    const accountId = first.accounts.default.id;
    const user = unwrap(first.access.users.create(accountId, "alice", "Alice"));
    const trustPolicy = JSON.stringify({
      Version: "1",
      Statement: [
        { Effect: "Allow", Action: "sts:AssumeRole", Principal: { RAM: `acs:ram::${accountId}:root` } },
      ],
    });
    const role = unwrap(first.access.roles.create(accountId, "reader", { trustPolicy, sessionSMax: 7200 }));
    unwrap(first.access.policies.create(accountId, "nothing", { document }));
    unwrap(first.access.policies.attach(accountId, "nothing", user.id));
    unwrap(first.access.policies.attach(accountId, "ReadOnlyAccess", role.id));
    const key = unwrap(first.accessKeys.create(accountId, { userId: user.id }));
    first.close();

    const again = open(path);
    const { access, accessKeys } = again;
    expect(access.users.list(accountId)).toEqual([user]);
    expect(access.roles.list(accountId)).toEqual([role]);
    expect(access.roles.trustOf(role.id)).toHaveLength(1);
    expect(access.policies.namesOf(user.id)).toEqual(["nothing"]);
    expect(access.policies.namesOf(role.id)).toEqual(["ReadOnlyAccess"]);
    expect(access.policies.documentsOf(user.id)[0]?.statements[0]).toMatchObject({ effect: "Deny" });
    expect(unwrap(access.credentials.find(key.accessKeyId))).toMatchObject({
      accessKeySecret: key.accessKeySecret,
      principal: { kind: "user", arn: `acs:ram::${accountId}:user/alice`, id: user.id },
    });
    expect(accessKeys.list(accountId)).toMatchObject([{ userId: user.id }]);
    again.close();
  });

  it("are shared by groups, whose policies their users have", () => {
    const path = newPath();
    const first = open(path);
    const { users, groups, policies } = first.access;
    const accountId = first.accounts.default.id;
    const [alice, bob] = ["alice", "bob"].map((name) => unwrap(users.create(accountId, name)));
    const group = unwrap(groups.create(accountId, "operators", "who operates"));
    unwrap(policies.attach(accountId, "ReadOnlyAccess", group.id));
    unwrap(policies.create(accountId, "nothing", { document }));
    unwrap(policies.attach(accountId, "nothing", alice!.id));
    for (const user of [alice!, bob!]) unwrap(groups.join(group.id, user.id));
    unwrap(groups.leave(group.id, bob!.id));
    const effects = (control: Control, id: string) =>
      control.access.policiesOf(id).flatMap(({ statements }) => statements.map(({ effect }) => effect));
    expect(effects(first, alice!.id)).toEqual(["Deny", "Allow"]);
    first.close();
    const again = open(path);
    expect(again.access.groups.list(accountId)).toEqual([group]);
    expect(effects(again, alice!.id)).toEqual(["Deny", "Allow"]);
    expect(effects(again, bob!.id)).toEqual([]);
    unwrap(again.access.users.remove(accountId, "alice"));
    expect(again.access.groups.usersOf(group.id)).toEqual([]);
    unwrap(again.access.groups.join(group.id, bob!.id));
    unwrap(again.access.groups.remove(accountId, "operators"));
    expect(effects(again, bob!.id)).toEqual([]);
    again.close();
  });

  it("leave nothing behind: a user of the same name is another, without the first one's rights", () => {
    const control = open(newPath());
    const { access, accessKeys, accounts } = control;
    const accountId = accounts.default.id;
    const first = unwrap(access.users.create(accountId, "alice"));
    unwrap(access.policies.attach(accountId, "AdministratorAccess", first.id));
    const key = unwrap(accessKeys.create(accountId, { userId: first.id }));
    unwrap(access.users.remove(accountId, "alice"));
    const second = unwrap(access.users.create(accountId, "alice"));
    expect(second.id).not.toBe(first.id);
    expect(access.policies.namesOf(second.id)).toEqual([]);
    expect(access.credentials.find(key.accessKeyId)).toMatchObject({ fault: { code: "AccessKeyNotFound" } });
    control.close();
  });

  it("keep a session's secret out of every file", () => {
    const path = newPath();
    const control = open(path);
    const { access, accounts } = control;
    const accountId = accounts.default.id;
    const Principal = { RAM: `acs:ram::${accountId}:root` };
    const trustPolicy = JSON.stringify({
      Version: "1",
      Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", Principal }],
    });
    const role = unwrap(access.roles.create(accountId, "reader", { trustPolicy }));
    const { accessKeySecret, securityToken } = access.sessions.begin({ role, name: "test", durationS: 900 });
    expect(Buffer.from(securityToken, "base64").includes(accessKeySecret)).toBe(false);
    control.close();
    expect(readFileSync(path, "latin1")).not.toContain(accessKeySecret);
  });

  it("come into a data directory of the version before: its keys are the account's own", () => {
    const path = newPath();
    const old = unwrap(openDatabase(path, { migrations: controlMigrations.slice(0, 2) }));
    old.exec("INSERT INTO account VALUES ('1234567890123456', 'default', 'rg-acfm', 0)");
    old.close();
    const control = open(path);
    const key = unwrap(control.accessKeys.create("1234567890123456"));
    expect(unwrap(control.access.credentials.find(key.accessKeyId)).principal).toMatchObject({
      kind: "account",
      arn: "acs:ram::1234567890123456:root",
    });
    control.close();
  });

  it("do not let the configuration's key be a user's", () => {
    const control = open(newPath());
    const { access, accessKeys, accounts } = control;
    const accountId = accounts.default.id;
    const user = unwrap(access.users.create(accountId, "alice"));
    const { accessKeyId, accessKeySecret } = unwrap(accessKeys.create(accountId, { userId: user.id }));
    expect(accessKeys.ensure(accountId, { accessKeyId, accessKeySecret })).toMatchObject({
      fault: { code: "InputInvalid" },
    });
    control.close();
  });
});

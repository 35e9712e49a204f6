import { describe, expect, it } from "vitest";

import { type Result, unwrap } from "../../src/base/mod.ts";
import { byName, controlPath, hostWith, openTestControl } from "./support.ts";

const codeOf = (result: Result<unknown>): string => (result.ok ? "ok" : result.fault.code);

describe("accounts", () => {
  it("are made with a resource group each, are named by id and by name, and last", () => {
    const path = controlPath();
    const first = openTestControl({ path });
    const changes: string[] = [];
    first.onChange(({ subject, action }) => changes.push(`${subject} ${action}`));
    const tenant = unwrap(first.accounts.create("tenant"));
    expect(tenant.id).toMatch(/^\d{16}$/u);
    expect(changes).toEqual(["account created"]);
    const groups = first.resourceGroups.list(tenant.id);
    expect(groups).toMatchObject([{ id: tenant.resourceGroupId, isDefault: true }]);
    expect(tenant.resourceGroupId).not.toBe(first.accounts.default.resourceGroupId);
    const installation = first.accounts.default.id;
    first.close();

    const again = openTestControl({ path });
    const { accounts } = again;
    expect(accounts.default.id).toBe(installation);
    expect(accounts.list().map(({ id }) => id)).toEqual([installation, tenant.id]);
    expect(unwrap(accounts.named("tenant"))).toEqual(tenant);
    expect(unwrap(accounts.named(tenant.id))).toEqual(tenant);
    again.close();
  });

  it("have a name that is theirs alone and no id", () => {
    const control = openTestControl();
    const { accounts } = control;
    unwrap(accounts.create("tenant"));
    expect(codeOf(accounts.create("tenant"))).toBe("AccountExists");
    expect(codeOf(accounts.create("default"))).toBe("AccountExists");
    for (const name of ["", "1234567890123456", "a b", "-a", "a".repeat(51)]) {
      expect(codeOf(accounts.create(name)), name).toBe("InputInvalid");
    }
    expect(codeOf(accounts.named("other"))).toBe("AccountNotFound");
    control.close();
  });
});

describe("an account that is to go", () => {
  const document = JSON.stringify({
    Version: "1",
    Statement: [{ Effect: "Allow", Action: "smartag:*", Resource: "*" }],
  });
  const netflow = { enabled: true, address: "192.0.2.1", port: 9995 };
  const trust = (accountId: string) =>
    JSON.stringify({
      Version: "1",
      Statement: [
        { Effect: "Allow", Action: "sts:AssumeRole", Principal: { RAM: [`acs:ram::${accountId}:root`] } },
      ],
    });

  it("is refused for each thing that it has, by name, and goes when it has none", () => {
    const path = controlPath();
    const control = openTestControl({ path });
    const { id } = unwrap(control.accounts.create("tenant"));
    const scope = { accountId: id, regionId: "cn-shanghai" };
    const { access, accounts } = control;
    const key = unwrap(control.accessKeys.create(id));
    const group = unwrap(control.resourceGroups.create(id, "production"));
    const flowLog = unwrap(control.flowLogs.create({ ...scope, service: "sag" }, { outputs: { netflow } }));
    unwrap(control.logProjects.createProject({ ...scope, project: "tenant-logs" }));
    unwrap(access.users.create(id, "alice"));
    unwrap(access.groups.create(id, "staff"));
    unwrap(access.roles.create(id, "reader", { trustPolicy: trust(id) }));
    unwrap(access.policies.create(id, "own", { document }));
    const has: [what: string, remove: () => Result<void>][] = [
      ["flow logs", () => control.flowLogs.remove(flowLog, flowLog.id)],
      [
        "log projects or log groups",
        () => control.logProjects.deleteProject({ ...scope, project: "tenant-logs" }),
      ],
      ["access keys", () => control.accessKeys.remove(id, key.accessKeyId)],
      ["users", () => access.users.remove(id, "alice")],
      ["groups", () => access.groups.remove(id, "staff")],
      ["roles", () => access.roles.remove(id, "reader")],
      ["policies", () => access.policies.remove(id, "own")],
      ["resource groups", () => control.resourceGroups.remove(id, group.id)],
    ];
    for (const [index, [, remove]] of has.entries()) {
      const left = has.slice(index).map(([what]) => `${what} (1)`);
      expect(accounts.remove("tenant")).toMatchObject({
        fault: { code: "AccountNotEmpty", message: `the account still has ${left.join(", ")}` },
      });
      unwrap(remove());
    }
    unwrap(control.openedServices.open({ ...scope, service: "vpc" }));
    const changes: string[] = [];
    control.onChange(({ subject, action, id: changed }) => changes.push(`${subject} ${action} ${changed}`));
    unwrap(accounts.remove("tenant"));
    expect(changes).toEqual([`account removed ${id}`]);
    expect(codeOf(accounts.remove(id))).toBe("AccountNotFound");
    expect(accounts.get(id)).toBeUndefined();
    control.close();
    const again = openTestControl({ path });
    expect(again.accounts.list()).toHaveLength(1);
    expect(codeOf(again.accounts.create("tenant"))).toBe("ok");
    again.close();
  });

  it("goes with resources that are gone, and not with those that are there", () => {
    const control = openTestControl();
    const { id: accountId } = unwrap(control.accounts.create("tenant"));
    const hosts = [hostWith({ eth0: ["10.0.0.7/24"], eth1: ["10.0.1.7/24"] })];
    const declared = [
      { type: "vpc", name: "production", accountId },
      { type: "subnet", name: "web", vpc: "production", interfaceNames: ["eth1"] },
    ] as const;
    unwrap(control.resources.sync({ hosts, declared }));
    expect(control.accounts.remove(accountId)).toMatchObject({
      fault: { code: "AccountNotEmpty", message: "the account still has declared resources (3)" },
    });
    unwrap(control.resources.sync({ hosts }));
    const changes: string[] = [];
    control.onChange(({ subject, action }) => changes.push(`${subject} ${action}`));
    unwrap(control.accounts.remove(accountId));
    expect(changes).toEqual([...Array.from({ length: 3 }, () => "resource removed"), "account removed"]);
    expect(control.resources.all().filter((one) => one.accountId === accountId)).toEqual([]);
    unwrap(control.resources.sync({ hosts }));
    control.close();
  });

  it("is never the installation's", () => {
    const control = openTestControl();
    expect(codeOf(control.accounts.remove("default"))).toBe("AccountNotEmpty");
    expect(codeOf(control.accounts.remove("nobody"))).toBe("AccountNotFound");
    expect(control.accounts.list()).toHaveLength(1);
    control.close();
  });
});

describe("a declared resource of an account", () => {
  const hosts = [hostWith({ eth0: ["10.0.0.7/24"], eth1: ["10.0.1.7/24"] })];

  it("is that one's with all that is in it, and the rest is the installation's", () => {
    const control = openTestControl();
    const { id: accountId } = unwrap(control.accounts.create("tenant"));
    const found = unwrap(
      control.resources.sync({
        hosts,
        declared: [
          { name: "edge", accountId, interfaceNames: ["eth1"] },
          { type: "vpc", name: "production", accountId },
          { type: "subnet", name: "web", vpc: "production", cidrs: ["10.0.1.0/24"] },
        ],
      }),
    );
    const ownedBy = (owner: string) =>
      found
        .filter((one) => one.accountId === owner)
        .map(({ type, name }) => `${type} ${name}`)
        .sort();
    expect(ownedBy(accountId)).toEqual(["gateway edge", "interface eth1", "subnet web", "vpc production"]);
    expect(ownedBy(control.accounts.default.id)).toEqual([
      "gateway host",
      "interface eth0",
      "subnet 10.0.0.0/24",
      "vpc host",
    ]);
    const inside = (id: string) => control.resources.interfacesOf(id).map(({ name }) => name);
    expect(inside(byName(found, "vpc").get("production")!.id)).toEqual(["eth1"]);
    expect(inside(byName(found, "vpc").get("host")!.id)).toEqual(["eth0"]);
    const stranger = { accountId: control.accounts.default.id, regionId: "cn-shanghai" };
    const eth1 = byName(found, "interface").get("eth1")!;
    expect(codeOf(control.resources.get(stranger, eth1.id))).toBe("ResourceNotFound");
    control.close();
  });

  it("leaves the flow logs that it had behind when it is given to another", () => {
    const path = controlPath();
    const control = openTestControl({ path });
    const { id: accountId } = unwrap(control.accounts.create("tenant"));
    const before = byName(unwrap(control.resources.sync({ hosts })), "interface").get("eth1")!;
    const scope = {
      accountId: control.accounts.default.id,
      regionId: "cn-shanghai",
      service: "vpc",
    } as const;
    const target = { type: "interface", id: before.id } as const;
    const outputs = { logService: { enabled: true, regionId: "cn-shanghai" } };
    const flowLog = unwrap(control.flowLogs.create(scope, { target, outputs }));

    const declared = [
      { type: "vpc", name: "production", accountId },
      { type: "subnet", name: "web", vpc: "production", interfaceNames: ["eth1"] },
    ] as const;
    const after = byName(unwrap(control.resources.sync({ hosts, declared })), "interface").get("eth1")!;
    expect(after.id).not.toBe(before.id);
    expect(control.resources.find(before.id)).toMatchObject({ present: false });
    expect(control.resources.interfacesOf(flowLog.target!.id)).toEqual([]);
    expect(control.flowLogs.observing(after.id)).toEqual([]);
    const theirs = { ...scope, accountId };
    const stolen = control.flowLogs.create(theirs, { target, outputs });
    expect(codeOf(stolen)).toBe("ResourceNotFound");
    const own = { type: "interface", id: after.id } as const;
    expect(codeOf(control.flowLogs.create(theirs, { target: own, outputs }))).toBe("ok");
    control.close();

    // Over a restart both are known again, and back with its first owner it is what it was.
    const again = openTestControl({ path });
    expect(byName(unwrap(again.resources.sync({ hosts, declared })), "interface").get("eth1")).toMatchObject({
      id: after.id,
      accountId,
    });
    expect(byName(unwrap(again.resources.sync({ hosts })), "interface").get("eth1")!.id).toBe(before.id);
    again.close();
  });
});

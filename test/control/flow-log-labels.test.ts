/** What is beside a flow log's settings: tags, resource groups, request tokens, opened services, quotas. */
import { describe, expect, it } from "vitest";

import { unwrap } from "../../src/base/mod.ts";
import { type Control, type ControlOptions, hasTags, openControl } from "../../src/control/mod.ts";
import { silentLogger } from "../../src/observe/mod.ts";
import { controlPath, hostWith, openTestControl, scopeOf } from "./support.ts";

function openWithHost(options: Partial<ControlOptions> = {}): Control {
  const control = openTestControl(options);
  const networks = { eth0: ["10.0.0.7/24"], eth1: ["10.0.0.8/24"], eth2: ["10.0.0.9/24"] };
  unwrap(control.resources.sync({ hosts: [hostWith(networks)] }));
  return control;
}

function wantedOn(control: Control, name: string) {
  const { id } = control.resources.all().find((one) => one.interfaceName === name)!;
  const logService = { enabled: true, regionId: "cn-shanghai", project: "p-one", logstore: "l-one" };
  return { target: { type: "interface", id }, outputs: { logService } } as const;
}

describe("tags", () => {
  it("are added, given new values, and taken away by key or all at once", () => {
    const control = openWithHost();
    const scope = scopeOf(control, "vpc");
    const { id } = unwrap(
      control.flowLogs.create(scope, { ...wantedOn(control, "eth0"), tags: { team: "net", cost: "" } }),
    );
    const tagsNow = () => control.flowLogs.find(id)!.tags;
    unwrap(control.flowLogs.tag(scope, id, { team: "core", stage: "test" }));
    expect(tagsNow()).toEqual({ team: "core", cost: "", stage: "test" });
    unwrap(control.flowLogs.untag(scope, id, ["cost", "none"]));
    expect(tagsNow()).toEqual({ team: "core", stage: "test" });
    unwrap(control.flowLogs.untag(scope, id));
    expect(tagsNow()).toEqual({});
    control.close();
  });

  it("are twenty at most, with a key", () => {
    const control = openWithHost();
    const scope = scopeOf(control, "vpc");
    const { id } = unwrap(control.flowLogs.create(scope, wantedOn(control, "eth0")));
    const many = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`key${index}`, "v"]));
    unwrap(control.flowLogs.tag(scope, id, many));
    expect(control.flowLogs.tag(scope, id, { another: "v" })).toMatchObject({
      fault: { code: "TagQuotaExceeded" },
    });
    unwrap(control.flowLogs.tag(scope, id, { key3: "other" }));
    expect(control.flowLogs.tag(scope, id, { "": "v" })).toMatchObject({ fault: { code: "InputInvalid" } });
    expect(
      control.flowLogs.create(scope, { ...wantedOn(control, "eth1"), tags: { k: "x".repeat(129) } }),
    ).toMatchObject({ fault: { code: "InputInvalid", field: "tags" } });
    control.close();
  });

  it("are looked for by key, and by value where one is given", () => {
    const tags = { team: "net", stage: "test" };
    expect(hasTags(tags, [])).toBe(true);
    expect(hasTags(tags, [{ key: "team" }])).toBe(true);
    expect(hasTags(tags, [{ key: "team", value: "net" }, { key: "stage" }])).toBe(true);
    expect(hasTags(tags, [{ key: "team", value: "" }])).toBe(false);
    expect(hasTags(tags, [{ key: "toString" }])).toBe(false);
  });
});

describe("resource groups", () => {
  it("are one by default, and more by name", () => {
    const path = controlPath();
    const control = openWithHost({ path });
    const account = control.accounts.default;
    const made = unwrap(control.resourceGroups.create(account.id, "production"));
    expect(made.id).toMatch(/^rg-acfm[a-z0-9]{11}$/u);
    for (const name of ["production", "default", "", "1st", "x".repeat(51)]) {
      expect(control.resourceGroups.create(account.id, name)).toMatchObject({
        fault: { code: "InputInvalid" },
      });
    }
    control.close();
    const again = openTestControl({ path });
    expect(again.resourceGroups.list(account.id).map(({ id, name }) => [id, name])).toEqual([
      [account.resourceGroupId, "default"],
      [made.id, "production"],
    ]);
    expect(again.resourceGroups.get("1", made.id)).toMatchObject({
      fault: { code: "ResourceGroupNotFound" },
    });
    again.close();
  });

  it("hold flow logs, which may move", () => {
    const control = openWithHost();
    const account = control.accounts.default;
    const scope = scopeOf(control, "vpc");
    const flowLog = unwrap(control.flowLogs.create(scope, wantedOn(control, "eth0")));
    expect(flowLog.resourceGroupId).toBe(account.resourceGroupId);
    const group = unwrap(control.resourceGroups.create(account.id, "production"));
    expect(unwrap(control.flowLogs.moveResourceGroup(scope, flowLog.id, group.id))).toMatchObject({
      resourceGroupId: group.id,
      updatedMs: flowLog.updatedMs,
    });
    const none = { fault: { code: "ResourceGroupNotFound" } };
    expect(control.flowLogs.moveResourceGroup(scope, flowLog.id, "rg-none")).toMatchObject(none);
    const wanted = { ...wantedOn(control, "eth1"), resourceGroupId: "rg-none" };
    expect(control.flowLogs.create(scope, wanted)).toMatchObject(none);
    const ofGateways = scopeOf(control, "sag");
    const { id } = unwrap(control.flowLogs.create(ofGateways, { outputs: wanted.outputs }));
    expect(control.flowLogs.moveResourceGroup(ofGateways, id, "rg-none")).toMatchObject(none);
    expect(unwrap(control.flowLogs.moveResourceGroup(ofGateways, id, group.id))).toMatchObject({
      resourceGroupId: group.id,
    });
    const remove = (groupId: string) => control.resourceGroups.remove(account.id, groupId);
    expect(remove(group.id)).toMatchObject({
      fault: {
        message: "the resource group production still has flow logs (2) or projects (0)",
        remedy: "move its flow logs with ./weir flow-log move first",
      },
    });
    for (const [owner, flowLogId] of [
      [scope, flowLog.id],
      [ofGateways, id],
    ] as const) {
      unwrap(control.flowLogs.moveResourceGroup(owner, flowLogId, account.resourceGroupId));
    }
    unwrap(remove(group.id));
    expect(remove(group.id)).toMatchObject(none);
    expect(remove(account.resourceGroupId)).toMatchObject({ fault: { code: "ResourceGroupNotEmpty" } });
    control.close();
  });
});

describe("a request token", () => {
  const tokenOf = (control: Control, token: string, fingerprint: string) => {
    const { accountId, regionId } = scopeOf(control, "vpc");
    return { accountId, regionId, action: "CreateFlowLog", token, fingerprint };
  };

  it("tells what the request made, over a restart too", () => {
    const path = controlPath();
    const control = openWithHost({ path });
    const scope = scopeOf(control, "vpc");
    const wanted = wantedOn(control, "eth0");
    const first = unwrap(control.flowLogs.create(scope, wanted, tokenOf(control, "t-1", "print")));
    expect(unwrap(control.requestTokens.find(tokenOf(control, "t-1", "print")))).toBe(first.id);
    control.close();
    const again = openWithHost({ path });
    expect(unwrap(again.requestTokens.find(tokenOf(again, "t-1", "print")))).toBe(first.id);
    expect(again.requestTokens.find(tokenOf(again, "t-1", "other"))).toMatchObject({
      fault: { code: "RequestTokenReused" },
    });
    expect(unwrap(again.requestTokens.find(tokenOf(again, "t-2", "print")))).toBeUndefined();
    again.close();
  });

  it("that was refused is as new", () => {
    const control = openWithHost();
    const scope = scopeOf(control, "vpc");
    const wanted = wantedOn(control, "eth0");
    const broken = { ...wanted, policy: { windowS: 7 } };
    expect(control.flowLogs.create(scope, broken, tokenOf(control, "t-1", "broken")).ok).toBe(false);
    expect(unwrap(control.requestTokens.find(tokenOf(control, "t-1", "broken")))).toBeUndefined();
    expect(control.flowLogs.create(scope, wanted, tokenOf(control, "t-1", "mended")).ok).toBe(true);
    control.close();
  });

  it("is good for a day", () => {
    let nowMs = 1_700_000_000_000;
    const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
    const control = unwrap(openControl({ path: controlPath() }, { clock, logger: silentLogger }));
    unwrap(control.resources.sync({ hosts: [hostWith({ eth0: [], eth1: [] })] }));
    const scope = scopeOf(control, "vpc");
    const request = tokenOf(control, "t-1", "print");
    const first = unwrap(control.flowLogs.create(scope, wantedOn(control, "eth0"), request));
    nowMs += 86_399_000;
    expect(unwrap(control.requestTokens.find(request))).toBe(first.id);
    nowMs += 1000;
    expect(unwrap(control.requestTokens.find(request))).toBeUndefined();
    const second = unwrap(control.flowLogs.create(scope, wantedOn(control, "eth1"), request));
    expect(unwrap(control.requestTokens.find(request))).toBe(second.id);
    control.close();
  });
});

describe("a service that has to be opened", () => {
  it("makes no flow log before, and is open for good after", () => {
    const path = controlPath();
    const control = openWithHost({ path, openByDefault: false });
    const scope = scopeOf(control, "vpc");
    expect(control.openedServices.isOpen(scope)).toBe(false);
    expect(control.flowLogs.create(scope, wantedOn(control, "eth0"))).toMatchObject({
      fault: { code: "ServiceNotOpen" },
    });
    unwrap(control.openedServices.open(scope));
    unwrap(control.openedServices.open(scope));
    expect(control.flowLogs.create(scope, wantedOn(control, "eth0")).ok).toBe(true);
    expect(control.openedServices.isOpen({ ...scope, regionId: "eu-central-1" })).toBe(false);
    control.close();
    const again = openTestControl({ path, openByDefault: false });
    expect(again.openedServices.isOpen(scope)).toBe(true);
    again.close();
  });
});

describe("quotas", () => {
  it("are each service's own", () => {
    const control = openWithHost({ flowLogsMax: 5, quotas: { vpc: 2 } });
    const scope = scopeOf(control, "vpc");
    expect((["sag", "vpc", "huawei"] as const).map((service) => control.flowLogs.quotaOf(service))).toEqual([
      5, 2, 5,
    ]);
    for (const name of ["eth0", "eth1"]) unwrap(control.flowLogs.create(scope, wantedOn(control, name)));
    expect(control.flowLogs.create(scope, wantedOn(control, "eth2"))).toMatchObject({
      fault: { code: "FlowLogQuotaExceeded", allowed: "at most 2" },
    });
    control.close();
  });
});

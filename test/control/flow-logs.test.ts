import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { systemClock, unwrap } from "../../src/base/mod.ts";
import {
  absentInterfacesMax,
  type Control,
  type ControlChange,
  type ControlOptions,
  openControl,
  type Service,
} from "../../src/control/mod.ts";
import { silentLogger } from "../../src/observe/mod.ts";
import { scratchFolder } from "../support/scratch.ts";

const host = (...interfaces: string[]) => ({
  agentId: "agent-one",
  name: "host",
  interfaces: interfaces.map((name) => ({ name })),
});

function open(options: Partial<ControlOptions> = {}): Control {
  const path = options.path ?? join(scratchFolder("control"), "control.sqlite");
  return unwrap(openControl({ ...options, path }, { clock: systemClock, logger: silentLogger }));
}

const scopeOf = (control: Control, regionId = "cn-shanghai", service: Service = "sag") => ({
  accountId: control.accounts.default.id,
  regionId,
  service,
});
const netflow = { outputs: { netflow: { enabled: true, address: "192.0.2.1" } } };

describe("resources", () => {
  it("keep their ids across restarts and disappearances", () => {
    const path = join(scratchFolder("control"), "control.sqlite");
    const first = open({ path });
    const found = unwrap(
      first.resources.sync({ hosts: [host("eth0", "eth1")], declared: [{ name: "edge" }] }),
    );
    expect(found.map(({ type, name }) => [type, name])).toEqual([
      ["gateway", "host"],
      ["vpc", "host"],
      ["subnet", "unnumbered"],
      ["interface", "eth0"],
      ["interface", "eth1"],
      ["gateway", "edge"],
    ]);
    const [gateway, vpc, subnet, eth0, eth1] = found;
    expect(gateway!.id).toMatch(/^sag-[a-z0-9]{18}$/u);
    expect(vpc!.id).toMatch(/^vpc-[a-z0-9]{18}$/u);
    expect(subnet).toMatchObject({ id: expect.stringMatching(/^vsw-[a-z0-9]{18}$/u), parentId: vpc!.id });
    expect(eth0).toMatchObject({
      id: expect.stringMatching(/^eni-[a-z0-9]{18}$/u),
      parentId: subnet!.id,
      interfaceName: "eth0",
      serial: gateway!.serial,
      instanceId: gateway!.instanceId,
    });
    expect(gateway!.instanceId).toMatch(/^i-[a-z0-9]{18}$/u);
    first.close();

    const second = open({ path });
    expect(second.resources.all().every(({ present }) => !present)).toBe(true);
    const without = unwrap(second.resources.sync({ hosts: [host("eth1")], declared: [] }));
    expect(without.map(({ id }) => id)).toEqual([gateway, vpc, subnet, eth1].map((one) => one!.id));
    expect(second.resources.find(eth0!.id)).toMatchObject({ present: false });
    const back = unwrap(
      second.resources.sync({ hosts: [host("eth0", "eth1")], declared: [{ name: "edge" }] }),
    );
    expect(back).toEqual(found);
    second.close();
  });

  it("are told of only when something about them changed", () => {
    const control = open();
    const told: ControlChange[] = [];
    control.onChange((change) => told.push(change));
    unwrap(control.resources.sync({ hosts: [host("eth0")] }));
    expect(told.map(({ action }) => action)).toEqual(["created", "created", "created", "created"]);
    unwrap(control.resources.sync({ hosts: [host("eth0")] }));
    expect(told).toHaveLength(4);
    unwrap(control.resources.sync({ hosts: [host()] }));
    const [, , subnet, eth0] = told;
    expect(told.slice(4)).toEqual(
      [subnet, eth0].map((one) => ({ subject: "resource", action: "modified", id: one!.id })),
    );
    control.close();
  });

  it("that are gone are forgotten beyond a hundred interfaces, the longest known first, bound ones never", () => {
    const path = join(scratchFolder("control"), "control.sqlite");
    const first = open({ path });
    const { resources, flowLogs } = first;
    const [, , subnet, bound] = unwrap(resources.sync({ hosts: [host("bound")] }));
    const flowLog = unwrap(flowLogs.create(scopeOf(first), netflow));
    unwrap(flowLogs.associate(scopeOf(first), flowLog.id, bound!.id));
    for (let container = 0; container < 102; container++) {
      unwrap(resources.sync({ hosts: [host(`veth${container}`)] }));
    }
    const told: ControlChange[] = [];
    first.onChange((change) => told.push(change));
    const known = resources.all();
    unwrap(resources.sync({ hosts: [host()] }));
    const kept = Array.from({ length: absentInterfacesMax }, (_, index) => `veth${index + 2}`);
    const names = ["host", "host", "unnumbered", "bound", ...kept];
    expect(resources.all().map(({ name }) => name)).toEqual(names);
    const dropped = known.find(({ name }) => name === "veth1")!;
    expect(told).toEqual([
      { subject: "resource", action: "modified", id: subnet!.id },
      { subject: "resource", action: "modified", id: known.find(({ name }) => name === "veth101")!.id },
      { subject: "resource", action: "removed", id: dropped.id },
    ]);
    expect(resources.find(dropped.id)).toBeUndefined();
    first.close();

    const second = open({ path });
    expect(second.resources.all().map(({ name }) => name)).toEqual(names);
    const again = unwrap(second.resources.sync({ hosts: [host("bound", "veth0")] }));
    expect(again.find(({ id }) => id === bound!.id)).toEqual(bound);
    second.close();
  });

  it("are listed by account and region", () => {
    const control = open({ regionId: "eu-central-1" });
    unwrap(
      control.resources.sync({ hosts: [host("eth0")], declared: [{ name: "far", regionId: "cn-hongkong" }] }),
    );
    const names = (regionId: string) =>
      control.resources.list(scopeOf(control, regionId)).map(({ name }) => name);
    expect(names("eu-central-1")).toEqual(["host", "host", "unnumbered", "eth0"]);
    expect(names("cn-hongkong")).toEqual(["far"]);
    expect(control.resources.list({ accountId: "another", regionId: "cn-hongkong" })).toEqual([]);
    control.close();
  });
});

describe("flow logs", () => {
  it("are in the list of their account, region and service alone", () => {
    const control = open();
    const flowLog = unwrap(control.flowLogs.create(scopeOf(control), netflow));
    expect(control.flowLogs.list(scopeOf(control))).toEqual([flowLog]);
    for (const other of [
      scopeOf(control, "eu-central-1"),
      scopeOf(control, "cn-shanghai", "huawei"),
      { ...scopeOf(control), accountId: "1" },
    ]) {
      expect(control.flowLogs.list(other)).toEqual([]);
      expect(control.flowLogs.get(other, flowLog.id)).toMatchObject({ fault: { code: "FlowLogNotFound" } });
      expect(control.flowLogs.remove(other, flowLog.id).ok).toBe(false);
    }
    expect(control.flowLogs.find(flowLog.id)).toEqual(flowLog);
    // A flow log is a scope: whoever holds one may act in its place.
    expect(control.flowLogs.deactivate(flowLog, flowLog.id)).toMatchObject({
      ok: true,
      value: { status: "inactive" },
    });
    control.close();
  });

  it("have numbers that are never given again", () => {
    const control = open();
    const numbers = Array.from({ length: 3 }, () => {
      const flowLog = unwrap(control.flowLogs.create(scopeOf(control), netflow));
      unwrap(control.flowLogs.remove(flowLog, flowLog.id));
      return flowLog.number;
    });
    expect(numbers).toEqual([1, 2, 3]);
    control.close();
  });

  it("are counted against a quota of each region and service", () => {
    const control = open({ flowLogsMax: 1 });
    unwrap(control.flowLogs.create(scopeOf(control), netflow));
    expect(control.flowLogs.create(scopeOf(control), netflow)).toMatchObject({
      fault: { code: "FlowLogQuotaExceeded" },
    });
    unwrap(control.flowLogs.create(scopeOf(control, "eu-central-1"), netflow));
    expect(control.flowLogs.list(scopeOf(control, "cn-shanghai", "huawei"))).toEqual([]);
    control.close();
  });

  it("leave no project behind when they are refused", () => {
    const control = open({ flowLogsMax: 0 });
    const logService = { enabled: true, regionId: "cn-shanghai", project: "p-one", logstore: "l-one" };
    expect(control.flowLogs.create(scopeOf(control), { outputs: { logService } }).ok).toBe(false);
    expect(control.logProjects.listProjects({ accountId: control.accounts.default.id })).toEqual([]);
    control.close();
  });

  it("deliver to a logstore of the region that they name", () => {
    const control = open();
    const logService = { enabled: true, regionId: "us-west-1", project: "p-one", logstore: "l-one" };
    unwrap(control.flowLogs.create(scopeOf(control), { outputs: { logService } }));
    const [project] = control.logProjects.listProjects({ accountId: control.accounts.default.id });
    expect(project).toMatchObject({ name: "p-one", regionId: "us-west-1" });
    control.close();
  });

  it("need an output", () => {
    const control = open();
    expect(control.flowLogs.create(scopeOf(control), {})).toMatchObject({
      fault: { code: "InputMissing", field: "outputs" },
    });
    expect(control.flowLogs.create(scopeOf(control, "mars-1"), netflow)).toMatchObject({
      fault: { code: "RegionNotFound", field: "regionId" },
    });
    control.close();
  });

  it("share a gateway with those of other services, but not with their own", () => {
    const control = open();
    const [gateway, , , eth0] = unwrap(control.resources.sync({ hosts: [host("eth0")] }));
    const make = () => unwrap(control.flowLogs.create(scopeOf(control), netflow));
    const [one, two] = [make(), make()];
    unwrap(control.flowLogs.associate(one, one.id, gateway!.id));
    expect(control.flowLogs.associate(two, two.id, gateway!.id)).toMatchObject({
      fault: { code: "ResourceAlreadyAssociated" },
    });
    unwrap(control.flowLogs.associate(two, two.id, eth0!.id));
    const target = { type: "interface", id: eth0!.id } as const;
    const vpc = unwrap(
      control.flowLogs.create(scopeOf(control, "cn-shanghai", "vpc"), { ...netflow, target }),
    );
    expect(control.flowLogs.resourcesOf(two.id).map(({ id }) => id)).toEqual([eth0!.id]);
    expect(control.flowLogs.observing(eth0!.id)).toEqual([two, vpc]);
    expect(control.flowLogs.flowLogOf("sag", gateway!.id)?.id).toBe(one.id);
    expect(control.flowLogs.flowLogOf("vpc", eth0!.id)?.id).toBe(vpc.id);
    unwrap(control.flowLogs.disassociate(one, one.id, gateway!.id));
    unwrap(control.flowLogs.associate(two, two.id, gateway!.id));
    expect(control.flowLogs.remove(two, two.id)).toMatchObject({ fault: { code: "FlowLogAssociated" } });
    unwrap(control.flowLogs.remove(one, one.id));
    expect(control.flowLogs.flowLogOf("sag", gateway!.id)?.id).toBe(two.id);
    control.close();
  });
});

describe("listeners", () => {
  it("hear of each change after it is committed, and of nothing that changed nothing", () => {
    const control = open();
    const [gateway] = unwrap(control.resources.sync({ hosts: [host()] }));
    const told: string[] = [];
    const stop = control.onChange(({ subject, action, id }) => {
      told.push(`${subject} ${action} ${control.flowLogs.find(id)?.status ?? "gone"}`);
    });
    const flowLog = unwrap(control.flowLogs.create(scopeOf(control), netflow));
    control.flowLogs.activate(flowLog, flowLog.id);
    control.flowLogs.associate(flowLog, flowLog.id, gateway!.id);
    control.flowLogs.associate(flowLog, flowLog.id, gateway!.id);
    control.flowLogs.deactivate(flowLog, flowLog.id);
    control.flowLogs.remove(flowLog, flowLog.id);
    control.flowLogs.disassociate(flowLog, flowLog.id, gateway!.id);
    control.flowLogs.remove(flowLog, flowLog.id);
    expect(told).toEqual([
      "flowLog created active",
      "flowLog modified active",
      "flowLog modified inactive",
      "flowLog modified inactive",
      "flowLog removed gone",
    ]);
    stop();
    control.flowLogs.create(scopeOf(control), netflow);
    expect(told).toHaveLength(5);
    control.close();
  });

  it("that throw keep nobody else from hearing, nor the change from being made", () => {
    const control = open();
    const told: string[] = [];
    control.onChange(() => {
      throw new Error("a broken listener");
    });
    control.onChange(({ action }) => told.push(action));
    expect(control.flowLogs.create(scopeOf(control), netflow).ok).toBe(true);
    expect(told).toEqual(["created"]);
    control.close();
  });
});

it("a region that this installation has not is refused at the start", () => {
  const path = join(scratchFolder("control"), "control.sqlite");
  const opened = openControl({ path, regionId: "mars-1" }, { clock: systemClock, logger: silentLogger });
  expect(opened).toMatchObject({ fault: { code: "ConfigInvalid", field: "regionId" } });
  const regions = { sag: ["mars-1"] };
  const own = unwrap(
    openControl({ path, regionId: "mars-1", regions }, { clock: systemClock, logger: silentLogger }),
  );
  expect(own.flowLogs.create({ ...scopeOf(own), regionId: "mars-1" }, netflow).ok).toBe(true);
  own.close();
});

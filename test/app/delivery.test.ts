/** Which interfaces a flow log covers, how they are metered, and where their records go. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { deliveriesOf } from "../../src/app/delivery.ts";
import { unwrap } from "../../src/base/mod.ts";
import { type Control, cloudProjectId, type NewFlowLog, type Service } from "../../src/control/mod.ts";
import { hostWith, openTestControl, scopeOf } from "../control/support.ts";

let control: Control;
const networks = { eth0: ["10.0.0.7/24"], eth1: ["10.0.0.8/24"], wan0: ["192.0.2.7/24"] };

const look = (now: Readonly<Record<string, readonly string[]>> = networks) =>
  unwrap(control.resources.sync({ hosts: [hostWith(now)] }));
const resource = (type: string, name: string) =>
  control.resources.all().find((one) => one.type === type && one.name === name)!;

function create(service: Service, type: "vpc" | "subnet" | "interface", name: string, more: NewFlowLog = {}) {
  const logService = { enabled: true, regionId: "cn-shanghai", project: "p-one", logstore: "l-one" };
  const target = { type, id: resource(type, name).id };
  return unwrap(
    control.flowLogs.create(scopeOf(control, service), { target, outputs: { logService }, ...more }),
  );
}

/** `fl eth0 60`: flow log, interface and window in seconds of each delivery. */
function deliveries(verdicts = false): string[] {
  const context = { control, interfaceNames: Object.keys(networks), flowsMax: 1000, verdicts };
  return deliveriesOf(context).map(({ subject: { flowLogId, interfaceNames, policy } }) => {
    const { name } = control.flowLogs.find(flowLogId)!;
    const text = policy.kind === "window" ? `${policy.windowMs / 1000}` : "aged";
    return `${name} ${interfaceNames.join("+")} ${text}`;
  });
}

beforeEach(() => {
  control = openTestControl();
  look();
});
afterEach(() => control.close());

describe("a flow log on a VPC or subnet", () => {
  it("covers the interfaces that it has now, each by itself", () => {
    create("vpc", "vpc", "host", { name: "all" });
    create("vpc", "subnet", "10.0.0.0/24", { name: "lan" });
    expect(deliveries()).toEqual([
      "all eth0 600",
      "all eth1 600",
      "all wan0 600",
      "lan eth0 600",
      "lan eth1 600",
    ]);
    look({ ...networks, eth7: ["10.0.0.9/24"] });
    expect(deliveries().filter((line) => line.includes("eth7"))).toEqual(["all eth7 600", "lan eth7 600"]);
    look({ wan0: networks.wan0 });
    expect(deliveries()).toEqual(["all wan0 600"]);
    look();
    expect(deliveries()).toHaveLength(5);
  });

  it("has the shortest window that covers an interface there, and its own elsewhere", () => {
    create("vpc", "vpc", "host", { name: "all" });
    create("vpc", "interface", "eth0", { name: "one", policy: { windowS: 60 } });
    expect(deliveries()).toEqual(["all eth0 60", "all eth1 600", "all wan0 600", "one eth0 60"]);
    const one = control.flowLogs.all().at(-1)!;
    unwrap(control.flowLogs.settle(one.id, one.updatedMs));
    unwrap(control.flowLogs.deactivate(one, one.id));
    expect(deliveries()[0]).toBe("all eth0 600");
  });

  it("is metered while it is activating, and no more while it is deleting", () => {
    const flowLog = create("vpc", "interface", "eth0", { name: "one" });
    expect(deliveries()).toEqual(["one eth0 600"]);
    unwrap(control.flowLogs.settle(flowLog.id, flowLog.updatedMs));
    unwrap(control.flowLogs.remove(flowLog, flowLog.id));
    expect(deliveries()).toEqual([]);
  });
});

it("flow logs of two services are metered on one interface side by side, each by its own rules", () => {
  const sag = unwrap(
    control.flowLogs.create(scopeOf(control, "sag"), {
      name: "sag",
      outputs: { netflow: { enabled: true, address: "192.0.2.1" } },
    }),
  );
  unwrap(control.flowLogs.associate(sag, sag.id, resource("interface", "eth0").id));
  create("vpc", "interface", "eth0", { name: "vpc", policy: { windowS: 300 } });
  expect(deliveries()).toEqual(["sag eth0 aged", "vpc eth0 300"]);
});

it("a change cuts flows where they are metered otherwise or go elsewhere, and by no new name or tag", () => {
  const context = { control, interfaceNames: [], flowsMax: 1000, verdicts: false };
  const revision = (): number | undefined => deliveriesOf(context)[0]!.subject.revision;
  const flowLog = create("vpc", "interface", "eth0");
  const changed = (change: () => void): boolean => {
    const before = revision();
    unwrap(control.flowLogs.settle(flowLog.id, control.flowLogs.find(flowLog.id)!.updatedMs));
    change();
    return revision() !== before;
  };
  const modify = (patch: NewFlowLog) => () =>
    void unwrap(control.flowLogs.modify(flowLog, flowLog.id, patch));
  expect(changed(modify({ name: "renamed", description: "again" }))).toBe(false);
  expect(changed(() => void unwrap(control.flowLogs.tag(flowLog, flowLog.id, { a: "b" })))).toBe(false);
  expect(changed(modify({ policy: { windowS: 60 } }))).toBe(true);
  expect(changed(modify({ filter: { ipVersions: [6] } }))).toBe(true);
  expect(changed(modify({ outputs: { logService: { logstore: "l-two" } } }))).toBe(true);
});

describe("what selects by verdict", () => {
  it("is not metered while nobody knows verdicts: nothing is invented", () => {
    create("vpc", "interface", "eth0", { name: "all" });
    create("vpc", "interface", "eth1", { name: "accepted", filter: { trafficType: "accept" } });
    expect(deliveries(false)).toEqual(["all eth0 600"]);
    expect(deliveries(true)).toEqual(["all eth0 600", "accepted eth1 600"]);
  });

  it("and what tells it has it from capture, but for gateways, whose records have no place for it", () => {
    create("vpc", "interface", "eth0");
    const sag = unwrap(
      control.flowLogs.create(scopeOf(control, "sag"), {
        outputs: { netflow: { enabled: true, address: "192.0.2.1" } },
      }),
    );
    unwrap(control.flowLogs.associate(sag, sag.id, resource("gateway", "host").id));
    const context = { control, interfaceNames: ["eth0"], flowsMax: 1000, verdicts: true };
    expect(deliveriesOf(context).map(({ subject }) => [subject.scope, subject.verdicts])).toEqual([
      ["interface", true],
      ["gateway", false],
    ]);
  });
});

describe("where records go", () => {
  const storeOf = () =>
    deliveriesOf({ control, interfaceNames: [], flowsMax: 1000, verdicts: false }).map(({ store }) => store);

  it("says whose they are and where the resource is", () => {
    create("vpc", "subnet", "192.0.2.0/24");
    const wan0 = resource("interface", "wan0");
    expect(storeOf()).toMatchObject([
      {
        service: "vpc",
        resourceId: wan0.id,
        vpcId: resource("vpc", "host").id,
        subnetId: resource("subnet", "192.0.2.0/24").id,
        instanceId: wan0.instanceId,
        projectId: "",
      },
    ]);
  });

  it("names Huawei's resources and projects as that cloud does", () => {
    const key = { accountId: control.accounts.default.id, regionId: "eu-de", project: "p-one" };
    unwrap(control.logProjects.createProject(key));
    unwrap(control.logProjects.createLogstore({ ...key, logstore: "l-one", retentionDays: 7 }));
    const { uuid, id } = resource("interface", "eth0");
    const logService = { enabled: true, regionId: "eu-de", project: "p-one", logstore: "l-one" };
    const scope = scopeOf(control, "huawei", "eu-de");
    const target = { type: "interface", id } as const;
    unwrap(control.flowLogs.create(scope, { target, outputs: { logService } }));
    expect(storeOf()).toMatchObject([
      { service: "huawei", resourceId: uuid, projectId: cloudProjectId(key.accountId, "eu-de") },
    ]);
  });
});

/** Flow logs on a target: what they may be made on, and the changes that are under way until capture has them. */
import { beforeEach, describe, expect, it } from "vitest";

import { unwrap } from "../../src/base/mod.ts";
import type { Control, FlowLog, NewFlowLog, Resource, Service } from "../../src/control/mod.ts";
import { byName, controlPath, hostWith, openTestControl, scopeOf } from "./support.ts";

let control: Control;
let path: string;
let eth0: Resource;
let eth1: Resource;
let vpc: Resource;

const logService = { enabled: true, regionId: "cn-shanghai", project: "p-one", logstore: "l-one" };
const wantedOn = ({ type, id }: Resource, more: Partial<NewFlowLog> = {}): NewFlowLog => ({
  target: { type, id } as NonNullable<NewFlowLog["target"]>,
  outputs: { logService },
  ...more,
});
const create = (service: Service, wanted: NewFlowLog) =>
  control.flowLogs.create(scopeOf(control, service, service === "huawei" ? "eu-de" : "cn-shanghai"), wanted);
const stateOf = (id: string): unknown => {
  const flowLog = control.flowLogs.find(id);
  return flowLog === undefined ? "gone" : [flowLog.status, flowLog.transition];
};
const settle = ({ id }: FlowLog): void =>
  unwrap(control.flowLogs.settle(id, control.flowLogs.find(id)!.updatedMs));

function look(): void {
  const hosts = [hostWith({ eth0: ["10.0.0.7/24"], eth1: ["10.0.0.8/24"] })];
  const found = unwrap(control.resources.sync({ hosts }));
  [eth0, eth1] = [byName(found, "interface").get("eth0")!, byName(found, "interface").get("eth1")!];
  vpc = byName(found, "vpc").get("host")!;
}

/** Huawei's log groups and streams are made by their own API alone. */
function makeHuaweiLogs(...logstores: string[]) {
  const key = { accountId: control.accounts.default.id, regionId: "eu-de", project: "p-one" };
  unwrap(control.logProjects.createProject(key));
  for (const logstore of logstores) {
    unwrap(control.logProjects.createLogstore({ ...key, logstore, retentionDays: 7 }));
  }
  return { ...logService, regionId: "eu-de" };
}

function reopen(): void {
  control.close();
  control = openTestControl({ path });
}

beforeEach(() => {
  path = controlPath();
  control = openTestControl({ path });
  look();
  return () => control.close();
});

describe("a change of an asynchronous service's flow log", () => {
  it("is under way until capture holds it", () => {
    const flowLog = unwrap(create("vpc", wantedOn(eth0)));
    const scope = scopeOf(control, "vpc");
    expect(stateOf(flowLog.id)).toEqual(["active", "activating"]);
    settle(flowLog);
    expect(stateOf(flowLog.id)).toEqual(["active", undefined]);
    unwrap(control.flowLogs.modify(scope, flowLog.id, { policy: { windowS: 60 } }));
    expect(stateOf(flowLog.id)).toEqual(["active", "modifying"]);
    settle(flowLog);
    unwrap(control.flowLogs.deactivate(scope, flowLog.id));
    expect(stateOf(flowLog.id)).toEqual(["inactive", "deactivating"]);
    settle(flowLog);
    expect(stateOf(flowLog.id)).toEqual(["inactive", undefined]);
    unwrap(control.flowLogs.activate(scope, flowLog.id));
    expect(stateOf(flowLog.id)).toEqual(["active", "activating"]);
    settle(flowLog);
    unwrap(control.flowLogs.remove(scope, flowLog.id));
    expect(stateOf(flowLog.id)).toEqual(["active", "deleting"]);
    expect(control.flowLogs.list(scope)).toHaveLength(1);
    settle(flowLog);
    expect(stateOf(flowLog.id)).toBe("gone");
    expect(control.flowLogs.list(scope)).toEqual([]);
  });

  it("keeps every other out meanwhile, but for labels", () => {
    const flowLog = unwrap(create("vpc", wantedOn(eth0)));
    const { flowLogs } = control;
    const scope = scopeOf(control, "vpc");
    const refused = { fault: { code: "FlowLogInTransition" } };
    expect(flowLogs.modify(scope, flowLog.id, { name: "x" })).toMatchObject(refused);
    expect(flowLogs.deactivate(scope, flowLog.id)).toMatchObject(refused);
    expect(flowLogs.remove(scope, flowLog.id)).toMatchObject(refused);
    // What is wanted already is no change.
    expect(flowLogs.activate(scope, flowLog.id).ok).toBe(true);
    const { updatedMs } = flowLog;
    expect(flowLogs.tag(scope, flowLog.id, { team: "net" })).toMatchObject({
      value: { transition: "activating", updatedMs, tags: { team: "net" } },
    });
  });

  it("is not ended by what capture held before it", () => {
    const flowLog = unwrap(create("vpc", wantedOn(eth0)));
    settle(flowLog);
    const scope = scopeOf(control, "vpc");
    unwrap(control.flowLogs.modify(scope, flowLog.id, { name: "renamed" }));
    unwrap(control.flowLogs.settle(flowLog.id, flowLog.updatedMs));
    expect(stateOf(flowLog.id)).toEqual(["active", "modifying"]);
    unwrap(control.flowLogs.settle("fl-none", 1));
  });

  it("is still under way after a restart", () => {
    const states = (["modify", "deactivate", "remove"] as const).map((change) => {
      const flowLog = unwrap(
        create("vpc", wantedOn({ modify: eth0, deactivate: eth1, remove: vpc }[change])),
      );
      settle(flowLog);
      const scope = scopeOf(control, "vpc");
      if (change === "modify") unwrap(control.flowLogs.modify(scope, flowLog.id, { name: "renamed" }));
      else unwrap(control.flowLogs[change](scope, flowLog.id) as ReturnType<typeof control.flowLogs.remove>);
      return { flowLog, state: stateOf(flowLog.id) };
    });
    reopen();
    expect(states.map(({ flowLog }) => stateOf(flowLog.id))).toEqual(states.map(({ state }) => state));
    for (const { flowLog } of states) settle(flowLog);
    expect(states.map(({ flowLog }) => stateOf(flowLog.id))).toEqual([
      ["active", undefined],
      ["inactive", undefined],
      "gone",
    ]);
    reopen();
    expect(control.flowLogs.all()).toHaveLength(2);
  });

  it("of the other services is no state of theirs", () => {
    const outputs = { logService: makeHuaweiLogs("l-one") };
    const flowLog = unwrap(create("huawei", wantedOn(eth0, { outputs })));
    expect(stateOf(flowLog.id)).toEqual(["active", undefined]);
    unwrap(control.flowLogs.deactivate(flowLog, flowLog.id));
    expect(stateOf(flowLog.id)).toEqual(["inactive", undefined]);
    unwrap(control.flowLogs.remove(flowLog, flowLog.uuid));
    expect(stateOf(flowLog.id)).toBe("gone");
  });

  it("is later than the one before it, whatever the clock does", () => {
    const flowLog = unwrap(create("vpc", wantedOn(eth0)));
    const times = [flowLog.updatedMs];
    for (const name of ["a", "b", "c"]) {
      settle(flowLog);
      times.push(unwrap(control.flowLogs.modify(flowLog, flowLog.id, { name })).updatedMs);
    }
    expect(times.toSorted((one, other) => one - other)).toEqual(times);
    expect(new Set(times).size).toBe(times.length);
  });
});

describe("the target of a flow log", () => {
  it("is a resource that is there, of its type, account and region, by id or UUID", () => {
    const ok = unwrap(create("vpc", wantedOn({ ...eth0, id: eth0.uuid })));
    expect(ok.target).toEqual({ type: "interface", id: eth0.id });
    const notFound = { fault: { code: "ResourceNotFound", field: "target.id" } };
    expect(create("vpc", wantedOn({ ...eth1, type: "subnet" }))).toMatchObject(notFound);
    expect(create("vpc", wantedOn({ ...eth1, id: "eni-none" }))).toMatchObject(notFound);
    const elsewhere = scopeOf(control, "vpc", "eu-central-1");
    expect(control.flowLogs.create(elsewhere, wantedOn(eth1))).toMatchObject(notFound);
    unwrap(control.resources.sync({ hosts: [hostWith({ eth0: [] })] }));
    expect(create("vpc", wantedOn(eth1))).toMatchObject(notFound);
  });

  it("is needed by the services that cut at windows, and refused by the one that ages", () => {
    const { target, ...without } = wantedOn(eth0);
    expect(create("vpc", without)).toMatchObject({ fault: { code: "InputMissing", field: "target" } });
    expect(create("sag", wantedOn(eth0))).toMatchObject({ fault: { code: "InputInvalid", field: "target" } });
    const flowLog = unwrap(create("vpc", wantedOn(eth0)));
    expect(flowLog.target).toEqual(target);
    const gateway = control.resources.all().find(({ type }) => type === "gateway")!;
    expect(control.flowLogs.associate(flowLog, flowLog.id, gateway.id)).toMatchObject({
      fault: { code: "InputInvalid" },
    });
  });

  it("has one flow log of the VPC service, even while that is being deleted", () => {
    const flowLog = unwrap(create("vpc", wantedOn(eth0)));
    const occupied = { fault: { code: "ResourceAlreadyAssociated", value: eth0.id } };
    expect(create("vpc", wantedOn(eth0))).toMatchObject(occupied);
    settle(flowLog);
    unwrap(control.flowLogs.remove(flowLog, flowLog.id));
    expect(create("vpc", wantedOn(eth0))).toMatchObject(occupied);
    settle(flowLog);
    expect(create("vpc", wantedOn(eth0)).ok).toBe(true);
    expect(create("vpc", wantedOn(vpc)).ok).toBe(true);
  });

  it("has two of Huawei's that deliver different traffic to the same place", () => {
    const output = makeHuaweiLogs("l-one", "l-two");
    const wanted = (trafficType: "all" | "accept" | "reject", logstore = "l-one") =>
      wantedOn(eth0, { filter: { trafficType }, outputs: { logService: { ...output, logstore } } });
    unwrap(create("huawei", wanted("all")));
    unwrap(create("huawei", wanted("accept")));
    unwrap(create("huawei", wanted("all", "l-two")));
    expect(create("huawei", wanted("accept"))).toMatchObject({ fault: { code: "FlowLogDuplicate" } });
    expect(create("huawei", wanted("reject"))).toMatchObject({
      fault: {
        code: "FlowLogQuotaExceeded",
        field: "target.id",
        allowed: "at most 2, each of other traffic",
      },
    });
    expect(control.flowLogs.observing(eth0.id)).toHaveLength(3);
  });

  it("is not changed into what another delivers to the same place, but may stay what it is", () => {
    const output = makeHuaweiLogs("l-one", "l-two");
    const wanted = (trafficType: "all" | "accept", logstore = "l-one") =>
      wantedOn(eth0, { filter: { trafficType }, outputs: { logService: { ...output, logstore } } });
    const all = unwrap(create("huawei", wanted("all")));
    const accepted = unwrap(create("huawei", wanted("accept")));
    const elsewhere = unwrap(create("huawei", wanted("all", "l-two")));
    const { flowLogs } = control;
    const modify = (flowLog: FlowLog, change: Parameters<typeof flowLogs.modify>[2]) =>
      flowLogs.modify(flowLog, flowLog.id, change);
    const duplicate = { fault: { code: "FlowLogDuplicate", value: all.id } };
    expect(modify(accepted, { filter: { trafficType: "all" } })).toMatchObject(duplicate);
    expect(modify(elsewhere, { outputs: { logService: { logstore: "l-one" } } })).toMatchObject(duplicate);
    const third = modify(elsewhere, {
      filter: { trafficType: "reject" },
      outputs: { logService: { logstore: "l-one" } },
    });
    expect(third).toMatchObject({ fault: { code: "FlowLogQuotaExceeded" } });
    expect(modify(accepted, { filter: { trafficType: "reject" } }).ok).toBe(true);
    expect(modify(all, { name: "renamed", filter: { trafficType: "all" } }).ok).toBe(true);
  });

  it("changes settings and state as one, or not at all", () => {
    const outputs = { logService: makeHuaweiLogs("l-one") };
    const flowLog = unwrap(create("huawei", wantedOn(eth0, { outputs })));
    const { flowLogs } = control;
    const broken = flowLogs.modify(flowLog, flowLog.id, { name: "x".repeat(257), status: "inactive" });
    expect(broken.ok).toBe(false);
    expect(flowLogs.find(flowLog.id)).toEqual(flowLog);
    const changed = unwrap(flowLogs.modify(flowLog, flowLog.id, { name: "second", status: "inactive" }));
    expect(changed).toMatchObject({ name: "second", status: "inactive" });
    reopen();
    expect(control.flowLogs.find(flowLog.id)).toEqual(changed);
  });

  it("is remembered as long as it is one, however many come and go", () => {
    unwrap(create("vpc", wantedOn(eth0)));
    for (let round = 0; round < 110; round++) {
      unwrap(control.resources.sync({ hosts: [hostWith({ [`veth${round}`]: [`10.7.${round}.1/24`] })] }));
    }
    expect(control.resources.find(eth0.id)).toMatchObject({ present: false });
    expect(control.resources.find(eth1.id)).toBeUndefined();
    expect(control.resources.find(eth0.parentId!)).toMatchObject({ type: "subnet" });
    // A hundred that remembered interfaces are in, and no more than a hundred others.
    const subnets = control.resources.all().filter(({ type }) => type === "subnet");
    expect(subnets.length).toBeLessThanOrEqual(203);
    reopen();
    expect(control.resources.find(eth0.id)).toBeDefined();
  });
});

describe("the settings of a flow log that cuts at windows", () => {
  it("are a window that the service has, and no timeouts", () => {
    const flowLog = unwrap(create("vpc", wantedOn(eth0)));
    expect(flowLog).toMatchObject({ policy: { kind: "window", windowS: 600 } });
    expect(create("vpc", wantedOn(eth1, { policy: { windowS: 61 } }))).toMatchObject({
      fault: { code: "InputOutOfRange", field: "policy.windowS", allowed: "60, 300, 600" },
    });
    expect(create("vpc", wantedOn(eth1, { policy: { activeTimeoutS: 60 } }))).toMatchObject({
      fault: { code: "InputInvalid", field: "policy.activeTimeoutS" },
    });
    const { target: _target, ...sag } = wantedOn(eth1, { policy: { windowS: 60 } });
    expect(create("sag", sag)).toMatchObject({ fault: { code: "InputInvalid", field: "policy.windowS" } });
  });

  it("name no traffic path, for this host tells none apart", () => {
    expect(create("vpc", wantedOn(eth0, { filter: { trafficPaths: ["natGateway"] } }))).toMatchObject({
      fault: { code: "TrafficPathUnsupported", field: "filter.trafficPaths" },
    });
    expect(create("vpc", wantedOn(eth0, { filter: { ipVersions: [] } }))).toMatchObject({
      fault: { code: "InputInvalid", field: "filter.ipVersions" },
    });
    const only = { trafficType: "reject", ipVersions: [6] } as const;
    expect(unwrap(create("vpc", wantedOn(eth0, { filter: only }))).filter).toEqual({
      ...only,
      trafficPaths: ["all"],
    });
  });

  it("deliver to a pair of the account and region where they name none", () => {
    const outputs = { logService: { enabled: true, regionId: "cn-shanghai" } };
    const flowLog = unwrap(create("vpc", wantedOn(eth0, { outputs })));
    const accountId = control.accounts.default.id;
    expect(flowLog.outputs.logService).toMatchObject({
      project: `flowlog-${accountId}-cn-shanghai`,
      logstore: "vpc-flow-log",
    });
    expect(control.logProjects.listProjects({ accountId }).map(({ name }) => name)).toEqual([
      `flowlog-${accountId}-cn-shanghai`,
    ]);
  });
});

/** What is said of a flow log whose records cannot come, and of which kind it is. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { deliveryStatusOf } from "../../src/app/delivery-status.ts";
import type { System } from "../../src/app/system.ts";
import { fault, unwrap } from "../../src/base/mod.ts";
import type { CaptureStatus } from "../../src/capture/mod.ts";
import type { Control, FlowLog, NewFlowLog } from "../../src/control/mod.ts";
import { hostWith, openTestControl, scopeOf } from "../control/support.ts";

let control: Control;
let capture: Partial<CaptureStatus>;
let isStoreReady: boolean;

const networks = { eth0: ["10.0.0.7/24"], wan0: ["192.0.2.7/24"] };
const logService = { enabled: true, regionId: "cn-shanghai", project: "p-one", logstore: "l-one" };
const resource = (type: string, name: string) =>
  control.resources.all().find((one) => one.type === type && one.name === name)!;

function create(type: "vpc" | "interface", name: string, more: NewFlowLog = {}): FlowLog {
  const target = { type, id: resource(type, name).id };
  return unwrap(
    control.flowLogs.create(scopeOf(control, "vpc"), { target, outputs: { logService }, ...more }),
  );
}

/** Kinds and sentences of what is in the way. */
function problemsOf({ id }: FlowLog): [kind: string, message: string][] {
  const system = {
    control,
    capture: { status: () => capture },
    reconciler: { isLate: () => false },
    store: { status: () => ({ state: isStoreReady ? "ready" : "restarting" }) },
    intake: { refusal: () => undefined },
    spool: { status: () => ({ losses: [], sinks: [] }) },
    netflow: { status: () => undefined },
    configuration: { netflow: { templateRefreshS: 60 } },
  } as unknown as System;
  const { healthy, message, problems } = deliveryStatusOf(system, id)!;
  expect(healthy).toBe(problems.length === 0);
  expect(message).toBe(problems.map((problem) => problem.message).join("; "));
  return problems.map((problem) => [problem.kind, problem.message]);
}

beforeEach(() => {
  control = openTestControl();
  unwrap(control.resources.sync({ hosts: [hostWith(networks)] }));
  capture = { state: "running", interfaces: [], verdicts: { available: true } };
  isStoreReady = true;
});
afterEach(() => control.close());

describe("a flow log", () => {
  it("has no problems where all is well, or where it is switched off", () => {
    const flowLog = create("vpc", "host");
    expect(problemsOf(flowLog)).toEqual([]);
    capture = { state: "unavailable", fault: fault("PrivilegeMissing", "no CAP_NET_RAW"), interfaces: [] };
    expect(problemsOf(flowLog)).toEqual([["capture", "no capture: no CAP_NET_RAW"]]);
    unwrap(control.flowLogs.settle(flowLog.id, flowLog.updatedMs));
    unwrap(control.flowLogs.deactivate(flowLog, flowLog.id));
    expect(problemsOf(flowLog)).toEqual([]);
  });

  it("says that what it was made on is gone, until it is back", () => {
    const flowLog = create("interface", "eth0");
    unwrap(control.resources.sync({ hosts: [hostWith({ wan0: networks.wan0 })] }));
    expect(problemsOf(flowLog)).toEqual([["resource", `${flowLog.target!.id} is not there`]]);
    unwrap(control.resources.sync({ hosts: [hostWith(networks)] }));
    expect(problemsOf(flowLog)).toEqual([]);
  });

  it("says which of its interfaces cannot be captured, and nothing of others'", () => {
    const failed = { index: 2, state: "failed", fault: fault("PrivilegeMissing", "not allowed") } as const;
    capture = { ...capture, interfaces: [{ name: "wan0", ...failed }] };
    expect(problemsOf(create("vpc", "host"))).toEqual([["capture", "no capture of wan0: not allowed"]]);
    expect(problemsOf(create("interface", "eth0"))).toEqual([]);
    const sag = unwrap(control.flowLogs.create(scopeOf(control, "sag"), { outputs: { logService } }));
    unwrap(control.flowLogs.associate(sag, sag.id, resource("gateway", "host").id));
    expect(problemsOf(sag)).toEqual([["capture", "no capture of wan0: not allowed"]]);
  });

  it("that selects by verdict says why there are none; one that takes all has no such problem", () => {
    const all = create("interface", "wan0");
    const rejected = create("interface", "eth0", { filter: { trafficType: "reject" } });
    expect(problemsOf(rejected)).toEqual([]);
    const reason = fault("CaptureUnavailable", "the table is not there", { remedy: "apply it" });
    capture = { ...capture, verdicts: { available: false, fault: reason } };
    expect(problemsOf(rejected)).toEqual([
      ["verdicts", "no verdicts to select by: the table is not there (apply it)"],
    ]);
    expect(problemsOf(all)).toEqual([]);
  });

  it("says that its logstore is gone, or that the store does not answer", () => {
    const flowLog = create("vpc", "host");
    isStoreReady = false;
    expect(problemsOf(flowLog)).toMatchObject([["storage", expect.stringContaining("records wait")]]);
    isStoreReady = true;
    const { accountId } = flowLog;
    unwrap(control.logProjects.deleteProject({ accountId, regionId: "cn-shanghai", project: "p-one" }));
    expect(problemsOf(flowLog)).toMatchObject([["logTarget", expect.stringContaining("p-one")]]);
  });
});

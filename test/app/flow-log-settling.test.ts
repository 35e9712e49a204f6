/** A change of a flow log stays under way until capture holds it: with the real control plane, and a capture that waits. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { createReconciler, type Reconciler } from "../../src/app/reconciler.ts";
import { fail, ok, type Result, unwrap } from "../../src/base/mod.ts";
import type { Capture, CapturePlan, CaptureStatus } from "../../src/capture/mod.ts";
import type { Control, FlowLog } from "../../src/control/mod.ts";
import { createMetrics, silentLogger } from "../../src/observe/mod.ts";
import type { NetflowSink } from "../../src/sink/netflow/mod.ts";
import { hostWith, openTestControl, scopeOf } from "../control/support.ts";

let control: Control;
let reconciler: Reconciler;
let status: Pick<CaptureStatus, "state" | "planSinceMs">;
/** Answers the plan that capture is at. */
let answer: (result: Result<CaptureStatus>) => void;
let plans: CapturePlan[];

const late = fail<CaptureStatus>("Timeout", "flows that the change ended are not accepted yet");
const taken = ok({} as CaptureStatus);

function create(): FlowLog {
  const { id } = control.resources.all().find(({ type }) => type === "interface")!;
  const logService = { enabled: true, regionId: "cn-shanghai", project: "p-one", logstore: "l-one" };
  return unwrap(
    control.flowLogs.create(scopeOf(control, "vpc"), {
      target: { type: "interface", id },
      outputs: { logService },
    }),
  );
}

const transitionOf = ({ id }: FlowLog): string | undefined => {
  const flowLog = control.flowLogs.find(id);
  return flowLog === undefined ? "gone" : flowLog.transition;
};

/** Lets a reconciliation come to capture, and answers it. */
async function answerPlan(result: Result<CaptureStatus>): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
  answer(result);
  await vi.advanceTimersByTimeAsync(0);
}

async function settled(flowLog: FlowLog): Promise<void> {
  void reconciler.reconcile();
  await answerPlan(taken);
  expect(transitionOf(flowLog)).toBeUndefined();
}

beforeEach(() => {
  vi.useFakeTimers();
  control = openTestControl();
  unwrap(control.resources.sync({ hosts: [hostWith({ eth0: ["10.0.0.7/24"] })] }));
  status = { state: "running", planSinceMs: null };
  plans = [];
  const capture = {
    apply: (plan: CapturePlan) => {
      plans.push(plan);
      return new Promise<Result<CaptureStatus>>((resolve) => (answer = resolve));
    },
    status: () => status,
  } as unknown as Capture;
  const netflow = { prepare: () => Promise.resolve(), localPorts: () => [] } as unknown as NetflowSink;
  reconciler = createReconciler({
    capture,
    netflow,
    context: () => ({ control, interfaceNames: ["eth0"], flowsMax: 1000, verdicts: false }),
    settings: { loopback: false, natInterfaces: [] },
    logger: silentLogger,
    metrics: createMetrics(),
  });
});
afterEach(async () => {
  answer?.(taken);
  await reconciler.stop();
  control.close();
  vi.useRealTimers();
});

describe("a flow log", () => {
  it("is activating until capture says that it is armed, however long that takes", async () => {
    const flowLog = create();
    void reconciler.reconcile();
    await vi.advanceTimersByTimeAsync(14_000);
    expect(plans.at(-1)?.subjects).toHaveLength(1);
    expect(transitionOf(flowLog)).toBe("activating");
    await answerPlan(taken);
    expect(transitionOf(flowLog)).toBeUndefined();
  });

  it("is activating as long as capture does not answer for the plan, and tries go on", async () => {
    const flowLog = create();
    void reconciler.reconcile();
    await answerPlan(late);
    expect(transitionOf(flowLog)).toBe("activating");
    await vi.advanceTimersByTimeAsync(6000);
    await answerPlan(taken);
    expect(transitionOf(flowLog)).toBeUndefined();
  });

  it("is active when its windows are armed, though flows of others are not accepted yet", async () => {
    const flowLog = create();
    void reconciler.reconcile();
    status = { state: "running", planSinceMs: 1 };
    await answerPlan(late);
    expect(transitionOf(flowLog)).toBeUndefined();
  });

  it.for(["modifying", "deactivating", "deleting"] as const)(
    "is %s until what it metered before is accepted",
    async (transition) => {
      const flowLog = create();
      await settled(flowLog);
      const scope = scopeOf(control, "vpc");
      const changes = {
        modifying: () => control.flowLogs.modify(scope, flowLog.id, { policy: { windowS: 60 } }),
        deactivating: () => control.flowLogs.deactivate(scope, flowLog.id),
        deleting: () => control.flowLogs.remove(scope, flowLog.id),
      };
      expect(changes[transition]().ok).toBe(true);
      status = { state: "running", planSinceMs: 1 };
      void reconciler.reconcile();
      await answerPlan(late);
      expect(transitionOf(flowLog)).toBe(transition);
      await vi.advanceTimersByTimeAsync(6000);
      await answerPlan(taken);
      expect(transitionOf(flowLog)).toBe(transition === "deleting" ? "gone" : undefined);
    },
  );

  it("does not hang where capture cannot be had", async () => {
    const flowLog = create();
    status = { state: "unavailable", planSinceMs: null };
    void reconciler.reconcile();
    await answerPlan(fail("CaptureUnavailable", "no privilege"));
    expect(transitionOf(flowLog)).toBeUndefined();
  });

  it("does not hang where capture does not come up", async () => {
    const flowLog = create();
    status = { state: "restarting", planSinceMs: null };
    void reconciler.reconcile();
    await answerPlan(late);
    expect(transitionOf(flowLog)).toBeUndefined();
  });

  it("stays as it is when Weir stops meanwhile, for the next start to end", async () => {
    const flowLog = create();
    void reconciler.reconcile();
    await vi.advanceTimersByTimeAsync(0);
    const stopped = reconciler.stop();
    answer(fail("CaptureUnavailable", "capture is stopping"));
    await stopped;
    expect(transitionOf(flowLog)).toBe("activating");
  });

  it("whose end cannot be kept, for the disk is full, is settled by a later try", async () => {
    const flowLog = create();
    vi.spyOn(control.flowLogs, "settle").mockReturnValueOnce(fail("DiskFull", "the disk is full"));
    void reconciler.reconcile();
    await answerPlan(taken);
    expect(transitionOf(flowLog)).toBe("activating");
    await vi.advanceTimersByTimeAsync(6000);
    await answerPlan(taken);
    expect(transitionOf(flowLog)).toBeUndefined();
  });

  it("that was changed again meanwhile is not settled by the plan before", async () => {
    const flowLog = create();
    void reconciler.reconcile();
    await vi.advanceTimersByTimeAsync(0);
    // What a former reconciliation settled may be changed before this one is answered.
    unwrap(control.flowLogs.settle(flowLog.id, flowLog.updatedMs));
    unwrap(control.flowLogs.modify(flowLog, flowLog.id, { name: "renamed" }));
    await answerPlan(taken);
    expect(transitionOf(flowLog)).toBe("modifying");
  });
});

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { createReconciler } from "../../src/app/reconciler.ts";
import { fail, ok, type Result } from "../../src/base/mod.ts";
import type { Capture, CapturePlan, CaptureStatus } from "../../src/capture/mod.ts";
import type { Control } from "../../src/control/mod.ts";
import { createMetrics, silentLogger } from "../../src/observe/mod.ts";
import type { NetflowSink } from "../../src/sink/netflow/mod.ts";

const resource = {
  id: "sag-1",
  type: "gateway",
  serial: "s-1",
  present: true,
  flowLogSupport: "full",
} as const;

function flowLogOf(port: number) {
  return {
    id: "fl-1",
    accountId: "1",
    regionId: "cn-hangzhou",
    status: "active",
    number: 7,
    updatedMs: port,
    policy: { kind: "aging", activeTimeoutS: 300, inactiveTimeoutS: 15 },
    filter: { trafficType: "all", ipVersions: [4, 6], trafficPaths: ["all"] },
    outputs: {
      logService: { enabled: false, regionId: "", project: "", logstore: "" },
      netflow: { enabled: true, address: "192.0.2.1", port, version: 9 },
    },
  };
}

let flowLogs: ReturnType<typeof flowLogOf>[];
let apply: (plan: CapturePlan) => Promise<Result<CaptureStatus>>;
const applied = (): Promise<Result<CaptureStatus>> => Promise.resolve(ok({} as CaptureStatus));
const late = (): Promise<Result<CaptureStatus>> =>
  Promise.resolve(fail("Timeout", "flows that the change ended are not accepted yet", { retryable: true }));

function reconcilerUnderTest(metrics = createMetrics()) {
  const control = {
    flowLogs: { all: () => flowLogs, resourcesOf: () => [resource] },
  } as unknown as Control;
  const netflow = { prepare: () => Promise.resolve(), localPorts: () => [] } as unknown as NetflowSink;
  const capture = {
    apply: (plan: CapturePlan) => apply(plan),
    status: () => ({ state: "running" }),
  } as unknown as Capture;
  const reconciler = createReconciler({
    capture,
    netflow,
    context: () => ({ control, interfaceNames: ["eth0"], flowsMax: 1000, verdicts: false }),
    settings: { loopback: false, natInterfaces: [] },
    logger: silentLogger,
    metrics,
  });
  const port = (): number | undefined => reconciler.deliveryOf("fl-1", "sag-1")?.netflow?.port;
  return { reconciler, port };
}

beforeEach(() => {
  vi.useFakeTimers();
  flowLogs = [flowLogOf(1)];
  apply = applied;
});
afterEach(() => vi.useRealTimers());

describe("the reconciler", () => {
  it("keeps the former routes until capture has handed over what it metered under them", async () => {
    const { reconciler, port } = reconcilerUnderTest();
    await reconciler.reconcile();
    const portsMeanwhile: (number | undefined)[] = [];
    apply = () => {
      portsMeanwhile.push(port());
      return applied();
    };
    flowLogs = [flowLogOf(2)];
    await reconciler.reconcile();
    expect(portsMeanwhile).toEqual([1]);
    expect(port()).toBe(2);
    await reconciler.stop();
  });

  it("loses no route of flows that a full disk keeps back for longer than capture waits", async () => {
    const { reconciler, port } = reconcilerUnderTest();
    await reconciler.reconcile();
    apply = late;
    flowLogs = [];
    await reconciler.reconcile();
    expect(port()).toBe(1);
    apply = applied;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(port()).toBeUndefined();
    await reconciler.stop();
  });

  it("answers a change after a second, and says so, where flows of before wait to be accepted", async () => {
    const metrics = createMetrics();
    const { reconciler } = reconcilerUnderTest(metrics);
    const { promise: accepted, resolve: accept } = Promise.withResolvers<void>();
    apply = async () => {
      await accepted;
      return applied();
    };
    void reconciler.reconcile();
    let isAnswered = false;
    const answer = reconciler.settled().then(() => (isAnswered = true));
    await vi.advanceTimersByTimeAsync(900);
    expect([isAnswered, reconciler.isLate(), reconciler.isInStep()]).toEqual([false, false, false]);
    await vi.advanceTimersByTimeAsync(200);
    await answer;
    expect(reconciler.isLate()).toBe(true);
    expect(metrics.render()).toContain("weir_late_changes_total 1");
    accept();
    await vi.advanceTimersByTimeAsync(1);
    expect([reconciler.isLate(), reconciler.isInStep()]).toEqual([false, true]);
    await reconciler.settled();
    expect(metrics.render()).toContain("weir_late_changes_total 1");
    await reconciler.stop();
  });

  it("tries again by itself when it failed", async () => {
    const { reconciler, port } = reconcilerUnderTest();
    apply = () => Promise.reject(new Error("unable to open database file"));
    await reconciler.reconcile();
    let plans = 0;
    apply = () => {
      plans++;
      return applied();
    };
    await vi.advanceTimersByTimeAsync(10_000);
    expect(plans).toBeGreaterThan(0);
    const plansInStep = plans;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(plans - plansInStep).toBeLessThanOrEqual(1);
    expect(port()).toBe(1);
    await reconciler.stop();
  });
});

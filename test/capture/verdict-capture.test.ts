import { describe, expect, it } from "vitest";

import { fault } from "../../src/base/mod.ts";
import type { WindowMemory } from "../../src/capture/accounted-windows.ts";
import type { Capture } from "../../src/capture/capture.ts";
import { allTraffic, type CaptureStatus, emptyPlan } from "../../src/capture/plan.ts";
import { createVerdictCapture, mergeStatus } from "../../src/capture/verdict-capture.ts";
import { createMetrics, silentLogger } from "../../src/observe/mod.ts";

/** A capture that is not started yet, as after Weir's start, with what its memory holds. */
function captureWith(stored: Map<string, number>): Capture {
  const windowMemory: WindowMemory = {
    all: () => stored,
    update(changed, forgotten) {
      for (const [key, timeUs] of changed) stored.set(key, timeUs);
      for (const key of forgotten) stored.delete(key);
    },
  };
  return createVerdictCapture(
    {},
    {
      logger: silentLogger,
      metrics: createMetrics(),
      clock: { nowMs: () => 900, monotonicMs: () => 0 },
      agentId: "agent",
      accept: () => Promise.reject(new Error("no batch is handed over")),
      windowMemory,
      firewall: { state: () => Promise.resolve({ ok: false, fault: fault("CaptureUnavailable", "none") }) },
      wanted: () => true,
      onVerdictsChanged: () => undefined,
    },
  );
}

function planOf(verdicts: boolean) {
  const subject = {
    flowLogId: "fl-1",
    resourceId: "eni-1",
    scope: "interface",
    interfaceNames: ["eth0"],
    policy: { kind: "window", windowMs: 60_000 },
    filter: allTraffic,
    verdicts,
    observationDomain: 1,
    flowsMax: 10,
  } as const;
  return { ...emptyPlan, subjects: [subject] };
}

describe("windows of a subject whose source changes", () => {
  it("go on where the other source stopped before the start, in either direction", async () => {
    const stored = new Map([["verdicts fl-1/eni-1", 120]]);
    await captureWith(stored).apply(planOf(false));
    expect([...stored]).toEqual([["packets fl-1/eni-1", 120]]);
    await captureWith(stored).apply(planOf(true));
    expect([...stored]).toEqual([["verdicts fl-1/eni-1", 120]]);
  });

  it("go on where the same source stopped, and what the other left behind is forgotten", async () => {
    const stored = new Map([
      ["verdicts fl-1/eni-1", 120],
      ["packets fl-1/eni-1", 500],
    ]);
    await captureWith(stored).apply(planOf(false));
    expect([...stored]).toEqual([["packets fl-1/eni-1", 500]]);
  });

  it("are the new source's from the change on", async () => {
    const stored = new Map([["packets fl-1/eni-1", 120]]);
    const capture = captureWith(stored);
    await capture.apply(planOf(false));
    await capture.apply(planOf(true));
    expect([...stored]).toEqual([["verdicts fl-1/eni-1", 900_000]]);
    await capture.apply(planOf(true));
    expect([...stored]).toEqual([["verdicts fl-1/eni-1", 900_000]]);
  });
});

describe("a plan of two sources", () => {
  const since = (planSinceMs: number | null): CaptureStatus => ({
    ...captureWith(new Map()).status(),
    planSinceMs,
  });

  it("holds when both hold it, and when the rings do where no verdicts are asked for", () => {
    expect(mergeStatus(since(5), since(7), true).planSinceMs).toBe(7);
    expect(mergeStatus(since(5), since(null), true).planSinceMs).toBeNull();
    expect(mergeStatus(since(null), since(7), true).planSinceMs).toBeNull();
    expect(mergeStatus(since(5), since(null), false).planSinceMs).toBe(5);
    expect(mergeStatus(since(null), since(7), false).planSinceMs).toBeNull();
  });
});

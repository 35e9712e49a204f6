import { describe, expect, it } from "vitest";

import { createAccountedWindows, type WindowMemory } from "../../src/capture/accounted-windows.ts";
import { allTraffic, type CapturePlan, type CaptureSubject, emptyPlan } from "../../src/capture/plan.ts";

const subjectOf = (flowLogId: string, kind: "window" | "aging"): CaptureSubject => ({
  flowLogId,
  resourceId: "eni-1",
  scope: "interface",
  interfaceNames: ["eth0"],
  policy:
    kind === "window"
      ? { kind, windowMs: 60_000 }
      : { kind, activeTimeoutMs: 300_000, inactiveTimeoutMs: 15_000 },
  filter: allTraffic,
  verdicts: false,
  observationDomain: 1,
  flowsMax: 10,
});
const planOf = (...subjects: CaptureSubject[]): CapturePlan => ({ ...emptyPlan, subjects });
const accountedOf = (flowLogId: string, accountedUpToUs: number) => ({
  flowLogId,
  resourceId: "eni-1",
  accountedUpToUs,
});

function memoryOf(stored = new Map<string, number>()): WindowMemory {
  return {
    all: () => stored,
    update(changed, forgotten) {
      for (const [key, timeUs] of changed) stored.set(key, timeUs);
      for (const key of forgotten) stored.delete(key);
    },
  };
}

describe("the windows accounted for", () => {
  const plan = planOf(subjectOf("fl-1", "window"), subjectOf("fl-2", "aging"));
  const told = (continued: CapturePlan) => continued.subjects.map(({ accountedUpToUs }) => accountedUpToUs);

  it("are told to the next process, and to the next start by way of the memory", () => {
    const memory = memoryOf();
    const windows = createAccountedWindows("packets", memory);
    windows.follow(plan, undefined);
    expect(told(windows.continued(plan))).toEqual([undefined, undefined]);
    windows.note([accountedOf("fl-1", 120)]);
    expect(told(windows.continued(plan))).toEqual([120, undefined]);
    expect(told(createAccountedWindows("packets", memory).continued(plan))).toEqual([120, undefined]);
  });

  it("of two captures are kept apart in one memory", () => {
    const memory = memoryOf();
    const windows = createAccountedWindows("packets", memory);
    windows.follow(plan, undefined);
    windows.note([accountedOf("fl-1", 120)]);
    const others = createAccountedWindows("verdicts", memory);
    others.follow(planOf(), undefined);
    expect(told(others.continued(plan))).toEqual([undefined, undefined]);
    expect(told(createAccountedWindows("packets", memory).continued(plan))).toEqual([120, undefined]);
  });

  it("begin when a plan comes that nobody can carry out", () => {
    const windows = createAccountedWindows("packets");
    windows.follow(plan, 7);
    windows.follow(plan, 9);
    expect(told(windows.continued(plan))).toEqual([7, undefined]);
  });

  it("are forgotten with the subject, whatever a late report says", () => {
    const stored = new Map<string, number>();
    const windows = createAccountedWindows("packets", memoryOf(stored));
    windows.follow(plan, undefined);
    windows.note([accountedOf("fl-1", 120)]);
    windows.follow(planOf(), undefined);
    windows.note([accountedOf("fl-1", 180)]);
    expect([...stored]).toEqual([]);
    windows.follow(plan, undefined);
    expect(told(windows.continued(plan))).toEqual([undefined, undefined]);
  });
});

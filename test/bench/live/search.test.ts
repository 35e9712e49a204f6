/** The search for the highest rate without a drop, against meters whose limit is known. */
import { describe, expect, it } from "vitest";

import { type RateTrial, searchHighestRate } from "../../../bench/live/search.ts";

const fullSpeed = 600_000;

/** Trials of a meter that drops above `limit`, and the rates that were tried. */
function meterOf(limit: number): { run: (rate: number) => Promise<RateTrial>; tried: number[] } {
  const tried: number[] = [];
  return {
    tried,
    run: (rate) => {
      tried.push(rate);
      const packetsPerSecond = rate === 0 ? fullSpeed : Math.min(rate, fullSpeed);
      return Promise.resolve({ packetsPerSecond, isClean: packetsPerSecond <= limit });
    },
  };
}

describe("the highest rate without a drop", () => {
  it("is all that the sender sends, after one trial, if the meter takes that", async () => {
    const { run, tried } = meterOf(1e6);
    expect((await searchHighestRate(run, { steps: 5 }))?.packetsPerSecond).toBe(fullSpeed);
    expect(tried).toEqual([0]);
  });

  it.each([30_000, 100_000, 599_000])("is found from below, within a tenth: %i", async (limit) => {
    const { run, tried } = meterOf(limit);
    const found = (await searchHighestRate(run, { steps: 5 }))!.packetsPerSecond;
    expect(found).toBeLessThanOrEqual(limit);
    expect(found).toBeGreaterThan(limit * 0.9);
    expect(tried).toHaveLength(6);
  });

  it("is looked for near an earlier one without the trial at full speed", async () => {
    const { run, tried } = meterOf(100_000);
    const found = (await searchHighestRate(run, { steps: 3, near: 90_000 }))!.packetsPerSecond;
    expect(found).toBeGreaterThan(90_000);
    expect(found).toBeLessThanOrEqual(100_000);
    expect(tried).toHaveLength(3);
    expect(tried).not.toContain(0);
  });

  it("is undefined if there was a drop at every rate", async () => {
    const { run } = meterOf(0);
    expect(await searchHighestRate(run, { steps: 5 })).toBeUndefined();
  });
});

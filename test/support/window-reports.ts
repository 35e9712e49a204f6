/** What was said of each window of an interface, read from the rows that were handed over. */
import { expect } from "vitest";

import { logStatuses } from "../../src/flow/mod.ts";
import type { CapturedFlow } from "./capture-client.ts";

export interface WindowReport {
  packets: number;
  noData: number;
  skipData: number;
}

/** By the window's number since 1970. */
export function windowsOf(flows: readonly CapturedFlow[], windowMs: number): Map<number, WindowReport> {
  const windows = new Map<number, WindowReport>();
  for (const flow of flows) {
    const number = Math.floor(Number(flow["startUs"]) / (windowMs * 1000));
    const known = windows.get(number) ?? { packets: 0, noData: 0, skipData: 0 };
    const status = flow["logStatus"];
    windows.set(number, {
      packets: known.packets + Number(flow["packets"]),
      noData: known.noData + (status === logStatuses.noData ? 1 : 0),
      skipData: known.skipData + (status === logStatuses.skipData ? 1 : 0),
    });
  }
  return windows;
}

/** Every window from the first to the last has records, or one word; never NODATA beside either. */
export function expectNoGap(windows: ReadonlyMap<number, WindowReport>): void {
  const numbers = [...windows.keys()].sort((one, other) => one - other);
  expect(numbers).toEqual(Array.from(numbers, (_, index) => numbers[0]! + index));
  for (const { packets, noData, skipData } of windows.values()) {
    expect(noData + skipData).toBeLessThanOrEqual(1);
    expect(noData === 1).toBe(packets === 0 && skipData === 0);
  }
}

/** The numbers of the windows that are SKIPDATA, in order. */
export function withSkipData(windows: ReadonlyMap<number, WindowReport>): number[] {
  return [...windows]
    .flatMap(([number, { skipData }]) => (skipData > 0 ? [number] : []))
    .sort((one, other) => one - other);
}

/** Packets of windows that follow one another without an empty one. */
export function bursts(windows: ReadonlyMap<number, WindowReport>): number[] {
  const sums: number[] = [];
  let last = Number.NaN;
  for (const [number, { packets }] of [...windows].sort(([one], [other]) => one - other)) {
    if (packets === 0) continue;
    if (number === last + 1) sums.push(sums.pop()! + packets);
    else sums.push(packets);
    last = number;
  }
  return sums;
}

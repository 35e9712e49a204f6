/** When flows are handed over, in which pieces, and what may happen in between. */
import { describe, expect, it } from "vitest";

import type { FlowBatch } from "../../src/flow/mod.ts";
import {
  advanceMeter,
  createMeter,
  drainMeter,
  flushBatch,
  flushMeter,
  meterError,
} from "../../src/meter/mod.ts";
import { meterAll, packetOf } from "./traffic.ts";

const second = 1_000_000;
const policy = {
  kind: "aging",
  activeTimeoutUs: 300 * second,
  inactiveTimeoutUs: 15 * second,
} as const;

describe("flushBatch()", () => {
  it("hands over a batch at a time, and adds up in between", () => {
    let packets = 0;
    const batches: number[] = [];
    const meter = createMeter({
      policy,
      flowsMax: 20_000,
      emit: ({ count, columns }) => {
        batches.push(count);
        for (let row = 0; row < count; row++) packets += columns.packets[row]!;
      },
    });
    const sent = Array.from({ length: 10_000 }, (_, index) =>
      index % 2 === 0
        ? packetOf({ sourcePort: index })
        : packetOf({ source: "2001:db8::1", sourcePort: index }),
    );
    meterAll(meter, sent);
    let calls = 1;
    while (flushBatch(meter)) {
      expect(batches.length).toBe(calls++);
      expect(meterError(meter)).toBe(0);
    }
    expect(batches).toEqual([4096, 4096, 10_000 - 2 * 4096]);
    expect([packets, meterError(meter), meter.statistics.activeFlows]).toEqual([10_000, 0, 0]);
  });
});

describe("a meter that lends its batches", () => {
  it("leaves a batch alone until it has handed over the next one, whoever makes it hand over", () => {
    let lent: FlowBatch | undefined;
    let copy: FlowBatch | undefined;
    let batches = 0;
    const meter = createMeter({
      policy,
      flowsMax: 9000,
      lendsBatches: true,
      emit: (batch) => {
        expect(lent).toEqual(copy);
        lent = batch;
        copy = structuredClone(batch);
        batches += 1;
      },
    });
    // Evictions, timers, a flow that its own packet ends, a drain, and the flush in parts.
    for (let round = 0; round < 6; round++) {
      const timeUs = round * 20 * second;
      meterAll(
        meter,
        Array.from({ length: 12_000 }, (_, index) =>
          packetOf({ source: index % 2 === 0 ? "10.0.0.1" : "2001:db8::1", sourcePort: index, timeUs }),
        ),
      );
      meterAll(meter, [packetOf({ timeUs: timeUs + 15 * second })]);
      if (round % 2 === 0) advanceMeter(meter, timeUs + 17 * second);
      else drainMeter(meter);
    }
    while (flushBatch(meter)) expect(lent).toEqual(copy);
    expect(lent).toEqual(copy);
    expect(batches).toBeGreaterThan(12);
  });
});

describe("advanceMeter()", () => {
  it("lets packets in between after each few thousand flows, however few there are in a slot, and at the bound", () => {
    const flowsMax = 30_000;
    let packets = 0;
    const meter = createMeter({
      policy,
      flowsMax,
      emit: ({ count, columns }) => {
        for (let row = 0; row < count; row++) packets += columns.packets[row]!;
      },
    });
    const sent = Array.from({ length: flowsMax }, (_, index) =>
      packetOf({
        source: index % 2 === 0 ? "10.0.0.1" : "2001:db8::1",
        sourcePort: index,
        timeUs: Math.floor((index * 10 * second) / flowsMax),
      }),
    );
    meterAll(meter, sent);
    let calls = 0;
    let more = 0;
    advanceMeter(meter, 40 * second, () => {
      calls += 1;
      const late = Array.from({ length: 6000 }, () =>
        packetOf({
          source: more % 3 === 0 ? "2001:db8::3" : "10.0.0.3",
          sourcePort: more++ & 0xffff,
          destinationPort: calls,
          timeUs: 40 * second,
        }),
      );
      meterAll(meter, late);
    });
    // Those that are evicted meanwhile need not be looked at.
    expect(calls).toBeGreaterThanOrEqual(4);
    expect(meter.statistics.flowsEvicted).toBeGreaterThan(0);
    expect(meterError(meter)).toBe(0);
    flushMeter(meter);
    expect(packets).toBe(flowsMax + more);
  });
});

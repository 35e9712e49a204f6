import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { chunkEntries } from "../../src/meter/reference-lists.ts";
import { allocateTable } from "../../src/meter/table-memory.ts";
import {
  clearTimers,
  createTimerWheel,
  noSlot,
  setTimer,
  startWheel,
  takeNextTimer,
  takeTimers,
  type TimerWheel,
  turnWheelBack,
  turnWheelOn,
} from "../../src/meter/timer-wheel.ts";

/** 64 ticks of a second, in a wheel of 128 slots. */
const timeoutUs = 64e6;
const tickUs = 1e6;
const slots = 128;
/** As far ahead as a timer is put: the slot behind the current one is left out. */
const reachTicks = slots - 2;
const startUs = 1_700_000_000e6;

/**
 * What the wheel has to do, without a wheel: each timer with the tick, counted from `startUs`, at whose end it is
 * looked at. `tick` is the current one.
 */
interface Model {
  tick: number;
  next: number;
  readonly timers: Map<number, number>;
}

function createWheel(): { wheel: TimerWheel; model: Model } {
  const wheel = createTimerWheel(allocateTable, timeoutUs);
  startWheel(wheel, startUs + 1);
  return { wheel, model: { tick: 0, next: 0, timers: new Map() } };
}

/** All references of a slot, of either family, each with the family it was found in. */
function emptySlot(wheel: TimerWheel, slot: number): number[] {
  const into = new Int32Array(chunkEntries);
  const taken: number[] = [];
  for (const family of [0, 1]) {
    for (let count = takeTimers(wheel, slot, family, into); count > 0;) {
      for (const reference of into.subarray(0, count)) {
        expect(reference & 1).toBe(family);
        taken.push(reference);
      }
      count = takeTimers(wheel, slot, family, into);
    }
  }
  return taken.toSorted((a, b) => a - b);
}

function add(wheel: TimerWheel, model: Model, ahead: number, count: number): void {
  const ticks = Math.min(Math.max(Math.floor(ahead / tickUs), 0), reachTicks);
  for (let done = 0; done < count; done++) {
    const reference = model.next++;
    setTimer(wheel, startUs + model.tick * tickUs + ahead, reference);
    model.timers.set(reference, model.tick + ticks);
  }
}

/** Turns the wheel on to a time; answers how many slots were passed. */
function turnTo(wheel: TimerWheel, model: Model, nowUs: number): number {
  const nowTick = Math.floor((nowUs - startUs) / tickUs);
  const before = model.tick;
  const taken: number[] = [];
  let passed = 0;
  for (let slot = turnWheelOn(wheel, nowUs); slot !== noSlot; slot = turnWheelOn(wheel, nowUs)) {
    taken.push(...emptySlot(wheel, slot));
    passed++;
  }
  model.tick = Math.max(before, nowTick);
  const due = dueBefore(model, model.tick);
  expect(taken.toSorted((a, b) => a - b)).toEqual(due);
  for (const reference of due) model.timers.delete(reference);
  expect(wheel.timeUs).toBe(startUs + model.tick * tickUs);
  expect(passed).toBe(Math.min(model.tick - before, slots));
  return passed;
}

function dueBefore(model: Model, tick: number): number[] {
  return [...model.timers].flatMap(([reference, due]) => (due < tick ? [reference] : []));
}

/** The references that may be taken next: of the earliest tick that has any, those of `family` if there are. */
function nextOf(model: Model, family: number): number[] {
  const first = Math.min(...model.timers.values());
  const candidates = [...model.timers].flatMap(([reference, due]) => (due === first ? [reference] : []));
  const wanted = candidates.filter((reference) => (reference & 1) === family);
  return wanted.length > 0 ? wanted : candidates;
}

function takeNext(wheel: TimerWheel, model: Model, family: number): void {
  const taken = takeNextTimer(wheel, family);
  const candidates = nextOf(model, family);
  if (candidates.length === 0) expect(taken).toBe(-1);
  else expect(candidates).toContain(taken);
  model.timers.delete(taken);
}

type Step = (wheel: TimerWheel, model: Model) => void;

const steps = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.integer({ min: -5e6, max: 200e6 }), fc.integer({ min: 1, max: 6 }))
      .map(([ahead, count]): Step => {
        return (wheel, model) => add(wheel, model, ahead, count);
      }),
  },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 0, max: 80e6 }).map((ahead): Step => {
      return (wheel, model) => add(wheel, model, ahead, 2 * chunkEntries + 3);
    }),
  },
  {
    weight: 4,
    arbitrary: fc.oneof(fc.nat(3e6), fc.nat(150e6), fc.nat(10_000e6)).map((onUs): Step => {
      return (wheel, model) => void turnTo(wheel, model, startUs + model.tick * tickUs + onUs);
    }),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(fc.nat(1), fc.integer({ min: 1, max: 20 })).map(([family, count]): Step => {
      return (wheel, model) => {
        for (let done = 0; done < count; done++) takeNext(wheel, model, family);
      };
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constant<Step>((wheel, model) => {
      clearTimers(wheel);
      model.timers.clear();
    }),
  },
);

describe("a timer wheel", () => {
  it("hands every timer out once, when its tick has passed, as a plain map does", () => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 40 }), (taken) => {
        const { wheel, model } = createWheel();
        for (const step of taken) step(wheel, model);
        turnTo(wheel, model, startUs + (model.tick + slots) * tickUs);
        expect(model.timers.size).toBe(0);
        expect(takeNextTimer(wheel, 0)).toBe(-1);
      }),
      { numRuns: 300 },
    );
  });

  it("takes the next timer of a family, then the other's of the same slot, then the next slot's", () => {
    const { wheel } = createWheel();
    for (const [ahead, reference] of [
      [9, 20],
      [9, 21],
      [4, 10],
      [4, 11],
      [4, 13],
    ] as const) {
      setTimer(wheel, startUs + ahead * tickUs, reference);
    }
    expect([1, 1, 1, 1, 1, 1].map((family) => takeNextTimer(wheel, family))).toEqual([
      13, 11, 10, 21, 20, -1,
    ]);
    for (const reference of [10, 11, 12]) setTimer(wheel, startUs, reference);
    expect([0, 0, 0, 0].map((family) => takeNextTimer(wheel, family))).toEqual([12, 10, 11, -1]);
  });

  it("passes each slot once at a jump, however long", () => {
    const { wheel, model } = createWheel();
    for (let ahead = 0; ahead < slots; ahead++) add(wheel, model, ahead * tickUs, 2);
    expect(turnTo(wheel, model, startUs + 1e9 * tickUs)).toBe(slots);
    expect(model.timers.size).toBe(0);
  });

  it("hands out within one turn what waited when its time was set back", () => {
    const { wheel, model } = createWheel();
    for (let ahead = 0; ahead < 100; ahead++) add(wheel, model, ahead * tickUs, 1);
    turnTo(wheel, model, startUs + 30.5e6);
    const backUs = startUs - 5000e6;
    turnWheelBack(wheel, backUs + 0.7e6);
    expect(wheel.timeUs).toBe(backUs);
    const taken: number[] = [];
    const nowUs = backUs + slots * tickUs;
    for (let slot = turnWheelOn(wheel, nowUs); slot !== noSlot; slot = turnWheelOn(wheel, nowUs)) {
      taken.push(...emptySlot(wheel, slot));
    }
    expect(taken).toEqual([...model.timers.keys()]);
  });

  it("has slots aligned to its tick, no time before it is given one, and keeps its first", () => {
    const wheel = createTimerWheel(allocateTable, timeoutUs);
    expect([wheel.tickUs, wheel.slotMask + 1]).toEqual([tickUs, slots]);
    expect(wheel.timeUs).toBeNaN();
    startWheel(wheel, startUs + 999_999);
    startWheel(wheel, startUs + 5e6);
    expect(wheel.timeUs).toBe(startUs);
    expect(turnWheelOn(wheel, startUs + tickUs - 1)).toBe(noSlot);
    expect(turnWheelOn(wheel, startUs + tickUs)).toBe(0);
  });

  it("has 64 ticks a timeout of a second at most, and 32,768 slots at most", () => {
    for (const [timeout, tick, count] of [
      [1, 1, 128],
      [6400, 100, 128],
      [600e6, 1e6, 1024],
      [86_400e6, 1e6, 32_768],
    ] as const) {
      const wheel = createTimerWheel(allocateTable, timeout);
      expect([wheel.tickUs, wheel.slotMask + 1]).toEqual([tick, count]);
    }
  });
});

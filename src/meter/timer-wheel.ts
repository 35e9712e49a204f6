/**
 * A lazy timer wheel: which flows to look at when.
 *
 * Each flow waits in one slot, at most a little later than the first moment at which it can end. A packet that moves its
 * deadline on does not touch the wheel: when the slot comes round the flow is looked at, and if it is alive it
 * is put into the slot of its new deadline.
 */

import {
  clearReferences,
  createReferenceLists,
  popReference,
  pushReference,
  type ReferenceLists,
  takeReferences,
} from "./reference-lists.ts";
import type { AllocateTable } from "./table-memory.ts";

/** No slot lies behind. */
export const noSlot = -1;

/** Slots in one inactive timeout; one slot is how late a silent flow may be handed over. */
const slotsPerTimeout = 64;
const tickUsMax = 1_000_000;
/** IPv4 and IPv6, as the lowest bit of a reference tells. */
const families = 2;

export interface TimerWheel {
  readonly tickUs: number;
  readonly slotMask: number;
  /** Start of the current slot; NaN until the first packet or clock. */
  timeUs: number;
  currentSlot: number;
  /** Those of a slot are side by side, one for each family: what is taken together lies in one store. */
  readonly lists: ReferenceLists;
}

/** A wheel that reaches past `timeoutUs`. */
export function createTimerWheel(allocate: AllocateTable, timeoutUs: number): TimerWheel {
  const tickUs = Math.min(Math.max(Math.ceil(timeoutUs / slotsPerTimeout), 1), tickUsMax);
  const slots = wheelSlots(timeoutUs / tickUs);
  return {
    tickUs,
    slotMask: slots - 1,
    timeUs: Number.NaN,
    currentSlot: 0,
    lists: createReferenceLists(allocate, slots * families),
  };
}

/** A power of two that holds the timeout, and at most 32,768: a longer one is looked at several times. */
function wheelSlots(ticks: number): number {
  let slots = slotsPerTimeout * 2;
  while (slots < ticks + 2 && slots < 1 << 15) slots *= 2;
  return slots;
}

/** Gives a wheel that has no time yet its first. */
export function startWheel(wheel: TimerWheel, timeUs: number): void {
  if (Number.isNaN(wheel.timeUs)) wheel.timeUs = startOfSlot(wheel, timeUs);
}

/** Slots are aligned to 1970, as windows are. */
function startOfSlot({ tickUs }: TimerWheel, timeUs: number): number {
  return Math.floor(timeUs / tickUs) * tickUs;
}

/** Leaves the current slot if it lies behind `nowUs`, and says which it was; `noSlot` when it does not. */
export function turnWheelOn(wheel: TimerWheel, nowUs: number): number {
  if (nowUs < wheel.timeUs + wheel.tickUs) return noSlot;
  // After a jump every slot is behind: none has to be passed more than once.
  const ticks = Math.floor((nowUs - wheel.timeUs) / wheel.tickUs);
  const skipped = Math.max(ticks - wheel.slotMask - 1, 0);
  const slot = wheel.currentSlot;
  wheel.timeUs += (skipped + 1) * wheel.tickUs;
  wheel.currentSlot = (slot + 1) & wheel.slotMask;
  return slot;
}

/** Sets the wheel's time back; what waits in it is looked at within the next turn. */
export function turnWheelBack(wheel: TimerWheel, nowUs: number): void {
  wheel.timeUs = startOfSlot(wheel, nowUs);
}

/** Has a flow looked at when `timeUs` has passed, or before if that is beyond the wheel's reach. */
export function setTimer(wheel: TimerWheel, timeUs: number, reference: number): void {
  const slot = (wheel.currentSlot + ticksUntil(wheel, timeUs)) & wheel.slotMask;
  pushReference(wheel.lists, slot * families + (reference & 1), reference);
}

/** Takes the references of a family out of a slot, some at a time, into `into`; 0 when there are none. */
export function takeTimers(wheel: TimerWheel, slot: number, family: number, into: Int32Array): number {
  return takeReferences(wheel.lists, slot * families + family, into);
}

/**
 * Takes one reference out of the next slot that has any, one of `family` if it can be; -1 when no slot has.
 */
export function takeNextTimer(wheel: TimerWheel, family: number): number {
  for (let ahead = 0; ahead <= wheel.slotMask; ahead++) {
    const list = ((wheel.currentSlot + ahead) & wheel.slotMask) * families;
    for (let other = 0; other < families; other++) {
      const reference = popReference(wheel.lists, list + (family ^ other));
      if (reference >= 0) return reference;
    }
  }
  return -1;
}

/** Forgets every timer and keeps the memory and the time. */
export function clearTimers(wheel: TimerWheel): void {
  clearReferences(wheel.lists);
}

/** The slot behind the current one has just been, or is being, emptied: nothing is put there. */
function ticksUntil({ slotMask, tickUs, timeUs: nowUs }: TimerWheel, timeUs: number): number {
  return Math.max(Math.min((timeUs - nowUs) / tickUs, slotMask - 1), 0) | 0;
}

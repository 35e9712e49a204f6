/**
 * A lazy timer wheel: which flows to look at when.
 *
 * Each flow waits in the slot of its deadline. A packet that moves the deadline on does not touch the wheel:
 * when the slot comes round the flow is looked at, and if it is alive it is put into the slot of its new
 * deadline. A flow's struct names the slot it waits in, so an entry in another slot is stale and is dropped.
 */

import {
  clearReferences,
  createReferenceLists,
  popReference,
  pushReference,
  type ReferenceLists,
  takeReferences,
} from "./reference-lists.ts";

/** A flow that waits in no slot. */
export const noSlot = 0xffff;

/** Slots in one inactive timeout; one slot is how late a silent flow may be handed over. */
const slotsPerTimeout = 64;
const tickUsMax = 1_000_000;

export interface TimerWheel {
  readonly tickUs: number;
  readonly slotMask: number;
  /** Start of the current slot; NaN until the first packet or clock. */
  timeUs: number;
  currentSlot: number;
  /** References in all slots, stale ones included. */
  entries: number;
  readonly lists: ReferenceLists;
}

/** A wheel that reaches past `timeoutUs`. */
export function createTimerWheel(timeoutUs: number): TimerWheel {
  const tickUs = Math.min(Math.max(Math.ceil(timeoutUs / slotsPerTimeout), 1), tickUsMax);
  const slots = wheelSlots(timeoutUs / tickUs);
  return {
    tickUs,
    slotMask: slots - 1,
    timeUs: Number.NaN,
    currentSlot: 0,
    entries: 0,
    lists: createReferenceLists(slots),
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
  if (Number.isNaN(wheel.timeUs)) wheel.timeUs = timeUs;
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
  wheel.timeUs = nowUs;
}

/** The slot for a deadline. One beyond the wheel's reach is looked at on the way. */
export function slotOf(wheel: TimerWheel, deadlineUs: number): number {
  return (wheel.currentSlot + ticksUntil(wheel, deadlineUs)) & wheel.slotMask;
}

/** Whether a flow in `slot` would be looked at later than one whose deadline is `deadlineUs`. */
export function waitsPast(wheel: TimerWheel, slot: number, deadlineUs: number): boolean {
  return ((slot - wheel.currentSlot) & wheel.slotMask) > ticksUntil(wheel, deadlineUs);
}

/** Whether a flow in `slot` whose deadline is `deadlineUs` now belongs into a later one. */
export function duePast(wheel: TimerWheel, slot: number, deadlineUs: number): boolean {
  return ((slot - wheel.currentSlot) & wheel.slotMask) < ticksUntil(wheel, deadlineUs);
}

function ticksUntil(wheel: TimerWheel, deadlineUs: number): number {
  const ticks = (deadlineUs - wheel.timeUs) / wheel.tickUs;
  // The slot behind the current one has just been, or is being, emptied: nothing is put there.
  if (ticks >= wheel.slotMask - 1) return wheel.slotMask - 1;
  return ticks > 0 ? ticks | 0 : 0;
}

export function pushTimer(wheel: TimerWheel, slot: number, reference: number): void {
  pushReference(wheel.lists, slot, reference);
  wheel.entries += 1;
}

/** Takes references out of a slot into `into` and says how many; 0 when the slot is empty. */
export function takeTimers(wheel: TimerWheel, slot: number, into: Int32Array): number {
  const count = takeReferences(wheel.lists, slot, into);
  wheel.entries -= count;
  return count;
}

/** Takes the last reference out of a slot; -1 when the slot is empty. */
export function popTimer(wheel: TimerWheel, slot: number): number {
  const reference = popReference(wheel.lists, slot);
  if (reference >= 0) wheel.entries -= 1;
  return reference;
}

export function clearTimers(wheel: TimerWheel): void {
  clearReferences(wheel.lists);
  wheel.entries = 0;
}

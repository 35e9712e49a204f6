/** Timers: flows end when they have become silent or old, without a packet having to say so. */
import { notEnded } from "./aging.ts";
import { emitFlow } from "./emission.ts";
import { flagsFinished, flowDoubles, type FlowStore, flowWords } from "./flow-store.ts";
import { endReasonAt, reachOf } from "./policy.ts";
import { type Meter, storeOf, touchStructs } from "./state.ts";
import { removeFlow, watchFlow } from "./table.ts";
import { noSlot, startWheel, takeTimers, turnWheelBack, turnWheelOn } from "./timer-wheel.ts";

/** Flows that are looked at in about a millisecond. */
const flowsBetween = 4096;

/**
 * Ends the flows whose deadline has passed at `nowUs`, at most one slot of the wheel after it: a 64th of the
 * inactive timeout, never more than a second; a finished TCP flow at most a quarter of its linger time later
 * than that; a window of whole seconds just when it is over, unless the clock jumped. Call it as often as you
 * like: between slots it costs nothing.
 *
 * `nowUs` says that every packet up to then has been metered: pass the time up to which the source has been
 * read, not the wall clock, if packets can be waiting in between; for a file the time of the last packet.
 * It may jump: forwards ends what has passed, backwards lets the flows of the time before end within one
 * turn of the wheel.
 *
 * A window's flows end all at once. `between` is called after each few thousand, so that packets that come
 * meanwhile can be read: it may call meterPackets(), and nothing else of the meter.
 */
export function advanceMeter(meter: Meter, nowUs: number, between?: () => void): void {
  const { wheel, policy } = meter;
  startWheel(wheel, nowUs);
  if (nowUs <= wheel.timeUs - reachOf(policy)) turnWheelBack(wheel, nowUs);
  for (let slot = turnWheelOn(wheel, nowUs); slot !== noSlot; slot = turnWheelOn(wheel, nowUs)) {
    let seen = 0;
    for (let count = takeTimers(wheel, slot, meter.due); count > 0;) {
      endDue(meter, count, nowUs);
      seen += count;
      if (seen >= flowsBetween) {
        between?.();
        seen = 0;
      }
      count = takeTimers(wheel, slot, meter.due);
    }
  }
}

/** In passes, like packets: read every flow, read the bucket of those that have ended, then end them. */
function endDue(meter: Meter, count: number, nowUs: number): void {
  const { due, ended, endedReasons, endedHashes, buckets } = meter;
  touchStructs(meter, due, count);
  let endedCount = 0;
  for (let index = 0; index < count; index++) {
    const reference = due[index]!;
    const store = storeOf(meter, reference);
    const at = (reference >>> 1) * store.structWords;
    const reason = reasonAt(meter, store, at, nowUs);
    if (reason === notEnded) {
      watchFlow(meter, store, at, reference, nowUs);
      continue;
    }
    ended[endedCount] = reference;
    endedReasons[endedCount] = reason;
    endedHashes[endedCount] = store.words[at + flowWords.hash]!;
    endedCount += 1;
  }
  let touched = 0;
  for (let index = 0; index < endedCount; index++) {
    touched ^= buckets.words[(endedHashes[index]! >>> buckets.shift) * 2]!;
  }
  meter.group.touched[0] = touched;
  for (let index = 0; index < endedCount; index++) {
    const reference = ended[index]!;
    const store = storeOf(meter, reference);
    const at = (reference >>> 1) * store.structWords;
    emitFlow(meter, store, at, endedReasons[index]!);
    removeFlow(meter, store, at, reference);
  }
}

function reasonAt({ policy }: Meter, { words, doubles }: FlowStore, at: number, nowUs: number): number {
  const double = at >>> 1;
  const finished = (words[at + flowWords.flags]! & flagsFinished) !== 0;
  const startUs = doubles[double + flowDoubles.startUs]!;
  return endReasonAt(policy, startUs, doubles[double + flowDoubles.endUs]!, finished, nowUs);
}

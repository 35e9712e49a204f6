/** Timers: flows end when they have become silent or old, without a packet having to say so. */
import { notEnded } from "./aging.ts";
import { touchBuckets } from "./bucket-table.ts";
import { emitFlows } from "./emission.ts";
import { flagsFinished, flowDoubles, type FlowStore, flowWords, touchStructs } from "./flow-store.ts";
import { endReasonAt, reachOf } from "./policy.ts";
import type { Meter } from "./state.ts";
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
  let unheard = 0;
  for (let slot = turnWheelOn(wheel, nowUs); slot !== noSlot; slot = turnWheelOn(wheel, nowUs)) {
    unheard = endSlot(meter, meter.ipv4, slot, nowUs, between, unheard);
    unheard = endSlot(meter, meter.ipv6, slot, nowUs, between, unheard);
  }
}

/**
 * Looks at the flows of one family that wait in a slot. `unheard` is how many have been looked at since `between`
 * was called, before and, as the result, after.
 */
function endSlot(
  meter: Meter,
  store: FlowStore,
  slot: number,
  nowUs: number,
  between: (() => void) | undefined,
  unheard: number,
): number {
  const { wheel, due } = meter;
  const family = store === meter.ipv6 ? 1 : 0;
  let seen = unheard;
  for (;;) {
    const count = takeTimers(wheel, slot, family, due.references);
    if (count === 0) return seen;
    touchDue(meter, store, count);
    endDue(meter, store, count, nowUs);
    seen += count;
    if (seen >= flowsBetween) {
      between?.();
      seen = 0;
    }
  }
}

/** Reads the structs of the flows that are due, and does nothing else, so that many reads are under way at once. */
function touchDue({ due, group }: Meter, store: FlowStore, count: number): void {
  const { references, structs } = due;
  const { structWords } = store;
  for (let index = 0; index < count; index++) {
    structs[index] = Math.imul(references[index]! >>> 1, structWords);
  }
  group.touched[0]! ^= touchStructs(store, structs, 0, count);
}

/** In passes, like packets: find those that have ended, read their buckets, then end them. */
function endDue(meter: Meter, store: FlowStore, count: number, nowUs: number): void {
  const { due, buckets } = meter;
  const { references, structs, reasons, hashes } = due;
  let ended = 0;
  for (let index = 0; index < count; index++) {
    const reference = references[index]!;
    const at = structs[index]!;
    const reason = reasonAt(meter, store, at, nowUs);
    if (reason === notEnded) {
      watchFlow(meter, store, at, reference, nowUs);
      continue;
    }
    references[ended] = reference;
    structs[ended] = at;
    reasons[ended] = reason;
    hashes[ended] = store.words[at + flowWords.hash]!;
    ended += 1;
  }
  meter.group.touched[0]! ^= touchBuckets(buckets, hashes, ended);
  emitFlows(meter, store, due, ended);
  for (let index = 0; index < ended; index++) removeFlow(meter, store, structs[index]!, references[index]!);
}

function reasonAt({ policy }: Meter, { words, doubles }: FlowStore, at: number, nowUs: number): number {
  const double = at >>> 1;
  const finished = (words[at + flowWords.flags]! & flagsFinished) !== 0;
  const startUs = doubles[double + flowDoubles.startUs]!;
  return endReasonAt(policy, startUs, doubles[double + flowDoubles.endUs]!, finished, nowUs);
}

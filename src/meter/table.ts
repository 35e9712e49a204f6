/** The table: flows come into it, have their timers set, make room and are removed. */
import { flowEndReasons } from "../flow/mod.ts";
import type { PacketColumns } from "../wire/packet/mod.ts";
import { deadlineOf } from "./aging.ts";
import { growBuckets, insertBucket, removeBucket } from "./bucket-table.ts";
import { emitFlow } from "./emission.ts";
import {
  flagsClassShift,
  flagsFinished,
  flowDoubles,
  type FlowStore,
  flowWords,
  releaseFlow,
  takeFlow,
  traitsIpv6,
} from "./flow-store.ts";
import { groupRows, type Meter, storeOf } from "./state.ts";
import { duePast, noSlot, popTimer, pushTimer, slotOf, waitsPast } from "./timer-wheel.ts";

const protocolTcp = 6;
export const tcpFinOrRst = 0x05;

/** Chances an evicted flow's predecessors get for having been active since their timer was set. */
const evictionTriesMax = 8;
/** A flow whose deadline comes nearer gets a second entry in the wheel; this bounds how many do. */
const entriesPerFlowMax = 2;

/** Opens the flow of a row whose key is not in the table. */
export function openFlow(
  meter: Meter,
  packets: PacketColumns,
  row: number,
  hash: number,
  traits: number,
): void {
  const { counters, flowsMax } = meter;
  if (counters.activeFlows >= flowsMax) evictFlow(meter);
  counters.activeFlows += 1;
  if (counters.activeFlows > counters.activeFlowsMax) counters.activeFlowsMax = counters.activeFlows;
  growBuckets(meter.buckets, counters.activeFlows);
  const ipv6 = (traits & traitsIpv6) !== 0;
  const store = ipv6 ? meter.ipv6 : meter.ipv4;
  const index = takeFlow(store, flowsMax);
  const reference = index * 2 + (ipv6 ? 1 : 0);
  const at = index * store.structWords;
  const { words } = store;
  words[at + flowWords.ports] = packets.ports[row]!;
  words[at + flowWords.traits] = traits;
  words[at + flowWords.interfaceIndex] = packets.interfaceIndex[row]!;
  words[at + flowWords.hash] = hash;
  const key = at + flowWords.addresses;
  if (ipv6) {
    for (let index = 0; index < 8; index++) words[key + index] = packets.addresses[row * 8 + index]!;
  } else {
    words[key] = packets.addresses[row * 8 + 3]!;
    words[key + 1] = packets.addresses[row * 8 + 7]!;
  }
  startCounting(meter, store, at, packets, row);
  insertBucket(meter.buckets, hash, reference);
  setTimer(meter, store, at, reference);
}

/** The part of the flags word that every packet of a flow adds. */
export function flagsOf(packets: PacketColumns, row: number): number {
  const bits = packets.tcpControlBits[row]!;
  const finishes = (bits & tcpFinOrRst) !== 0 && packets.protocol[row] === protocolTcp;
  return finishes ? bits | flagsFinished : bits;
}

/** The row becomes the first packet of the flow at `at`, whose key is in place. */
export function startCounting(
  meter: Meter,
  store: FlowStore,
  at: number,
  packets: PacketColumns,
  row: number,
): void {
  const { words, doubles } = store;
  const double = at >>> 1;
  doubles[double + flowDoubles.endUs] = packets.timestampUs[row]!;
  doubles[double + flowDoubles.startUs] = packets.timestampUs[row]!;
  doubles[double + flowDoubles.octets] = packets.octets[row]!;
  doubles[double + flowDoubles.packets] = 1;
  words[at + flowWords.flags] = flagsOf(packets, row) | (packets.ipClassOfService[row]! << flagsClassShift);
  meter.counters.flowsCreated += 1;
}

/** Puts the flow into the slot of its deadline; an entry it had elsewhere becomes stale. */
export function setTimer(meter: Meter, store: FlowStore, at: number, reference: number): void {
  const slot = slotOf(meter.wheel, deadlineAt(meter, store, at));
  store.words[at + flowWords.timerSlot] = slot;
  pushTimer(meter.wheel, slot, reference);
}

/** Moves the flow to an earlier slot if its deadline has come nearer. */
export function hastenTimer(meter: Meter, store: FlowStore, at: number, reference: number): void {
  const { wheel, counters } = meter;
  if (wheel.entries > counters.activeFlows * entriesPerFlowMax + groupRows) return;
  const slot = store.words[at + flowWords.timerSlot]!;
  if (waitsPast(wheel, slot, deadlineAt(meter, store, at))) setTimer(meter, store, at, reference);
}

function deadlineAt({ aging }: Meter, { words, doubles }: FlowStore, at: number): number {
  const double = at >>> 1;
  const finished = (words[at + flowWords.flags]! & flagsFinished) !== 0;
  return deadlineOf(
    aging,
    doubles[double + flowDoubles.startUs]!,
    doubles[double + flowDoubles.endUs]!,
    finished,
  );
}

/**
 * Makes room for one flow: ends the one whose timer is nearest. A flow that had packets since its timer was
 * set is given its new place instead, a few times, so that the busy ones stay.
 */
function evictFlow(meter: Meter): void {
  const { wheel } = meter;
  let tries = 0;
  for (let ahead = 0; ahead <= wheel.slotMask;) {
    const slot = (wheel.currentSlot + ahead) & wheel.slotMask;
    const reference = popTimer(wheel, slot);
    if (reference < 0) {
      ahead += 1;
      continue;
    }
    const store = storeOf(meter, reference);
    const at = (reference >>> 1) * store.structWords;
    if (store.words[at + flowWords.timerSlot] !== slot) continue;
    tries += 1;
    if (tries < evictionTriesMax && duePast(wheel, slot, deadlineAt(meter, store, at))) {
      setTimer(meter, store, at, reference);
      continue;
    }
    emitFlow(meter, store, at, flowEndReasons.lackOfResources);
    removeFlow(meter, store, at, reference);
    return;
  }
}

/** Takes an emitted flow out of the table. */
export function removeFlow(meter: Meter, store: FlowStore, at: number, reference: number): void {
  removeBucket(meter.buckets, store.words[at + flowWords.hash]!, reference);
  store.words[at + flowWords.timerSlot] = noSlot;
  releaseFlow(store, reference >>> 1);
  meter.counters.activeFlows -= 1;
}

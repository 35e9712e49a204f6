/** The table: flows come into it, have their timers set, make room and are removed. */
import { flowEndReasons } from "../flow/mod.ts";
import type { PacketColumns } from "../wire/packet/mod.ts";
import { agingDeadlineOf } from "./aging.ts";
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
import { deadlineOf } from "./policy.ts";
import { counts, type Meter, storeOf } from "./state.ts";
import { setTimer, takeNextTimer } from "./timer-wheel.ts";
import { windowEndOf } from "./window.ts";

const protocolTcp = 6;
export const tcpFinOrRst = 0x05;

/** Flows among which the one to make room is chosen. */
const evictionChoices = 4;

/** Opens the flow of a row whose key is not in the table. */
export function openFlow(
  meter: Meter,
  packets: PacketColumns,
  row: number,
  hash: number,
  traits: number,
): void {
  const { counters, flowsMax } = meter;
  const ipv6 = (traits & traitsIpv6) !== 0;
  if (counters[counts.activeFlows]! >= flowsMax) evictFlow(meter, ipv6 ? 1 : 0, packets.timestampUs[row]!);
  const activeFlows = counters[counts.activeFlows]! + 1;
  counters[counts.activeFlows] = activeFlows;
  if (activeFlows > counters[counts.activeFlowsMax]!) counters[counts.activeFlowsMax] = activeFlows;
  growBuckets(meter.buckets, activeFlows);
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
  if (meter.window === null) watchNewFlow(meter, packets, row, reference);
  else watchFlow(meter, store, at, reference, packets.timestampUs[row]!);
}

/** Sets the timer of an aged flow whose only packet is the row: as watchFlow() does, without looking it up. */
function watchNewFlow(
  { policy, wheel }: Meter,
  packets: PacketColumns,
  row: number,
  reference: number,
): void {
  let lookUs = policy.inactiveTimeoutUs;
  if (packets.protocol[row] === protocolTcp) {
    const isFinished = (packets.tcpControlBits[row]! & tcpFinOrRst) !== 0;
    lookUs = isFinished ? policy.endOfFlowLingerUs : policy.tcpLookUs;
  }
  setTimer(wheel, packets.timestampUs[row]! + Math.min(lookUs, policy.activeTimeoutUs), reference);
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
  meter.counters[counts.flowsCreated]! += 1;
}

/** Sets the timer of a flow that has none: for its deadline, seen at `timeUs`, or before. */
export function watchFlow(
  meter: Meter,
  store: FlowStore,
  at: number,
  reference: number,
  timeUs: number,
): void {
  const { policy, wheel, window } = meter;
  const { words, doubles } = store;
  const startUs = doubles[(at >>> 1) + flowDoubles.startUs]!;
  if (window !== null) {
    // A window's slots end where it ends: a flow in the last of them is looked at just then.
    setTimer(wheel, windowEndOf(window.windowUs, startUs) - 1, reference);
    return;
  }
  const endUs = doubles[(at >>> 1) + flowDoubles.endUs]!;
  const finished = (words[at + flowWords.flags]! & flagsFinished) !== 0;
  const mayFinish = !finished && (words[at + flowWords.traits]! & 0xff) === protocolTcp;
  // The least of sums, no choice between them: V8 would allocate for a choice.
  const lookUs = mayFinish ? policy.tcpLookUs : policy.inactiveTimeoutUs;
  setTimer(wheel, Math.min(agingDeadlineOf(policy, startUs, endUs, finished), timeUs + lookUs), reference);
}

function deadlineAt({ policy }: Meter, { words, doubles }: FlowStore, at: number): number {
  const double = at >>> 1;
  const finished = (words[at + flowWords.flags]! & flagsFinished) !== 0;
  return deadlineOf(
    policy,
    doubles[double + flowDoubles.startUs]!,
    doubles[double + flowDoubles.endUs]!,
    finished,
  );
}

/**
 * Makes room for one flow: of the few flows whose timers are nearest, ends the one whose deadline is, or where
 * a window ends all of them, the one that has been silent for longest. Of those in one slot, the newcomer's own
 * family comes first, so that a flood of one family does not end the flows of the other.
 */
function evictFlow(meter: Meter, family: number, timeUs: number): void {
  let victim = takeNextTimer(meter.wheel, family);
  let victimUs = dispensableFrom(meter, victim);
  for (let choice = 1; choice < evictionChoices; choice++) {
    const reference = takeNextTimer(meter.wheel, family);
    if (reference < 0) break;
    const referenceUs = dispensableFrom(meter, reference);
    const spared = referenceUs < victimUs ? victim : reference;
    if (spared === victim) {
      victim = reference;
      victimUs = referenceUs;
    }
    const store = storeOf(meter, spared);
    watchFlow(meter, store, (spared >>> 1) * store.structWords, spared, timeUs);
  }
  const store = storeOf(meter, victim);
  const at = (victim >>> 1) * store.structWords;
  emitFlow(meter, store, at, flowEndReasons.lackOfResources);
  removeFlow(meter, store, at, victim);
}

function dispensableFrom(meter: Meter, reference: number): number {
  const store = storeOf(meter, reference);
  const at = (reference >>> 1) * store.structWords;
  return meter.window === null
    ? deadlineAt(meter, store, at)
    : store.doubles[(at >>> 1) + flowDoubles.endUs]!;
}

/** Takes an emitted flow, whose timer has been taken, out of the table. */
export function removeFlow(meter: Meter, store: FlowStore, at: number, reference: number): void {
  removeBucket(meter.buckets, store.words[at + flowWords.hash]!, reference);
  releaseFlow(store, reference >>> 1);
  meter.counters[counts.activeFlows]! -= 1;
}

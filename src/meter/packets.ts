/**
 * Packets into flows.
 *
 * Rows are handled in groups, in passes: hash every row, read every bucket, read every flow, then count. Each
 * read of the table is likely to miss the caches; in a pass that does little else the processor has many
 * such reads under way at once, which is worth more than anything done to the code around them.
 */
import { flowEndReasons } from "../flow/mod.ts";
import type { PacketColumns } from "../wire/packet/mod.ts";
import { notEnded } from "./aging.ts";
import { emitFlow } from "./emission.ts";
import {
  flagsFinished,
  flowDoubles,
  type FlowStore,
  flowWords,
  ipv4FlowWords,
  ipv6FlowWords,
  peekVacancy,
  traitsDirectionShift,
  traitsIpv6,
  traitsVerdictShift,
  traitsVlanShift,
} from "./flow-store.ts";
import { hashIpv4Key, hashIpv6Key } from "./key-hash.ts";
import { endReasonAt } from "./policy.ts";
import { groupRows, type Meter, storeOf, touchStructs } from "./state.ts";
import { flagsOf, openFlow, startCounting, tcpFinOrRst } from "./table.ts";
import { startWheel } from "./timer-wheel.ts";
import { addWindows } from "./window.ts";

const tcpSyn = 0x02;

/** Counts every row of `packets`, which are in order of arrival. */
export function meterPackets(meter: Meter, packets: PacketColumns): void {
  if (packets.count === 0) return;
  startWheel(meter.wheel, packets.timestampUs[0]!);
  for (let from = 0; from < packets.count; from += groupRows) {
    const count = Math.min(groupRows, packets.count - from);
    hashRows(meter, packets, from, count);
    if (meter.window !== null) addWindows(meter.window, packets, from, count, meter.group.hashes);
    touchBuckets(meter, count);
    findFlows(meter, count);
    touchStructs(meter, meter.group.structs, count);
    countRows(meter, packets, from, count);
  }
}

function hashRows(
  { group, hash, counters }: Meter,
  packets: PacketColumns,
  from: number,
  count: number,
): void {
  const { hashes, traits } = group;
  const { addresses, ports, interfaceIndex, octets, protocol, direction, ipVersion, verdict, vlanId } =
    packets;
  let octetsSum = 0;
  for (let index = 0; index < count; index++) {
    const row = from + index;
    const isIpv6 = ipVersion[row] === 6;
    const rowTraits =
      (protocol[row]! |
        ((direction[row]! & 3) << traitsDirectionShift) |
        (isIpv6 ? traitsIpv6 : 0) |
        ((verdict[row]! & 3) << traitsVerdictShift) |
        (vlanId[row]! << traitsVlanShift)) >>>
      0;
    traits[index] = rowTraits;
    octetsSum += octets[row]!;
    hashes[index] = isIpv6
      ? hashIpv6Key(hash, addresses, row * 8, ports[row]!, rowTraits, interfaceIndex[row]!)
      : hashIpv4Key(
          hash,
          addresses[row * 8 + 3]!,
          addresses[row * 8 + 7]!,
          ports[row]!,
          rowTraits,
          interfaceIndex[row]!,
        );
  }
  counters.packets += count;
  counters.octets += octetsSum;
}

function touchBuckets({ group, buckets }: Meter, count: number): void {
  const { hashes } = group;
  const { words, shift } = buckets;
  let touched = 0;
  for (let index = 0; index < count; index++) touched ^= words[(hashes[index]! >>> shift) * 2 + 1]!;
  group.touched[0] = touched;
}

/**
 * The first flow with the row's hash; its key is compared when the row is counted. A row without one will
 * open a flow, and need the struct that is vacant next.
 */
function findFlows({ group, buckets, ipv4, ipv6 }: Meter, count: number): void {
  const { hashes, traits, references, structs } = group;
  const { words, shift, mask } = buckets;
  let newIpv4 = 0;
  let newIpv6 = 0;
  for (let index = 0; index < count; index++) {
    const hash = hashes[index]!;
    let position = hash >>> shift;
    let entry = words[position * 2 + 1]!;
    while (entry !== 0 && words[position * 2] !== hash) {
      position = (position + 1) & mask;
      entry = words[position * 2 + 1]!;
    }
    references[index] = entry - 1;
    structs[index] = entry - 1;
    if (entry !== 0) continue;
    const isIpv6 = (traits[index]! & traitsIpv6) !== 0;
    const vacancy = isIpv6 ? peekVacancy(ipv6, newIpv6++) : peekVacancy(ipv4, newIpv4++);
    structs[index] = vacancy < 0 ? 0 : vacancy * 2 + (isIpv6 ? 1 : 0);
  }
}

function countRows(meter: Meter, packets: PacketColumns, from: number, count: number): void {
  for (let index = 0; index < count; index++) {
    index = countPlainRows(meter, packets, from, index, count);
    if (index < count) countOtherRow(meter, packets, from + index, index);
  }
}

/**
 * Counts rows, from the group's row `index` on, for as long as they only add to a flow that was found. Gives
 * the index of the first row that does more, or `count`.
 *
 * Most rows of most traffic are counted here. There is no call in the loop that is not inlined, so that the
 * arrays' addresses stay in registers.
 */
function countPlainRows(
  { group, ipv4, ipv6, policy }: Meter,
  packets: PacketColumns,
  from: number,
  index: number,
  count: number,
): number {
  const { references, traits } = group;
  const ipv4Words = ipv4.words;
  const ipv4Doubles = ipv4.doubles;
  const ipv6Words = ipv6.words;
  const ipv6Doubles = ipv6.doubles;
  const { inactiveTimeoutUs, activeTimeoutUs } = policy;
  for (; index < count; index++) {
    const reference = references[index]!;
    if (reference < 0) return index;
    const row = from + index;
    if ((reference & 1) === 0) {
      const at = (reference >>> 1) * ipv4FlowWords;
      if (!isIpv4FlowOf(ipv4Words, at, packets, row, traits[index]!)) return index;
      if (!addPlainly(ipv4Words, ipv4Doubles, at, packets, row, inactiveTimeoutUs, activeTimeoutUs))
        return index;
    } else {
      const at = (reference >>> 1) * ipv6FlowWords;
      if (!isIpv6FlowOf(ipv6Words, at, packets, row, traits[index]!)) return index;
      if (!addPlainly(ipv6Words, ipv6Doubles, at, packets, row, inactiveTimeoutUs, activeTimeoutUs))
        return index;
    }
  }
  return count;
}

/** Adds a packet to the flow at `at` if that is all there is to do; false if it is not. */
function addPlainly(
  words: Uint32Array,
  doubles: Float64Array,
  at: number,
  packets: PacketColumns,
  row: number,
  inactiveTimeoutUs: number,
  activeTimeoutUs: number,
): boolean {
  const double = at >>> 1;
  const timeUs = packets.timestampUs[row]!;
  const bits = packets.tcpControlBits[row]!;
  const flags = words[at + flowWords.flags]!;
  const silenceUs = timeUs - doubles[double + flowDoubles.endUs]!;
  if (((flags & flagsFinished) | (bits & tcpFinOrRst)) !== 0) return false;
  if (silenceUs < 0 || silenceUs >= inactiveTimeoutUs) return false;
  if (timeUs - doubles[double + flowDoubles.startUs]! >= activeTimeoutUs) return false;
  doubles[double + flowDoubles.endUs] = timeUs;
  doubles[double + flowDoubles.octets]! += packets.octets[row]!;
  doubles[double + flowDoubles.packets]! += 1;
  words[at + flowWords.flags] = flags | bits;
  return true;
}

function isIpv4FlowOf(
  words: Uint32Array,
  at: number,
  packets: PacketColumns,
  row: number,
  traits: number,
): boolean {
  return (
    words[at + flowWords.addresses] === packets.addresses[row * 8 + 3] &&
    words[at + flowWords.addresses + 1] === packets.addresses[row * 8 + 7] &&
    words[at + flowWords.ports] === packets.ports[row] &&
    words[at + flowWords.traits] === traits &&
    words[at + flowWords.interfaceIndex] === packets.interfaceIndex[row]
  );
}

function isIpv6FlowOf(
  words: Uint32Array,
  at: number,
  packets: PacketColumns,
  row: number,
  traits: number,
): boolean {
  if (
    words[at + flowWords.ports] !== packets.ports[row] ||
    words[at + flowWords.traits] !== traits ||
    words[at + flowWords.interfaceIndex] !== packets.interfaceIndex[row]
  ) {
    return false;
  }
  const key = at + flowWords.addresses;
  for (let index = 0; index < 8; index++) {
    if (words[key + index] !== packets.addresses[row * 8 + index]) return false;
  }
  return true;
}

/**
 * Counts a row that opens or ends a flow, is late, or comes at the end of a TCP flow; or whose flow the
 * group's first look did not find.
 */
function countOtherRow(meter: Meter, packets: PacketColumns, row: number, index: number): void {
  const { words, shift, mask } = meter.buckets;
  const hash = meter.group.hashes[index]!;
  const traits = meter.group.traits[index]!;
  for (let position = hash >>> shift; words[position * 2 + 1] !== 0; position = (position + 1) & mask) {
    if (words[position * 2] !== hash) continue;
    const reference = words[position * 2 + 1]! - 1;
    const store = storeOf(meter, reference);
    const at = (reference >>> 1) * store.structWords;
    const isItsFlow =
      (reference & 1) === 0
        ? isIpv4FlowOf(store.words, at, packets, row, traits)
        : isIpv6FlowOf(store.words, at, packets, row, traits);
    if (!isItsFlow) continue;
    addByTheRules(meter, store, at, packets, row);
    return;
  }
  openFlow(meter, packets, row, hash, traits);
}

/** Adds a packet to its flow, which is ended first if the packet comes after its end. */
function addByTheRules(
  meter: Meter,
  store: FlowStore,
  at: number,
  packets: PacketColumns,
  row: number,
): void {
  const { words, doubles } = store;
  const double = at >>> 1;
  const timeUs = packets.timestampUs[row]!;
  const bits = packets.tcpControlBits[row]!;
  const finished = (words[at + flowWords.flags]! & flagsFinished) !== 0;
  const startUs = doubles[double + flowDoubles.startUs]!;
  const endUs = doubles[double + flowDoubles.endUs]!;
  if (timeUs < endUs) meter.counters.latePackets += 1;
  let reason: number = notEnded;
  // A flow that is cut by windows was looked up with the packet's: it is the one to count it.
  if (meter.window === null) {
    reason = endReasonAt(meter.policy, startUs, endUs, finished, timeUs);
    if (reason === notEnded && finished && (bits & tcpSyn) !== 0) reason = flowEndReasons.endOfFlow;
  }
  if (reason === notEnded) {
    if (timeUs > endUs) doubles[double + flowDoubles.endUs] = timeUs;
    if (timeUs < startUs) doubles[double + flowDoubles.startUs] = timeUs;
    doubles[double + flowDoubles.octets]! += packets.octets[row]!;
    doubles[double + flowDoubles.packets]! += 1;
    words[at + flowWords.flags]! |= flagsOf(packets, row);
  } else {
    emitFlow(meter, store, at, reason);
    startCounting(meter, store, at, packets, row);
  }
}

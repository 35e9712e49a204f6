/**
 * Packets into flows.
 *
 * Rows are handled in groups, in passes: hash every row, read every bucket, find and read every flow, then
 * count. Each read of the table is likely to miss the caches; in a pass that does little else the processor
 * has many such reads under way at once, which is worth more than anything done to the code around them.
 *
 * Within a group IPv4 comes first, then IPv6: a branch on the family in each pass would often be guessed
 * wrong, and hold up the reads behind it. No flow has packets of both, so that none sees its packets in
 * another order.
 */
import { flowEndReasons } from "../flow/mod.ts";
import type { PacketColumns } from "../wire/packet/mod.ts";
import { notEnded } from "./aging.ts";
import { touchBuckets } from "./bucket-table.ts";
import { emitFlow } from "./emission.ts";
import {
  flagsFinished,
  flowDoubles,
  type FlowStore,
  flowWords,
  ipv4FlowWords,
  ipv6FlowWords,
  peekVacancy,
  touchStructs,
  traitsDirectionShift,
  traitsIpv6,
  traitsVerdictShift,
  traitsVlanShift,
} from "./flow-store.ts";
import { hashIpv4Key, hashIpv6Key } from "./key-hash.ts";
import { endReasonAt } from "./policy.ts";
import { counts, groupRows, type Meter, type RowGroup, storeOf } from "./state.ts";
import { flagsOf, openFlow, startCounting, tcpFinOrRst } from "./table.ts";
import { startWheel } from "./timer-wheel.ts";
import { addWindows } from "./window.ts";

const tcpSyn = 0x02;

/** Counts every row of `packets`, which are in order of arrival. */
export function meterPackets(meter: Meter, packets: PacketColumns): void {
  if (packets.count === 0) return;
  const { group } = meter;
  startWheel(meter.wheel, packets.timestampUs[0]!);
  for (let from = 0; from < packets.count; from += groupRows) {
    const count = Math.min(groupRows, packets.count - from);
    const ipv4Count = splitRows(group, packets, from, count);
    hashIpv4Rows(meter, packets, ipv4Count);
    hashIpv6Rows(meter, packets, ipv4Count, count);
    if (meter.window !== null) addWindows(meter.window, packets, group.rows, count, group.hashes);
    group.touched[0]! ^= touchBuckets(meter.buckets, group.hashes, count);
    findFlows(meter, count);
    touchFlows(meter, meter.ipv4, 0, ipv4Count);
    touchFlows(meter, meter.ipv6, ipv4Count, count);
    for (let index = 0; index < ipv4Count; index++) {
      index = countPlainIpv4Rows(meter, packets, index, ipv4Count);
      if (index < ipv4Count) countOtherRow(meter, packets, index);
    }
    for (let index = ipv4Count; index < count; index++) {
      index = countPlainIpv6Rows(meter, packets, index, count);
      if (index < count) countOtherRow(meter, packets, index);
    }
  }
  meter.counters[counts.packets]! += packets.count;
}

/** Orders the rows by family, without a branch on it, and works out their traits. Gives the number of IPv4's. */
function splitRows(
  { rows, ipv6Rows, traits }: RowGroup,
  packets: PacketColumns,
  from: number,
  count: number,
): number {
  const { protocol, direction, ipVersion, verdict, vlanId } = packets;
  let ipv4Count = 0;
  let ipv6Count = 0;
  for (let row = from; row < from + count; row++) {
    rows[ipv4Count] = row;
    ipv6Rows[ipv6Count] = row;
    const isIpv6 = (ipVersion[row]! >>> 1) & 1;
    ipv4Count += 1 - isIpv6;
    ipv6Count += isIpv6;
  }
  for (let index = 0; index < ipv6Count; index++) rows[ipv4Count + index] = ipv6Rows[index]!;
  for (let index = 0; index < count; index++) {
    const row = rows[index]!;
    traits[index] =
      protocol[row]! |
      ((direction[row]! & 3) << traitsDirectionShift) |
      ((verdict[row]! & 3) << traitsVerdictShift) |
      (index < ipv4Count ? 0 : traitsIpv6) |
      (vlanId[row]! << traitsVlanShift);
  }
  return ipv4Count;
}

function hashIpv4Rows({ group, hash, counters }: Meter, packets: PacketColumns, end: number): void {
  const { rows, hashes, traits } = group;
  const { addresses, ports, interfaceIndex, octets } = packets;
  let octetsSum = 0;
  for (let index = 0; index < end; index++) {
    const row = rows[index]!;
    octetsSum += octets[row]!;
    hashes[index] = hashIpv4Key(
      hash,
      addresses[row * 8 + 3]!,
      addresses[row * 8 + 7]!,
      ports[row]!,
      traits[index]!,
      interfaceIndex[row]!,
    );
  }
  counters[counts.octets]! += octetsSum;
}

function hashIpv6Rows(
  { group, hash, counters }: Meter,
  packets: PacketColumns,
  from: number,
  end: number,
): void {
  const { rows, hashes, traits } = group;
  const { addresses, ports, interfaceIndex, octets } = packets;
  let octetsSum = 0;
  for (let index = from; index < end; index++) {
    const row = rows[index]!;
    octetsSum += octets[row]!;
    hashes[index] = hashIpv6Key(hash, addresses, row * 8, ports[row]!, traits[index]!, interfaceIndex[row]!);
  }
  counters[counts.octets]! += octetsSum;
}

/** The first flow with the row's hash; its key is compared when the row is counted. */
function findFlows({ group, buckets }: Meter, count: number): void {
  const { hashes, references } = group;
  const { words, shift, mask } = buckets;
  for (let index = 0; index < count; index++) {
    const hash = hashes[index]!;
    let position = hash >>> shift;
    let entry = words[(position << 1) | 1]!;
    while (entry !== 0 && words[position << 1] !== hash) {
      position = (position + 1) & mask;
      entry = words[(position << 1) | 1]!;
    }
    references[index] = entry - 1;
  }
}

/**
 * Reads the structs of the flows that were found. A row without one will open a flow, and need the struct that
 * is vacant next.
 */
function touchFlows({ group }: Meter, store: FlowStore, from: number, end: number): void {
  const { references, structs } = group;
  const { words, structWords } = store;
  let opened = 0;
  for (let index = from; index < end; index++) {
    const reference = references[index]!;
    const struct = reference < 0 ? Math.max(peekVacancy(store, opened++), 0) : reference >>> 1;
    const at = Math.imul(struct, structWords);
    // The other family's flow has this hash once in four thousand million rows: any struct may be read then.
    structs[index] = at < words.length ? at : 0;
  }
  group.touched[0]! ^= touchStructs(store, structs, from, end);
}

/**
 * Counts IPv4 rows, from the group's row `index` on, for as long as they only add to a flow that was found.
 * Gives the index of the first row that does more, or `end`.
 *
 * A row before may have ended the flow, and opened another in its struct: it is compared whole, with its hash, which
 * holds the window. Most rows of most traffic are counted here. There is no call in the loop that is not inlined, so that the
 * arrays' addresses stay in registers.
 */
function countPlainIpv4Rows(
  { group, ipv4, policy }: Meter,
  packets: PacketColumns,
  index: number,
  end: number,
): number {
  const { references, traits, rows, hashes } = group;
  const { words, doubles } = ipv4;
  const { inactiveTimeoutUs, activeTimeoutUs } = policy;
  for (; index < end; index++) {
    const reference = references[index]!;
    // −1, and a flow of the other family that has this hash, are odd.
    if ((reference & 1) !== 0) return index;
    const at = (reference >>> 1) * ipv4FlowWords;
    const row = rows[index]!;
    if ((words[at + flowWords.hash]! | 0) !== hashes[index]) return index;
    if (!isIpv4FlowOf(words, at, packets, row, traits[index]!)) return index;
    if (!addPlainly(words, doubles, at, packets, row, inactiveTimeoutUs, activeTimeoutUs)) return index;
  }
  return end;
}

function countPlainIpv6Rows(
  { group, ipv6, policy }: Meter,
  packets: PacketColumns,
  index: number,
  end: number,
): number {
  const { references, traits, rows, hashes } = group;
  const { words, doubles } = ipv6;
  const { inactiveTimeoutUs, activeTimeoutUs } = policy;
  for (; index < end; index++) {
    const reference = references[index]!;
    if (reference < 0 || (reference & 1) === 0) return index;
    const at = (reference >>> 1) * ipv6FlowWords;
    const row = rows[index]!;
    if ((words[at + flowWords.hash]! | 0) !== hashes[index]) return index;
    if (!isIpv6FlowOf(words, at, packets, row, traits[index]!)) return index;
    if (!addPlainly(words, doubles, at, packets, row, inactiveTimeoutUs, activeTimeoutUs)) return index;
  }
  return end;
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
function countOtherRow(meter: Meter, packets: PacketColumns, index: number): void {
  const { words, shift, mask } = meter.buckets;
  const row = meter.group.rows[index]!;
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
  if (timeUs < endUs) meter.counters[counts.latePackets]! += 1;
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

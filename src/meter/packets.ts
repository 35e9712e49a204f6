/**
 * Packets into flows.
 *
 * Rows are handled in groups, in passes: hash every row, read every bucket, read every flow, then count. Each
 * read of the table is likely to miss the caches; in a pass that does little else the processor has many
 * such reads under way at once, which is worth more than anything done to the code around them.
 */
import { flowEndReasons } from "../flow/mod.ts";
import type { PacketColumns } from "../wire/packet/mod.ts";
import { endReasonAt, notEnded } from "./aging.ts";
import { emitFlow } from "./emission.ts";
import {
  flagsFinished,
  flowDoubles,
  type FlowStore,
  flowWords,
  ipv4FlowWords,
  ipv6FlowWords,
  touchVacancy,
  traitsDirectionShift,
  traitsIpv6,
  traitsVlanShift,
} from "./flow-store.ts";
import { hashIpv4Key, hashIpv6Key } from "./key-hash.ts";
import { groupRows, type Meter, storeOf } from "./state.ts";
import { flagsOf, hastenTimer, openFlow, startCounting, tcpFinOrRst } from "./table.ts";
import { startWheel } from "./timer-wheel.ts";

const tcpSyn = 0x02;

/** Counts every row of `packets`, which are in order of arrival. */
export function meterPackets(meter: Meter, packets: PacketColumns): void {
  if (packets.count === 0) return;
  startWheel(meter.wheel, packets.timestampUs[0]!);
  for (let from = 0; from < packets.count; from += groupRows) {
    const count = Math.min(groupRows, packets.count - from);
    hashRows(meter, packets, from, count);
    touchBuckets(meter, count);
    findFlows(meter, count);
    countRows(meter, packets, from, count);
  }
}

function hashRows({ group, hash }: Meter, packets: PacketColumns, from: number, count: number): void {
  const { hashes, traits } = group;
  const { addresses, ports, interfaceIndex } = packets;
  for (let index = 0; index < count; index++) {
    const row = from + index;
    const rowTraits = traitsOf(packets, row);
    traits[index] = rowTraits;
    hashes[index] =
      (rowTraits & traitsIpv6) === 0
        ? hashIpv4Key(
            hash,
            addresses[row * 8 + 3]!,
            addresses[row * 8 + 7]!,
            ports[row]!,
            rowTraits,
            interfaceIndex[row]!,
          )
        : hashIpv6Key(hash, addresses, row * 8, ports[row]!, rowTraits, interfaceIndex[row]!);
  }
}

function traitsOf(packets: PacketColumns, row: number): number {
  return (
    (packets.protocol[row]! |
      ((packets.direction[row]! & 3) << traitsDirectionShift) |
      (packets.ipVersion[row] === 6 ? traitsIpv6 : 0) |
      (packets.vlanId[row]! << traitsVlanShift)) >>>
    0
  );
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
 * open a flow: then the struct that it will take is read.
 */
function findFlows({ group, buckets, ipv4, ipv6 }: Meter, count: number): void {
  const { hashes, traits, references } = group;
  const { words, shift, mask } = buckets;
  let touched = 0;
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
    const reference = entry - 1;
    references[index] = reference;
    if (entry === 0) {
      touched ^=
        (traits[index]! & traitsIpv6) === 0 ? touchVacancy(ipv4, newIpv4++) : touchVacancy(ipv6, newIpv6++);
    } else if ((reference & 1) === 0) {
      touched ^= ipv4.words[(reference >>> 1) * ipv4FlowWords]!;
    } else {
      const at = (reference >>> 1) * ipv6FlowWords;
      touched ^= ipv6.words[at]! ^ ipv6.words[at + flowWords.addresses + 7]!;
    }
  }
  group.touched[0] = touched;
}

function countRows(meter: Meter, packets: PacketColumns, from: number, count: number): void {
  const { group, counters } = meter;
  let octets = 0;
  for (let index = 0; index < count; index++) {
    const row = from + index;
    const traits = group.traits[index]!;
    const reference = group.references[index]!;
    octets += packets.octets[row]!;
    if (reference >= 0 && isFlowOf(storeOf(meter, reference), reference, packets, row, traits)) {
      addPacket(meter, storeOf(meter, reference), reference, packets, row);
    } else {
      addToFoundOrNew(meter, packets, row, group.hashes[index]!, traits);
    }
  }
  counters.packets += count;
  counters.octets += octets;
}

function isFlowOf(
  store: FlowStore,
  reference: number,
  packets: PacketColumns,
  row: number,
  traits: number,
): boolean {
  const { words } = store;
  const at = (reference >>> 1) * store.structWords;
  if (words[at + flowWords.traits] !== traits || words[at + flowWords.ports] !== packets.ports[row])
    return false;
  if (words[at + flowWords.interfaceIndex] !== packets.interfaceIndex[row]) return false;
  const key = at + flowWords.addresses;
  const addresses = packets.addresses;
  const from = row * 8;
  if ((traits & traitsIpv6) === 0)
    return words[key] === addresses[from + 3] && words[key + 1] === addresses[from + 7];
  for (let index = 0; index < 8; index++) if (words[key + index] !== addresses[from + index]) return false;
  return true;
}

/** Counts a packet for its flow, which is in the table. */
function addPacket(
  meter: Meter,
  store: FlowStore,
  reference: number,
  packets: PacketColumns,
  row: number,
): void {
  const { words, doubles } = store;
  const at = (reference >>> 1) * store.structWords;
  const double = at >>> 1;
  const timeUs = packets.timestampUs[row]!;
  const bits = packets.tcpControlBits[row]!;
  const flags = words[at + flowWords.flags]!;
  const silenceUs = timeUs - doubles[double + flowDoubles.endUs]!;
  if (
    silenceUs >= 0 &&
    silenceUs < meter.aging.inactiveTimeoutUs &&
    timeUs - doubles[double + flowDoubles.startUs]! < meter.aging.activeTimeoutUs &&
    flags < flagsFinished &&
    (bits & tcpFinOrRst) === 0
  ) {
    doubles[double + flowDoubles.endUs] = timeUs;
    doubles[double + flowDoubles.octets]! += packets.octets[row]!;
    doubles[double + flowDoubles.packets]! += 1;
    words[at + flowWords.flags] = flags | bits;
  } else {
    addByTheRules(meter, store, reference, packets, row);
  }
}

/** The same for a packet that may end the flow, is late, or comes at the end of a TCP flow. */
function addByTheRules(
  meter: Meter,
  store: FlowStore,
  reference: number,
  packets: PacketColumns,
  row: number,
): void {
  const { words, doubles } = store;
  const at = (reference >>> 1) * store.structWords;
  const double = at >>> 1;
  const timeUs = packets.timestampUs[row]!;
  const bits = packets.tcpControlBits[row]!;
  const finished = (words[at + flowWords.flags]! & flagsFinished) !== 0;
  const startUs = doubles[double + flowDoubles.startUs]!;
  const endUs = doubles[double + flowDoubles.endUs]!;
  if (timeUs < endUs) meter.counters.latePackets += 1;
  let reason: number = endReasonAt(meter.aging, startUs, endUs, finished, timeUs);
  if (reason === notEnded && finished && (bits & tcpSyn) !== 0) reason = flowEndReasons.endOfFlow;
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
  hastenTimer(meter, store, at, reference);
}

/** Looks a flow up that the group's first look did not find, and opens it if it is not there. */
function addToFoundOrNew(
  meter: Meter,
  packets: PacketColumns,
  row: number,
  hash: number,
  traits: number,
): void {
  const { words, shift, mask } = meter.buckets;
  for (let position = hash >>> shift; words[position * 2 + 1] !== 0; position = (position + 1) & mask) {
    if (words[position * 2] !== hash) continue;
    const reference = words[position * 2 + 1]! - 1;
    const store = storeOf(meter, reference);
    if (!isFlowOf(store, reference, packets, row, traits)) continue;
    addPacket(meter, store, reference, packets, row);
    return;
  }
  openFlow(meter, packets, row, hash, traits);
}

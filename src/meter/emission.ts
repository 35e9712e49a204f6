/** Ended flows into the batch that the meter hands over. */
import { flowDirections, type WindowStatus, windowStatusBatch } from "../flow/mod.ts";
import {
  flagsClassShift,
  flowDoubles,
  type FlowStore,
  flowWords,
  traitsDirectionShift,
  traitsVerdictShift,
  traitsVlanShift,
} from "./flow-store.ts";
import { counts, type Meter } from "./state.ts";

/** The word of an IPv4-mapped address whose bytes in memory are 00 00 ff ff. */
const mappedWord = new Uint32Array(Uint8Array.of(0, 0, 0xff, 0xff).buffer)[0]!;

/** Flows of one family that have ended: where their structs begin, and why they ended. */
export interface EndedFlows {
  readonly structs: Int32Array;
  readonly reasons: Uint8Array;
}

/**
 * Writes the first `count` of `ended` as the batch's next rows; a batch that is full is handed over. It goes
 * from column to column, not from flow to flow: a loop that writes few columns has their addresses at hand.
 */
export function emitFlows(meter: Meter, store: FlowStore, ended: EndedFlows, count: number): void {
  for (let from = 0; from < count;) {
    const { batch } = meter;
    const end = Math.min(count, from + batch.capacity - batch.count);
    writeCounters(meter, store, ended.structs, from, end);
    writeTransport(meter, store, ended.structs, from, end);
    writeInterfaces(meter, store, ended.structs, from, end);
    if (store === meter.ipv4) writeIpv4Addresses(meter, ended.structs, from, end);
    else writeIpv6Addresses(meter, ended.structs, from, end);
    writeReasons(meter, ended.reasons, from, end);
    batch.count += end - from;
    if (batch.count === batch.capacity) handOver(meter);
    from = end;
  }
}

/** One flow, whose struct begins at word `at`. */
export function emitFlow(meter: Meter, store: FlowStore, at: number, reason: number): void {
  const { single } = meter;
  single.structs[0] = at;
  single.reasons[0] = reason;
  emitFlows(meter, store, single, 1);
}

/** Gives the batch's rows, if any, to the receiver, and goes on with the batch that it has had before. */
export function handOver(meter: Meter): void {
  const { batch, handedOver } = meter;
  if (batch.count === 0) return;
  meter.emit(batch);
  handedOver.count = 0;
  meter.batch = handedOver;
  meter.handedOver = batch;
}

/** A window's length as flows tell it; those of tests, below a second, are rounded up. */
export function windowSOf(windowUs: number): number {
  return Math.ceil(windowUs / 1_000_000);
}

/**
 * Hands over a row that is no flow: a word on the window that ends (exclusive) at `endUs`. `logStatus` is
 * noData or skipData of logStatuses. Only meters that cut by windows have any.
 */
export function emitWindowStatus(meter: Meter, endUs: number, logStatus: number): void {
  const { policy, batch, emit } = meter;
  const status: WindowStatus = {
    startUs: endUs - policy.windowUs,
    endUs,
    windowS: windowSOf(policy.windowUs),
    logStatus,
    observationDomain: batch.columns.observationDomain[0]!,
  };
  emit(windowStatusBatch(batch.header, [status]));
}

function writeCounters(
  { batch, counters }: Meter,
  { doubles }: FlowStore,
  structs: Int32Array,
  from: number,
  end: number,
): void {
  const { endUs, startUs, octets, packets } = batch.columns;
  let row = batch.count;
  let packetsSum = 0;
  for (let index = from; index < end; index++, row++) {
    const at = structs[index]! >>> 1;
    endUs[row] = doubles[at + flowDoubles.endUs]!;
    startUs[row] = doubles[at + flowDoubles.startUs]!;
    octets[row] = doubles[at + flowDoubles.octets]!;
    const flowPackets = doubles[at + flowDoubles.packets]!;
    packets[row] = flowPackets;
    packetsSum += flowPackets;
  }
  counters[counts.packetsEmitted]! += packetsSum;
}

function writeTransport(
  { batch }: Meter,
  { words }: FlowStore,
  structs: Int32Array,
  from: number,
  end: number,
): void {
  const { sourcePort, destinationPort, protocol, tcpControlBits, ipClassOfService } = batch.columns;
  let row = batch.count;
  for (let index = from; index < end; index++, row++) {
    const at = structs[index]!;
    const ports = words[at + flowWords.ports]!;
    const flags = words[at + flowWords.flags]!;
    sourcePort[row] = ports >>> 16;
    destinationPort[row] = ports;
    protocol[row] = words[at + flowWords.traits]!;
    tcpControlBits[row] = flags;
    ipClassOfService[row] = flags >>> flagsClassShift;
  }
}

/** What was seen on an interface on the way in has no egress interface, and the other way round. */
function writeInterfaces(
  { batch }: Meter,
  { words }: FlowStore,
  structs: Int32Array,
  from: number,
  end: number,
): void {
  const { vlanId, verdict, flowDirection, ingressInterface, egressInterface } = batch.columns;
  let row = batch.count;
  for (let index = from; index < end; index++, row++) {
    const at = structs[index]!;
    const traits = words[at + flowWords.traits]!;
    const interfaceIndex = words[at + flowWords.interfaceIndex]!;
    const direction = (traits >>> traitsDirectionShift) & 3;
    const egress = direction === flowDirections.egress;
    vlanId[row] = traits >>> traitsVlanShift;
    verdict[row] = (traits >>> traitsVerdictShift) & 3;
    flowDirection[row] = direction > flowDirections.egress ? flowDirections.unknown : direction;
    ingressInterface[row] = egress ? 0 : interfaceIndex;
    egressInterface[row] = egress ? interfaceIndex : 0;
  }
}

function writeIpv4Addresses(
  { batch, ipv4: { words } }: Meter,
  structs: Int32Array,
  from: number,
  end: number,
): void {
  const { ipVersion, sourceAddress, destinationAddress } = batch.columns;
  let row = batch.count;
  for (let index = from; index < end; index++, row++) {
    const at = structs[index]! + flowWords.addresses;
    const to = row * 4;
    ipVersion[row] = 4;
    sourceAddress[to] = 0;
    sourceAddress[to + 1] = 0;
    sourceAddress[to + 2] = mappedWord;
    sourceAddress[to + 3] = words[at]!;
    destinationAddress[to] = 0;
    destinationAddress[to + 1] = 0;
    destinationAddress[to + 2] = mappedWord;
    destinationAddress[to + 3] = words[at + 1]!;
  }
}

function writeIpv6Addresses(
  { batch, ipv6: { words } }: Meter,
  structs: Int32Array,
  from: number,
  end: number,
): void {
  const { ipVersion, sourceAddress, destinationAddress } = batch.columns;
  let row = batch.count;
  for (let index = from; index < end; index++, row++) {
    const at = structs[index]! + flowWords.addresses;
    const to = row * 4;
    ipVersion[row] = 6;
    for (let word = 0; word < 4; word++) {
      sourceAddress[to + word] = words[at + word]!;
      destinationAddress[to + word] = words[at + 4 + word]!;
    }
  }
}

function writeReasons({ batch, emitted }: Meter, reasons: Uint8Array, from: number, end: number): void {
  const { flowEndReason } = batch.columns;
  let row = batch.count;
  for (let index = from; index < end; index++, row++) {
    const reason = reasons[index]!;
    flowEndReason[row] = reason;
    emitted[reason]! += 1;
  }
}

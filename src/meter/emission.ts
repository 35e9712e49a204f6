/** Ended flows into the batch that the meter hands over. */
import { createFlowBatch, flowDirections } from "../flow/mod.ts";
import {
  flagsClassShift,
  flowDoubles,
  type FlowStore,
  flowWords,
  traitsDirectionShift,
  traitsIpv6,
  traitsVerdictShift,
  traitsVlanShift,
} from "./flow-store.ts";
import { counts, type Meter } from "./state.ts";

/** The word of an IPv4-mapped address whose bytes in memory are 00 00 ff ff. */
const mappedWord = new Uint32Array(Uint8Array.of(0, 0, 0xff, 0xff).buffer)[0]!;

/** Writes the flow at word `at` as the batch's next row; a full batch is handed over. */
export function emitFlow(meter: Meter, store: FlowStore, at: number, reason: number): void {
  const { words, doubles } = store;
  const { batch } = meter;
  const { columns } = batch;
  const row = batch.count;
  const traits = words[at + flowWords.traits]!;
  const ports = words[at + flowWords.ports]!;
  const flags = words[at + flowWords.flags]!;
  const double = at >>> 1;
  columns.endUs[row] = doubles[double + flowDoubles.endUs]!;
  columns.startUs[row] = doubles[double + flowDoubles.startUs]!;
  columns.octets[row] = doubles[double + flowDoubles.octets]!;
  columns.packets[row] = doubles[double + flowDoubles.packets]!;
  columns.sourcePort[row] = ports >>> 16;
  columns.destinationPort[row] = ports;
  columns.protocol[row] = traits;
  columns.vlanId[row] = traits >>> traitsVlanShift;
  columns.tcpControlBits[row] = flags;
  columns.ipClassOfService[row] = flags >>> flagsClassShift;
  columns.flowEndReason[row] = reason;
  columns.verdict[row] = (traits >>> traitsVerdictShift) & 3;
  emitInterface(meter, row, traits, words[at + flowWords.interfaceIndex]!);
  emitAddresses(meter, row, (traits & traitsIpv6) !== 0, words, at + flowWords.addresses);
  meter.emitted[reason]! += 1;
  meter.counters[counts.packetsEmitted]! += columns.packets[row];
  batch.count = row + 1;
  if (batch.count === batch.capacity) handOver(meter);
}

/** Gives the batch's rows, if any, to the receiver; the batch is empty afterwards. */
export function handOver({ batch, emit }: Meter): void {
  if (batch.count > 0) emit(batch);
  batch.count = 0;
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
  const status = createFlowBatch(1);
  const { columns } = status;
  columns.startUs[0] = endUs - policy.windowUs;
  columns.endUs[0] = endUs;
  columns.logStatus[0] = logStatus;
  columns.windowS[0] = windowSOf(policy.windowUs);
  columns.ipVersion[0] = 4;
  columns.flowDirection[0] = flowDirections.unknown;
  columns.samplingInterval[0] = 1;
  columns.observationDomain[0] = batch.columns.observationDomain[0]!;
  status.count = 1;
  emit(status);
}

function emitInterface({ batch }: Meter, row: number, traits: number, interfaceIndex: number): void {
  const { columns } = batch;
  const direction = (traits >>> traitsDirectionShift) & 3;
  const egress = direction === flowDirections.egress;
  columns.flowDirection[row] = direction > flowDirections.egress ? flowDirections.unknown : direction;
  columns.ingressInterface[row] = egress ? 0 : interfaceIndex;
  columns.egressInterface[row] = egress ? interfaceIndex : 0;
}

function emitAddresses({ batch }: Meter, row: number, ipv6: boolean, words: Uint32Array, from: number): void {
  const { ipVersion, sourceAddress, destinationAddress } = batch.columns;
  const to = row * 4;
  ipVersion[row] = ipv6 ? 6 : 4;
  if (ipv6) {
    for (let index = 0; index < 4; index++) {
      sourceAddress[to + index] = words[from + index]!;
      destinationAddress[to + index] = words[from + 4 + index]!;
    }
    return;
  }
  sourceAddress[to] = 0;
  sourceAddress[to + 1] = 0;
  sourceAddress[to + 2] = mappedWord;
  sourceAddress[to + 3] = words[from]!;
  destinationAddress[to] = 0;
  destinationAddress[to + 1] = 0;
  destinationAddress[to + 2] = mappedWord;
  destinationAddress[to + 3] = words[from + 1]!;
}

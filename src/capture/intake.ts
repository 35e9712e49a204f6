/**
 * From one interface's frames to the meters of the subjects that are attached to it: decode, select, hand
 * over in small batches, and count what became of every frame.
 *
 * A frame is decoded once, whatever the number of subjects. There are two selections, the interface's and
 * the gateway's, so two sets of columns at most are filled; a row that nobody wants is overwritten.
 */
import { flowDirections } from "../flow/mod.ts";
import { type Meter, meterPackets } from "../meter/mod.ts";
import {
  createPacketColumns,
  createPacketDecoder,
  decodeFrame,
  decodeOutcomes,
  type PacketColumns,
  type PacketDecoder,
  type PacketDecoderOptions,
} from "../wire/packet/mod.ts";
import { type FrameColumns, linkTypeEthernet, linkTypeNotIp, vlanInFrame } from "./frames.ts";
import { type AddressSet, createAddressSet } from "./own-address.ts";
import { packetTypes } from "./ring/layout.ts";
import {
  createExcludedTable,
  type ExcludedTable,
  hopLimitOf,
  looksAtHopLimit,
  type SelectionPoint,
  selections,
  selectPacket,
} from "./selection.ts";

/** Rows decoded before the meters see them, so that the cache misses of their tables overlap. */
const rowsAtOnce = 32;

/** Cumulative counts of frames, each in exactly one of them. */
export interface IntakeCounts {
  notIp: number;
  undecodable: number;
  excluded: number;
  /** Selected by neither scope. */
  notSelected: number;
  /** Selected by interface subjects only. */
  interfaceOnly: number;
  /** Selected by both scopes. */
  gatewayToo: number;
}

export interface Intake {
  readonly interfaceIndex: number;
  point: SelectionPoint;
  readonly decoder: PacketDecoder;
  readonly counts: IntakeCounts;
  /** What both scopes or, with interface subjects attached, interfaces select. */
  readonly rows: PacketColumns;
  /** What gateways select, while interface subjects are attached too. */
  readonly gatewayRows: PacketColumns;
  interfaceMeters: readonly Meter[];
  gatewayMeters: readonly Meter[];
  own: AddressSet;
  excluded: ExcludedTable;
  /** Timestamp of the newest frame seen. */
  newestUs: number;
}

export function createIntake(
  interfaceIndex: number,
  point: SelectionPoint,
  decoderOptions: PacketDecoderOptions = {},
): Intake {
  return {
    interfaceIndex,
    point,
    decoder: createPacketDecoder(decoderOptions),
    counts: { notIp: 0, undecodable: 0, excluded: 0, notSelected: 0, interfaceOnly: 0, gatewayToo: 0 },
    rows: createPacketColumns(rowsAtOnce),
    gatewayRows: createPacketColumns(rowsAtOnce),
    interfaceMeters: [],
    gatewayMeters: [],
    own: createAddressSet([]),
    excluded: createExcludedTable([]),
    newestUs: 0,
  };
}

/** Sets the meters of the subjects attached; rows that wait are metered by those that were attached before. */
export function attachMeters(
  intake: Intake,
  interfaceMeters: readonly Meter[],
  gatewayMeters: readonly Meter[],
): void {
  flushIntake(intake);
  intake.interfaceMeters = interfaceMeters;
  intake.gatewayMeters = gatewayMeters;
}

/** Takes all of `frames`, which lie in `bytes` (`view` is the same memory). */
export function takeFrames(intake: Intake, bytes: Uint8Array, view: DataView, frames: FrameColumns): void {
  for (let frame = 0; frame < frames.count; frame++) takeFrame(intake, bytes, view, frames, frame);
}

function takeFrame(
  intake: Intake,
  bytes: Uint8Array,
  view: DataView,
  frames: FrameColumns,
  frame: number,
): void {
  const { counts, rows } = intake;
  const linkType = frames.linkType[frame]!;
  const vlanId = frames.vlanId[frame]!;
  // A tag that the kernel took out is still one.
  const isUnwantedTag = vlanId !== vlanInFrame && !intake.decoder.encapsulations.vlan;
  if (linkType === linkTypeNotIp || isUnwantedTag) {
    counts.notIp++;
    return;
  }
  const offset = frames.offset[frame]!;
  const captured = frames.capturedLength[frame]!;
  const timestampUs = frames.timestampUs[frame]!;
  const row = rows.count;
  const outcome = decodeFrame(
    intake.decoder,
    bytes,
    view,
    offset,
    captured,
    frames.wireLength[frame]!,
    linkType,
    rows,
    row,
    timestampUs,
  );
  if (timestampUs > intake.newestUs) intake.newestUs = timestampUs;
  if (outcome !== decodeOutcomes.packet) {
    if (outcome === decodeOutcomes.notIp) counts.notIp++;
    else counts.undecodable++;
    return;
  }
  const packetType = frames.packetType[frame]!;
  const hopLimit = looksAtHopLimit(intake.point)
    ? hopLimitOf(view, offset, captured, linkType === linkTypeEthernet)
    : -1;
  const selection = selectPacket(intake.point, intake.own, intake.excluded, rows, row, packetType, hopLimit);
  rows.timestampUs[row] = timestampUs;
  rows.interfaceIndex[row] = intake.interfaceIndex;
  rows.direction[row] = directionOf(packetType);
  // An id of 0 is a priority tag: the packet's VLAN is then the one of the next tag, if any.
  if (vlanId !== vlanInFrame && vlanId !== 0) rows.vlanId[row] = vlanId;
  keepRow(intake, row, selection);
}

function keepRow(intake: Intake, row: number, selection: number): void {
  const { counts, rows, gatewayRows } = intake;
  if (selection === selections.gatewayToo) {
    counts.gatewayToo++;
    if (intake.interfaceMeters.length > 0 && intake.gatewayMeters.length > 0) {
      copyRow(rows, row, gatewayRows, gatewayRows.count);
      gatewayRows.count++;
    }
    rows.count++;
  } else if (selection === selections.interfaceOnly) {
    counts.interfaceOnly++;
    if (intake.interfaceMeters.length > 0) rows.count++;
  } else if (selection === selections.excluded) counts.excluded++;
  else counts.notSelected++;
  if (rows.count === rows.capacity) flushIntake(intake);
}

/** Hands the waiting rows to the meters. */
export function flushIntake(intake: Intake): void {
  const { rows, gatewayRows, interfaceMeters, gatewayMeters } = intake;
  if (rows.count === 0) return;
  for (const meter of interfaceMeters) meterPackets(meter, rows);
  const gatewaySelection = interfaceMeters.length > 0 ? gatewayRows : rows;
  if (gatewaySelection.count > 0) {
    for (const meter of gatewayMeters) meterPackets(meter, gatewaySelection);
  }
  rows.count = 0;
  gatewayRows.count = 0;
}

function directionOf(packetType: number): number {
  if (packetType === packetTypes.outgoing) return flowDirections.egress;
  return packetType === packetTypes.unknown ? flowDirections.unknown : flowDirections.ingress;
}

function copyRow(from: PacketColumns, row: number, to: PacketColumns, toRow: number): void {
  for (let word = 0; word < 8; word++) to.addresses[toRow * 8 + word] = from.addresses[row * 8 + word]!;
  to.timestampUs[toRow] = from.timestampUs[row]!;
  to.octets[toRow] = from.octets[row]!;
  to.ports[toRow] = from.ports[row]!;
  to.protocol[toRow] = from.protocol[row]!;
  to.ipVersion[toRow] = from.ipVersion[row]!;
  to.ipClassOfService[toRow] = from.ipClassOfService[row]!;
  to.tcpControlBits[toRow] = from.tcpControlBits[row]!;
  to.vlanId[toRow] = from.vlanId[row]!;
  to.interfaceIndex[toRow] = from.interfaceIndex[row]!;
  to.direction[toRow] = from.direction[row]!;
}

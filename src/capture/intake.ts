/**
 * From one interface's frames to the meters of the subjects that are attached to it: decode, select, hand
 * over in small batches, and count what became of every frame.
 *
 * A frame is decoded once, whatever the number of subjects and policies. Its row is kept if it is of a class
 * that any of them meters (traffic-class.ts), and copied only for those that do not meter all that is kept.
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
import { trafficClassCount, trafficClassOf } from "./traffic-class.ts";

/** Rows decoded before the meters see them, so that the cache misses of their tables overlap. */
const rowsAtOnce = 32;

/** Cumulative counts of frames, each in exactly one of them. */
export interface IntakeCounts {
  notIp: number;
  undecodable: number;
  excluded: number;
  /** Selected by neither scope. */
  notSelected: number;
  /** Selected, by traffic class. */
  readonly classes: Float64Array<ArrayBuffer>;
}

/** Meters of subjects that meter the same classes. */
interface MeterGroup {
  readonly classes: number;
  readonly meters: readonly Meter[];
}

export interface Intake {
  readonly interfaceIndex: number;
  point: SelectionPoint;
  readonly decoder: PacketDecoder;
  readonly counts: IntakeCounts;
  /** Packets that any group meters. */
  readonly rows: PacketColumns;
  /** The class of each row. */
  readonly rowClasses: Uint8Array<ArrayBuffer>;
  /** The classes of the rows that wait. */
  waitingClasses: number;
  /** The rows of one group, where it does not meter all. */
  readonly groupRows: PacketColumns;
  groups: readonly MeterGroup[];
  /** The classes that any group meters. */
  classes: number;
  own: AddressSet;
  excluded: ExcludedTable;
  /** Timestamp of the frame that was taken last; behind those before it where a clock was set back. */
  lastUs: number;
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
    counts: {
      notIp: 0,
      undecodable: 0,
      excluded: 0,
      notSelected: 0,
      classes: new Float64Array(trafficClassCount),
    },
    rows: createPacketColumns(rowsAtOnce),
    rowClasses: new Uint8Array(rowsAtOnce),
    waitingClasses: 0,
    groupRows: createPacketColumns(rowsAtOnce),
    groups: [],
    classes: 0,
    own: createAddressSet([]),
    excluded: createExcludedTable([]),
    lastUs: 0,
  };
}

/** A meter and the classes of packets that it takes. */
export interface AttachedMeter {
  readonly meter: Meter;
  readonly classes: number;
}

/** Sets the meters of the subjects attached; rows that wait are metered by those that were attached before. */
export function attachMeters(intake: Intake, attached: readonly AttachedMeter[]): void {
  flushIntake(intake);
  const groups = Map.groupBy(attached, ({ classes }) => classes);
  intake.groups = [...groups].map(([classes, members]) => ({
    classes,
    meters: members.map(({ meter }) => meter),
  }));
  intake.classes = intake.groups.reduce((union, { classes }) => union | classes, 0);
}

/** Takes all of `frames`, which lie in `bytes` (`view` is the same memory). */
export function takeFrames(intake: Intake, bytes: Uint8Array, view: DataView, frames: FrameColumns): void {
  for (let frame = 0; frame < frames.count; frame++) takeFrame(intake, bytes, view, frames, frame);
  // Whatever they are: one that reads nothing but what is no IP is as behind as any.
  if (frames.count > 0) intake.lastUs = frames.timestampUs[frames.count - 1]!;
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
  const row = rows.count;
  rows.timestampUs[row] = frames.timestampUs[frame]!;
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
  );
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
  rows.interfaceIndex[row] = intake.interfaceIndex;
  rows.direction[row] = directionOf(packetType);
  rows.verdict[row] = frames.verdict[frame]!;
  // An id of 0 is a priority tag: the packet's VLAN is then the one of the next tag, if any.
  if (vlanId !== vlanInFrame && vlanId !== 0) rows.vlanId[row] = vlanId;
  keepRow(intake, row, selection);
}

function keepRow(intake: Intake, row: number, selection: number): void {
  const { counts, rows } = intake;
  if (selection === selections.excluded) counts.excluded++;
  else if (selection === selections.none) counts.notSelected++;
  else {
    const gatewayToo = selection === selections.gatewayToo;
    const trafficClass = trafficClassOf(gatewayToo, rows.verdict[row]!, rows.ipVersion[row]!);
    const bit = 1 << trafficClass;
    counts.classes[trafficClass]! += 1;
    if ((intake.classes & bit) === 0) return;
    intake.rowClasses[row] = trafficClass;
    intake.waitingClasses |= bit;
    rows.count++;
    if (rows.count === rows.capacity) flushIntake(intake);
  }
}

/** Hands the waiting rows to the meters. */
export function flushIntake(intake: Intake): void {
  const { rows, groupRows, waitingClasses } = intake;
  if (rows.count === 0) return;
  for (const { classes, meters } of intake.groups) {
    const takesAll = (waitingClasses & ~classes) === 0;
    if (!takesAll) copyRows(intake, classes);
    for (const meter of meters) meterPackets(meter, takesAll ? rows : groupRows);
  }
  rows.count = 0;
  intake.waitingClasses = 0;
}

/** Copies the waiting rows of the given classes. */
function copyRows({ rows, rowClasses, groupRows }: Intake, classes: number): void {
  groupRows.count = 0;
  for (let row = 0; row < rows.count; row++) {
    if ((classes & (1 << rowClasses[row]!)) === 0) continue;
    copyRow(rows, row, groupRows, groupRows.count);
    groupRows.count++;
  }
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
  to.verdict[toRow] = from.verdict[row]!;
}

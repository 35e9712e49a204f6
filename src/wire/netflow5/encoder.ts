/**
 * The NetFlow v5 encoder. No RFC defines v5; the layout is that of Cisco's NetFlow Services Solutions
 * Guide, tables B-3 and B-4, network byte order:
 *
 *     header, 24 bytes                          record, 48 bytes
 *     0   2  version            5               0   4  srcaddr
 *     2   2  count              1 to 28         4   4  dstaddr
 *     4   4  SysUptime          milliseconds    8   4  nexthop      0
 *     8   4  unix_secs                          12  2  input        ifIndex
 *     12  4  unix_nsecs                         14  2  output       ifIndex
 *     16  4  flow_sequence      records sent    16  4  dPkts
 *     20  1  engine_type        domain >> 8     20  4  dOctets      layer 3
 *     21  1  engine_id          domain & 255    24  4  First        SysUptime of the first packet
 *     22  2  sampling_interval  mode (2 bits)   28  4  Last         SysUptime of the last packet
 *            and interval (14 bits)             32  2  srcport
 *                                               34  2  dstport      ICMP: type × 256 + code
 *                                               36  1  pad1         0
 *                                               37  1  tcp_flags
 *                                               38  1  prot
 *                                               39  1  tos
 *                                               40  8  AS numbers, masks and pad2: 0
 *
 * What v5 cannot say: IPv6 flows are skipped and counted; an ifIndex above 65,535 is 0, not known; a flow
 * of more than 2^32 − 1 packets or octets becomes the fewest records that hold it, equal but for one, all
 * with the flow's times, so that their sums are the flow's counts.
 */
import { addressWords } from "../../base/mod.ts";
import type { FlowBatch, FlowColumns } from "../../flow/mod.ts";
import {
  coversRow,
  datagramBytesMax,
  type ExportDatagram,
  latestEndMs,
  layBootInstant,
  resetDatagram,
  setAddressWord,
  setExportTime,
  type UptimeClock,
} from "../export/mod.ts";

export interface Netflow5EncoderOptions {
  /** Its low 16 bits become engine type and engine id. */
  readonly observationDomain: number;
  /** Records sent before; default 0. */
  readonly sequence?: number;
  /** What SysUptime counts from, milliseconds since 1970; chosen by the first flow where absent. */
  readonly bootMs?: number;
}

export interface Netflow5Encoder {
  readonly engine: number;
  readonly clock: UptimeClock;
  sequence: number;
  /** Flows that v5 cannot tell: IPv6. */
  flowsSkipped: number;
  nowMs: number;
  latestEndMs: number;
  columns: FlowColumns | undefined;
  count: number;
  /** The next row, and which of its records. */
  row: number;
  part: number;
}

const headerBytes = 24;
const recordBytes = 48;
const recordsMax = Math.floor((datagramBytesMax - headerBytes) / recordBytes);
const counterMax = 2 ** 32 - 1;
const samplingIntervalMax = 0x3fff;
const samplingModeSystematic = 0x4000;

export function createNetflow5Encoder(options: Netflow5EncoderOptions): Netflow5Encoder {
  return {
    engine: options.observationDomain & 0xffff,
    clock: { bootMs: options.bootMs ?? Number.NaN, exportMs: Number.NaN },
    sequence: (options.sequence ?? 0) >>> 0,
    flowsSkipped: 0,
    nowMs: 0,
    latestEndMs: 0,
    columns: undefined,
    count: 0,
    row: 0,
    part: 0,
  };
}

/** Takes a batch; the one before must be finished. `nowMs` is milliseconds since 1970. */
export function beginNetflow5Batch(encoder: Netflow5Encoder, batch: FlowBatch, nowMs: number): void {
  encoder.columns = batch.columns;
  encoder.count = batch.count;
  encoder.row = 0;
  encoder.part = 0;
  encoder.nowMs = nowMs;
  encoder.latestEndMs = latestEndMs(batch);
  setExportTime(encoder.clock, nowMs, encoder.latestEndMs);
  skipIpv6(encoder, batch.columns);
}

/** Fills the next datagram; false, with nothing written, when the batch is finished. */
export function nextNetflow5Datagram(encoder: Netflow5Encoder, datagram: ExportDatagram): boolean {
  resetDatagram(datagram);
  if (encoder.row >= encoder.count) return false;
  const columns = encoder.columns!;
  const samplingInterval = columns.samplingInterval[encoder.row]!;
  if (!coversRow(encoder.clock, columns, encoder.row)) {
    const startMs = Math.floor(columns.startUs[encoder.row]! / 1000);
    layBootInstant(encoder.clock, startMs, encoder.nowMs, encoder.latestEndMs);
  }
  let records = 0;
  do {
    writeRecord(encoder, columns, datagram, headerBytes + records * recordBytes);
    records++;
    skipIpv6(encoder, columns);
  } while (
    records < recordsMax &&
    encoder.row < encoder.count &&
    columns.samplingInterval[encoder.row] === samplingInterval &&
    coversRow(encoder.clock, columns, encoder.row)
  );
  writeHeader(encoder, datagram.view, records, samplingInterval);
  datagram.length = headerBytes + records * recordBytes;
  encoder.sequence = (encoder.sequence + records) >>> 0;
  return true;
}

/** Moves on to the next IPv4 row, counting what it passes. */
function skipIpv6(encoder: Netflow5Encoder, columns: FlowColumns): void {
  while (encoder.row < encoder.count && columns.ipVersion[encoder.row] === 6) {
    encoder.row++;
    encoder.flowsSkipped++;
  }
}

function writeHeader(
  encoder: Netflow5Encoder,
  view: DataView,
  records: number,
  samplingInterval: number,
): void {
  const { bootMs, exportMs } = encoder.clock;
  view.setUint16(0, 5);
  view.setUint16(2, records);
  view.setUint32(4, exportMs - bootMs);
  view.setUint32(8, Math.floor(exportMs / 1000));
  view.setUint32(12, Math.floor(exportMs % 1000) * 1_000_000);
  view.setUint32(16, encoder.sequence);
  view.setUint16(20, encoder.engine);
  const sampled = samplingInterval > 1;
  view.setUint16(22, sampled ? samplingModeSystematic | Math.min(samplingInterval, samplingIntervalMax) : 0);
}

/** Writes the next record of the current row, and moves on to the next row behind its last one. */
function writeRecord(
  encoder: Netflow5Encoder,
  columns: FlowColumns,
  datagram: ExportDatagram,
  at: number,
): void {
  const { row, part } = encoder;
  const { view } = datagram;
  const packets = columns.packets[row]!;
  const octets = columns.octets[row]!;
  const parts = Math.max(1, Math.ceil(packets / counterMax), Math.ceil(octets / counterMax));
  writeKey(view, columns, row, at);
  view.setUint32(at + 16, share(packets, part, parts));
  view.setUint32(at + 20, share(octets, part, parts));
  view.setUint32(at + 24, Math.floor(columns.startUs[row]! / 1000) - encoder.clock.bootMs);
  view.setUint32(at + 28, Math.floor(columns.endUs[row]! / 1000) - encoder.clock.bootMs);
  encoder.part = part + 1;
  if (encoder.part < parts) return;
  encoder.part = 0;
  encoder.row++;
  datagram.flows++;
  datagram.packets += packets;
  datagram.octets += octets;
}

/** One of `parts` nearly equal integers whose sum is `total`: the first ones are larger by one. */
function share(total: number, part: number, parts: number): number {
  const base = Math.floor(total / parts);
  return part < total - base * parts ? base + 1 : base;
}

function writeKey(view: DataView, columns: FlowColumns, row: number, at: number): void {
  const lastWord = row * addressWords + addressWords - 1;
  setAddressWord(view, at, columns.sourceAddress[lastWord]!);
  setAddressWord(view, at + 4, columns.destinationAddress[lastWord]!);
  view.setUint32(at + 8, 0);
  view.setUint16(at + 12, interfaceNumber(columns.ingressInterface[row]!));
  view.setUint16(at + 14, interfaceNumber(columns.egressInterface[row]!));
  view.setUint16(at + 32, columns.sourcePort[row]!);
  view.setUint16(at + 34, columns.destinationPort[row]!);
  view.setUint8(at + 36, 0);
  view.setUint8(at + 37, columns.tcpControlBits[row]!);
  view.setUint8(at + 38, columns.protocol[row]!);
  view.setUint8(at + 39, columns.ipClassOfService[row]!);
  view.setUint32(at + 40, 0);
  view.setUint32(at + 44, 0);
}

function interfaceNumber(index: number): number {
  return index > 65535 ? 0 : index;
}

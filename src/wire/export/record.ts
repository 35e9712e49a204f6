/** The records of flow templates: where a template has each field, and the writer of a datagram's rows. */
import { addressWords } from "../../base/mod.ts";
import { type FlowColumns, type FlowFieldName, flowDirections, verdicts } from "../../flow/mod.ts";
import { setAddressWord, setUint64 } from "./datagram.ts";
import type { FieldEncoding, FlowTemplate, TemplateField } from "./template.ts";

/** Offsets within a record; `absent` for what the template does not have. */
export interface RecordLayout {
  /** Words of an address: 1 or 4. */
  readonly addressWords: number;
  readonly sourceAddress: number;
  readonly destinationAddress: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly protocol: number;
  readonly ipClassOfService: number;
  readonly tcpControlBits: number;
  readonly packets: number;
  readonly octets: number;
  readonly startUptime: number;
  readonly endUptime: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly ingressInterface: number;
  readonly egressInterface: number;
  readonly flowDirection: number;
  readonly flowEndReason: number;
  readonly vlanId: number;
  readonly icmpType: number;
  readonly forwardingStatus: number;
  readonly firewallEvent: number;
}

const absent = -1;

export function layRecord(fields: readonly TemplateField[]): RecordLayout {
  const of = (name: FlowFieldName, encoding: FieldEncoding = "unsigned"): number =>
    fields.find(({ field, encoding: own }) => field === name && own === encoding)?.offset ?? absent;
  const ipv4 = of("sourceAddress", "ipv4Address");
  const isIpv6 = ipv4 === absent;
  return {
    addressWords: isIpv6 ? addressWords : 1,
    sourceAddress: isIpv6 ? of("sourceAddress", "ipv6Address") : ipv4,
    destinationAddress: of("destinationAddress", isIpv6 ? "ipv6Address" : "ipv4Address"),
    sourcePort: of("sourcePort"),
    destinationPort: of("destinationPort"),
    protocol: of("protocol"),
    ipClassOfService: of("ipClassOfService"),
    tcpControlBits: of("tcpControlBits"),
    packets: of("packets"),
    octets: of("octets"),
    startUptime: of("startUs", "uptime"),
    endUptime: of("endUs", "uptime"),
    startMs: of("startUs", "milliseconds"),
    endMs: of("endUs", "milliseconds"),
    ingressInterface: of("ingressInterface"),
    egressInterface: of("egressInterface"),
    flowDirection: of("flowDirection", "direction"),
    flowEndReason: of("flowEndReason"),
    vlanId: of("vlanId"),
    icmpType: of("destinationPort", "icmpType"),
    forwardingStatus: of("verdict", "forwardingStatus"),
    firewallEvent: of("verdict", "firewallEvent"),
  };
}

/** Which rows of a batch become records, and where. */
export interface RecordSpan {
  readonly columns: FlowColumns;
  /** Row numbers; those from `from` on, `count` of them, are written. */
  readonly rows: Uint32Array;
  readonly from: number;
  readonly count: number;
  /** Where the first record starts. */
  readonly at: number;
}

/** Writes `span.count` records of the template, one after the other. */
export function writeFlowRecords(
  { layout, recordBytes }: FlowTemplate,
  view: DataView,
  { columns, rows, from, count, at: first }: RecordSpan,
  bootMs: number,
): void {
  for (let index = 0; index < count; index++) {
    const row = rows[from + index]!;
    const at = first + index * recordBytes;
    writeAddresses(view, at, layout, columns, row);
    writeTransport(view, at, layout, columns, row);
    setUint64(view, at + layout.packets, columns.packets[row]!);
    setUint64(view, at + layout.octets, columns.octets[row]!);
    writeTimes(view, at, layout, columns, row, bootMs);
    writeObservation(view, at, layout, columns, row);
    if (layout.forwardingStatus !== absent) writeVerdict(view, at, layout, columns.verdict[row]!);
  }
}

function writeAddresses(
  view: DataView,
  at: number,
  layout: RecordLayout,
  { sourceAddress, destinationAddress }: FlowColumns,
  row: number,
): void {
  // An IPv4 address is the last of the four words.
  const word = row * addressWords + addressWords - layout.addressWords;
  for (let part = 0; part < layout.addressWords; part++) {
    setAddressWord(view, at + layout.sourceAddress + part * 4, sourceAddress[word + part]!);
    setAddressWord(view, at + layout.destinationAddress + part * 4, destinationAddress[word + part]!);
  }
}

function writeTransport(
  view: DataView,
  at: number,
  layout: RecordLayout,
  columns: FlowColumns,
  row: number,
): void {
  const destinationPort = columns.destinationPort[row]!;
  view.setUint16(at + layout.sourcePort, columns.sourcePort[row]!);
  view.setUint16(at + layout.destinationPort, destinationPort);
  view.setUint8(at + layout.protocol, columns.protocol[row]!);
  view.setUint8(at + layout.ipClassOfService, columns.ipClassOfService[row]!);
  view.setUint8(at + layout.tcpControlBits, columns.tcpControlBits[row]!);
  if (layout.icmpType !== absent) view.setUint16(at + layout.icmpType, destinationPort);
}

function writeTimes(
  view: DataView,
  at: number,
  layout: RecordLayout,
  { startUs, endUs }: FlowColumns,
  row: number,
  bootMs: number,
): void {
  const startMs = Math.floor(startUs[row]! / 1000);
  const endMs = Math.floor(endUs[row]! / 1000);
  setUint64(view, at + layout.startMs, startMs);
  setUint64(view, at + layout.endMs, endMs);
  if (layout.startUptime === absent) return;
  view.setUint32(at + layout.startUptime, startMs - bootMs);
  view.setUint32(at + layout.endUptime, endMs - bootMs);
}

/** flowDirection (61) knows ingress and egress only; an unknown direction is ingress, as its interface is. */
function writeObservation(
  view: DataView,
  at: number,
  layout: RecordLayout,
  columns: FlowColumns,
  row: number,
): void {
  const isEgress = columns.flowDirection[row] === flowDirections.egress;
  view.setUint32(at + layout.ingressInterface, columns.ingressInterface[row]!);
  view.setUint32(at + layout.egressInterface, columns.egressInterface[row]!);
  view.setUint8(at + layout.flowDirection, isEgress ? 1 : 0);
  view.setUint8(at + layout.flowEndReason, columns.flowEndReason[row]!);
  view.setUint16(at + layout.vlanId, columns.vlanId[row]!);
}

/** forwardingStatus (89), RFC 7270 section 4.12: 0 unknown, 64 forwarded, 129 dropped by an ACL's deny. */
const forwardingStatusBytes = new Uint8Array(256);
forwardingStatusBytes[verdicts.accepted] = 64;
forwardingStatusBytes[verdicts.rejected] = 129;

/** firewallEvent (233) of IANA's registry: 3 flow denied, 5 flow update, for a record tells what was counted so far. */
const firewallEventBytes = new Uint8Array(256);
firewallEventBytes[verdicts.accepted] = 5;
firewallEventBytes[verdicts.rejected] = 3;

function writeVerdict(view: DataView, at: number, layout: RecordLayout, verdict: number): void {
  view.setUint8(at + layout.forwardingStatus, forwardingStatusBytes[verdict]!);
  view.setUint8(at + layout.firewallEvent, firewallEventBytes[verdict]!);
}

/**
 * Flow templates of NetFlow v9 and IPFIX, built from the field table, and the writers of their records.
 *
 * A record is written column by column: for each field of the template one tight loop over the rows of
 * the datagram, so that the table drives the encoder and the loops stay monomorphic.
 */
import { addressWords } from "../../base/mod.ts";
import {
  type FlowColumns,
  type FlowFieldName,
  flowDirections,
  flowFieldList,
  verdicts,
} from "../../flow/mod.ts";
import { setAddressWord, setUint64 } from "./datagram.ts";

/** How a column becomes bytes. `milliseconds` is since 1970, `uptime` since the clock's boot instant. */
type FieldEncoding =
  | "unsigned"
  | "milliseconds"
  | "uptime"
  | "ipv4Address"
  | "ipv6Address"
  | "direction"
  | "forwardingStatus"
  | "firewallEvent";

export interface TemplateField {
  readonly field: FlowFieldName;
  /** Information element of IPFIX, field type of NetFlow v9. */
  readonly element: number;
  readonly length: number;
  readonly encoding: FieldEncoding;
  /** Where the field lies in a record. */
  readonly offset: number;
}

export interface FlowTemplate {
  readonly id: number;
  readonly fields: readonly TemplateField[];
  readonly recordBytes: number;
}

/** RFC 7011 section 3.4.1 and RFC 3954 section 5.2: template ids start at 256. An id keeps its meaning over versions. */
const firstTemplateId = 256;
export const firstOptionsTemplateId = firstTemplateId + 4;
const firstVerdictTemplateId = firstTemplateId + 16;

type FieldShape = Omit<TemplateField, "offset">;

/**
 * The templates, by group of `flowGroupOf()`: IPv4, IPv6, ICMP, ICMPv6, and the same with the firewall's
 * verdict, which flows of most sources do not have. ICMP type and code stand in their own element and, as
 * exporters have always done, in the destination port too.
 */
export function createFlowTemplates(version: 9 | 10): readonly FlowTemplate[] {
  return [false, true].flatMap((verdict) =>
    [false, true].flatMap((icmp) =>
      [false, true].map((ipv6) => {
        const shapes = [...addressFields(ipv6), ...transportFields(), ...flowFields(version)];
        if (icmp) shapes.push(fieldShape("destinationPort", 2, "unsigned", ipv6 ? 139 : 32));
        if (verdict) shapes.push(...verdictFields());
        const first = verdict ? firstVerdictTemplateId : firstTemplateId;
        return layTemplate(first + (icmp ? 2 : 0) + (ipv6 ? 1 : 0), shapes);
      }),
    ),
  );
}

const verdictGroups = 4;
export const flowGroups = 2 * verdictGroups;

/** The index of the template of a row. */
export function flowGroupOf(columns: FlowColumns, row: number): number {
  const protocol = columns.protocol[row];
  const group = columns.ipVersion[row] === 6 ? (protocol === 58 ? 3 : 1) : protocol === 1 ? 2 : 0;
  return columns.verdict[row] === verdicts.unknown ? group : group + verdictGroups;
}

function addressFields(ipv6: boolean): FieldShape[] {
  return (["sourceAddress", "destinationAddress"] as const).map((name) =>
    ipv6
      ? fieldShape(name, 16, "ipv6Address", flowFieldOf(name).informationElementIpv6)
      : fieldShape(name, 4, "ipv4Address"),
  );
}

/**
 * TCP flags are one byte in RFC 3954 section 8; of the two in RFC 9565 the second is sent, as its reduced
 * size allows, because nfacctd reads no other.
 */
function transportFields(): FieldShape[] {
  return [
    fieldShape("sourcePort", 2),
    fieldShape("destinationPort", 2),
    fieldShape("protocol", 1),
    fieldShape("ipClassOfService", 1),
    fieldShape("tcpControlBits", 1),
  ];
}

function verdictFields(): FieldShape[] {
  return [fieldShape("verdict", 1, "forwardingStatus"), fieldShape("verdict", 1, "firewallEvent", 233)];
}

/**
 * NetFlow v9 has its times twice: FIRST_SWITCHED 22 and LAST_SWITCHED 21, which every collector knows, and
 * the absolute milliseconds that do not depend on a clock of 32 bits.
 */
function flowFields(version: 9 | 10): FieldShape[] {
  const uptimes =
    version === 9 ? [fieldShape("startUs", 4, "uptime", 22), fieldShape("endUs", 4, "uptime", 21)] : [];
  return [
    fieldShape("packets", 8),
    fieldShape("octets", 8),
    ...uptimes,
    fieldShape("startUs", 8, "milliseconds"),
    fieldShape("endUs", 8, "milliseconds"),
    fieldShape("ingressInterface", 4),
    fieldShape("egressInterface", 4),
    fieldShape("flowDirection", 1, "direction"),
    fieldShape("flowEndReason", 1),
    fieldShape("vlanId", 2),
  ];
}

function fieldShape(
  name: FlowFieldName,
  length: number,
  encoding: FieldEncoding = "unsigned",
  element = flowFieldOf(name).informationElement,
): FieldShape {
  if (element === undefined) throw new Error(`field ${name} has no information element`);
  return { field: name, element, length, encoding };
}

function flowFieldOf(name: FlowFieldName): (typeof flowFieldList)[number] {
  return flowFieldList.find((field) => field.name === name)!;
}

function layTemplate(id: number, shapes: readonly FieldShape[]): FlowTemplate {
  const fields: TemplateField[] = [];
  let offset = 0;
  for (const shape of shapes) {
    fields.push({ ...shape, offset });
    offset += shape.length;
  }
  return { id, fields, recordBytes: offset };
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
  template: FlowTemplate,
  view: DataView,
  span: RecordSpan,
  bootMs: number,
): void {
  for (const field of template.fields) writeField(field, template.recordBytes, view, span, bootMs);
}

function writeField(
  { field, length, encoding, offset }: TemplateField,
  stride: number,
  view: DataView,
  span: RecordSpan,
  bootMs: number,
): void {
  const column = span.columns[field];
  const start = span.at + offset;
  switch (encoding) {
    case "unsigned":
      if (length === 1) writeBytes(view, start, stride, column, span);
      else if (length === 2) writeShorts(view, start, stride, column, span);
      else if (length === 4) writeWords(view, start, stride, column, span);
      else writeCounters(view, start, stride, column, span);
      return;
    case "milliseconds":
      writeMilliseconds(view, start, stride, column, span);
      return;
    case "uptime":
      writeUptimes(view, start, stride, column, span, bootMs);
      return;
    case "ipv4Address":
      writeAddresses(view, start, stride, column, span, addressWords - 1);
      return;
    case "ipv6Address":
      writeAddresses(view, start, stride, column, span, 0);
      return;
    case "direction":
      writeMapped(view, start, stride, column, span, directionBytes);
      return;
    case "forwardingStatus":
      writeMapped(view, start, stride, column, span, forwardingStatusBytes);
      return;
    case "firewallEvent":
      writeMapped(view, start, stride, column, span, firewallEventBytes);
      return;
  }
}

type Column = FlowColumns[FlowFieldName];

function writeBytes(
  view: DataView,
  start: number,
  stride: number,
  column: Column,
  { rows, from, count }: RecordSpan,
): void {
  for (let index = 0; index < count; index++) {
    view.setUint8(start + index * stride, column[rows[from + index]!]!);
  }
}

function writeShorts(
  view: DataView,
  start: number,
  stride: number,
  column: Column,
  { rows, from, count }: RecordSpan,
): void {
  for (let index = 0; index < count; index++) {
    view.setUint16(start + index * stride, column[rows[from + index]!]!);
  }
}

function writeWords(
  view: DataView,
  start: number,
  stride: number,
  column: Column,
  { rows, from, count }: RecordSpan,
): void {
  for (let index = 0; index < count; index++) {
    view.setUint32(start + index * stride, column[rows[from + index]!]!);
  }
}

function writeCounters(
  view: DataView,
  start: number,
  stride: number,
  column: Column,
  { rows, from, count }: RecordSpan,
): void {
  for (let index = 0; index < count; index++) {
    setUint64(view, start + index * stride, column[rows[from + index]!]!);
  }
}

function writeMilliseconds(
  view: DataView,
  start: number,
  stride: number,
  column: Column,
  { rows, from, count }: RecordSpan,
): void {
  for (let index = 0; index < count; index++) {
    setUint64(view, start + index * stride, Math.floor(column[rows[from + index]!]! / 1000));
  }
}

function writeUptimes(
  view: DataView,
  start: number,
  stride: number,
  column: Column,
  { rows, from, count }: RecordSpan,
  bootMs: number,
): void {
  for (let index = 0; index < count; index++) {
    const timeMs = Math.floor(column[rows[from + index]!]! / 1000);
    view.setUint32(start + index * stride, timeMs - bootMs);
  }
}

function writeAddresses(
  view: DataView,
  start: number,
  stride: number,
  column: Column,
  { rows, from, count }: RecordSpan,
  firstWord: number,
): void {
  for (let index = 0; index < count; index++) {
    const word = rows[from + index]! * addressWords;
    let at = start + index * stride;
    for (let part = firstWord; part < addressWords; part++) {
      setAddressWord(view, at, column[word + part]!);
      at += 4;
    }
  }
}

/** flowDirection (61) knows ingress and egress only; an unknown direction is ingress, as its interface is. */
const directionBytes = new Uint8Array(256);
directionBytes[flowDirections.egress] = 1;

/** forwardingStatus (89), RFC 7270 section 4.12: 0 unknown, 64 forwarded, 129 dropped by an ACL's deny. */
const forwardingStatusBytes = new Uint8Array(256);
forwardingStatusBytes[verdicts.accepted] = 64;
forwardingStatusBytes[verdicts.rejected] = 129;

/** firewallEvent (233) of IANA's registry: 3 flow denied, 5 flow update, for a record tells what was counted so far. */
const firewallEventBytes = new Uint8Array(256);
firewallEventBytes[verdicts.accepted] = 5;
firewallEventBytes[verdicts.rejected] = 3;

function writeMapped(
  view: DataView,
  start: number,
  stride: number,
  column: Column,
  { rows, from, count }: RecordSpan,
  map: Uint8Array,
): void {
  for (let index = 0; index < count; index++) {
    view.setUint8(start + index * stride, map[column[rows[from + index]!]!]!);
  }
}

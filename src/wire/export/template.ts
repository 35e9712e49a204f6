/** Flow templates of NetFlow v9 and IPFIX, built from the field table; record.ts writes their records. */
import { type FlowColumns, type FlowFieldName, flowFieldList, verdicts } from "../../flow/mod.ts";
import { layRecord, type RecordLayout } from "./record.ts";

/** How a column becomes bytes. `milliseconds` is since 1970, `uptime` since the clock's boot instant. */
export type FieldEncoding =
  | "unsigned"
  | "icmpType"
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
  readonly layout: RecordLayout;
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
        if (icmp) shapes.push(fieldShape("destinationPort", 2, "icmpType", ipv6 ? 139 : 32));
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
  return { id, fields, recordBytes: offset, layout: layRecord(fields) };
}

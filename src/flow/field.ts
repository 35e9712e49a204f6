/**
 * The field table: what a flow is.
 *
 * Each field is named once, here. The codecs take the information element (IANA IPFIX registry; the
 * NetFlow v9 field type where RFC 3954 numbers it differently), the store takes the column, the dialects
 * take the record name of their cloud, and docs/reference/fields.md is generated from it. `id` is the
 * field's number in the byte form of a batch: never reused, never renumbered.
 */

export type FieldType = "u8" | "u16" | "u32" | "f64" | "address";

interface FieldShape {
  readonly id: number;
  readonly name: string;
  readonly type: FieldType;
  /** The value of a row whose column an older writer did not know. Addresses default to `::`. */
  readonly fallback: number;
  readonly unit?: string;
  /** IPFIX information element; for addresses the IPv4 one, with `informationElementIpv6` beside it. */
  readonly informationElement?: number;
  readonly informationElementIpv6?: number;
  /** The store's column name. */
  readonly column: string;
  /** The field's name in a record of Alibaba Smart Access Gateway. */
  readonly sagRecord?: string;
  readonly description: string;
}

export const flowFields = [
  {
    id: 1,
    name: "startUs",
    type: "f64",
    fallback: 0,
    unit: "microseconds since 1970",
    informationElement: 152,
    column: "start_us",
    sagRecord: "start",
    description: "Timestamp of the flow's first packet",
  },
  {
    id: 2,
    name: "endUs",
    type: "f64",
    fallback: 0,
    unit: "microseconds since 1970",
    informationElement: 153,
    column: "end_us",
    sagRecord: "end",
    description: "Timestamp of the flow's last packet",
  },
  {
    id: 3,
    name: "ipVersion",
    type: "u8",
    fallback: 4,
    informationElement: 60,
    column: "ip_version",
    description: "4 or 6",
  },
  {
    id: 4,
    name: "sourceAddress",
    type: "address",
    fallback: 0,
    informationElement: 8,
    informationElementIpv6: 27,
    column: "source_address",
    sagRecord: "srcaddr",
    description: "Source IP address; IPv4 is IPv4-mapped",
  },
  {
    id: 5,
    name: "destinationAddress",
    type: "address",
    fallback: 0,
    informationElement: 12,
    informationElementIpv6: 28,
    column: "destination_address",
    sagRecord: "dstaddr",
    description: "Destination IP address; IPv4 is IPv4-mapped",
  },
  {
    id: 6,
    name: "sourcePort",
    type: "u16",
    fallback: 0,
    informationElement: 7,
    column: "source_port",
    sagRecord: "srcport",
    description: "Source port of TCP, UDP and SCTP; 0 otherwise",
  },
  {
    id: 7,
    name: "destinationPort",
    type: "u16",
    fallback: 0,
    informationElement: 11,
    column: "destination_port",
    sagRecord: "dstport",
    description: "Destination port of TCP, UDP and SCTP; type × 256 + code of ICMP and ICMPv6; 0 otherwise",
  },
  {
    id: 8,
    name: "protocol",
    type: "u8",
    fallback: 0,
    informationElement: 4,
    column: "protocol",
    sagRecord: "protocol",
    description: "IANA protocol number of the transport header",
  },
  {
    id: 9,
    name: "ipClassOfService",
    type: "u8",
    fallback: 0,
    informationElement: 5,
    column: "ip_class_of_service",
    sagRecord: "tos",
    description: "TOS or traffic class of the flow's first packet",
  },
  {
    id: 10,
    name: "tcpControlBits",
    type: "u16",
    fallback: 0,
    informationElement: 6,
    column: "tcp_control_bits",
    sagRecord: "tcp-flags",
    description: "TCP flags of all packets, ORed",
  },
  {
    id: 11,
    name: "packets",
    type: "f64",
    fallback: 0,
    unit: "packets",
    informationElement: 2,
    column: "packets",
    sagRecord: "packets",
    description: "Packets; an integer, exact to 2^53",
  },
  {
    id: 12,
    name: "octets",
    type: "f64",
    fallback: 0,
    unit: "layer-3 octets",
    informationElement: 1,
    column: "octets",
    sagRecord: "bytes",
    description: "Octets of IP header and payload; an integer, exact to 2^53",
  },
  {
    id: 13,
    name: "ingressInterface",
    type: "u32",
    fallback: 0,
    informationElement: 10,
    column: "ingress_interface",
    sagRecord: "inport",
    description: "ifIndex the packets came in by; 0 if they did not",
  },
  {
    id: 14,
    name: "egressInterface",
    type: "u32",
    fallback: 0,
    informationElement: 14,
    column: "egress_interface",
    sagRecord: "outport",
    description: "ifIndex the packets went out by; 0 if not known",
  },
  {
    id: 15,
    name: "flowDirection",
    type: "u8",
    fallback: 255,
    informationElement: 61,
    column: "flow_direction",
    description: "0 ingress, 1 egress, 255 not known",
  },
  {
    id: 16,
    name: "flowEndReason",
    type: "u8",
    fallback: 0,
    informationElement: 136,
    column: "flow_end_reason",
    description: "1 idle, 2 active, 3 end of flow, 4 forced end, 5 lack of resources (RFC 5102)",
  },
  {
    id: 17,
    name: "vlanId",
    type: "u16",
    fallback: 0,
    informationElement: 58,
    column: "vlan_id",
    description: "Outermost VLAN id; 0 if untagged",
  },
  {
    id: 18,
    name: "verdict",
    type: "u8",
    fallback: 0,
    informationElement: 89,
    column: "verdict",
    description: "0 not known, 1 accepted, 2 rejected",
  },
  {
    id: 19,
    name: "ruleId",
    type: "u32",
    fallback: 0,
    column: "rule_id",
    description: "The firewall rule that decided; 0 not known",
  },
  {
    id: 20,
    name: "samplingInterval",
    type: "u32",
    fallback: 1,
    informationElement: 305,
    column: "sampling_interval",
    description: "One of this many packets was metered; 1 is all",
  },
  {
    id: 21,
    name: "samplingOrigin",
    type: "u8",
    fallback: 0,
    column: "sampling_origin",
    description: "0 metered here, 1 options data, 2 record, 3 header, 4 configuration",
  },
  {
    id: 22,
    name: "observationDomain",
    type: "u32",
    fallback: 0,
    informationElement: 149,
    column: "observation_domain",
    description: "Observation domain of the meter or exporter",
  },
  {
    id: 23,
    name: "exporterAddress",
    type: "address",
    fallback: 0,
    informationElement: 130,
    informationElementIpv6: 131,
    column: "exporter_address",
    description: "Who exported the flow; :: if metered here",
  },
  {
    id: 24,
    name: "logStatus",
    type: "u8",
    fallback: 0,
    column: "log_status",
    description: "0 OK: a flow; 1 NODATA and 2 SKIPDATA: no flow, but a word on the whole window",
  },
  {
    id: 25,
    name: "windowS",
    type: "u32",
    fallback: 0,
    unit: "seconds",
    column: "window_s",
    description: "Aggregation interval; 0 where flows are aged",
  },
] as const satisfies readonly FieldShape[];

export type FlowField = FieldShape & { readonly name: FlowFieldName };
export type FlowFieldName = (typeof flowFields)[number]["name"];

/** The same table as a plain list, for code that walks every field alike. */
export const flowFieldList: readonly FlowField[] = flowFields;

export const flowEndReasons = { idle: 1, active: 2, endOfFlow: 3, forced: 4, lackOfResources: 5 } as const;
export const flowDirections = { ingress: 0, egress: 1, unknown: 255 } as const;
/** What a row says: a flow, that its window had no traffic, or that some of its window's packets were lost. */
export const logStatuses = { ok: 0, noData: 1, skipData: 2 } as const;
export const verdicts = { unknown: 0, accepted: 1, rejected: 2 } as const;

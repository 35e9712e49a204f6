/**
 * The record of an Alibaba VPC flow log ("Simple Log Service: VPC" of its documentation): one flow on one
 * elastic network interface in one aggregation interval, or the word that there was none (NODATA) or that
 * some were not recorded (SKIPDATA), which has `-` in every field of a flow.
 *
 * `-` stands wherever a field does not apply or is not known: a port of a protocol without ports, TCP flags
 * of what is not TCP, the action where nobody told the firewall's verdict, the traffic path.
 */
import { type RecordField, type RecordFormat, recordDelimiters } from "./record-format.ts";

const shownAs = "-";
const isFlow = "log_status = 0";
/** TCP, UDP, DCCP, SCTP and UDP-Lite. */
const hasPorts = `${isFlow} AND protocol IN (6, 17, 33, 132, 136)`;
const isTcp = `${isFlow} AND protocol = 6`;

export const vpcRecordFormat: RecordFormat = {
  name: "vpc",
  topic: { name: "__topic__", kind: "exact", expression: "'flow_log'" },
  source: { name: "__source__", kind: "exact", expression: "toString(agent_id)" },
  fields: [
    { name: "version", kind: "long", expression: "toUInt8(1)" },
    named("vswitch-id", "subnet_id"),
    named("vm-id", "instance_id"),
    named("vpc-id", "vpc_id"),
    named("account-id", "account_id"),
    named("eni-id", "resource_id"),
    named("region", "region_id"),
    oneOf("type", ["IPv6", "IPv4"], "if(ip_version = 6, 'IPv6', 'IPv4')", isFlow),
    { name: "srcaddr", kind: "address", expression: "source_address", presence: isFlow, shownAs },
    long("srcport", "source_port", hasPorts),
    { name: "dstaddr", kind: "address", expression: "destination_address", presence: isFlow, shownAs },
    long("dstport", "destination_port", hasPorts),
    long("protocol", "protocol", isFlow),
    oneOf(
      "direction",
      ["in", "out"],
      "if(flow_direction = 0, 'in', 'out')",
      `${isFlow} AND flow_direction IN (0, 1)`,
    ),
    long("packets", "packets", isFlow),
    long("bytes", "octets", isFlow),
    { name: "start", kind: "long", expression: "intDiv(start_us, 1000000)" },
    { name: "end", kind: "long", expression: endExpression() },
    {
      name: "log-status",
      kind: "text",
      isWord: true,
      values: ["OK", "NODATA", "SKIPDATA"],
      expression: "transform(log_status, [0, 1, 2], ['OK', 'NODATA', 'SKIPDATA'], '')",
    },
    oneOf(
      "action",
      ["ACCEPT", "REJECT"],
      "if(verdict = 1, 'ACCEPT', 'REJECT')",
      `${isFlow} AND verdict IN (1, 2)`,
    ),
    long("tcp-flags", "tcp_control_bits", isTcp),
    oneOf("traffic_path", [], "''", "0"),
  ],
  delimiters: recordDelimiters,
};

/** When a connection was closed, if it was in this interval; otherwise the interval's end. */
function endExpression(): string {
  const windowEnd = "(intDivOrZero(intDiv(start_us, 1000000), window_s) + 1) * window_s";
  return `if(window_s = 0 OR flow_end_reason = 3, intDiv(end_us, 1000000), ${windowEnd})`;
}

/** A name of whose traffic it is; those that are not known are empty. */
function named(name: string, column: string): RecordField {
  return word(name, `toString(${column})`, `${column} != ''`);
}

function word(name: string, expression: string, presence: string): RecordField {
  return { name, kind: "text", isWord: true, expression, presence, shownAs };
}

/** A word of few values. */
function oneOf(name: string, values: readonly string[], expression: string, presence: string): RecordField {
  return { ...word(name, expression, presence), values };
}

function long(name: string, column: string, presence: string): RecordField {
  return { name, kind: "long", expression: column, presence, shownAs };
}

/**
 * The record of an Alibaba VPC flow log ("Simple Log Service: VPC" of its documentation): one flow on one
 * elastic network interface in one aggregation interval, or the word that there was none (NODATA) or that
 * some were not recorded (SKIPDATA), which has `-` in every field of a flow.
 *
 * `-` stands wherever a field does not apply or is not known: a port of a protocol without ports, TCP flags
 * of what is not TCP, the action where nobody told the firewall's verdict, the traffic path.
 */
import { type RecordField, type RecordFormat, recordDelimiters } from "./record-format.ts";

const none = "-";
const isFlow = "log_status = 0";

/** TCP, UDP, DCCP, SCTP and UDP-Lite. */
const protocolsWithPorts = "(6, 17, 33, 132, 136)";

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
    word("type", "if(ip_version = 6, 'IPv6', 'IPv4')"),
    address("srcaddr", "source_address"),
    long("srcport", "source_port", `protocol IN ${protocolsWithPorts}`),
    address("dstaddr", "destination_address"),
    long("dstport", "destination_port", `protocol IN ${protocolsWithPorts}`),
    long("protocol", "protocol"),
    word("direction", `transform(flow_direction, [0, 1], ['in', 'out'], '${none}')`),
    long("packets", "packets"),
    long("bytes", "octets"),
    { name: "start", kind: "long", expression: "intDiv(start_us, 1000000)" },
    { name: "end", kind: "long", expression: endExpression() },
    {
      name: "log-status",
      kind: "text",
      expression: "transform(log_status, [0, 1, 2], ['OK', 'NODATA', 'SKIPDATA'], '')",
    },
    word("action", `transform(verdict, [1, 2], ['ACCEPT', 'REJECT'], '${none}')`),
    long("tcp-flags", "tcp_control_bits", "protocol = 6"),
    { name: "traffic_path", kind: "text", expression: `'${none}'` },
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
  return { name, kind: "text", expression: `if(${column} = '', '${none}', toString(${column}))` };
}

function word(name: string, expression: string): RecordField {
  return { name, kind: "text", expression: `if(${isFlow}, ${expression}, '${none}')` };
}

function address(name: string, column: string): RecordField {
  return {
    name,
    kind: "address",
    optional: true,
    shownAs: none,
    expression: `if(${isFlow}, ${column}, NULL)`,
  };
}

function long(name: string, column: string, applies = isFlow): RecordField {
  const condition = applies === isFlow ? isFlow : `${isFlow} AND ${applies}`;
  return {
    name,
    kind: "long",
    optional: true,
    shownAs: none,
    expression: `if(${condition}, ${column}, NULL)`,
  };
}

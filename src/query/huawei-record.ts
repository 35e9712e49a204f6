/**
 * The record of a Huawei Cloud or Open Telekom Cloud VPC flow log ("Viewing a VPC Flow Log" of their user
 * guides), version 1: one flow on one port in one capture window, or the word that there was none (NODATA)
 * or that some were not recorded (SKIPDATA), which has `-` in every field of a flow.
 *
 * The log service shows it as one line, the fields in this order with a space between. Start and end are the
 * window's. `-` stands as well for the action where nobody told the firewall's verdict.
 */
import { type RecordField, type RecordFormat, recordDelimiters } from "./record-format.ts";

const none = "-";
const isFlow = "log_status = 0";

/** The window of a row, seconds; a row of no window is taken as one of the service's ten minutes. */
const windowS = "if(window_s = 0, 600, window_s)";
const windowStart = `intDiv(intDiv(start_us, 1000000), ${windowS}) * ${windowS}`;

export const huaweiRecordFormat: RecordFormat = {
  name: "huawei",
  topic: { name: "__topic__", kind: "exact", expression: "'flow_log'" },
  source: { name: "__source__", kind: "exact", expression: "toString(agent_id)" },
  fields: [
    { name: "version", kind: "long", expression: "toUInt8(1)" },
    { name: "project-id", kind: "text", isWord: true, expression: "toString(project_id)" },
    { name: "interface-id", kind: "text", isWord: true, expression: "toString(resource_id)" },
    ofFlow("srcaddr", "address", "source_address"),
    ofFlow("dstaddr", "address", "destination_address"),
    ofFlow("srcport", "long", "source_port"),
    ofFlow("dstport", "long", "destination_port"),
    ofFlow("protocol", "long", "protocol"),
    ofFlow("packets", "long", "packets"),
    ofFlow("bytes", "long", "octets"),
    { name: "start", kind: "long", expression: `toUInt64(${windowStart})` },
    { name: "end", kind: "long", expression: `toUInt64(${windowStart} + ${windowS})` },
    {
      name: "action",
      kind: "text",
      isWord: true,
      values: ["ACCEPT", "REJECT"],
      expression: "if(verdict = 1, 'ACCEPT', 'REJECT')",
      presence: `${isFlow} AND verdict IN (1, 2)`,
      shownAs: none,
    },
    {
      name: "log-status",
      kind: "text",
      isWord: true,
      values: ["OK", "NODATA", "SKIPDATA"],
      expression: "transform(log_status, [0, 1, 2], ['OK', 'NODATA', 'SKIPDATA'], '')",
    },
  ],
  delimiters: recordDelimiters,
};

function ofFlow(name: string, kind: "long" | "address", column: string): RecordField {
  return { name, kind, expression: column, presence: isFlow, shownAs: none };
}

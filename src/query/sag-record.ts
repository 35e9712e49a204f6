/**
 * The record of an Alibaba Smart Access Gateway flow log ("Flow log overview" of its documentation).
 *
 * `Instance_id`, `snid` and `ali-uid` describe whose traffic it is; the others are the flow's fields by
 * the name that the field table gives them. `__time__` is the end of the flow in whole seconds,
 * `__source__` the agent that metered, and `__topic__` `flow_log`, the topic of Alibaba's flow logs.
 */
import { type FlowField, flowFieldList } from "../flow/mod.ts";
import { type RecordField, type RecordFormat, recordDelimiters } from "./record-format.ts";

/** The order in which the documentation lists the flow's fields. */
const recordOrder = [
  "start",
  "end",
  "protocol",
  "srcaddr",
  "srcport",
  "dstaddr",
  "dstport",
  "packets",
  "bytes",
  "tcp-flags",
  "tos",
  "inport",
  "outport",
];

export const sagRecordFormat: RecordFormat = {
  name: "sag",
  topic: { name: "__topic__", kind: "exact", expression: "'flow_log'" },
  source: { name: "__source__", kind: "exact", expression: "toString(agent_id)" },
  fields: [
    { name: "Instance_id", kind: "text", isWord: true, expression: "toString(resource_id)" },
    { name: "snid", kind: "text", expression: "toString(resource_serial)" },
    { name: "ali-uid", kind: "text", isWord: true, expression: "toString(account_id)" },
    ...flowRecordFields(),
  ],
  delimiters: recordDelimiters,
};

function flowRecordFields(): RecordField[] {
  return flowFieldList
    .filter((field) => field.sagRecord !== undefined)
    .toSorted((a, b) => recordOrder.indexOf(a.sagRecord!) - recordOrder.indexOf(b.sagRecord!))
    .map(recordFieldOf);
}

function recordFieldOf(field: FlowField): RecordField {
  const name = field.sagRecord!;
  if (field.type === "address") return { name, kind: "address", expression: field.column };
  const isMicroseconds = field.unit?.startsWith("microseconds") ?? false;
  return {
    name,
    kind: "long",
    expression: isMicroseconds ? `intDiv(${field.column}, 1000000)` : field.column,
  };
}

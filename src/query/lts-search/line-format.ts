/**
 * What lines are made of: a flow record as the log service of Huawei Cloud and Open Telekom Cloud shows it, and
 * a line that a client wrote itself. Both are searched by the same keywords.
 */
import { flowsTable, linesTable } from "../../store/mod.ts";
import { huaweiRecordFormat } from "../huawei-record.ts";
import {
  cellText,
  fieldText,
  type RecordField,
  type RecordFormat,
  valueExpression,
} from "../record-format.ts";

/** A table that has lines. */
export interface LineSource {
  readonly table: string;
  /** What searches are planned by. */
  readonly format: RecordFormat;
  /** Nanoseconds within the line's second. */
  readonly nanosecond: string;
  /** The columns that put lines in order, as the table has them. */
  readonly order: readonly string[];
  /** The columns of a line, in the order that `render` takes. */
  readonly columns: readonly string[];
  readonly render: (cells: readonly unknown[]) => RenderedLine;
}

export interface RenderedLine {
  readonly content: string;
  readonly labels: Readonly<Record<string, string>>;
}

const flow = huaweiRecordFormat;

/** The line as the store makes it, for phrases that go from one field into the next. */
const flowContent: RecordField = { name: "content", kind: "text", expression: lineExpression() };

/** Words are searched in the typed fields, phrases in the line. */
export const flowLines: LineSource = {
  table: flowsTable.name,
  format: { ...flow, topic: flowContent },
  nanosecond: "toUInt32(0)",
  order: ["time", "position"],
  columns: flow.fields.map(valueExpression),
  render: (cells) => ({
    content: flow.fields.map((field, index) => fieldText(field, cells[index]) ?? "").join(" "),
    labels: {},
  }),
};

const clientContent: RecordField = { name: "content", kind: "text", expression: "content" };

export const clientLines: LineSource = {
  table: linesTable.name,
  format: { ...flow, name: "lines", fields: [clientContent], topic: clientContent },
  nanosecond: "nanosecond",
  order: ["time", "nanosecond", "position"],
  columns: ["content", "toJSONString(labels)"],
  render: ([content, labels]) => ({
    content: cellText(content),
    labels: JSON.parse(cellText(labels)) as Record<string, string>,
  }),
};

export const contentFieldName = flowContent.name;
export const lineDelimiters = flow.delimiters;

function lineExpression(): string {
  const texts = flow.fields.map((field) => {
    const text = `toString(${field.expression})`;
    const shown =
      field.kind === "address" ? `replaceRegexpOne(${text}, '^::ffff:([0-9]+[.])', '\\\\1')` : text;
    return field.presence === undefined ? shown : `if(${field.presence}, ${shown}, '${field.shownAs ?? ""}')`;
  });
  return `concatWithSeparator(' ', ${texts.join(", ")})`;
}

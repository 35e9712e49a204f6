/** A flow record as the log service of Huawei Cloud and Open Telekom Cloud shows it: one line of text. */
import { huaweiRecordFormat } from "../huawei-record.ts";
import { fieldText, type RecordField, type RecordFormat, valueExpression } from "../record-format.ts";

const format = huaweiRecordFormat;

/** The line as the store makes it, for phrases that go from one field into the next. */
const content: RecordField = { name: "content", kind: "text", expression: lineExpression() };

/** What searches of lines are planned by: words in the typed fields, phrases in the line. */
export const lineFormat: RecordFormat = { ...format, topic: content };

export const contentFieldName = content.name;

/** The columns of a line, in the order that `renderLine` takes. */
export const lineColumns: readonly string[] = format.fields.map(valueExpression);

export function renderLine(cells: readonly unknown[]): string {
  return format.fields.map((field, index) => fieldText(field, cells[index]) ?? "").join(" ");
}

function lineExpression(): string {
  const texts = format.fields.map((field) => {
    const text = `toString(${field.expression})`;
    const shown =
      field.kind === "address" ? `replaceRegexpOne(${text}, '^::ffff:([0-9]+[.])', '\\\\1')` : text;
    return field.presence === undefined ? shown : `if(${field.presence}, ${shown}, '${field.shownAs ?? ""}')`;
  });
  return `concatWithSeparator(' ', ${texts.join(", ")})`;
}

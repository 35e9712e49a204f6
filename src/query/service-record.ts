/**
 * Which record a stored row is: that of the service whose flow log delivered it.
 *
 * A logstore may hold the flow logs of several services. Each row is shown in its own service's format; a
 * search sees one format with the fields of all, in which a row lacks the fields that are not its service's.
 */
import { fail, ok, type Result } from "../base/mod.ts";
import { cellText, fieldText, type LogRecord, type RecordField, type RecordFormat } from "./record-format.ts";
import { sagRecordFormat } from "./sag-record.ts";

/** The formats by the name of the service; at least one. */
export type ServiceFormats = Readonly<Record<string, RecordFormat>>;

export const serviceFormats: ServiceFormats = { sag: sagRecordFormat };

/** The service of a row; those that the first versions wrote do not name it. */
const serviceExpression = "if(service = '', 'sag', toString(service))";

export interface ServiceRecords {
  /** The fields of all services: what searches are planned by. */
  readonly format: RecordFormat;
  /** The columns to select for `render`, in its order. */
  readonly columns: readonly string[];
  /** Makes the record of one row of `columns`. */
  readonly render: (row: readonly unknown[]) => Result<LogRecord>;
}

const reservedColumns = 4;

export function createServiceRecords(formats: ServiceFormats): ServiceRecords {
  const format = mergeFormats(formats);
  const { source, topic, fields } = format;
  const services = Object.keys(formats);
  const columnOf = new Map(fields.map(({ name }, index) => [name, reservedColumns + index]));
  return {
    format,
    columns: [
      services.length === 1 ? `'${services[0]}'` : serviceExpression,
      "toUnixTimestamp(time)",
      source.expression,
      topic.expression,
      ...fields.map(({ expression }) => expression),
    ],
    render: (row) => {
      const own = formats[cellText(row[0])];
      if (own === undefined) return fail("Internal", `there is no record of the service ${cellText(row[0])}`);
      const record: LogRecord = {
        __time__: cellText(row[1]),
        __source__: cellText(row[2]),
        __topic__: cellText(row[3]),
      };
      for (const field of own.fields) {
        const text = fieldText(field, row[columnOf.get(field.name)!]);
        if (text !== undefined) record[field.name] = text;
      }
      return ok(record);
    },
  };
}

/** One format with the fields of all, each by its first name's place; topic, source and delimiters are common. */
function mergeFormats(formats: ServiceFormats): RecordFormat {
  const byService = Object.entries(formats);
  const [, first] = byService[0]!;
  const names = new Set(byService.flatMap(([, { fields }]) => fields.map(({ name }) => name)));
  const fields = [...names].map((name) => {
    const variants = byService.map(([service, own]) => ({
      service,
      field: own.fields.find((field) => field.name === name),
    }));
    return mergeField(variants);
  });
  return { ...first, name: byService.map(([service]) => service).join(", "), fields };
}

interface Variant {
  readonly service: string;
  readonly field: RecordField | undefined;
}

/** The field where all services have the same, and otherwise each row's own or NULL. */
function mergeField(variants: readonly Variant[]): RecordField {
  const {
    name,
    kind,
    expression,
    optional = false,
  } = variants.find(({ field }) => field !== undefined)!.field!;
  if (variants.every(({ field }) => field?.expression === expression))
    return { name, kind, expression, optional };
  const branches = variants.flatMap(({ service, field }) =>
    field === undefined ? [] : [`${serviceExpression} = '${service}', ${field.expression}`],
  );
  return { name, kind, optional: true, expression: `multiIf(${branches.join(", ")}, NULL)` };
}

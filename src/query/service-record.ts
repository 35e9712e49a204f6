/**
 * Which record a stored row is: that of the service whose flow log delivered it.
 *
 * A logstore may hold the flow logs of several services. Each row is shown in its own service's format; a
 * search sees one format with the fields of all, in which a row lacks the fields that are not its service's.
 */
import { fail, ok, type Result } from "../base/mod.ts";
import { huaweiRecordFormat } from "./huawei-record.ts";
import { cellText, fieldText, type LogRecord, type RecordField, type RecordFormat } from "./record-format.ts";
import { sagRecordFormat } from "./sag-record.ts";
import { vpcRecordFormat } from "./vpc-record.ts";

/**
 * The formats by the name of the service; a single one is of every row. Topic, source and delimiters are
 * common to all.
 */
export type ServiceFormats = Readonly<Record<string, RecordFormat>>;

export const serviceFormats: ServiceFormats = {
  sag: sagRecordFormat,
  vpc: vpcRecordFormat,
  huawei: huaweiRecordFormat,
};

/** The service of rows that do not name one, which the first versions wrote. */
const unnamedService = "sag";

export interface ServiceRecords {
  /** The fields of all services: what searches are planned by. */
  readonly format: RecordFormat;
  /** The columns to select for `render`, in its order. */
  readonly columns: readonly string[];
  /** Makes the record of one row of `columns`. */
  readonly render: (row: readonly unknown[]) => Result<LogRecord>;
}

export function createServiceRecords(formats: ServiceFormats): ServiceRecords {
  const format = mergeFormats(formats);
  const services = Object.keys(formats);
  const service = services.length === 1 ? `'${services[0]}'` : "service";
  const columns = [service, "toUnixTimestamp(time)", format.source.expression, format.topic.expression];
  // What formats have in common is read once.
  const columnOf = (expression: string): number => {
    const known = columns.indexOf(expression);
    return known < 0 ? columns.push(expression) - 1 : known;
  };
  const cellsOf = (field: RecordField): FieldCells => ({
    field,
    value: columnOf(field.expression),
    presence: field.presence === undefined ? undefined : columnOf(field.presence),
  });
  const layouts = new Map(
    Object.entries(formats).map(([service, { fields }]) => [service, fields.map(cellsOf)]),
  );
  return {
    format,
    columns,
    render: (row) => {
      const named = cellText(row[0]) || unnamedService;
      const layout = layouts.get(named);
      if (layout === undefined) return fail("Internal", `there is no record of the service ${named}`);
      return ok(recordOf(layout, row));
    },
  };
}

/** Where in a row a field's value is, and whether the row has the field. */
interface FieldCells {
  readonly field: RecordField;
  readonly value: number;
  readonly presence: number | undefined;
}

function recordOf(layout: readonly FieldCells[], row: readonly unknown[]): LogRecord {
  const record: LogRecord = {
    __time__: cellText(row[1]),
    __source__: cellText(row[2]),
    __topic__: cellText(row[3]),
  };
  for (const { field, value, presence } of layout) {
    const isPresent = presence === undefined || Number(row[presence]) === 1;
    const text = fieldText(field, isPresent ? row[value] : null);
    if (text !== undefined) record[field.name] = text;
  }
  return record;
}

function mergeFormats(formats: ServiceFormats): RecordFormat {
  const byService = Object.entries(formats);
  const [, first] = byService[0]!;
  const names = new Set(byService.flatMap(([, { fields }]) => fields.map(({ name }) => name)));
  const fields = [...names].map((name) => {
    const variants = byService.flatMap(([service, own]) => {
      const field = own.fields.find((candidate) => candidate.name === name);
      return field === undefined ? [] : [{ service, field }];
    });
    return mergeField(variants, byService.length);
  });
  return { ...first, name: byService.map(([service]) => service).join(", "), fields };
}

interface Variant {
  readonly service: string;
  readonly field: RecordField;
}

/** One field for the services that have one of the name: the value and the presence of each row's own. */
function mergeField(variants: readonly Variant[], serviceCount: number): RecordField {
  const [{ field: first }, ...others] = variants as readonly [Variant, ...Variant[]];
  const { name, kind } = first;
  const isAlike = (key: "expression" | "presence"): boolean =>
    others.every(({ field }) => field[key] === first[key]);
  const branches = others.map(({ service, field }) => `${isOf([service])}, ${field.expression}`);
  const expression = isAlike("expression")
    ? first.expression
    : `multiIf(${branches.join(", ")}, ${first.expression})`;
  const isEverywhere = variants.length === serviceCount && isAlike("presence");
  const presence = isEverywhere ? first.presence : presenceOf(variants);
  const isWord = variants.every(({ field }) => field.isWord === true);
  const values = variants.flatMap(({ field }) => field.values ?? []);
  const hasValues = variants.every(({ field }) => field.values !== undefined);
  return {
    name,
    kind,
    expression,
    ...(presence === undefined ? {} : { presence }),
    ...(isWord ? { isWord } : {}),
    ...(hasValues ? { values } : {}),
  };
}

/** The services' presences, each said once. */
function presenceOf(variants: readonly Variant[]): string {
  const groups = Map.groupBy(variants, ({ field }) => field.presence);
  const conditions = [...groups].map(([presence, members]) => {
    const services = isOf(members.map(({ service }) => service));
    return presence === undefined ? services : `(${services} AND (${presence}))`;
  });
  return conditions.join(" OR ");
}

function isOf(services: readonly string[]): string {
  const names = services.flatMap((service) => (service === unnamedService ? ["", service] : [service]));
  return `service IN (${names.map((name) => `'${name}'`).join(", ")})`;
}

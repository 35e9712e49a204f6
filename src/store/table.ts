/**
 * The store's table: its columns, taken from the field table of flow/, and the statements that make it.
 *
 * A partition is one logstore's flows of one UTC day of receipt, so that retention drops whole partitions;
 * within it rows are in the order of time that readers ask for. The codecs were chosen by measurement
 * (bench/store): what nearly always has one value costs nothing, and what is random is not compressed in vain.
 */
import { type FieldType, type FlowField, flowFieldList } from "../flow/mod.ts";

export interface FlowsColumn {
  readonly name: string;
  /** ClickHouse type. */
  readonly type: string;
  /** The flow field it holds, if it is one. */
  readonly field?: FlowField;
}

interface StoredColumn extends FlowsColumn {
  readonly codec: string;
  /** SQL of the value of rows written before the column was known. */
  readonly fallback: string;
}

const fieldTypes: Record<FieldType, string> = {
  u8: "UInt8",
  u16: "UInt16",
  u32: "UInt32",
  f64: "UInt64",
  address: "IPv6",
};

/** Codecs that differ from the type's usual one, by column. */
const codecs: Readonly<Record<string, string>> = {
  start_us: "Delta, ZSTD(1)",
  end_us: "Delta, ZSTD(1)",
  packets: "T64, ZSTD(1)",
  octets: "T64, ZSTD(1)",
};

const placeColumns: readonly StoredColumn[] = [
  { name: "logstore", type: "UInt32", codec: "ZSTD(1)", fallback: "0" },
  { name: "shard", type: "UInt16", codec: "ZSTD(1)", fallback: "0" },
  { name: "position", type: "UInt64", codec: "Delta, ZSTD(1)", fallback: "0" },
  { name: "received_ms", type: "UInt64", codec: "Delta, ZSTD(1)", fallback: "0" },
  { name: "time", type: "DateTime('UTC')", codec: "Delta, ZSTD(1)", fallback: "0" },
];

/** The strings that hold for every row of a batch. */
export const sourceColumns = [
  "flow_log_id",
  "resource_id",
  "resource_serial",
  "account_id",
  "region_id",
  "agent_id",
  "service",
  "vpc_id",
  "subnet_id",
  "instance_id",
  "project_id",
] as const;

export type SourceColumn = (typeof sourceColumns)[number];

const storedColumns: readonly StoredColumn[] = [
  ...placeColumns,
  ...sourceColumns.map((name) => ({
    name,
    type: "LowCardinality(String)",
    codec: "ZSTD(1)",
    fallback: "''",
  })),
  ...flowFieldList.map((field) => ({
    name: field.column,
    type: fieldTypes[field.type],
    codec: codecs[field.column] ?? "ZSTD(1)",
    fallback: field.type === "address" ? "'::'" : `${field.fallback}`,
    field,
  })),
];

export const flowsTable: { readonly name: string; readonly columns: readonly FlowsColumn[] } = {
  name: "flows",
  columns: storedColumns,
};

/** Positions: a spool position and a row in its batch as one number that fits 53 bits. */
export const rowsPerPosition = 2 ** 20;

export const dayMs = 86_400_000;

/** The statement that makes the table if it is not there. */
export function createTableStatement(): string {
  return `CREATE TABLE IF NOT EXISTS ${flowsTable.name} (
    ${storedColumns.map(columnDefinition).join(",\n    ")},
    INDEX position_range position TYPE minmax GRANULARITY 1
  ) ENGINE = MergeTree
  PARTITION BY (logstore, intDiv(received_ms, ${dayMs}))
  ORDER BY (logstore, time, position)
  SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
    old_parts_lifetime = 60, min_bytes_for_wide_part = ${128 * 1024 * 1024}`;
}

/** The statements that bring a table with these columns up to date; a newer field table only ever adds some. */
export function upgradeStatements(existing: ReadonlySet<string>): string[] {
  return storedColumns
    .filter((column) => !existing.has(column.name))
    .map((column) => `ALTER TABLE ${flowsTable.name} ADD COLUMN ${columnDefinition(column)}`);
}

function columnDefinition({ name, type, codec, fallback }: StoredColumn): string {
  return `${name} ${type} DEFAULT ${fallback} CODEC(${codec})`;
}

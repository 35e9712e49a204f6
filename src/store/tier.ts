/**
 * The rollup tiers: how many records, packets and octets there were, by span of time and by the columns that
 * questions about long ranges ask for.
 *
 * A tier's rows have the names and types of the flow table's columns, so that one condition fits both. What
 * is not a sum is a key; ports from a tier's cap on are one port, the cap. A partition is, as the flow
 * table's, one logstore's flows of one day of receipt.
 *
 * In each partition, rows at time 0 that count nothing say how far the tier has come: `next_position` is the
 * first position that is not in it. Such a row is stored in one part with the rows that it speaks for.
 */
import { dayMs, flowsTable, sourceColumns } from "./table.ts";

export const tierNames = ["1m", "5m", "1h"] as const;
export type TierName = (typeof tierNames)[number];

/** What a tier has, for those who ask it. */
export interface Tier {
  readonly name: TierName;
  readonly table: string;
  /** A row's `time` is the begin of a span of this many seconds. */
  readonly widthS: number;
  /** The flow table's columns that it keeps. */
  readonly columns: ReadonlySet<string>;
  /** A port of this number stands for it and all above. */
  readonly portCap: number;
}

export const portColumns: ReadonlySet<string> = new Set(["source_port", "destination_port"]);

/** The flow fields that are keys; those that tell most rows apart come first, which makes sorting cheap. */
export const keyFields = [
  "source_port",
  "destination_port",
  "protocol",
  "ingress_interface",
  "egress_interface",
  "ip_version",
  "ip_class_of_service",
  "flow_direction",
  "verdict",
  "sampling_interval",
  "log_status",
] as const;

/** The sums of each row; `records` are rows of the flow table. */
export const sumColumns = ["records", "packets", "octets"] as const;

export const keyColumns: readonly string[] = [...keyFields, ...sourceColumns];

/** Finest first, which is the order in which they are filled. */
export const tiers: readonly Tier[] = [
  // Below 32768, where Linux begins to give out ports to clients.
  createTier("1m", 60, 32_768),
  // The system ports (RFC 6335).
  createTier("5m", 300, 1024),
  createTier("1h", 3600, 1024),
];

function createTier(name: TierName, widthS: number, portCap: number): Tier {
  return { name, table: `flows_${name}`, widthS, columns: new Set(keyColumns), portCap };
}

/** The statement that makes a tier's table if it is not there. */
export function createTierStatement({ table }: Tier): string {
  return `CREATE TABLE IF NOT EXISTS ${table} (
    logstore UInt32 CODEC(ZSTD(1)),
    received_day UInt32 CODEC(ZSTD(1)),
    time DateTime('UTC') CODEC(Delta, ZSTD(1)),
    ${keyColumns.map((name) => `${name} ${typeOf(name)} CODEC(ZSTD(1))`).join(",\n    ")},
    ${sumColumns.map((name) => `${name} SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1))`).join(",\n    ")},
    next_position SimpleAggregateFunction(max, UInt64) CODEC(ZSTD(1))
  ) ENGINE = AggregatingMergeTree
  PARTITION BY (logstore, received_day)
  PRIMARY KEY (logstore, time)
  ORDER BY (${["logstore", "time", ...keyColumns].join(", ")})
  SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
    old_parts_lifetime = 60, min_bytes_for_wide_part = ${128 * 1024 * 1024}`;
}

/** The statements that give a tier whose table has this sorting key the columns that have come since. */
export function upgradeTierStatements({ table }: Tier, sortingKey: string): string[] {
  const known = sortingKey.split(", ");
  return keyColumns
    .filter((name) => !known.includes(name))
    .map((name) => {
      known.push(name);
      // A column can only join the order in the statement that adds it, and at its end.
      return `ALTER TABLE ${table} ADD COLUMN ${name} ${typeOf(name)}, MODIFY ORDER BY (${known.join(", ")})`;
    });
}

/** A key column's type, the flow table's. */
export function typeOf(name: string): string {
  return flowsTable.columns.find((column) => column.name === name)!.type;
}

/** SQL of the day of receipt, as the tiers have it, of such a time in the flow table. */
export function receivedDaySql(receivedMs: string): string {
  return `intDiv(${receivedMs}, ${dayMs})`;
}

/** SQL of the first position of a logstore that is not in the tier; 0 if nothing is. */
export function nextPositionSql({ table }: Tier, logstore: string): string {
  return `(SELECT max(next_position) FROM ${table} WHERE logstore = ${logstore} AND time = toDateTime(0, 'UTC'))`;
}

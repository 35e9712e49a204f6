/**
 * The table of lines that clients write themselves, beside that of flows: text and labels, by the same places.
 *
 * Partitions are a logstore's lines of one UTC day of receipt, as those of flows are. Positions begin where
 * those of flows never come, so that in a logstore that has both, no line and flow have the same.
 */
import { dayMs } from "./table.ts";

/** Only a name; the columns are those of the statement below. */
export const linesTable = {
  name: "lines",
  /** Where positions begin: above 2^32 positions of the spool, and within what a number holds exactly. */
  positionMin: 2 ** 52,
} as const;

export function createLinesStatement(): string {
  return `CREATE TABLE IF NOT EXISTS ${linesTable.name} (
    logstore UInt32 CODEC(ZSTD(1)),
    position UInt64 CODEC(Delta, ZSTD(1)),
    received_ms UInt64 CODEC(Delta, ZSTD(1)),
    time DateTime('UTC') CODEC(Delta, ZSTD(1)),
    nanosecond UInt32 CODEC(ZSTD(1)),
    content String CODEC(ZSTD(1)),
    labels Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    INDEX position_range position TYPE minmax GRANULARITY 1
  ) ENGINE = MergeTree
  PARTITION BY (logstore, intDiv(received_ms, ${dayMs}))
  ORDER BY (logstore, time, nanosecond, position)
  SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
    old_parts_lifetime = 60`;
}

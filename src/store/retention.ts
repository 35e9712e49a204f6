/** What leaves the table: whole partitions, each one logstore's flows of one day of receipt. */
import { type Connection, selectRows } from "./engine.ts";
import type { Retention, StoreStatistics } from "./protocol.ts";
import { dayMs, flowsTable } from "./table.ts";

interface Partition {
  readonly id: string;
  readonly logstore: number;
  /** Days since 1970. */
  readonly day: number;
}

const partitionPattern = /^\((\d+),\s*(\d+)\)$/u;

async function listPartitions(connection: Connection): Promise<Partition[]> {
  const rows = await selectRows(
    connection,
    `SELECT DISTINCT partition_id, partition FROM system.parts WHERE table = '${flowsTable.name}' AND active`,
  );
  return rows.flatMap(([id, partition]) => {
    const [, logstore, day] = partitionPattern.exec(String(partition)) ?? [];
    return day === undefined ? [] : [{ id: String(id), logstore: Number(logstore), day: Number(day) }];
  });
}

async function dropPartitions(connection: Connection, partitions: readonly Partition[]): Promise<number> {
  for (const { id } of partitions) {
    await connection.run(`ALTER TABLE ${flowsTable.name} DROP PARTITION ID '${id}'`);
  }
  return partitions.length;
}

/**
 * Drops the days of each logstore that lie wholly before its retention, and all past days of logstores that
 * are not named: those were deleted, and what was on its way to them came later. Gives the number of partitions.
 */
export async function expirePartitions(
  connection: Connection,
  retentions: readonly Retention[],
  nowMs: number,
): Promise<number> {
  const days = new Map(retentions.map((retention) => [retention.logstore, retention.days]));
  const today = Math.floor(nowMs / dayMs);
  const partitions = await listPartitions(connection);
  return dropPartitions(
    connection,
    partitions.filter(({ logstore, day }) => day < today - (days.get(logstore) ?? 0)),
  );
}

/** Drops all of a logstore; gives the number of partitions. */
export async function dropLogstorePartitions(connection: Connection, logstore: number): Promise<number> {
  const partitions = await listPartitions(connection);
  return dropPartitions(
    connection,
    partitions.filter((partition) => partition.logstore === logstore),
  );
}

export async function readStatistics(connection: Connection): Promise<StoreStatistics> {
  const [row] = await selectRows(
    connection,
    `SELECT toString(sum(rows)), toString(sum(bytes_on_disk)), toString(count())
     FROM system.parts WHERE table = '${flowsTable.name}' AND active`,
  );
  return { rows: Number(row?.[0]), bytesOnDisk: Number(row?.[1]), parts: Number(row?.[2]) };
}

/** What leaves the tables: whole partitions, each one logstore's flows of one day of receipt. */
import { type Connection, selectRows } from "./engine.ts";
import { linesTable } from "./line-table.ts";
import type { RollupDays, StoreCalls, StoreStatistics } from "./protocol.ts";
import { dayMs, flowsTable } from "./table.ts";
import { tiers } from "./tier.ts";

interface Partition {
  readonly id: string;
  readonly logstore: number;
  /** Days since 1970. */
  readonly day: number;
}

const partitionPattern = /^\((\d+),\s*(\d+)\)$/u;

export async function listPartitions(connection: Connection, table: string): Promise<Partition[]> {
  const rows = await selectRows(
    connection,
    `SELECT DISTINCT partition_id, partition FROM system.parts WHERE table = '${table}' AND active`,
  );
  return rows.flatMap(([id, partition]) => {
    const [, logstore, day] = partitionPattern.exec(String(partition)) ?? [];
    return day === undefined ? [] : [{ id: String(id), logstore: Number(logstore), day: Number(day) }];
  });
}

/** Drops the partitions of a table that are to go; gives their number. */
async function dropPartitions(
  connection: Connection,
  table: string,
  isToGo: (partition: Partition) => boolean,
): Promise<number> {
  const partitions = (await listPartitions(connection, table)).filter(isToGo);
  for (const { id } of partitions) {
    await connection.run(`ALTER TABLE ${table} DROP PARTITION ID '${id}'`);
  }
  return partitions.length;
}

/** Flows first: a tier that lacked flows which are still there would take them in again. */
const tables = [flowsTable.name, ...tiers.map(({ table }) => table)];

/**
 * Drops the days of each logstore that lie wholly before its retention, and all past days of logstores that
 * are not named: those were deleted, and what was on its way to them came later. A tier keeps its days as
 * much longer as it is to; a logstore of which such a tier lacks flows keeps all until it has them. Gives
 * the number of partitions of flows.
 */
export async function expirePartitions(
  connection: Connection,
  { retentions, rollupDays, nowMs }: StoreCalls["expire"]["request"],
  isBehind: (logstore: number) => boolean,
): Promise<number> {
  const days = new Map(retentions.map((retention) => [retention.logstore, retention.days]));
  const today = Math.floor(nowMs / dayMs);
  const isToGo = ({ logstore, day }: Partition, daysMin: number): boolean => {
    const known = days.get(logstore);
    if (known === undefined) return day < today;
    const isAwaited = known < daysMaxOf(rollupDays) && isBehind(logstore);
    return day < today - Math.max(known, daysMin) && !isAwaited;
  };
  const dropped = await dropPartitions(connection, flowsTable.name, (partition) => isToGo(partition, 0));
  // A tier never goes before a finer one, so that a span that is cut by a range is looked up in full.
  let daysMin = 0;
  for (const { name, table } of tiers) {
    daysMin = Math.max(daysMin, rollupDays[name]);
    await dropPartitions(connection, table, (partition) => isToGo(partition, daysMin));
  }
  // Of lines there are no tiers that could lack some.
  await dropPartitions(
    connection,
    linesTable.name,
    ({ logstore, day }) => day < today - (days.get(logstore) ?? 0),
  );
  return dropped;
}

/** Whether some tier is to be kept longer than the flows of some logstore. */
export function keepsRollupsLonger({ retentions, rollupDays }: StoreCalls["expire"]["request"]): boolean {
  return retentions.some(({ days }) => days < daysMaxOf(rollupDays));
}

function daysMaxOf(rollupDays: RollupDays): number {
  return Math.max(...Object.values(rollupDays));
}

/** Drops all of a logstore. */
export async function dropLogstorePartitions(connection: Connection, logstore: number): Promise<void> {
  for (const table of [...tables, linesTable.name]) {
    await dropPartitions(connection, table, (partition) => partition.logstore === logstore);
  }
}

export async function readStatistics(connection: Connection): Promise<StoreStatistics> {
  const sizes = await selectRows(
    connection,
    `SELECT table = '${flowsTable.name}', toString(sum(rows)), toString(sum(bytes_on_disk)), toString(count())
     FROM system.parts WHERE table IN (${tables.map((table) => `'${table}'`).join(", ")}) AND active GROUP BY 1`,
  );
  const sizesOf = (isFlows: number): readonly number[] =>
    sizes
      .find(([is]) => is === isFlows)
      ?.slice(1)
      .map(Number) ?? [0, 0, 0];
  const [rows, bytesOnDisk, parts] = sizesOf(1);
  const [rollupRows, rollupBytesOnDisk] = sizesOf(0);
  return {
    rows: rows!,
    bytesOnDisk: bytesOnDisk!,
    parts: parts!,
    rollupRows: rollupRows!,
    rollupBytesOnDisk: rollupBytesOnDisk!,
  };
}

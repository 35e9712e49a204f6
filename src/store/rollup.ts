/**
 * Fills the tiers from the flow table, behind the inserts.
 *
 * What the flow table holds below its highest position never changes: batches are stored in the order of
 * their positions, each once. So a step takes the flows of one logstore and day from where a tier has come
 * to up to the end of a later batch, and adds their sums as one part, together with the mark that says how
 * far the tier has come now. A part is stored as a whole or not at all: a step that was cut off has
 * happened or not, and whoever reads the mark knows which flows are in the sums.
 */
import { type Connection, selectRows } from "./engine.ts";
import { listPartitions } from "./retention.ts";
import { flowsTable, rowsPerPosition } from "./table.ts";
import {
  keyColumns,
  nextPositionSql,
  portColumns,
  receivedDaySql,
  sumColumns,
  type Tier,
  tiers,
  typeOf,
} from "./tier.ts";
import { createTurns } from "./turns.ts";

export interface RollupOutcome {
  /** Flows that came into the tiers. */
  readonly flows: number;
  /** Whether time ran out before all were in. */
  readonly isBehind: boolean;
}

export interface Rollup {
  /** Says that a logstore may have flows that are not in the tiers. */
  note(logstore: number): void;
  /** Rolls up what there is, for this long at most and one step at least. Throws the engine's error. */
  run(budgetMs: number): Promise<RollupOutcome>;
  /** Whether a logstore has flows, as far as is known, that are not in every tier. */
  readonly isBehind: (logstore: number) => boolean;
  /** Runs work that takes partitions away while no step is on its way. */
  pause<T>(work: () => Promise<T>): Promise<T>;
}

/** Flows of one step, unless one batch has more: they are summed in memory. */
const stepFlowsMax = 2 ** 20;
const batchesMax = 16_384;

// One insert is one block is one part, as for the flows themselves.
const insertSettings =
  "max_threads = 1, max_insert_threads = 1, min_insert_block_size_rows = 4194304, min_insert_block_size_bytes = 4294967296";

interface Step {
  readonly logstore: number;
  /** Days since 1970. */
  readonly day: number;
  /** [from, to) */
  readonly fromPosition: number;
  readonly toPosition: number;
  readonly flows: number;
}

export function createRollup(connection: Connection): Rollup {
  /** Logstores that may have something; all of them, until they are looked for. */
  let pending: Set<number> | undefined;
  const noted = new Set<number>();
  const inTurn = createTurns();

  /** Rolls up one logstore until all is in or time is up; gives the flows that came in. */
  const rollUp = async (logstore: number, hasTime: () => boolean): Promise<number> => {
    let flows = 0;
    do {
      // An insert that comes while the step runs must not be forgotten with it.
      noted.delete(logstore);
      const rolled = await inTurn(() => rollUpNext(connection, logstore));
      if (rolled === undefined) {
        pending?.delete(logstore);
        return flows;
      }
      flows += rolled;
    } while (hasTime());
    return flows;
  };
  return {
    note: (logstore) => void noted.add(logstore),
    isBehind: (logstore) => pending === undefined || pending.has(logstore) || noted.has(logstore),
    pause: inTurn,
    run: async (budgetMs) => {
      const deadlineMs = performance.now() + budgetMs;
      const hasTime = (): boolean => performance.now() < deadlineMs;
      pending ??= new Set(await inTurn(() => listLogstores(connection)));
      for (const logstore of noted) pending.add(logstore);
      let flows = 0;
      const faults: unknown[] = [];
      for (const logstore of pending) {
        // What is wrong with one logstore must not hold up the others.
        await rollUp(logstore, hasTime).then(
          (rolled) => (flows += rolled),
          (error: unknown) => faults.push(error),
        );
        if (!hasTime()) break;
      }
      if (faults.length > 0) throw faults[0];
      return { flows, isBehind: pending.size > 0 };
    },
  };
}

async function listLogstores(connection: Connection): Promise<number[]> {
  const partitions = await listPartitions(connection, flowsTable.name);
  return partitions.map(({ logstore }) => logstore);
}

/** One step of a logstore; gives the flows that came in, undefined if every tier has all. */
async function rollUpNext(connection: Connection, logstore: number): Promise<number | undefined> {
  const marks = await readMarks(connection, logstore);
  const least = Math.min(...marks);
  // A step that was cut off between two tiers is made up for in those that lack it.
  const next = Math.min(...marks.filter((mark) => mark > least));
  const step = await nextStep(connection, logstore, least, next);
  if (step === undefined) return undefined;
  await summarise(connection, step);
  for (const [index, tier] of tiers.entries()) {
    if (marks[index] === least) await addToTier(connection, tier, step);
  }
  await connection.run("DROP TEMPORARY TABLE rolled");
  return marks[0] === least ? step.flows : 0;
}

/** How far each tier has come. */
async function readMarks(connection: Connection, logstore: number): Promise<number[]> {
  const marks = tiers.map((tier) => nextPositionSql(tier, `${logstore}`));
  const [row] = await selectRows(connection, `SELECT ${marks.join(", ")}`);
  return row!.map(Number);
}

/** The batches that come next, of one day of receipt. */
async function nextStep(
  connection: Connection,
  logstore: number,
  fromPosition: number,
  limitPosition: number,
): Promise<Step | undefined> {
  const limit = limitPosition === Infinity ? "" : `AND position < ${limitPosition}`;
  const batches = await selectRows(
    connection,
    `SELECT intDiv(position, ${rowsPerPosition}) AS batch, any(${receivedDaySql("received_ms")}), count()
     FROM ${flowsTable.name} WHERE logstore = ${logstore} AND position >= ${fromPosition} ${limit}
     GROUP BY batch ORDER BY batch LIMIT ${batchesMax} SETTINGS max_threads = 1`,
  );
  if (batches.length === 0) return undefined;
  const day = Number(batches[0]![1]);
  let flows = 0;
  let last = 0;
  for (const [batch, batchDay, count] of batches) {
    const isTooMany = flows > 0 && flows + Number(count) > stepFlowsMax;
    if (Number(batchDay) !== day || isTooMany) break;
    flows += Number(count);
    last = Number(batch);
  }
  return { logstore, day, fromPosition, toPosition: (last + 1) * rowsPerPosition, flows };
}

/** Sums the step's flows up as the finest tier has them, which the others are made of, and adds the mark. */
async function summarise(connection: Connection, step: Step): Promise<void> {
  const { logstore, day, fromPosition, toPosition } = step;
  const [finest] = tiers;
  const definitions = [
    "time UInt32",
    ...keyColumns.map((name) => `${name} ${typeOf(name)}`),
    ...[...sumColumns, "next_position"].map((name) => `${name} UInt64`),
  ];
  await connection.run(
    `CREATE OR REPLACE TEMPORARY TABLE rolled (${definitions.join(", ")}) ENGINE = Memory`,
  );
  await connection.run(
    // One key of all columns: grouping by as many strings of few values one by one is twice as slow.
    `INSERT INTO rolled SELECT span, ${keyColumns.map((_, index) => `key.${index + 1}`).join(", ")},
       sum_records, sum_packets, sum_octets, 0
     FROM (SELECT ${spanSql(finest!, "toUnixTimestamp(time)")} AS span, tuple(${keysOf(finest!).join(", ")}) AS key,
         count() AS sum_records, sum(packets) AS sum_packets, sum(octets) AS sum_octets
       FROM ${flowsTable.name}
       WHERE logstore = ${logstore} AND ${receivedDaySql("received_ms")} = ${day}
         AND position >= ${fromPosition} AND position < ${toPosition}
       GROUP BY span, key)
     SETTINGS ${insertSettings}`,
  );
  await connection.run(`INSERT INTO rolled (time, next_position) VALUES (0, ${toPosition})`);
}

async function addToTier(connection: Connection, tier: Tier, { logstore, day }: Step): Promise<void> {
  const columns = ["logstore", "received_day", "time", ...keyColumns, ...sumColumns, "next_position"];
  await connection.run(
    `INSERT INTO ${tier.table} (${columns.join(", ")})
     SELECT ${logstore}, ${day}, ${spanSql(tier, "time")}, ${keysOf(tier).join(", ")}, ${sumColumns.join(", ")}, next_position
     FROM rolled SETTINGS ${insertSettings}`,
  );
}

function spanSql({ widthS }: Tier, seconds: string): string {
  return `intDiv(${seconds}, ${widthS}) * ${widthS}`;
}

/** The key columns as the tier has them. */
function keysOf({ portCap }: Tier): string[] {
  return keyColumns.map((name) => (portColumns.has(name) ? `least(${name}, ${portCap})` : name));
}

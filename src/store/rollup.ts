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
import { type RollupStep, runStep } from "./rollup-step.ts";
import { flowsTable, rowsPerPosition } from "./table.ts";
import { nextPositionSql, receivedDaySql, tiers } from "./tier.ts";
import { createTurns } from "./turns.ts";

export interface RollupRequest {
  /** It ends after this time, but not before one step is done. */
  readonly budgetMs: number;
  /** Logstores with fewer flows that are in no tier are left for later. */
  readonly flowsMin: number;
}

export interface RollupOutcome {
  /** Flows that came into the tiers. */
  readonly flows: number;
  /** Flows of all logstores that are not in the tiers, as far as is known. */
  readonly waitingFlows: number;
  /** Whether time ran out before all that was asked for was done. */
  readonly isBehind: boolean;
}

export interface Rollup {
  /** Says that so many flows of a logstore were stored; Infinity, that there may be any number. */
  readonly note: (logstore: number, flows: number) => void;
  /** Rolls up. Throws the engine's error. */
  run(request: RollupRequest): Promise<RollupOutcome>;
  /** Whether a logstore has flows, as far as is known, that are not in every tier. */
  readonly isBehind: (logstore: number) => boolean;
  /** Runs work that takes partitions away while no step is on its way. */
  pause<T>(work: () => Promise<T>): Promise<T>;
}

/** Flows of one step, unless one batch has more: they are summed in memory. */
const stepFlowsMax = 2 ** 20;
const batchesMax = 16_384;

export function createRollup(connection: Connection): Rollup {
  /** How many flows wait in each logstore. */
  const waiting = new Map<number, number>();
  let isListed = false;
  const inTurn = createTurns();

  /** What was stored before this process began is not counted: it may be any number. */
  const listLogstores = async (): Promise<void> => {
    if (isListed) return;
    const partitions = await inTurn(() => listPartitions(connection, flowsTable.name));
    for (const { logstore } of partitions) waiting.set(logstore, Infinity);
    isListed = true;
  };
  /** Rolls up one logstore until all is in or time is up; gives the flows that came in. */
  const rollUp = async (logstore: number, hasTime: () => boolean): Promise<number> => {
    let flows = 0;
    do {
      // An insert that comes while the step runs is counted anew.
      const before = waiting.get(logstore)!;
      waiting.set(logstore, 0);
      const step = await inTurn(() => rollUpNext(connection, logstore)).catch((error: unknown) => {
        waiting.set(logstore, Infinity);
        throw error;
      });
      if (step === undefined) {
        if (waiting.get(logstore) === 0) waiting.delete(logstore);
        return flows;
      }
      flows += step.flows;
      waiting.set(logstore, waiting.get(logstore)! + Math.max(1, before - step.flows));
    } while (hasTime());
    return flows;
  };
  return {
    note: (logstore, flows) => void waiting.set(logstore, (waiting.get(logstore) ?? 0) + flows),
    isBehind: (logstore) => !isListed || waiting.has(logstore),
    pause: inTurn,
    run: async ({ budgetMs, flowsMin }) => {
      const deadlineMs = performance.now() + budgetMs;
      const hasTime = (): boolean => performance.now() < deadlineMs;
      await listLogstores();
      let flows = 0;
      const faults: unknown[] = [];
      for (const [logstore, count] of waiting) {
        if (count < flowsMin) continue;
        // What is wrong with one logstore must not hold up the others.
        await rollUp(logstore, hasTime).then(
          (rolled) => (flows += rolled),
          (error: unknown) => faults.push(error),
        );
        if (!hasTime()) break;
      }
      if (faults.length > 0) throw faults[0];
      const counts = [...waiting.values()];
      return {
        flows,
        waitingFlows: counts.reduce((sum, count) => sum + (count === Infinity ? 0 : count), 0),
        isBehind: counts.some((count) => count >= flowsMin),
      };
    },
  };
}

/** One step of a logstore; undefined if every tier has all. */
async function rollUpNext(
  connection: Connection,
  logstore: number,
): Promise<{ readonly flows: number } | undefined> {
  const marks = await readMarks(connection, logstore);
  const least = Math.min(...marks);
  // A step that was cut off between two tiers is made up for in those that lack it.
  const next = Math.min(...marks.filter((mark) => mark > least));
  const step = await nextStep(connection, logstore, least, next);
  if (step === undefined) return undefined;
  await runStep(
    connection,
    step,
    tiers.filter((_, index) => marks[index] === least),
  );
  return { flows: marks[0] === least ? step.flows : 0 };
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
): Promise<(RollupStep & { readonly flows: number }) | undefined> {
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

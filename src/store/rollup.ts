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
import { createWaitingFlows } from "./waiting-flows.ts";

export interface RollupRequest {
  /** It ends after this time, but not before one step is done. */
  readonly budgetMs: number;
  /** Logstores with fewer flows that are in no tier are left for later. */
  readonly flowsMin: number;
}

export interface RollupOutcome {
  /** Flows that came into the tiers. */
  readonly flows: number;
  /** Flows of all logstores that are not in every tier. */
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

/** Flows of one step, unless one batch has more. */
const stepFlowsMax = 2 ** 20;
/** Memory of a step for each flow where no two have the same keys. */
const stepBytesPerFlow = 1024;
const batchesMax = 16_384;

export function createRollup(
  connection: Connection,
  { memoryBytesMax }: { readonly memoryBytesMax: number },
): Rollup {
  const flowsMax = Math.min(stepFlowsMax, Math.floor(memoryBytesMax / stepBytesPerFlow));
  const waiting = createWaitingFlows();
  let isListed = false;
  const inTurn = createTurns();

  /** What was stored before this process began has to be asked. */
  const list = async (): Promise<void> => {
    if (isListed) return;
    const partitions = await inTurn(() => listPartitions(connection, flowsTable.name));
    for (const { logstore } of partitions) waiting.add(logstore, Infinity);
    isListed = true;
  };
  const count = (logstore: number): Promise<void> =>
    waiting.change(logstore, () => inTurn(() => countWaiting(connection, logstore)));
  /** Rolls up one logstore until all is in or time is up; gives the flows that came in. */
  const rollUp = async (logstore: number, hasTime: () => boolean): Promise<number> => {
    let flows = 0;
    do {
      await waiting.change(logstore, async (before) => {
        const step = await inTurn(() => rollUpNext(connection, logstore, flowsMax));
        flows += step?.flows ?? 0;
        // Whether one was the last is for the next to say.
        return step === undefined ? 0 : Math.max(1, before - step.flows);
      });
    } while (waiting.has(logstore) && hasTime());
    return flows;
  };
  return {
    note: waiting.add,
    isBehind: (logstore) => !isListed || waiting.has(logstore),
    pause: inTurn,
    run: async ({ budgetMs, flowsMin }) => {
      const deadlineMs = performance.now() + budgetMs;
      const hasTime = (): boolean => performance.now() < deadlineMs;
      // What is wrong with one logstore must not hold up the others.
      const faults: unknown[] = [];
      const keepFault = (error: unknown): number => faults.push(error);
      await list();
      for (const logstore of waiting.atLeast(Infinity)) await count(logstore).catch(keepFault);
      let flows = 0;
      for (const logstore of waiting.atLeast(flowsMin)) {
        await rollUp(logstore, hasTime).then((rolled) => (flows += rolled), keepFault);
        if (!hasTime()) break;
      }
      if (faults.length > 0) throw faults[0];
      return { flows, waitingFlows: waiting.total(), isBehind: waiting.atLeast(flowsMin).length > 0 };
    },
  };
}

/** One step of a logstore; undefined if every tier has all. */
async function rollUpNext(
  connection: Connection,
  logstore: number,
  flowsMax: number,
): Promise<{ readonly flows: number } | undefined> {
  const marks = await readMarks(connection, logstore);
  const least = Math.min(...marks);
  // A step that was cut off between two tiers is made up for in those that lack it.
  const next = Math.min(...marks.filter((mark) => mark > least));
  const batches = await nextBatches(connection, logstore, least, next);
  if (batches.length === 0) return undefined;
  const step = stepOf(batches, flowsMax);
  await runStep(
    connection,
    { logstore, fromPosition: least, ...step },
    tiers.filter((_, index) => marks[index] === least),
  );
  return { flows: marks[0] === least ? step.flows : 0 };
}

/** How many flows some tier lacks. */
async function countWaiting(connection: Connection, logstore: number): Promise<number> {
  const least = Math.min(...(await readMarks(connection, logstore)));
  const [row] = await selectRows(
    connection,
    `SELECT count() FROM ${flowsTable.name} WHERE logstore = ${logstore} AND position >= ${least}`,
  );
  return Number(row![0]);
}

/** How far each tier has come. */
async function readMarks(connection: Connection, logstore: number): Promise<number[]> {
  const marks = tiers.map((tier) => nextPositionSql(tier, `${logstore}`));
  const [row] = await selectRows(connection, `SELECT ${marks.join(", ")}`);
  return row!.map(Number);
}

interface Batch {
  readonly number: number;
  readonly day: number;
  readonly flows: number;
}

/** The batches at these positions, in order, as many as one step takes at most. */
async function nextBatches(
  connection: Connection,
  logstore: number,
  fromPosition: number,
  limitPosition: number,
): Promise<Batch[]> {
  const limit = limitPosition === Infinity ? "" : `AND position < ${limitPosition}`;
  const rows = await selectRows(
    connection,
    `SELECT intDiv(position, ${rowsPerPosition}) AS batch, any(${receivedDaySql("received_ms")}), count()
     FROM ${flowsTable.name} WHERE logstore = ${logstore} AND position >= ${fromPosition} ${limit}
     GROUP BY batch ORDER BY batch LIMIT ${batchesMax} SETTINGS max_threads = 1`,
  );
  return rows.map(([number, day, flows]) => ({
    number: Number(number),
    day: Number(day),
    flows: Number(flows),
  }));
}

/** The first batches that are of one day and not too many flows. */
function stepOf(
  batches: readonly Batch[],
  flowsMax: number,
): Pick<RollupStep, "day" | "toPosition"> & { readonly flows: number } {
  const { day } = batches[0]!;
  let flows = 0;
  let last = 0;
  for (const batch of batches) {
    const isTooMany = flows > 0 && flows + batch.flows > flowsMax;
    if (batch.day !== day || isTooMany) break;
    flows += batch.flows;
    last = batch.number;
  }
  return { day, toPosition: (last + 1) * rowsPerPosition, flows };
}

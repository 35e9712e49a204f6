/**
 * Batches into the table, each once.
 *
 * A batch is sent again when the confirmation of its insert was lost. Its rows' positions tell: they rise
 * with the spool's for ever and batches come in that order, so whatever is not above the highest position
 * in the table is there already.
 */
import { type Fault, fault, ok, type Result } from "../base/mod.ts";
import { createBlock, type DecodedInsert, decodeInsert } from "./block.ts";
import { type Connection, faultOfEngine, selectRows } from "./engine.ts";
import { insertArrow, insertText } from "./insert.ts";
import type { AppendOutcome, IngestPath, StoreInsert, UndecodableBatch } from "./protocol.ts";
import { dayMs, flowsTable, rowsPerPosition } from "./table.ts";
import { createTurns } from "./turns.ts";

export interface Ingest {
  append(inserts: readonly StoreInsert[]): Promise<Result<AppendOutcome>>;
  /** Makes the next append ask the table what it holds. */
  forget(logstore: number): void;
}

export interface IngestOptions {
  readonly path: IngestPath;
  /** False switches deduplication off, to prove that it matters. */
  readonly deduplicate: boolean;
  /** Told how many flows a logstore has got; Infinity where that is not known. */
  readonly onStored: (logstore: number, flows: number) => void;
}

interface IngestState {
  readonly writer: Connection;
  readonly options: IngestOptions;
  /** Highest spool position in the table, by logstore; what is not here must be asked for. */
  readonly highest: Map<number, number>;
}

export function createIngest(writer: Connection, options: IngestOptions): Ingest {
  const state: IngestState = { writer, options, highest: new Map() };
  // What is in the table must not change between asking and inserting.
  const inTurn = createTurns();
  return {
    forget: (logstore) => void state.highest.delete(logstore),
    append: (inserts) => inTurn(() => append(state, inserts)),
  };
}

async function append(state: IngestState, inserts: readonly StoreInsert[]): Promise<Result<AppendOutcome>> {
  const undecodable: UndecodableBatch[] = [];
  let rows = 0;
  let duplicateRows = 0;
  for (const group of groupInserts(inserts)) {
    const { logstore } = group[0]!.target;
    try {
      const known = state.options.deduplicate ? await highestPosition(state, group) : -1;
      const decoded = decodeGroup(group, undecodable);
      const fresh = decoded.filter(({ insert }) => insert.position > known);
      duplicateRows += countRows(decoded) - countRows(fresh);
      if (countRows(fresh) > 0) {
        const block = createBlock(logstore, fresh);
        await (state.options.path === "arrow"
          ? insertArrow(state.writer, block)
          : insertText(state.writer, block));
        rows += block.rows;
        state.options.onStored(logstore, block.rows);
      }
      const newest = fresh.at(-1)?.insert.position ?? known;
      if (newest >= 0) state.highest.set(logstore, newest);
    } catch (error) {
      // Whether the rows are in the table has to be asked.
      state.highest.delete(logstore);
      state.options.onStored(logstore, Infinity);
      return { ok: false, fault: faultOfInsert(error) };
    }
  }
  return ok({ rows, duplicateRows, undecodable });
}

function faultOfInsert(error: unknown): Fault {
  const found = faultOfEngine(error);
  if (found.code !== "QueryTooComplex") return found;
  return fault("StoreUnavailable", "the store is short of memory", { retryable: true });
}

/**
 * Runs of inserts of one logstore and one day of receipt, in the order of positions. A clock that jumps back
 * makes a run of its own: were a later position stored first, the earlier would pass for a duplicate.
 */
function groupInserts(inserts: readonly StoreInsert[]): StoreInsert[][] {
  const groups: StoreInsert[][] = [];
  const sameGroup = (a: StoreInsert, b: StoreInsert): boolean =>
    a.target.logstore === b.target.logstore && dayOf(a) === dayOf(b);
  const ordered = inserts.toSorted(
    (a, b) => a.target.logstore - b.target.logstore || a.position - b.position,
  );
  for (const insert of ordered) {
    const last = groups.at(-1);
    if (last !== undefined && sameGroup(last[0]!, insert)) last.push(insert);
    else groups.push([insert]);
  }
  return groups;
}

function dayOf({ receivedMs = 0 }: StoreInsert): number {
  return Math.floor(receivedMs / dayMs);
}

function decodeGroup(group: readonly StoreInsert[], undecodable: UndecodableBatch[]): DecodedInsert[] {
  return group.flatMap((insert) => {
    const decoded = decodeInsert(insert);
    if (decoded.ok) return [decoded.value];
    undecodable.push({ position: insert.position, fault: fault(decoded.fault.code, decoded.fault.message) });
    return [];
  });
}

function countRows(decoded: readonly DecodedInsert[]): number {
  return decoded.reduce((sum, { batch }) => sum + batch.count, 0);
}

/**
 * The highest spool position of the logstore in the table, or -1 if it is below the group's lowest: only
 * the few granules that reach up to it are read.
 */
async function highestPosition(
  { writer, highest }: IngestState,
  group: readonly StoreInsert[],
): Promise<number> {
  const { position, target } = group[0]!;
  const known = highest.get(target.logstore);
  if (known !== undefined) return known;
  const [row] = await selectRows(
    writer,
    `SELECT count(), toString(max(position)) FROM ${flowsTable.name}
     WHERE logstore = ${Math.trunc(target.logstore)} AND position >= ${position * rowsPerPosition}`,
  );
  return Number(row?.[0]) === 0 ? -1 : Math.floor(Number(row?.[1]) / rowsPerPosition);
}

/**
 * The spool's tables as the operations of one transaction: insert, move cursors, clear what is delivered,
 * drop what is past the bound. Counts are kept in memory beside them and read anew after a rollback.
 */
import type { Database } from "../database/mod.ts";
import { pragma } from "./schema.ts";
import type { JsonValue } from "./spool.ts";

/** Delivered batches cleared for each sink in one transaction: what a commit may take stays bounded. */
const clearChunk = 256;
const vacuumFreePagesMin = 4096;
const vacuumChunkPages = 4096;

export interface SinkCursor {
  cursor: number;
  /** The highest position that the sink was given: up to it, what is past the cursor is being delivered. */
  handedOut: number;
  pending: number;
  state: string | null;
  /** Whether cursor and state are newer than the file. */
  dirty: boolean;
  /** Whether delivered routes may be waiting to be cleared. */
  clear: boolean;
}

export interface Loss {
  readonly sink: string;
  readonly flowLogId: string;
  batches: number;
  rows: number;
}

/** A batch that a sink will never get, because the spool was full. */
export interface DroppedBatch {
  readonly sink: string;
  readonly target: JsonValue;
  readonly bytes: Uint8Array;
}

export interface LedgerBatch {
  readonly batchId: string;
  readonly bytes: Uint8Array;
  readonly rows: number;
  readonly routes: readonly { readonly sink: string; readonly target: string }[];
}

export type Ledger = ReturnType<typeof createLedger>;

export function createLedger(database: Database, sinkNames: readonly string[]) {
  const ledger = {
    database,
    statements: prepareStatements(database),
    sinks: new Map<string, SinkCursor>(),
    losses: new Map<string, Loss>(),
    entries: 0,
    bytes: 0,
    highestPosition: 0,
  };
  for (const name of sinkNames) {
    const row = database.prepare("SELECT cursor, state FROM sink WHERE name = ?").get(name);
    ledger.sinks.set(name, {
      cursor: Number(row?.["cursor"] ?? 0),
      handedOut: 0,
      pending: 0,
      state: row === undefined ? null : (row["state"] as string | null),
      dirty: row === undefined,
      clear: true,
    });
  }
  reloadCounts(ledger);
  return ledger;
}

function prepareStatements(database: Database) {
  return {
    insertBatch: database.prepare(
      "INSERT INTO batch (batch_id, rows, accepted_ms, size) VALUES (?, ?, ?, ?)",
    ),
    insertPayload: database.prepare("INSERT INTO payload (position, bytes) VALUES (?, ?)"),
    insertRoute: database.prepare("INSERT INTO route (sink, position, target) VALUES (?, ?, ?)"),
    saveSink: database.prepare(
      `INSERT INTO sink (name, cursor, state) VALUES (?, ?, ?)
       ON CONFLICT (name) DO UPDATE SET cursor = excluded.cursor, state = excluded.state`,
    ),
    clearRoutes: database.prepare(
      `DELETE FROM route WHERE sink = ?1 AND position IN
         (SELECT position FROM route WHERE sink = ?1 AND position <= ?2 ORDER BY position LIMIT ${clearChunk})
       RETURNING position`,
    ),
    // The sinks are few, so that looking for a route of each is cheaper than a second index over all.
    deleteDelivered: database.prepare(
      `DELETE FROM batch WHERE position = ?1 AND NOT EXISTS
         (SELECT 1 FROM sink JOIN route ON route.sink = sink.name WHERE route.position = ?1)
       RETURNING size`,
    ),
    oldestAfter: database.prepare(
      "SELECT position, size, rows, accepted_ms FROM batch WHERE position > ? ORDER BY position LIMIT 1",
    ),
    payload: database.prepare("SELECT bytes FROM payload WHERE position = ?"),
    deleteRoute: database.prepare("DELETE FROM route WHERE sink = ? AND position = ? RETURNING target"),
    deleteBatch: database.prepare("DELETE FROM batch WHERE position = ?"),
    deletePayload: database.prepare("DELETE FROM payload WHERE position = ?"),
    saveLoss: database.prepare(
      `INSERT INTO loss (sink, flow_log_id, batches, rows) VALUES (?, ?, ?, ?)
       ON CONFLICT (sink, flow_log_id) DO UPDATE SET batches = excluded.batches, rows = excluded.rows`,
    ),
    countRoutes: database.prepare(
      "SELECT count(*) AS count FROM route WHERE sink = ? AND position > ? AND position <= ?",
    ),
    read: database.prepare(
      `SELECT batch.position, batch_id, bytes, rows, accepted_ms, size, target
       FROM route JOIN batch ON batch.position = route.position JOIN payload ON payload.position = route.position
       WHERE sink = ? AND route.position > ? ORDER BY route.position LIMIT ?`,
    ),
  };
}

/** Takes every count from the file; the cursors in memory stay, because they may be ahead of it. */
export function reloadCounts(ledger: Ledger): void {
  const { database } = ledger;
  const totals = database
    .prepare("SELECT count(*) AS entries, coalesce(sum(size), 0) AS bytes FROM batch")
    .get();
  const sequence = database.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'batch'").get();
  ledger.entries = Number(totals?.["entries"]);
  ledger.bytes = Number(totals?.["bytes"]);
  ledger.highestPosition = Number(sequence?.["seq"] ?? 0);
  for (const [name, sink] of ledger.sinks) {
    sink.pending = countRoutes(ledger, name, sink.cursor, Number.MAX_SAFE_INTEGER);
  }
  ledger.losses.clear();
  for (const row of database.prepare("SELECT sink, flow_log_id, batches, rows FROM loss").iterate()) {
    const loss = { sink: String(row["sink"]), flowLogId: String(row["flow_log_id"]) };
    ledger.losses.set(lossKey(loss.sink, loss.flowLogId), {
      ...loss,
      batches: Number(row["batches"]),
      rows: Number(row["rows"]),
    });
  }
}

export function countRoutes(ledger: Ledger, sink: string, after: number, upTo: number): number {
  return Number(ledger.statements.countRoutes.get(sink, after, upTo)?.["count"]);
}

/** Adds a batch and its routes. */
export function insertBatch(ledger: Ledger, batch: LedgerBatch, nowMs: number): void {
  const { statements } = ledger;
  const size = batch.bytes.length;
  const inserted = statements.insertBatch.run(batch.batchId, batch.rows, nowMs, size);
  const position = Number(inserted.lastInsertRowid);
  statements.insertPayload.run(position, batch.bytes);
  for (const { sink, target } of batch.routes) {
    statements.insertRoute.run(sink, position, target);
    ledger.sinks.get(sink)!.pending++;
  }
  ledger.entries++;
  ledger.bytes += size;
  ledger.highestPosition = position;
}

/** Writes the cursors and states that are newer than the file. */
export function saveCursors(ledger: Ledger): void {
  for (const [name, sink] of ledger.sinks) {
    if (sink.dirty) ledger.statements.saveSink.run(name, sink.cursor, sink.state);
  }
}

/** Clears a chunk of what sinks have delivered; true if more is left. */
export function clearDelivered(ledger: Ledger): boolean {
  let more = false;
  for (const [name, sink] of ledger.sinks) {
    if (!sink.clear) continue;
    const cleared = ledger.statements.clearRoutes.all(name, sink.cursor);
    for (const row of cleared) {
      const deleted = ledger.statements.deleteDelivered.get(row["position"]!);
      if (deleted === undefined) continue;
      ledger.statements.deletePayload.run(row["position"]!);
      ledger.entries--;
      ledger.bytes -= Number(deleted["size"]);
    }
    sink.clear = cleared.length === clearChunk;
    more ||= sink.clear;
  }
  return more;
}

/** Gives free pages back to the file system, when many are free or the disk is full; true if more could be given. */
export function giveBackSpace(ledger: Ledger, diskFull: boolean): boolean {
  const free = pragma(ledger.database, "freelist_count");
  const many = free >= vacuumFreePagesMin && free * 2 >= pragma(ledger.database, "page_count");
  if (free === 0 || !(many || diskFull)) return false;
  ledger.database.exec(`PRAGMA incremental_vacuum(${vacuumChunkPages})`);
  return free - vacuumChunkPages >= vacuumFreePagesMin;
}

/**
 * Drops the oldest batches that no sink is delivering until at most `bytesMax` bytes are held; who misses one is
 * counted. One that is being delivered would be counted as lost, and then arrive.
 */
export function dropToBound(
  ledger: Ledger,
  bytesMax: number,
  onDropped: ((batch: DroppedBatch) => void) | undefined,
): Loss[] {
  const { statements } = ledger;
  const dropped: Loss[] = [];
  while (ledger.bytes > bytesMax) {
    const oldest = oldestIdle(ledger) ?? statements.oldestAfter.get(0)!;
    const position = Number(oldest["position"]);
    const bytes =
      onDropped === undefined ? undefined : (statements.payload.get(position)!["bytes"] as Uint8Array);
    for (const [name, sink] of ledger.sinks) {
      const route = statements.deleteRoute.get(name, position);
      if (route === undefined || position <= sink.cursor) continue;
      sink.pending--;
      const target = String(route["target"]);
      dropped.push(countLoss(ledger, name, target, Number(oldest["rows"])));
      if (bytes !== undefined) onDropped?.({ sink: name, target: JSON.parse(target) as JsonValue, bytes });
    }
    statements.deleteBatch.run(position);
    statements.deletePayload.run(position);
    ledger.entries--;
    ledger.bytes -= Number(oldest["size"]);
  }
  return dropped;
}

/** The oldest batch that no sink has been given and not acknowledged. */
function oldestIdle({ sinks, statements }: Ledger): ReturnType<typeof statements.oldestAfter.get> {
  for (let after = 0; ;) {
    const found = statements.oldestAfter.get(after);
    if (found === undefined) return undefined;
    const position = Number(found["position"]);
    const busy = [...sinks.values()].find(
      ({ cursor, handedOut }) => position > cursor && position <= handedOut,
    );
    if (busy === undefined) return found;
    after = busy.handedOut;
  }
}

function countLoss(ledger: Ledger, sink: string, target: string, rows: number): Loss {
  const flowLogId = flowLogIdOf(target);
  const key = lossKey(sink, flowLogId);
  const loss = ledger.losses.get(key) ?? { sink, flowLogId, batches: 0, rows: 0 };
  loss.batches++;
  loss.rows += rows;
  ledger.losses.set(key, loss);
  ledger.statements.saveLoss.run(sink, flowLogId, loss.batches, loss.rows);
  return { sink, flowLogId, batches: 1, rows };
}

function lossKey(sink: string, flowLogId: string): string {
  return `${sink} ${flowLogId}`;
}

/** Targets name the flow log that they deliver for; one that does not is counted under "". */
function flowLogIdOf(target: string): string {
  const value: unknown = JSON.parse(target);
  if (typeof value !== "object" || value === null || !("flowLogId" in value)) return "";
  return typeof value.flowLogId === "string" ? value.flowLogId : "";
}

/** Forgets sinks that are no longer configured, so that they hold no batch back. */
export function forgetOtherSinks({ database, sinks }: Ledger): void {
  const others = database
    .prepare("SELECT name FROM sink")
    .all()
    .filter((row) => !sinks.has(String(row["name"])));
  if (others.length === 0) return;
  for (const row of others) {
    database.prepare("DELETE FROM route WHERE sink = ?").run(row["name"]!);
    database.prepare("DELETE FROM sink WHERE name = ?").run(row["name"]!);
  }
  database.exec(`
    DELETE FROM batch WHERE position NOT IN (SELECT position FROM route);
    DELETE FROM payload WHERE position NOT IN (SELECT position FROM batch)`);
}

/**
 * The group commit: what is appended and acknowledged during one round of the event loop becomes one
 * transaction, and a full disk is a fault that passes when there is space again.
 */
import { statfsSync } from "node:fs";
import { dirname } from "node:path";

import { type Fault, fault, ok, type Result } from "../base/mod.ts";
import { type Database, transaction } from "../database/mod.ts";
import {
  clearDelivered,
  dropToBound,
  giveBackSpace,
  insertBatch,
  type Ledger,
  type LedgerBatch,
  type Loss,
  reloadCounts,
  saveCursors,
} from "./ledger.ts";
import type { SpoolMetrics } from "./metrics.ts";
import type { BatchOrigin, Origins } from "./origin.ts";
import type { SpoolDependencies, SpoolOptions } from "./spool.ts";

/** Bytes of batches in one transaction, so that a commit holds the event loop for a bounded time. */
const commitBytesMax = 8 * 1024 * 1024;
const defaultFreeBytesMin = 64 * 1024 * 1024;

/** An append that waits for its commit. */
export interface Waiting {
  readonly batch: LedgerBatch;
  readonly origin: BatchOrigin;
  readonly settle: (result: Result<"accepted" | "duplicate">) => void;
}

export interface SpoolState {
  readonly options: SpoolOptions;
  readonly dependencies: SpoolDependencies;
  readonly database: Database;
  readonly ledger: Ledger;
  readonly origins: Origins;
  readonly metrics: SpoolMetrics;
  waiting: Waiting[];
  scheduled: boolean;
  /** Whether counts in memory must be read anew: a transaction was rolled back. */
  stale: boolean;
  fault: Fault | undefined;
  closed: boolean;
}

/** All that comes until the event loop has gone round once goes into one commit. */
export function schedule(state: SpoolState): void {
  if (state.scheduled || state.closed) return;
  state.scheduled = true;
  setImmediate(() => {
    state.scheduled = false;
    if (!state.closed) flush(state);
  });
}

/** Commits one group; the rest waits for the next round. */
export function flush(state: SpoolState): void {
  let group = takeGroup(state);
  const refused = checkSpace(state, group);
  if (refused !== undefined) {
    failGroup(state, group, refused);
    group = [];
  }
  // When the disk is full, clearing what is delivered may still succeed, and makes room.
  if (!commit(state, group) && group.length > 0) commit(state, []);
}

/** Commits the group with the cursors that moved; false if all of it was undone. */
function commit(state: SpoolState, group: readonly Waiting[]): boolean {
  const startedMs = state.dependencies.clock.monotonicMs();
  let results: ("accepted" | "duplicate")[];
  let dropped: Loss[];
  let more: boolean;
  try {
    if (state.stale) reload(state);
    [results, dropped, more] = transaction(state.database, () => commitGroup(state, group));
  } catch (error) {
    state.stale = true;
    for (const sink of state.ledger.sinks.values()) sink.clear = true;
    failGroup(state, group, faultOf(error, state.options.path));
    return false;
  }
  for (const sink of state.ledger.sinks.values()) sink.dirty = false;
  if (state.fault?.code === "DiskFull") shrinkFiles(state);
  if (group.length > 0 && state.fault !== undefined) {
    state.dependencies.logger.info({}, "spool accepts batches again");
    state.fault = undefined;
  }
  if (dropped.length > 0) {
    state.dependencies.logger.warn({ dropped }, "spool is full: oldest batches dropped");
  }
  state.metrics.committed(
    state.ledger,
    group.map(({ batch }) => batch),
    results,
    dropped,
    state.dependencies.clock.monotonicMs() - startedMs,
  );
  for (const [index, { settle }] of group.entries()) settle(ok(results[index]!));
  if (more || state.waiting.length > 0) schedule(state);
  return true;
}

function takeGroup(state: SpoolState): Waiting[] {
  let bytes = 0;
  let count = 0;
  for (const { batch } of state.waiting) {
    bytes += batch.bytes.length;
    if (count > 0 && bytes > commitBytesMax) break;
    count++;
  }
  return state.waiting.splice(0, count);
}

function commitGroup(
  state: SpoolState,
  group: readonly Waiting[],
): [("accepted" | "duplicate")[], Loss[], boolean] {
  const { ledger, origins } = state;
  const nowMs = state.dependencies.clock.nowMs();
  const results = group.map(({ batch, origin }) => {
    if (!origins.take(origin, nowMs)) return "duplicate";
    if (batch.routes.length > 0) insertBatch(ledger, batch, nowMs);
    return "accepted";
  });
  saveCursors(ledger);
  let more = clearDelivered(ledger);
  const dropped = dropToBound(ledger, state.options.bytesMax, state.dependencies.onDropped);
  if (!more) more = giveBackSpace(ledger, state.fault?.code === "DiskFull");
  return [results, dropped, more];
}

function failGroup(state: SpoolState, group: readonly Waiting[], found: Fault): void {
  if (state.fault?.code !== found.code) {
    state.dependencies.logger.error({ fault: found }, "spool cannot commit");
  }
  state.fault = found;
  state.metrics.failures.add();
  for (const { settle } of group) settle({ ok: false, fault: found });
}

/**
 * Batches are refused while there is still some space, because without any the file cannot even be
 * written to say that a batch was delivered and may go. What is spared must hold the write-ahead log once
 * more, because a checkpoint may have to grow the file by all of it.
 */
function checkSpace(state: SpoolState, group: readonly Waiting[]): Fault | undefined {
  if (group.length === 0) return undefined;
  const { path, freeBytesMin = defaultFreeBytesMin } = state.options;
  let free: number;
  try {
    const { bavail, bsize } = statfsSync(dirname(path));
    free = bavail * bsize;
  } catch (error) {
    return faultOf(error, path);
  }
  const needed = freeBytesMin + 2 * group.reduce((sum, { batch }) => sum + batch.bytes.length, 0);
  return free < needed ? diskFull(path, `only ${free} bytes are free`) : undefined;
}

/** What was cleared while the disk was full leaves the files only with a checkpoint. */
function shrinkFiles({ database, dependencies }: SpoolState): void {
  try {
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  } catch (error) {
    dependencies.logger.warn({ error }, "spool cannot be checkpointed");
  }
}

/** Takes counts and ids from the file again, after a rollback. */
export function reload(state: SpoolState): void {
  reloadCounts(state.ledger);
  state.origins.reload();
  state.stale = false;
}

/** What a failed statement or system call means to a caller. */
export function faultOf(error: unknown, path: string): Fault {
  const message = error instanceof Error ? error.message : String(error);
  if (/disk is full/iu.test(message)) return diskFull(path, message);
  return fault("DataDirectoryUnusable", `cannot write ${path}: ${message}`, {
    value: path,
    retryable: true,
    cause: error,
  });
}

function diskFull(path: string, message: string): Fault {
  return fault("DiskFull", `cannot write ${path}: ${message}`, {
    value: path,
    retryable: true,
    remedy: "free space on the file system of the data directory",
  });
}

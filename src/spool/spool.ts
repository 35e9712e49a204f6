/**
 * The spool: a batch is accepted when it is committed here.
 *
 * One SQLite file, written by this process alone. Appends that arrive while the event loop is busy with
 * one round form one transaction, with the cursors that sinks moved meanwhile; each append's promise
 * resolves after that commit. A sink that is down costs disk up to the bound, then the oldest batches that are
 * not on their way.
 */
import { type Clock, type Fault, fail, fault, ok, type Result } from "../base/mod.ts";
import { transaction } from "../database/mod.ts";
import type { Logger, Metrics } from "../observe/mod.ts";
import { faultOf, flush, reload, schedule, type SpoolState } from "./commit.ts";
import {
  countRoutes,
  createLedger,
  type DroppedBatch,
  forgetOtherSinks,
  type Loss,
  reloadCounts,
  saveCursors,
} from "./ledger.ts";
import { createSpoolMetrics } from "./metrics.ts";
import { createOrigins, parseBatchId } from "./origin.ts";
import { openSpoolFile } from "./schema.ts";

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

/** Where a batch goes: `target` is what the sink needs to know, as it was when the batch was accepted. */
export interface SpoolRoute {
  readonly sink: string;
  /** If it has a `flowLogId`, a loss is counted under that. */
  readonly target: JsonValue;
}

export interface SpoolInput {
  /** agent/boot/sequence, as batchId() of flow/ makes it. */
  readonly batchId: string;
  /** Not to be changed before append() has resolved. */
  readonly bytes: Uint8Array;
  /** Flows in the batch. */
  readonly rows: number;
  /** At most one a sink. A batch without any is accepted and not kept. */
  readonly routes: readonly SpoolRoute[];
}

export interface SpoolEntry {
  /** Rises by batch for ever, also past restarts and deletions. */
  readonly position: number;
  readonly batchId: string;
  readonly bytes: Uint8Array;
  readonly rows: number;
  readonly acceptedMs: number;
  readonly target: JsonValue;
}

/** Batches and rows that a sink will never get, because the spool was full. */
export type SpoolLoss = Readonly<Loss>;

export interface SpoolStatus {
  readonly entries: number;
  readonly bytes: number;
  /** When the oldest batch held was accepted. */
  readonly oldestMs: number | undefined;
  readonly sinks: readonly { readonly name: string; readonly cursor: number; readonly pending: number }[];
  /** Over all losses: a batch that two sinks missed counts twice. */
  readonly droppedBatches: number;
  readonly droppedRows: number;
  readonly losses: readonly SpoolLoss[];
}

export interface Spool {
  /**
   * Accepts a batch: resolves after the commit. `duplicate` means that the id was accepted before, however
   * long ago. Faults: `InputInvalid`, `InputTooLarge` (larger than the whole spool), and, to be tried
   * again, `DiskFull` and `DataDirectoryUnusable`; after these the batch is not accepted.
   */
  append(input: SpoolInput): Promise<Result<"accepted" | "duplicate">>;
  /**
   * Batches routed to the sink after its cursor, or after `after` if that is further, in order; at least
   * one if there is any, then as many as keep to the limits. Until they are acknowledged they are taken to be on
   * their way, and others are dropped before them at the bound.
   */
  read(
    sink: string,
    limits: { readonly entriesMax: number; readonly bytesMax: number; readonly after?: number },
  ): readonly SpoolEntry[];
  /**
   * Moves the sink's cursor to `position`, never back, and keeps `state` with it: both in one transaction,
   * with the next commit. A crash before that brings the older cursor back together with the older state.
   */
  acknowledge(sink: string, position: number, state?: JsonValue): void;
  sinkState(sink: string): JsonValue | undefined;
  /** Makes every later position higher than `position`; for a sink whose far side has seen higher ones. */
  advancePosition(position: number): Result<void>;
  status(): SpoolStatus;
  /** Commits what is queued and releases the file. */
  close(): void;
}

export interface SpoolOptions {
  readonly path: string;
  /** Bytes of batches held, at most; the file is somewhat larger. */
  readonly bytesMax: number;
  /** Bytes of the file system that batches leave free: 64 MiB if not given; below 16 MiB it is of no use. */
  readonly freeBytesMin?: number;
  /** Every sink that routes may name. */
  readonly sinks: readonly string[];
}

export interface SpoolDependencies {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /**
   * Told of each batch that a sink will never get, within the commit that drops it: again, if that fails. It
   * may append, which is part of a later commit, and must not throw.
   */
  readonly onDropped?: (batch: DroppedBatch) => void;
}

/** Opens or creates the spool. Faults: `DataDirectoryLocked`, `DataDirectoryUnusable`, `DiskFull`. */
export function openSpool(options: SpoolOptions, dependencies: SpoolDependencies): Result<Spool> {
  const opened = openSpoolFile(options.path);
  if (!opened.ok) return opened;
  const database = opened.value;
  try {
    const ledger = createLedger(database, options.sinks);
    transaction(database, () => {
      forgetOtherSinks(ledger);
      saveCursors(ledger);
    });
    reloadCounts(ledger);
    const state: SpoolState = {
      options,
      dependencies,
      database,
      ledger,
      origins: createOrigins(database),
      metrics: createSpoolMetrics(dependencies.metrics),
      waiting: [],
      scheduled: false,
      stale: false,
      fault: undefined,
      closed: false,
    };
    schedule(state);
    return ok(spoolOver(state));
  } catch (error) {
    database.close();
    return { ok: false, fault: faultOf(error, options.path) };
  }
}

function spoolOver(state: SpoolState): Spool {
  const sinkOf = (name: string) => {
    const sink = state.ledger.sinks.get(name);
    if (sink === undefined) throw new RangeError(`the spool has no sink "${name}"`);
    return sink;
  };
  return {
    append: (input) => append(state, input),
    read: (name, limits) => {
      const sink = sinkOf(name);
      const entries = read(state, name, Math.max(sink.cursor, limits.after ?? 0), limits);
      sink.handedOut = Math.max(sink.handedOut, entries.at(-1)?.position ?? 0);
      return entries;
    },
    acknowledge: (name, position, sinkState) => {
      const sink = sinkOf(name);
      if (position > state.ledger.highestPosition) {
        throw new RangeError(`sink "${name}" acknowledged position ${position}, which was never given out`);
      }
      if (position > sink.cursor) {
        const delivered = countRoutes(state.ledger, name, sink.cursor, position);
        sink.pending -= delivered;
        sink.cursor = position;
        sink.clear = true;
        state.metrics.acknowledged.add(delivered, { sink: name });
      }
      if (sinkState !== undefined) sink.state = JSON.stringify(sinkState);
      sink.dirty = true;
      schedule(state);
    },
    sinkState: (name) => {
      const text = sinkOf(name).state;
      return text === null ? undefined : (JSON.parse(text) as JsonValue);
    },
    advancePosition: (position) => advancePosition(state, position),
    status: () => statusOf(state),
    close: () => {
      if (state.closed) return;
      while (state.waiting.length > 0) flush(state);
      flush(state);
      state.closed = true;
      state.database.close();
    },
  };
}

function append(state: SpoolState, input: SpoolInput): Promise<Result<"accepted" | "duplicate">> {
  if (state.closed) return Promise.resolve(fail("DataDirectoryUnusable", "the spool is closed"));
  const origin = parseBatchId(input.batchId);
  if (!origin.ok) return Promise.resolve(origin);
  const refused = checkInput(state, input);
  if (refused !== undefined) return Promise.resolve({ ok: false, fault: refused });
  const routes = input.routes.map(({ sink, target }) => ({ sink, target: JSON.stringify(target) }));
  const { promise, resolve } = Promise.withResolvers<Result<"accepted" | "duplicate">>();
  state.waiting.push({ batch: { ...input, routes }, origin: origin.value, settle: resolve });
  schedule(state);
  return promise;
}

function checkInput({ options, ledger }: SpoolState, input: SpoolInput): Fault | undefined {
  if (input.bytes.length > options.bytesMax) {
    return fault("InputTooLarge", "a batch is larger than the whole spool", {
      field: "bytes",
      value: `${input.bytes.length}`,
      allowed: `at most ${options.bytesMax}`,
      remedy: "raise the spool's bound",
    });
  }
  const names = input.routes.map((route) => route.sink);
  const wrong = names.find((name, index) => !ledger.sinks.has(name) || names.indexOf(name) !== index);
  if (wrong === undefined) return undefined;
  return fault("InputInvalid", `a batch cannot be routed to "${wrong}"`, {
    field: "routes",
    value: wrong,
    allowed: `each of ${options.sinks.join(", ")} at most once`,
  });
}

function read(
  { ledger }: SpoolState,
  sink: string,
  after: number,
  limits: { readonly entriesMax: number; readonly bytesMax: number },
): SpoolEntry[] {
  const entries: SpoolEntry[] = [];
  let bytes = 0;
  for (const row of ledger.statements.read.iterate(sink, after, limits.entriesMax)) {
    bytes += Number(row["size"]);
    if (entries.length > 0 && bytes > limits.bytesMax) break;
    entries.push({
      position: Number(row["position"]),
      batchId: String(row["batch_id"]),
      bytes: row["bytes"] as Uint8Array,
      rows: Number(row["rows"]),
      acceptedMs: Number(row["accepted_ms"]),
      target: JSON.parse(String(row["target"])) as JsonValue,
    });
  }
  return entries;
}

function advancePosition(state: SpoolState, position: number): Result<void> {
  try {
    if (state.stale) reload(state);
    if (position <= state.ledger.highestPosition) return ok(undefined);
    transaction(state.database, () => {
      const update = state.database.prepare("UPDATE sqlite_sequence SET seq = ? WHERE name = 'batch'");
      const insert = state.database.prepare("INSERT INTO sqlite_sequence (name, seq) VALUES ('batch', ?)");
      if (update.run(position).changes === 0) insert.run(position);
    });
  } catch (error) {
    return { ok: false, fault: faultOf(error, state.options.path) };
  }
  state.ledger.highestPosition = position;
  return ok(undefined);
}

function statusOf({ ledger }: SpoolState): SpoolStatus {
  const oldest = ledger.statements.oldestAfter.get(0);
  const losses = [...ledger.losses.values()];
  return {
    entries: ledger.entries,
    bytes: ledger.bytes,
    oldestMs: oldest === undefined ? undefined : Number(oldest["accepted_ms"]),
    sinks: [...ledger.sinks].map(([name, { cursor, pending }]) => ({ name, cursor, pending })),
    droppedBatches: losses.reduce((sum, loss) => sum + loss.batches, 0),
    droppedRows: losses.reduce((sum, loss) => sum + loss.rows, 0),
    losses,
  };
}

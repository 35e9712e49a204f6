/**
 * The store's sink: reads the spool in order, stores batches in groups, and acknowledges them when they are
 * stored. What it cannot confirm it sends again; the store leaves out what it has.
 */
import { type Clock, type Fault, fault, ok, type Result, toFault } from "../../base/mod.ts";
import type { Counter, Logger, Metrics } from "../../observe/mod.ts";
import type { JsonValue, Spool, SpoolEntry } from "../../spool/mod.ts";
import { rowsPerPosition, type Store, type StoreInsert, type StoreTarget } from "../../store/mod.ts";
import { createDeadLetters, type DeadLetters } from "./dead-letter.ts";

/** The name that routes to the store carry. */
export const storeSinkName = "store";
const defaultIntervalMs = 1000;
const defaultRowsMax = 262_144;
const groupBytesMax = 16 * 1024 * 1024;
const groupEntriesMax = 4096;
const retryMsMin = 100;
const retryMsMax = 5_000;
/**
 * How long a batch that the engine refuses alone is tried before it is set aside. Long, because an engine
 * that is out of files or parts refuses every batch alike, and does so in no other words.
 */
const defaultRefusalPatienceMs = 600_000;
const stopPatienceMs = 4_000;

export interface StoreSinkConfig {
  /** Where batches go that can never be stored. */
  readonly deadLetterPath: string;
  /** Least time from one insert to the next, so that few batches do not become many parts; 1 s if not given. */
  readonly intervalMs?: number;
  /** Flows in one insert, unless one batch has more; 262,144 if not given. */
  readonly rowsMax?: number;
  /** How long a batch that the store refuses is tried before it is set aside; ten minutes if not given. */
  readonly refusalPatienceMs?: number;
  /** Wait while the spool cannot be read or the store not be asked; 5 s if not given. */
  readonly retryMs?: number;
}

export interface StoreSinkDependencies {
  readonly spool: Spool;
  readonly store: Store;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

export interface StoreSinkStatus {
  readonly flowsStored: number;
  readonly batchesSetAside: number;
  /** Why nothing is being stored at the moment. */
  readonly fault: Fault | undefined;
}

export interface StoreSink {
  /**
   * Begins to deliver. Resolves when positions of the spool are known to be higher than all in the store:
   * a batch accepted before that into a new spool beside an old store would pass for one stored already.
   * A fault says that the store cannot be asked; the sink tries again by itself.
   */
  start(): Promise<Result<void>>;
  /** Ends after the insert that is running, or after 4 s without it: it is sent again after the next start. */
  stop(): Promise<void>;
  /** Tells that there may be more in the spool. */
  wake(): void;
  status(): StoreSinkStatus;
}

interface SinkState {
  readonly dependencies: StoreSinkDependencies;
  readonly intervalMs: number;
  readonly rowsMax: number;
  readonly refusalPatienceMs: number;
  readonly retryMs: number;
  readonly deadLetters: DeadLetters;
  readonly metrics: SinkMetrics;
  running: Promise<void> | undefined;
  stopping: boolean;
  /** Whether the spool may be closed by now. */
  stopped: boolean;
  /** Positions of the group at hand that are set aside already. */
  readonly aside: Set<number>;
  /** Ends the wait that is on, if one is. */
  rouse: () => void;
  woken: boolean;
  flowsStored: number;
  batchesSetAside: number;
  fault: Fault | undefined;
}

interface SinkMetrics {
  readonly flows: Counter;
  readonly retries: Counter;
  readonly setAside: Counter;
  readonly discarded: Counter;
}

export function createStoreSink(config: StoreSinkConfig, dependencies: StoreSinkDependencies): StoreSink {
  const { metrics } = dependencies;
  const state: SinkState = {
    dependencies,
    intervalMs: config.intervalMs ?? defaultIntervalMs,
    rowsMax: config.rowsMax ?? defaultRowsMax,
    refusalPatienceMs: config.refusalPatienceMs ?? defaultRefusalPatienceMs,
    retryMs: config.retryMs ?? retryMsMax,
    deadLetters: createDeadLetters(config.deadLetterPath),
    metrics: {
      flows: metrics.counter("weir_store_sink_flows_total", "Flows delivered into the store"),
      retries: metrics.counter("weir_store_sink_retries_total", "Inserts tried again"),
      setAside: metrics.counter(
        "weir_store_sink_set_aside_batches_total",
        "Batches that can never be stored, kept in the dead-letter folder",
      ),
      discarded: metrics.counter(
        "weir_store_sink_discarded_batches_total",
        "Batches that can never be stored and for which the dead-letter folder had no room",
      ),
    },
    running: undefined,
    stopping: false,
    stopped: false,
    aside: new Set(),
    rouse: () => undefined,
    woken: false,
    flowsStored: 0,
    batchesSetAside: 0,
    fault: undefined,
  };
  return {
    start: async () => {
      const first = alignPositions(state);
      state.running ??= run(state, first);
      return await first;
    },
    stop: async () => {
      state.stopping = true;
      state.rouse();
      const patience = Promise.withResolvers<void>();
      const timer = setTimeout(patience.resolve, stopPatienceMs);
      await Promise.race([state.running, patience.promise]);
      clearTimeout(timer);
      state.stopped = true;
    },
    wake: () => {
      state.woken = true;
      if (state.running !== undefined) state.rouse();
    },
    status: () => ({
      flowsStored: state.flowsStored,
      batchesSetAside: state.batchesSetAside,
      fault: state.fault,
    }),
  };
}

/** A spool that was lost and begun anew must go on above what the store has. */
async function alignPositions({ dependencies }: SinkState): Promise<Result<void>> {
  try {
    return await advancePastStore(dependencies);
  } catch (error) {
    // The spool cannot be read, or the store's answer not be understood.
    return { ok: false, fault: toFault(error) };
  }
}

async function advancePastStore({ spool, store, logger }: StoreSinkDependencies): Promise<Result<void>> {
  const cursor = spool.status().sinks.find(({ name }) => name === storeSinkName)?.cursor ?? 0;
  const answer = await store.query(
    "SELECT count(), toString(max(position)) FROM flows WHERE position >= {from:UInt64}",
    { from: cursor * rowsPerPosition },
  );
  if (!answer.ok) return answer;
  const [count, position] = answer.value.rows[0]!;
  if (Number(count) === 0) return ok(undefined);
  const advanced = spool.advancePosition(Math.floor(Number(position) / rowsPerPosition));
  if (!advanced.ok)
    logger.error({ fault: advanced.fault }, "spool positions cannot be moved past the store's");
  return advanced;
}

async function run(state: SinkState, first: Promise<Result<void>>): Promise<void> {
  const { clock, logger } = state.dependencies;
  let aligned = await first;
  while (!aligned.ok && !state.stopping) {
    await rest(state, clock.monotonicMs() + state.retryMs);
    if (!state.stopping) aligned = await alignPositions(state);
  }
  while (!state.stopping) {
    try {
      await deliverNext(state);
    } catch (error) {
      // The spool cannot be read: a disk that fails. It may come back, and nothing is lost by waiting.
      const found = toFault(error);
      if (state.fault?.code !== found.code) logger.error({ fault: found }, "spool cannot be read");
      state.fault = found;
      await rest(state, clock.monotonicMs() + state.retryMs);
    }
  }
}

/** Delivers what the spool has for the store now, or waits until there is something. */
async function deliverNext(state: SinkState): Promise<void> {
  const { spool, clock } = state.dependencies;
  state.woken = false;
  const entries = spool.read(storeSinkName, { entriesMax: groupEntriesMax, bytesMax: groupBytesMax });
  if (entries.length === 0) return pause(state, Infinity);
  const group = firstRows(entries, state.rowsMax);
  const startedMs = clock.monotonicMs();
  await deliverGroup(state, group);
  // A backlog goes at full speed; otherwise what comes within the interval is stored together.
  const isBacklog = group.length < entries.length || entries.length === groupEntriesMax;
  if (!isBacklog) await rest(state, startedMs + state.intervalMs);
}

/** As many entries as have `rowsMax` rows together, and at least one. */
function firstRows(entries: readonly SpoolEntry[], rowsMax: number): readonly SpoolEntry[] {
  let rows = 0;
  const end = entries.findIndex((entry, index) => {
    rows += entry.rows;
    return index > 0 && rows > rowsMax;
  });
  return end === -1 ? entries : entries.slice(0, end);
}

/** Stores a group, however often it takes, and acknowledges it; returns early only when told to stop. */
async function deliverGroup(state: SinkState, group: readonly SpoolEntry[]): Promise<void> {
  const { spool, logger, clock } = state.dependencies;
  let delayMs = retryMsMin;
  let refusedSinceMs: number | undefined;
  while (!state.stopping) {
    const found = await attempt(state, group);
    if (state.stopped) return;
    if (found === undefined) {
      if (state.fault !== undefined) logger.info({}, "flows are stored again");
      state.fault = undefined;
      state.aside.clear();
      spool.acknowledge(storeSinkName, group.at(-1)!.position);
      return;
    }
    if (state.fault?.code !== found.code)
      logger.warn({ fault: found }, "flows cannot be stored, trying again");
    state.fault = found;
    state.metrics.retries.add();
    if (!found.retryable && group.length > 1) {
      // One of them may be at fault: each by itself, so that it does not hold up the rest.
      for (const entry of group) await deliverGroup(state, [entry]);
      return;
    }
    if (found.retryable) refusedSinceMs = undefined;
    else refusedSinceMs ??= clock.monotonicMs();
    const isPatient =
      refusedSinceMs === undefined || clock.monotonicMs() - refusedSinceMs < state.refusalPatienceMs;
    if (!isPatient && keepAside(state, group[0]!, found)) {
      state.fault = undefined;
      spool.acknowledge(storeSinkName, group[0]!.position);
      return;
    }
    await rest(state, clock.monotonicMs() + delayMs * (0.5 + Math.random() / 2));
    delayMs = Math.min(delayMs * 2, retryMsMax);
  }
}

/** One insert; undefined when the whole group is stored or set aside. */
async function attempt(state: SinkState, group: readonly SpoolEntry[]): Promise<Fault | undefined> {
  const inserts: StoreInsert[] = [];
  for (const entry of group) {
    const target = readTarget(entry.target);
    if (target !== undefined) {
      const { position, bytes, acceptedMs } = entry;
      inserts.push({ position, batch: bytes, target, receivedMs: acceptedMs });
    } else if (!setAside(state, entry, fault("Malformed", "the batch's target is not one of the store"))) {
      return fault("DiskFull", "a broken batch cannot be set aside", { retryable: true });
    }
  }
  const result = await state.dependencies.store.appendFlows(inserts);
  if (!result.ok) return result.fault;
  state.flowsStored += result.value.rows;
  state.metrics.flows.add(result.value.rows);
  for (const { position, fault: found } of result.value.undecodable) {
    const entry = group.find((candidate) => candidate.position === position);
    if (entry === undefined || setAside(state, entry, found)) continue;
    return fault("DiskFull", "a broken batch cannot be set aside", { retryable: true });
  }
  return undefined;
}

/** Takes a batch out of the way that others may be able to store; false if it could not be kept. */
function keepAside(state: SinkState, entry: SpoolEntry, found: Fault): boolean {
  return state.deadLetters.hasRoom() && setAside(state, entry, found);
}

/** Takes a batch out of the way; false if that failed and has to be tried again. */
function setAside(state: SinkState, entry: SpoolEntry, found: Fault): boolean {
  const { logger } = state.dependencies;
  const { position, batchId, rows } = entry;
  if (state.aside.has(position)) return true;
  try {
    const kept = state.deadLetters.keep(entry, found);
    (kept ? state.metrics.setAside : state.metrics.discarded).add();
    state.aside.add(position);
    state.batchesSetAside++;
    logger.error(
      { fault: found, position, batchId, rows, kept },
      "a batch can never be stored and is set aside",
    );
    return true;
  } catch (error) {
    logger.error({ error, position }, "a batch that can never be stored cannot be set aside");
    return false;
  }
}

const targetTexts = ["flowLogId", "resourceId", "resourceSerial", "accountId", "regionId"] as const;
/** What a batch that an older Weir accepted does not say. */
const laterTexts = ["service", "vpcId", "subnetId", "instanceId", "projectId"] as const;

function readTarget(target: JsonValue): StoreTarget | undefined {
  if (typeof target !== "object" || target === null || !("logstore" in target)) return undefined;
  const fields: Readonly<Record<string, unknown>> = target;
  const { logstore } = fields;
  if (!Number.isInteger(logstore) || Number(logstore) < 0 || Number(logstore) > 0xff_ff_ff_ff)
    return undefined;
  const isText = (name: string): boolean => typeof fields[name] === "string";
  return targetTexts.every(isText) && laterTexts.every((name) => !(name in fields) || isText(name))
    ? (fields as unknown as StoreTarget)
    : undefined;
}

/** Waits until the time has come, or the sink is to stop; being woken does not end it. */
async function rest(state: SinkState, untilMs: number): Promise<void> {
  const { clock } = state.dependencies;
  while (!state.stopping && clock.monotonicMs() < untilMs) {
    await pause(state, untilMs - clock.monotonicMs());
    state.woken = false;
  }
}

/** Waits for a time, or until woken. */
async function pause(state: SinkState, timeMs: number): Promise<void> {
  if (state.woken || state.stopping) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  state.rouse = resolve;
  const timer = Number.isFinite(timeMs) ? setTimeout(resolve, timeMs) : undefined;
  await promise;
  clearTimeout(timer);
}

/**
 * The store: flows kept for queries, in a ClickHouse engine that runs in a process of its own, so that
 * neither a crash nor a runaway query of it takes anything else along.
 */
import { mkdirSync } from "node:fs";

import { type Clock, fail, ok, type Result } from "../base/mod.ts";
import type { Logger, Metrics } from "../observe/mod.ts";
import type { ChildRegister } from "../process/mod.ts";
import type {
  AppendOutcome,
  IngestPath,
  LinesInsert,
  QueryAnswer,
  Retention,
  RollupDays,
  StoreInsert,
  StoreParameters,
  StoreStatistics,
} from "./protocol.ts";
import type { RollupOutcome } from "./rollup.ts";
import { createRollupSchedule, type RollupSchedule } from "./rollup-schedule.ts";
import { checkStatement } from "./statement.ts";
import { createSupervisor, type Supervisor, type SupervisorStatus } from "./supervisor.ts";

const defaultMemoryBytesMax = 1536 * 1024 * 1024;
const defaultReaders = 2;
const defaultTimeoutMs = 30_000;
const defaultRowsMax = 1_000_000;
/** An insert may wait for a slow disk; past this the process is taken for stuck. */
const appendTimeoutMs = 120_000;
const maintenanceTimeoutMs = 120_000;
const defaultRollupIntervalMs = 30_000;
const defaultRollupFlowsMin = 2 ** 18;
/** What one call rolls up takes this long at most, so that a stop need not wait. */
const rollupBudgetMs = 2_000;
/** What a query may take longer than its own limit before the process is taken for stuck. */
const queryGraceMs = 5_000;

export interface StoreConfig {
  /** The store's directory; made if it is not there. */
  readonly path: string;
  /** Memory that the engine may use; 1.5 GiB if not given. */
  readonly memoryBytesMax?: number;
  /** Queries that run at once; 2 if not given. */
  readonly readers?: number;
  /** Days that each tier is kept at least; 0, as long as the flows, if not given. */
  readonly rollupDays?: Partial<RollupDays>;
  /** How often is looked for flows that wait to be rolled up; 30 s if not given, 0 is never. */
  readonly rollupIntervalMs?: number;
  /** How many flows of a logstore wait for each other until they are; 262,144 if not given. */
  readonly rollupFlowsMin?: number;
  /** For tests only: false stores again what is sent again. */
  readonly deduplicate?: boolean;
  /** For tests only: the way of inserting, otherwise chosen by a test at start. */
  readonly ingest?: IngestPath;
}

export interface QueryLimits {
  readonly timeoutMs?: number;
  /** More rows than this are a fault. */
  readonly rowsMax?: number;
}

export interface Store {
  /**
   * Resolves when the store answers queries. Faults: `DataDirectoryLocked`, `DataDirectoryUnusable`,
   * `DiskFull`, `StoreUnavailable`. After that the store comes back by itself whenever it dies.
   */
  start(): Promise<Result<void>>;
  /** Lets running calls finish, for 5 s at most. */
  stop(): Promise<void>;
  /**
   * Stores batches, for each logstore all or none; what is stored already is left out. In the order of
   * positions: rows below the highest position of a logstore count as stored. Faults, after which the same
   * call may be made again: `StoreUnavailable`, `DiskFull`, `Timeout`. Batches that cannot be decoded are
   * no fault but named in the outcome.
   */
  appendFlows(inserts: readonly StoreInsert[]): Promise<Result<AppendOutcome>>;
  /**
   * Stores lines that a client wrote itself, all or none; sent again they are stored again. Resolves when they
   * are on the disk. Faults: `StoreUnavailable`, `DiskFull`, `Timeout`.
   */
  appendLines(insert: Omit<LinesInsert, "receivedMs">): Promise<Result<void>>;
  /**
   * Runs one SELECT, without SETTINGS and FORMAT, whose `{name:Type}` placeholders take their values from
   * `parameters`. The caller answers for the statement: it may only read, but `file()` and `url()` read too.
   * Faults: `Timeout`, `QueryTooComplex` (memory, rows), `QuerySyntax`, `InputMissing`, `StoreUnavailable`.
   */
  query(sql: string, parameters: StoreParameters, limits?: QueryLimits): Promise<Result<QueryAnswer>>;
  /**
   * Brings the tiers up to the flows, for 2 s at most. That is done without being asked where many flows
   * wait; this is for those who want all. Faults: those of the engine; the same call may be made again.
   */
  rollUp(): Promise<Result<RollupOutcome>>;
  /** Removes every flow of a logstore. */
  dropLogstore(logstore: number): Promise<Result<void>>;
  /**
   * Removes the days of each logstore that lie wholly before its retention. `retentions` names every logstore
   * there is: of others, which were deleted, all days before today are removed.
   */
  expire(retentions: readonly Retention[]): Promise<Result<{ readonly partitions: number }>>;
  statistics(): Promise<Result<StoreStatistics>>;
  status(): SupervisorStatus;
}

export interface StoreDependencies {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** Where the store's process is written down, for a start after a kill. */
  readonly children?: ChildRegister;
}

export function createStore(config: StoreConfig, dependencies: StoreDependencies): Store {
  const { logger, clock, children } = dependencies;
  const metrics = createStoreMetrics(dependencies.metrics);
  const supervisor = createSupervisor(
    {
      path: config.path,
      memoryBytesMax: config.memoryBytesMax ?? defaultMemoryBytesMax,
      readers: config.readers ?? defaultReaders,
      deduplicate: config.deduplicate ?? true,
      ...(config.ingest !== undefined && { ingest: config.ingest }),
    },
    {
      logger,
      clock,
      ...(children !== undefined && { children }),
      onRestart: () => metrics.restarts.add(),
      onHeartbeat: (bytes) => metrics.residentBytes.set(bytes),
    },
  );
  const rollups = createRollupSchedule(
    {
      intervalMs: config.rollupIntervalMs ?? defaultRollupIntervalMs,
      flowsMin: config.rollupFlowsMin ?? defaultRollupFlowsMin,
    },
    {
      ...dependencies,
      rollUp: (flowsMin) =>
        supervisor.call("rollUp", { flowsMin, budgetMs: rollupBudgetMs }, maintenanceTimeoutMs),
    },
  );
  const rollupDays = { "1m": 0, "5m": 0, "1h": 0, ...config.rollupDays };
  return {
    start: async () => {
      const made = makeDirectory(config.path);
      if (!made.ok) return made;
      const started = await supervisor.start();
      if (started.ok) rollups.start();
      return started;
    },
    stop: async () => {
      const rolled = rollups.stop();
      await supervisor.stop();
      await rolled;
    },
    rollUp: () => rollups.run(),
    appendFlows: (inserts) => appendFlows({ supervisor, metrics, clock, rollups }, inserts),
    appendLines: (insert) => appendLines({ supervisor, metrics, clock }, insert),
    query: (sql, parameters, limits = {}) => query(supervisor, metrics, sql, parameters, limits),
    dropLogstore: (logstore) => supervisor.call("dropLogstore", { logstore }, maintenanceTimeoutMs),
    expire: (retentions) =>
      supervisor.call("expire", { retentions, rollupDays, nowMs: clock.nowMs() }, maintenanceTimeoutMs),
    statistics: () => supervisor.call("statistics", undefined, maintenanceTimeoutMs),
    status: () => supervisor.status(),
  };
}

function createStoreMetrics(metrics: Metrics) {
  return {
    rows: metrics.counter("weir_store_inserted_flows_total", "Flows stored"),
    duplicates: metrics.counter(
      "weir_store_duplicate_flows_total",
      "Flows sent again that were stored already, and left out",
    ),
    lines: metrics.counter("weir_store_inserted_lines_total", "Lines of clients stored"),
    inserts: metrics.counter("weir_store_inserts_total", "Calls that stored flows"),
    insertFaults: metrics.counter(
      "weir_store_insert_faults_total",
      "Calls to store flows that failed, by code",
    ),
    queries: metrics.counter("weir_store_queries_total", "Queries"),
    queryFaults: metrics.counter("weir_store_query_faults_total", "Queries that failed, by code"),
    restarts: metrics.counter("weir_store_restarts_total", "Times that the store's process was replaced"),
    residentBytes: metrics.gauge("weir_store_resident_bytes", "Memory of the store's process"),
  };
}

type StoreMetrics = ReturnType<typeof createStoreMetrics>;

function makeDirectory(path: string): Result<void> {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return ok(undefined);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return fail("DataDirectoryUnusable", `cannot make the store's directory: ${message}`, { value: path });
  }
}

interface AppendParts {
  readonly supervisor: Supervisor;
  readonly metrics: StoreMetrics;
  readonly clock: Clock;
  readonly rollups: RollupSchedule;
}

async function appendFlows(
  { supervisor, metrics, clock, rollups }: AppendParts,
  inserts: readonly StoreInsert[],
): Promise<Result<AppendOutcome>> {
  const nowMs = clock.nowMs();
  const dated = inserts.map((insert) => ({ ...insert, receivedMs: insert.receivedMs ?? nowMs }));
  const result = await supervisor.call("append", dated, appendTimeoutMs);
  if (result.ok) {
    metrics.inserts.add();
    metrics.rows.add(result.value.rows);
    rollups.note(result.value.rows);
    metrics.duplicates.add(result.value.duplicateRows);
  } else metrics.insertFaults.add(1, { code: result.fault.code });
  return result;
}

async function appendLines(
  { supervisor, metrics, clock }: Omit<AppendParts, "rollups">,
  insert: Omit<LinesInsert, "receivedMs">,
): Promise<Result<void>> {
  const dated = { ...insert, receivedMs: clock.nowMs() };
  const result = await supervisor.call("appendLines", dated, appendTimeoutMs);
  if (result.ok) metrics.lines.add(insert.lines.length);
  else metrics.insertFaults.add(1, { code: result.fault.code });
  return result;
}

interface CompactAnswer {
  readonly meta: QueryAnswer["columns"];
  readonly data: readonly (readonly unknown[])[];
  readonly statistics: { readonly elapsed: number; readonly rows_read: number };
}

async function query(
  supervisor: Supervisor,
  metrics: StoreMetrics,
  sql: string,
  parameters: StoreParameters,
  limits: QueryLimits,
): Promise<Result<QueryAnswer>> {
  const checked = checkStatement(sql, parameters);
  if (!checked.ok) return checked;
  const { timeoutMs = defaultTimeoutMs, rowsMax = defaultRowsMax } = limits;
  metrics.queries.add();
  const request = { sql, parameters, timeoutMs, rowsMax };
  const result = await supervisor.call("query", request, timeoutMs + queryGraceMs);
  if (!result.ok) {
    metrics.queryFaults.add(1, { code: result.fault.code });
    return result;
  }
  const answer = JSON.parse(new TextDecoder().decode(result.value)) as CompactAnswer;
  return ok({
    columns: answer.meta,
    rows: answer.data,
    rowsRead: answer.statistics.rows_read,
    elapsedMs: answer.statistics.elapsed * 1000,
  });
}

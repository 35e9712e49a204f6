/**
 * The NetFlow sink: the spool's netflow routes, in order, to the collectors that they name.
 *
 * One exporter for each stream of sequence numbers (address, port, version, observation domain). Where its
 * numbers stand is saved with the acknowledgement, in the spool's own transaction, so that a restarted
 * sink continues them; after a kill, what was sent since the last commit is sent again, under the numbers
 * that it had. A collector that is down costs nothing but errors counted: UDP waits for nobody.
 */
import { type Clock, ok, type Fault, type Result, toFault } from "../../base/mod.ts";
import { decodeFlowBatch, removeWindowStatuses } from "../../flow/mod.ts";
import { type Libc, loadLibc } from "../../libc/mod.ts";
import type { Logger, Metrics } from "../../observe/mod.ts";
import type { Spool, SpoolEntry } from "../../spool/mod.ts";
import type { InterfaceName } from "../../wire/export/mod.ts";
import { createDeliveryLedger, type NetflowDelivery } from "./delivery.ts";
import { createNetflowExporter, defaultBytesPerSecond, type NetflowExporter } from "./exporter.ts";
import { createPace, type Pace } from "./pace.ts";
import { parseStreams, type StreamStates, streamsToJson } from "./stream-state.ts";
import { type NetflowTarget, parseTarget, streamKey } from "./target.ts";

export interface NetflowSinkConfig {
  /** Templates and options are repeated after this time, also when no flow is sent; default 60,000. */
  readonly refreshMs?: number;
  /** Templates are repeated after this many datagrams; default 20. */
  readonly refreshDatagrams?: number;
  /** How fast datagrams leave for one collector at most, of all flow logs together; default 16 MiB a second. */
  readonly bytesPerSecond?: number;
  /** Wait after a failure of the spool; default 1,000. */
  readonly retryMs?: number;
}

export interface NetflowSinkDependencies {
  readonly spool: Spool;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** The interfaces that flows number; default none. */
  readonly interfaceNames?: () => readonly InterfaceName[];
  /** Whether there is still such a flow log; default always. */
  readonly flowLogExists?: (flowLogId: string) => boolean;
  /** Called when localPorts() has changed otherwise than by prepare(). */
  readonly onEndpointsChanged?: () => void;
}

/** Whence and whither Weir's own datagrams go, for capture to leave them out. */
export interface NetflowEndpoint {
  readonly flowLogId: string;
  /** The collector's. */
  readonly address: string;
  readonly port: number;
  /** Absent while there is no socket, because the collector cannot be connected to. */
  readonly sourceAddress?: string;
  readonly sourcePort?: number;
}

export interface NetflowSink {
  start(): void;
  /** Finishes the batches under way, saves where it stands, closes the sockets. */
  stop(): Promise<void>;
  /** Tells that the spool may hold something new. */
  wake(): void;
  /**
   * Opens an exporter for each target, so that its source port is known before its first datagram, and
   * closes those of other targets, when nothing has been sent to them for a while.
   */
  prepare(targets: readonly NetflowTarget[]): Promise<void>;
  status(flowLogId: string): NetflowDelivery | undefined;
  localPorts(): readonly NetflowEndpoint[];
}

/** The name of the sink in the spool's routes. */
export const netflowSinkName = "netflow";

const entriesMax = 64;
const groupBytesMax = 8 * 1024 * 1024;
const defaultRetryMs = 1000;
/** An exporter that is not wanted stays for so long after its last batch: another may follow. */
const idleMs = 5000;
const defaultRefreshMs = 60_000;

interface Stream {
  readonly key: string;
  readonly target: NetflowTarget;
  readonly exporter: NetflowExporter;
  /** When it was last sent to, by the monotonic clock. */
  usedMs: number;
}

interface SinkState {
  readonly config: NetflowSinkConfig;
  readonly dependencies: NetflowSinkDependencies;
  readonly streams: Map<string, Stream>;
  /** By address and port: what the streams to one collector share. */
  readonly paces: Map<string, Pace>;
  /** For the sockets of all streams. */
  readonly libc: Promise<Result<Libc>>;
  /** Keys of the targets last prepared; undefined before the first time. */
  wanted: ReadonlySet<string> | undefined;
  readonly states: StreamStates;
  readonly ledger: ReturnType<typeof createDeliveryLedger>;
  /** The position up to which everything was sent, acknowledged or not. */
  sentPosition: number;
  running: boolean;
  /** Why the spool cannot be used at the moment. */
  fault: Fault | undefined;
  /** The delivery loop under way. */
  delivering: Promise<void> | undefined;
  /** Settles when nobody uses the streams: they are sent to, closed and refreshed in turn. */
  turn: Promise<unknown>;
  woken: boolean;
  timer: NodeJS.Timeout | undefined;
  retry: NodeJS.Timeout | undefined;
}

export function createNetflowSink(
  config: NetflowSinkConfig,
  dependencies: NetflowSinkDependencies,
): NetflowSink {
  const state: SinkState = {
    config,
    dependencies,
    streams: new Map(),
    paces: new Map(),
    libc: loadLibc(),
    wanted: undefined,
    states: parseStreams(dependencies.spool.sinkState(netflowSinkName)),
    ledger: createDeliveryLedger(dependencies.metrics, dependencies.clock),
    sentPosition: 0,
    running: false,
    fault: undefined,
    delivering: undefined,
    turn: Promise.resolve(),
    woken: false,
    timer: undefined,
    retry: undefined,
  };
  return {
    start: () => start(state),
    stop: () => stop(state),
    wake: () => wake(state),
    prepare: (targets) => inTurn(state, () => prepare(state, targets)),
    status: (flowLogId) => state.ledger.status(flowLogId),
    localPorts: () => [...state.streams.values()].map(endpointOf),
  };
}

function start(state: SinkState): void {
  state.running = true;
  state.timer = setInterval(
    () => void inTurn(state, () => refreshAll(state)),
    state.config.refreshMs ?? defaultRefreshMs,
  );
  wake(state);
}

async function stop(state: SinkState): Promise<void> {
  state.running = false;
  clearInterval(state.timer);
  clearTimeout(state.retry);
  state.retry = undefined;
  await state.delivering;
  await inTurn(state, async () => {
    for (const stream of state.streams.values()) await closeStream(state, stream);
    saveStates(state);
  });
}

function inTurn<T>(state: SinkState, work: () => Promise<T>): Promise<T> {
  const done = state.turn.then(work);
  state.turn = done.catch(() => undefined);
  return done;
}

/** Templates and options to every collector, so that one that started meanwhile understands what follows. */
async function refreshAll(state: SinkState): Promise<void> {
  if (!state.running) return;
  await closeUnwanted(state);
  const { flowLogExists } = state.dependencies;
  // Here and not when one is deleted: its last batches may come after that.
  if (flowLogExists !== undefined) state.ledger.forget(flowLogExists);
  for (const stream of state.streams.values()) {
    await tracked(state, stream, stream.target.flowLogId, () => stream.exporter.refresh());
  }
  saveStates(state);
}

/** Acknowledges what was sent, with the sequence numbers that it left. Throws what the spool throws. */
function acknowledge({ sentPosition, states, dependencies: { spool } }: SinkState): void {
  spool.acknowledge(netflowSinkName, sentPosition, streamsToJson(states));
}

/** The same where a failure has no consequence but that it is said: the next acknowledgement saves more. */
function saveStates(state: SinkState): void {
  const { logger } = state.dependencies;
  try {
    acknowledge(state);
  } catch (error) {
    logger.error({ fault: toFault(error) }, "netflow sink cannot save its sequence numbers");
  }
}

function wake(state: SinkState): void {
  state.woken = true;
  if (!state.running || state.delivering !== undefined || state.retry !== undefined) return;
  state.delivering = deliverAll(state).finally(() => {
    state.delivering = undefined;
    if (state.woken) wake(state);
  });
}

/**
 * Delivers until the spool has nothing more. Never rejects: while the spool cannot be read or told, as on a
 * disk that fails, it is tried again, and what was sent meanwhile is not sent again.
 */
async function deliverAll(state: SinkState): Promise<void> {
  const { spool, logger } = state.dependencies;
  const { bytesPerSecond = defaultBytesPerSecond } = state.config;
  // What is sent within a second: changes of targets and the stop wait for a group to be finished.
  const limits = { entriesMax, bytesMax: Math.min(groupBytesMax, bytesPerSecond) };
  state.woken = false;
  try {
    if (state.fault !== undefined) acknowledge(state);
    while (state.running) {
      const entries = spool.read(netflowSinkName, { ...limits, after: state.sentPosition });
      state.fault = undefined;
      if (entries.length === 0) return;
      await inTurn(state, async () => {
        await deliver(state, entries);
        state.sentPosition = entries.at(-1)!.position;
      });
      acknowledge(state);
    }
  } catch (error) {
    if (state.fault === undefined) logger.error({ fault: toFault(error) }, "netflow sink cannot go on");
    state.fault = toFault(error);
    if (state.running) state.retry = setTimeout(() => retry(state), state.config.retryMs ?? defaultRetryMs);
  }
}

function retry(state: SinkState): void {
  state.retry = undefined;
  wake(state);
}

/** Entries of one stream go in order; streams do not wait for each other. */
async function deliver(state: SinkState, entries: readonly SpoolEntry[]): Promise<void> {
  const byStream = new Map<string, { entry: SpoolEntry; target: NetflowTarget }[]>();
  for (const entry of entries) {
    const target = parseTarget(entry.target);
    if (!target.ok) {
      refuse(state, entry, target);
      continue;
    }
    const key = streamKey(target.value);
    const waiting = byStream.get(key) ?? [];
    waiting.push({ entry, target: target.value });
    byStream.set(key, waiting);
  }
  await Promise.all(
    [...byStream.values()].map(async (waiting) => {
      for (const { entry, target } of waiting) await deliverEntry(state, entry, target);
    }),
  );
}

async function deliverEntry(state: SinkState, entry: SpoolEntry, target: NetflowTarget): Promise<void> {
  const batch = decodeFlowBatch(entry.bytes);
  if (!batch.ok) {
    refuse(state, entry, batch);
    return;
  }
  const stream = streamFor(state, target);
  if (!stream.ok) {
    refuse(state, entry, stream);
    return;
  }
  state.ledger.skipWindowStatuses(removeWindowStatuses(batch.value));
  if (batch.value.count === 0) return;
  const { exporter } = stream.value;
  stream.value.usedMs = state.dependencies.clock.monotonicMs();
  await tracked(state, stream.value, target.flowLogId, () => exporter.send(batch.value));
}

/** Does the work and keeps account of what it sent. */
async function tracked(
  state: SinkState,
  stream: Stream,
  flowLogId: string,
  work: () => Promise<void>,
): Promise<void> {
  const { key, exporter } = stream;
  const { onEndpointsChanged } = state.dependencies;
  const before = exporter.statistics();
  const portBefore = exporter.local()?.port;
  await work();
  state.states.set(key, exporter.state());
  state.ledger.add(flowLogId, before, exporter.statistics());
  if (exporter.local()?.port !== portBefore) onEndpointsChanged?.();
}

/** What can never be delivered must not hold up what can. */
function refuse(state: SinkState, entry: SpoolEntry, result: Result<unknown> & { ok: false }): void {
  state.ledger.refuse(entry.rows);
  state.dependencies.logger.error(
    { position: entry.position, batchId: entry.batchId, rows: entry.rows, fault: result.fault },
    "netflow sink leaves out a batch",
  );
}

/**
 * The stream's exporter. It keeps its socket, and so its source port, until the target is no longer wanted;
 * changed timeouts are told to the collector by the same exporter.
 */
function streamFor(state: SinkState, target: NetflowTarget): Result<Stream> {
  const key = streamKey(target);
  const known = state.streams.get(key);
  if (known !== undefined) {
    known.exporter.setTimeouts(target.activeTimeoutS, target.inactiveTimeoutS);
    return ok(known);
  }
  const { clock } = state.dependencies;
  const initialState = state.states.get(key);
  const created = createNetflowExporter({
    ...target,
    ...state.config,
    clock,
    pace: paceOf(state, target),
    libc: state.libc,
    interfaceNames: () => listInterfaces(state.dependencies),
    ...(initialState === undefined ? {} : { initialState }),
  });
  if (!created.ok) return created;
  const stream: Stream = { key, target, exporter: created.value, usedMs: Number.NEGATIVE_INFINITY };
  state.streams.set(key, stream);
  return ok(stream);
}

function paceOf({ paces, config }: SinkState, { address, port }: NetflowTarget): Pace {
  const key = `${address}|${port}`;
  const pace = paces.get(key) ?? createPace(address, port, config.bytesPerSecond ?? defaultBytesPerSecond);
  paces.set(key, pace);
  return pace;
}

/** Names are a courtesy to the collector: flows go without them where the system does not tell. */
function listInterfaces({ interfaceNames, logger }: NetflowSinkDependencies): readonly InterfaceName[] {
  try {
    return interfaceNames?.() ?? [];
  } catch (error) {
    logger.warn({ fault: toFault(error) }, "netflow options data without interface names");
    return [];
  }
}

async function closeStream(state: SinkState, { key, target, exporter }: Stream): Promise<void> {
  const { address, port } = target;
  state.streams.delete(key);
  const others = [...state.streams.values()].map((stream) => stream.target);
  if (!others.some((other) => other.address === address && other.port === port))
    state.paces.delete(`${address}|${port}`);
  await exporter.close();
  state.states.set(key, exporter.state());
}

async function prepare(state: SinkState, targets: readonly NetflowTarget[]): Promise<void> {
  state.wanted = new Set(targets.map(streamKey));
  await closeUnwanted(state);
  for (const target of targets) {
    const stream = streamFor(state, target);
    const opened = stream.ok ? await stream.value.exporter.open() : stream;
    if (opened.ok) continue;
    const { flowLogId, address, port } = target;
    state.dependencies.logger.warn(
      { flowLogId, address, port, fault: opened.fault },
      "netflow target unusable",
    );
  }
}

/** Those of batches from before a restart or change are closed only when no more of these come. */
async function closeUnwanted(state: SinkState): Promise<void> {
  const { streams, wanted, dependencies } = state;
  if (wanted === undefined) return;
  const idleSinceMs = dependencies.clock.monotonicMs() - idleMs;
  for (const stream of streams.values()) {
    if (!wanted.has(stream.key) && stream.usedMs < idleSinceMs) await closeStream(state, stream);
  }
}

function endpointOf({ target, exporter }: Stream): NetflowEndpoint {
  const { flowLogId, address, port } = target;
  const local = exporter.local();
  const source = local === undefined ? {} : { sourceAddress: local.address, sourcePort: local.port };
  return { flowLogId, address, port, ...source };
}

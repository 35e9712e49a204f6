/**
 * The NetFlow sink: the spool's netflow routes, in order, to the collectors that they name.
 *
 * One exporter for each stream of sequence numbers (address, port, version, observation domain). Where its
 * numbers stand is saved with the acknowledgement, in the spool's own transaction, so that a restarted
 * sink continues them; after a kill, what was sent since the last commit is sent again, under the numbers
 * that it had. A collector that is down costs nothing but errors counted: UDP waits for nobody.
 */
import { type Clock, ok, type Result, toFault } from "../../base/mod.ts";
import { decodeFlowBatch } from "../../flow/mod.ts";
import type { Logger, Metrics } from "../../observe/mod.ts";
import type { Spool, SpoolEntry } from "../../spool/mod.ts";
import type { InterfaceName } from "../../wire/export/mod.ts";
import { createDeliveryLedger, type NetflowDelivery } from "./delivery.ts";
import { createNetflowExporter, type NetflowExporter } from "./exporter.ts";
import { parseStreams, type StreamStates, streamsToJson } from "./stream-state.ts";
import { type NetflowTarget, parseTarget, streamKey } from "./target.ts";

export interface NetflowSinkConfig {
  /** Templates and options are repeated after this time, also when no flow is sent; default 60,000. */
  readonly refreshMs?: number;
  /** Templates are repeated after this many datagrams; default 20. */
  readonly refreshDatagrams?: number;
  /** How fast datagrams leave for one collector at most; default 16 MiB a second. */
  readonly bytesPerSecond?: number;
}

export interface NetflowSinkDependencies {
  readonly spool: Spool;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** The interfaces that flows number; default none. */
  readonly interfaceNames?: () => readonly InterfaceName[];
}

/** Whence and whither Weir's own datagrams go, for capture to leave them out. */
export interface NetflowEndpoint {
  readonly flowLogId: string;
  /** The collector's. */
  readonly address: string;
  readonly port: number;
  readonly sourceAddress: string;
  readonly sourcePort: number;
}

export interface NetflowSink {
  start(): void;
  /** Finishes the batches under way, saves where it stands, closes the sockets. */
  stop(): Promise<void>;
  /** Tells that the spool may hold something new. */
  wake(): void;
  /**
   * Opens an exporter for each target, so that its source port is known before its first datagram, and
   * closes those of other targets.
   */
  prepare(targets: readonly NetflowTarget[]): Promise<void>;
  status(flowLogId: string): NetflowDelivery | undefined;
  localPorts(): readonly NetflowEndpoint[];
}

/** The name of the sink in the spool's routes. */
export const netflowSinkName = "netflow";

const readLimits = { entriesMax: 64, bytesMax: 8 * 1024 * 1024 };
/** Wait after a failure of the spool itself. */
const retryMs = 1000;
const defaultRefreshMs = 60_000;

interface Stream {
  readonly key: string;
  readonly target: NetflowTarget;
  readonly exporter: NetflowExporter;
}

interface SinkState {
  readonly config: NetflowSinkConfig;
  readonly dependencies: NetflowSinkDependencies;
  readonly streams: Map<string, Stream>;
  readonly states: StreamStates;
  readonly ledger: ReturnType<typeof createDeliveryLedger>;
  running: boolean;
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
    states: parseStreams(dependencies.spool.sinkState(netflowSinkName)),
    ledger: createDeliveryLedger(dependencies.metrics),
    running: false,
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
    localPorts: () => [...state.streams.values()].flatMap(endpointOf),
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
  for (const stream of state.streams.values()) {
    await tracked(state, stream, stream.target.flowLogId, () => stream.exporter.refresh());
  }
  saveStates(state);
}

/** Saves the sequence numbers without moving the cursor. */
function saveStates({ states, dependencies: { spool, logger } }: SinkState): void {
  try {
    spool.acknowledge(netflowSinkName, 0, streamsToJson(states));
  } catch (error) {
    logger.error({ fault: toFault(error) }, "netflow sink cannot save its sequence numbers");
  }
}

function wake(state: SinkState): void {
  state.woken = true;
  if (!state.running || state.delivering !== undefined) return;
  state.delivering = deliverAll(state).finally(() => {
    state.delivering = undefined;
    if (state.woken && state.retry === undefined) wake(state);
  });
}

/** Delivers until the spool has nothing more. Never rejects: a fault of the spool is logged and tried again. */
async function deliverAll(state: SinkState): Promise<void> {
  const { spool, logger } = state.dependencies;
  state.woken = false;
  try {
    while (state.running) {
      const entries = spool.read(netflowSinkName, readLimits);
      if (entries.length === 0) return;
      await inTurn(state, () => deliver(state, entries));
      spool.acknowledge(netflowSinkName, entries.at(-1)!.position, streamsToJson(state.states));
    }
  } catch (error) {
    logger.error({ fault: toFault(error) }, "netflow sink cannot read the spool");
    state.retry = setTimeout(() => {
      state.retry = undefined;
      wake(state);
    }, retryMs);
  }
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
  const { exporter } = stream.value;
  await tracked(state, stream.value, target.flowLogId, () => exporter.send(batch.value));
}

/** Does the work and keeps account of what it sent. */
async function tracked(
  state: SinkState,
  { key, exporter }: Stream,
  flowLogId: string,
  work: () => Promise<void>,
): Promise<void> {
  const before = exporter.statistics();
  await work();
  state.states.set(key, exporter.state());
  state.ledger.add(flowLogId, before, exporter.statistics());
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
  const { interfaceNames, clock } = state.dependencies;
  const initialState = state.states.get(key);
  const created = createNetflowExporter({
    ...target,
    ...state.config,
    clock,
    ...(interfaceNames === undefined ? {} : { interfaceNames }),
    ...(initialState === undefined ? {} : { initialState }),
  });
  if (!created.ok) return created;
  const stream: Stream = { key, target, exporter: created.value };
  state.streams.set(key, stream);
  return ok(stream);
}

async function closeStream(state: SinkState, { key, exporter }: Stream): Promise<void> {
  state.streams.delete(key);
  await exporter.close();
  state.states.set(key, exporter.state());
}

async function prepare(state: SinkState, targets: readonly NetflowTarget[]): Promise<void> {
  const wanted = new Set(targets.map(streamKey));
  for (const stream of state.streams.values()) if (!wanted.has(stream.key)) await closeStream(state, stream);
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

function endpointOf({ target, exporter }: Stream): NetflowEndpoint[] {
  const local = exporter.local();
  if (local === undefined) return [];
  const { flowLogId, address, port } = target;
  return [{ flowLogId, address, port, sourceAddress: local.address, sourcePort: local.port }];
}

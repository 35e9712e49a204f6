/**
 * A Weir whose processes are killed while traffic flows, and all that can be known of its flows from outside.
 *
 * Of the flows that crossed the wire, those must be complete in the logstore that began when capture was armed
 * and had ended early enough before its process was killed: a process hands flows over in the order in which
 * they end, so that whatever ended before the newest flow of a batch that it handed over was handed over too.
 * The rest may have been in its memory alone, which nobody had accepted.
 */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { formatAddress, systemClock, unwrap } from "../../src/base/mod.ts";
import { addressAt, decodeFlowBatch } from "../../src/flow/mod.ts";
import { createMetrics, silentLogger } from "../../src/observe/mod.ts";
import { createStore, rowsPerPosition } from "../../src/store/mod.ts";
import { readMetric, readStatus, whenDelivered } from "../support/administration.ts";
import { echoSegments, streamConnections } from "../support/exchange.ts";
import {
  continueProcesses,
  countInserts,
  readSpool,
  type SpoolContents,
  stopProcesses,
} from "../support/frozen.ts";
import { isAlive } from "../support/processes.ts";
import { sumRecords } from "../support/records.ts";
import { accessOf, createGatewayFlowLog, type SagAccess, sagCall } from "../support/sag-client.ts";
import { countSlsLogs, readSlsLogs } from "../support/sls-client.ts";
import { flowKey, type Lifetime, recordTruth, type Truth } from "../support/truth.ts";
import type { VethToPeer } from "../support/veth.ts";
import { eventually, type RunningWeir, startWeir } from "../support/weir.ts";

export type Victim = "main" | "capture" | "store";

/** What one kill hit: batches that were accepted and that the store had not acknowledged. */
export interface Hit {
  readonly victim: Victim;
  readonly batchesInFlight: number;
}

export interface KillOutcome {
  /** Batches accepted, by the spool's numbers: 1 to this. */
  readonly accepted: number;
  readonly stored: readonly {
    readonly batch: number;
    readonly rows: number;
    readonly distinctRows: number;
  }[];
  readonly truth: Truth;
  readonly recorded: Truth;
  /** Flows of the truth that must be recorded in full. */
  readonly required: Truth;
  /** Batches that were in flight at some kill, with their rows. */
  readonly inFlight: ReadonlyMap<number, number>;
  /** Flows of these. */
  readonly inFlightFlows: Truth;
}

export interface KillRun {
  /** Kills at a random moment at which a batch is in flight. */
  kill(victim: Victim): Promise<Hit>;
  /** Kills main after the store has a batch and before main has heard of it. */
  killBeforeAcknowledgement(): Promise<Hit>;
  /** Flows that the running store was sent again and left out. */
  duplicateFlows(): Promise<number>;
  /** Ends the traffic, lets all be delivered, stops the program. */
  finish(): Promise<KillOutcome>;
  end(): Promise<void>;
}

export interface KillRunOptions {
  readonly link: VethToPeer;
  readonly folder: string;
  /** Further arguments of `weir serve`. */
  readonly args?: readonly string[];
  /** Further parameters of CreateFlowLog. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

const connectionsPerSecond = 10;
const lastTrafficMs = 5000;
const protocolTcp = 6;
const backTimeoutMs = 120_000;
const inFlightTimeoutMs = 120_000;
/** The store's sink gives the store what has come in once a second. */
const sinkIntervalMs = 1000;
/**
 * How much later than another a flow may be handed over that ended before it: a quarter of the five seconds that a
 * finished TCP flow lingers, and one slot of the wheel of timers.
 */
const handOverSlackMs = 2000;

/** One capture process's life. */
interface Epoch {
  readonly armedMs: number;
  /** End of the newest flow that it is known to have handed over. */
  newestEndMs: number;
}

interface Run {
  readonly options: KillRunOptions;
  readonly data: string;
  weir: RunningWeir;
  access: SagAccess;
  /** What DescribeFlowLogs said before the first kill. */
  configured: unknown;
  readonly epochs: Epoch[];
  readonly inFlight: Map<number, number>;
  readonly inFlightFlows: Truth;
}

/** Starts the program, its flow log and the traffic; resolves when the first record is stored. */
export async function startKillRun(options: KillRunOptions): Promise<KillRun> {
  const data = join(options.folder, "data");
  const weir = await startProgram(options, data);
  try {
    return await beginRun(options, data, weir);
  } catch (error) {
    await weir.stop();
    throw error;
  }
}

async function beginRun(options: KillRunOptions, data: string, weir: RunningWeir): Promise<KillRun> {
  const { link, folder, settings } = options;
  const run: Run = {
    options,
    data,
    weir,
    access: accessOf(weir),
    configured: undefined,
    epochs: [],
    inFlight: new Map(),
    inFlightFlows: new Map(),
  };
  const call = sagCall(run.access);
  await createGatewayFlowLog(weir, call, {
    Name: "kept",
    Description: "outlives every process",
    InactiveAging: 10,
    ActiveAging: 60,
    ProjectName: "kept",
    LogstoreName: "flows",
    ...settings,
  });
  run.configured = await configurationOf(run);
  const echoes = await Promise.all([link.hostAddress, link.hostAddressIpv6].map(echoSegments));
  const recorder = await recordTruth(link.peer, link.peerInterfaceName, folder);
  await beginEpoch(run);
  const streams = echoes.map((echo) => streamConnections(link.peer, echo, connectionsPerSecond));
  const endTraffic = async (): Promise<void> => {
    await Promise.all(streams.splice(0).map((stream) => stream.stop()));
    for (const { close } of echoes.splice(0)) close();
  };
  await eventually("the first record", backTimeoutMs, async () =>
    (await countSlsLogs(run.access, "kept", "flows", "*")) > 0 ? true : undefined,
  );
  return {
    kill: (victim) => killAtRandom(run, victim),
    killBeforeAcknowledgement: () => killBeforeAcknowledgement(run),
    duplicateFlows: () => readMetric(run.weir.ready.endpoint, "weir_store_duplicate_flows_total"),
    finish: async () => {
      // What is captured after the last kill must be complete.
      await sleep(lastTrafficMs);
      await endTraffic();
      return await outcomeOf(run, await recorder.finish(), recorder.lifetimes());
    },
    end: async () => {
      await endTraffic();
      // A test that failed may have left them stopped.
      const { pid } = run.weir;
      if (isAlive(pid)) continueProcesses(pid, ...run.weir.children(""));
      await run.weir.stop();
    },
  };
}

function startProgram({ link, args = [] }: KillRunOptions, data: string): Promise<RunningWeir> {
  const quiet = ["--log-level", "warn", "--set", `capture.interfaces.include=${link.interfaceName}`];
  return startWeir({ data, args: [...quiet, ...args] });
}

async function startAgain(run: Run): Promise<void> {
  run.weir = await startProgram(run.options, run.data);
  run.access = accessOf(run.weir, run.access);
}

async function configurationOf({ access, weir }: Run): Promise<unknown> {
  const call = sagCall(access);
  const { RequestId: _one, ...flowLogs } = await call("DescribeFlowLogs");
  const { FlowLogId } = (flowLogs as { FlowLogs: { FlowLogSetType: { FlowLogId: string }[] } }).FlowLogs
    .FlowLogSetType[0]!;
  const { RequestId: _other, ...bound } = await call("DescribeFlowLogSags", { FlowLogId });
  return { flowLogs, bound, resources: weir.ready.resources };
}

async function whenSound({ weir, options }: Run): Promise<void> {
  await eventually("all parts run again", backTimeoutMs, async () => {
    const { store, capture } = await readStatus(weir.data);
    const isArmed = capture.interfaces.some(
      ({ name, state }) => name === options.link.interfaceName && state === "armed",
    );
    return store.state === "ready" && capture.state === "running" && isArmed ? true : undefined;
  });
}

async function beginEpoch(run: Run): Promise<void> {
  await whenSound(run);
  run.epochs.push({ armedMs: Date.now(), newestEndMs: 0 });
}

async function processesOf({ weir }: Run): Promise<Record<Victim, number>> {
  const { capture, store } = await readStatus(weir.data);
  return { main: weir.pid, capture: capture.processId!, store: store.pid! };
}

async function whenBatchWaits({ data }: Run): Promise<void> {
  await eventually("a batch is in flight", inFlightTimeoutMs, async () => {
    const { spool } = await readStatus(data);
    return spool.sinks.some(({ name, pending }) => name === "store" && pending > 0) ? true : undefined;
  });
}

async function killAtRandom(run: Run, victim: Victim): Promise<Hit> {
  for (;;) {
    await whenBatchWaits(run);
    const processes = await processesOf(run);
    await sleep(Math.random() * sinkIntervalMs);
    await stopProcesses(...Object.values(processes));
    const spool = readSpool(run.data);
    if (spool.pending.length > 0) return await kill(run, victim, processes, spool);
    continueProcesses(...Object.values(processes));
  }
}

async function killBeforeAcknowledgement(run: Run): Promise<Hit> {
  for (;;) {
    await whenBatchWaits(run);
    const processes = await processesOf(run);
    const { main, capture, store } = processes;
    // Main gives the stopped store its next insert, and is stopped itself before it can be answered.
    await stopProcesses(store);
    const insertsBefore = countInserts(run.data);
    await sleep(sinkIntervalMs * 1.5);
    await stopProcesses(main);
    continueProcesses(store);
    const isStored = await eventually("the insert", 2000, () =>
      countInserts(run.data) > insertsBefore ? true : undefined,
    ).catch(() => false);
    if (isStored) {
      await stopProcesses(capture, store);
      return await kill(run, "main", processes, readSpool(run.data));
    }
    continueProcesses(main);
  }
}

/** Kills one of the stopped processes, lets the others go on, and waits until all is as before. */
async function kill(
  run: Run,
  victim: Victim,
  processes: Readonly<Record<Victim, number>>,
  spool: SpoolContents,
): Promise<Hit> {
  noteInFlight(run, spool);
  if (victim === "main") {
    await run.weir.kill();
    await eventually("the children are gone", backTimeoutMs, () =>
      [processes.capture, processes.store].some(isAlive) ? undefined : true,
    );
    await startAgain(run);
  } else {
    process.kill(processes[victim], "SIGKILL");
    continueProcesses(...Object.values(processes).filter((id) => id !== processes[victim]));
    await eventually("the kill is noticed", backTimeoutMs, async () =>
      (await processesOf(run))[victim] === processes[victim] ? undefined : true,
    );
  }
  if (victim === "store") await whenSound(run);
  else await beginEpoch(run);
  const found = await configurationOf(run);
  if (JSON.stringify(found) !== JSON.stringify(run.configured))
    throw new Error(`a kill of ${victim} changed the flow log: ${JSON.stringify(found)}`);
  return { victim, batchesInFlight: spool.pending.length };
}

function noteInFlight(run: Run, { pending }: SpoolContents): void {
  const epoch = run.epochs.at(-1)!;
  for (const { position, rows, bytes } of pending) {
    const { columns, count } = unwrap(decodeFlowBatch(bytes));
    for (let row = 0; row < count; row++) {
      epoch.newestEndMs = Math.max(epoch.newestEndMs, columns.endUs[row]! / 1000);
      // The kernel's own packets, such as neighbour discovery, are none of the truth.
      if (run.inFlight.has(position) || columns.protocol[row] !== protocolTcp) continue;
      const key = flowKey({
        source: formatAddress(addressAt(columns.sourceAddress, row)),
        destination: formatAddress(addressAt(columns.destinationAddress, row)),
        protocol: columns.protocol[row]!,
        sourcePort: columns.sourcePort[row]!,
        destinationPort: columns.destinationPort[row]!,
      });
      const flow = run.inFlightFlows.get(key) ?? { packets: 0, octets: 0 };
      flow.packets += columns.packets[row]!;
      flow.octets += columns.octets[row]!;
      run.inFlightFlows.set(key, flow);
    }
    run.inFlight.set(position, rows);
  }
}

async function outcomeOf(
  run: Run,
  truth: Truth,
  lifetimes: ReadonlyMap<string, Lifetime>,
): Promise<KillOutcome> {
  // The last connections still linger: a stop ends and hands them over, the next start delivers what is left.
  run.epochs.at(-1)!.newestEndMs = Infinity;
  await run.weir.stop();
  await startAgain(run);
  await whenDelivered(run.data);
  const records = await readSlsLogs(run.access, "kept", "flows", `protocol: ${protocolTcp}`);
  await run.weir.stop();
  return {
    accepted: readSpool(run.data).highest,
    stored: await readStore(run.data),
    truth,
    recorded: sumRecords(records),
    required: requiredOf(run.epochs, truth, lifetimes),
    inFlight: run.inFlight,
    inFlightFlows: run.inFlightFlows,
  };
}

function requiredOf(epochs: readonly Epoch[], truth: Truth, lifetimes: ReadonlyMap<string, Lifetime>): Truth {
  const isRequired = (key: string): boolean => {
    const { firstMs, lastMs } = lifetimes.get(key)!;
    return epochs.some(
      ({ armedMs, newestEndMs }) => firstMs >= armedMs && lastMs <= newestEndMs - handOverSlackMs,
    );
  };
  return new Map([...truth].filter(([key]) => isRequired(key)));
}

/** What the table itself holds, without the program. */
async function readStore(data: string): Promise<KillOutcome["stored"]> {
  const dependencies = { clock: systemClock, logger: silentLogger, metrics: createMetrics() };
  const store = createStore({ path: join(data, "store") }, dependencies);
  unwrap(await store.start());
  const sql = `SELECT intDiv(position, ${rowsPerPosition}) AS batch, count(), uniqExact(position) FROM flows
    GROUP BY batch ORDER BY batch`;
  const { rows } = unwrap(await store.query(sql, {}));
  await store.stop();
  return rows.map(([batch, count, distinct]) => ({
    batch: Number(batch),
    rows: Number(count),
    distinctRows: Number(distinct),
  }));
}

/**
 * Capture as the main process sees it: it says what to meter, takes the batches of flows, and learns what
 * became of every packet. The packets themselves are read and parsed in the capture process only.
 */
import { type Clock, type Fault, fault, ok, randomText, type Result } from "../base/mod.ts";
import { type Libc, loadLibc } from "../libc/mod.ts";
import type { Logger, Metrics } from "../observe/mod.ts";
import type { ChildRegister } from "../process/mod.ts";
import { type BatchesUnderWay, createBatchesUnderWay, offerBatch } from "./acceptance.ts";
import { type AccountedWindows, createAccountedWindows, type WindowMemory } from "./accounted-windows.ts";
import { type CaptureMetrics, createCaptureMetrics } from "./capture-metrics.ts";
import type { FromChild, SessionStatus } from "./child/message.ts";
import { type CaptureConfig, defaultCaptureConfig } from "./config.ts";
import { discoverInterfaces } from "./interface.ts";
import {
  type AccountedSubject,
  type CaptureMethod,
  type CapturePlan,
  type CaptureStatus,
  emptyPlan,
  type PrivilegeReport,
  type SubjectStatus,
  type WorkerWindow,
} from "./plan.ts";
import type { RingShare } from "./ring/ring.ts";
import { openLogSocket } from "./nflog/log-socket.ts";
import { verdictDefaults } from "./nflog/verdict-options.ts";
import { lowestInterfaces } from "./selection.ts";
import { neededCapabilities, withAmbientOnly } from "./privilege.ts";
import { createSupervisor, type Supervisor, type SupervisorDeps } from "./supervisor.ts";
import { createTcpdumpGroup, tcpdumpObstacle, type TcpdumpGroup } from "./tcpdump.ts";

export interface CaptureDeps {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** Names this host in the ids of its batches. */
  readonly agentId: string;
  /** Takes an encoded FlowBatch; the capture process keeps it until this resolves with a value. */
  readonly accept: (bytes: Uint8Array) => Promise<Result<unknown>>;
  /** Where child processes are written down, for a start after a kill. */
  readonly children?: ChildRegister;
  /** Keeps what the next start has to know of windows. */
  readonly windowMemory?: WindowMemory;
}

export interface Capture {
  /**
   * Starts the capture process; resolves when it is ready for a plan.
   * Faults: PrivilegeMissing without root or CAP_NET_RAW, KernelFeatureMissing, CaptureUnavailable. Capture
   * is off after one, and everything else may go on.
   */
  start(): Promise<Result<CaptureStatus>>;
  /**
   * Makes the plan the one that is captured. Resolves when its interfaces are armed and the flows that the
   * change ended are accepted; with Timeout if that takes longer than 15 s, though the plan holds. A plan
   * outlives the capture process: the next one is given it again.
   */
  apply(plan: CapturePlan): Promise<Result<CaptureStatus>>;
  status(): CaptureStatus;
  /** Ends every flow by force and waits until all is accepted; five seconds at most. */
  stop(): Promise<void>;
}

/** What a capture has to know that shares the packets of its interfaces with others. */
export interface WorkerPlace {
  readonly share: RingShare;
  /** Tells its metrics from the others'. */
  readonly name: string;
  readonly windows: AccountedWindows;
  /** Takes what the process has to say of windows; it comes before their time is noted in `windows`. */
  readonly onWindows: (windows: readonly WorkerWindow[]) => void;
  /** The process cannot work, though it did before. */
  readonly onUnavailable: () => void;
}

const startTimeoutMs = 15_000;
const applyTimeoutMs = 15_000;
const stopTimeoutMs = 5000;

type Waiter = (result: Result<CaptureStatus>) => void;

interface CaptureState {
  /** Undefined before the start, and where there is none. */
  libc: Libc | undefined;
  phase: CaptureStatus["state"];
  method: CaptureMethod;
  fault: Fault | undefined;
  privileges: PrivilegeReport | null;
  session: SessionStatus;
  plan: CapturePlan;
  /** Number of the plan; 0 before the first. */
  planId: number;
  planSinceMs: number | null;
  /** Number of the capture process: an answer to a former one is none to this one. */
  processNumber: number;
  /** Of that process; undefined once it has sent more than it may. */
  underWay: BatchesUnderWay | undefined;
  starting: Waiter[];
  applying: Waiter[];
}

/** What the functions below share. */
interface Parts {
  readonly config: CaptureConfig;
  readonly deps: CaptureDeps;
  readonly state: CaptureState;
  readonly captureMetrics: CaptureMetrics;
  readonly windows: AccountedWindows;
  readonly place: WorkerPlace | undefined;
  readonly tcpdumps: TcpdumpGroup;
  readonly supervisor: Supervisor;
}

const emptySession: SessionStatus = {
  interfaces: [],
  subjects: [],
  ledger: [],
  check: { checks: 0, errorPackets: 0 },
  batchesAccepted: 0,
  batchesInFlight: 0,
};

/**
 * Makes a capture of one process, whatever `workers` says; settings that `given` leaves out have their defaults.
 * With a `place` it is one of several that read the same rings, and its method is the ring.
 */
export function createCapture(
  given: Partial<CaptureConfig>,
  deps: CaptureDeps,
  place?: WorkerPlace,
): Capture {
  const config: CaptureConfig = { ...defaultCaptureConfig, ...given };
  const state = createState(config);
  const supervisor = createSupervisor(config.heartbeatTimeoutMs, {
    ...deps,
    confine: (spawn) => confine(parts, spawn),
    onSpawn: () => onSpawn(parts),
    onMessage: (message) => onMessage(parts, message),
    onExit: () => onExit(parts),
  });
  const tcpdumps = createTcpdumpGroup({ ...config, ...deps, send: (message) => supervisor.send(message) });
  const source = config.method === "nflog" ? "verdicts" : "packets";
  const captureMetrics = createCaptureMetrics(deps.metrics, source, place?.name);
  const windows = place?.windows ?? createAccountedWindows(source, deps.windowMemory);
  const parts: Parts = { config, deps, state, captureMetrics, windows, place, tcpdumps, supervisor };
  return {
    start: () => start(parts),
    apply: (plan) => apply(parts, plan),
    status: () => statusOf(parts),
    stop: () => stop(parts),
  };
}

/** Where there is no libc, a process that reads a ring or the log ends at once; the others are fed by pipes. */
function confine(parts: Parts, spawn: Spawn): ReturnType<Spawn> | null {
  const { libc, method } = parts.state;
  if (libc === undefined) return spawn([]);
  const confined: Spawn = (given) => withAmbientOnly(libc, neededCapabilities[method], () => spawn(given));
  if (method !== "nflog") return confined([]);
  const opened = openLogSocket(libc, { ...verdictDefaults, group: parts.config.verdictGroup });
  if (!opened.ok) {
    turnOff(parts, opened.fault);
    return null;
  }
  try {
    return confined([opened.value]);
  } finally {
    libc.close(opened.value);
  }
}

type Spawn = Parameters<SupervisorDeps["confine"]>[0];

async function start(parts: Parts): Promise<Result<CaptureStatus>> {
  const { state, supervisor } = parts;
  const obstacle = state.method === "tcpdump" ? tcpdumpObstacle() : undefined;
  if (obstacle !== undefined) return turnOff(parts, obstacle);
  state.phase = "starting";
  const started = new Promise<Result<CaptureStatus>>((resolve) => state.starting.push(resolve));
  const libc = await loadLibc();
  if (libc.ok) state.libc = libc.value;
  // It may have been stopped meanwhile.
  if (state.phase === "starting") supervisor.start();
  return inTime(started, startTimeoutMs, "the capture process does not start");
}

function createState({ method }: CaptureConfig): CaptureState {
  return {
    libc: undefined,
    phase: "stopped",
    method: method === "auto" ? "ring" : method,
    fault: undefined,
    privileges: null,
    session: emptySession,
    plan: emptyPlan,
    planId: 0,
    planSinceMs: null,
    processNumber: 0,
    underWay: undefined,
    starting: [],
    applying: [],
  };
}

function apply(parts: Parts, plan: CapturePlan): Promise<Result<CaptureStatus>> {
  const { state, deps, windows } = parts;
  state.plan = plan;
  state.planId++;
  state.planSinceMs = null;
  windows.follow(plan, state.phase === "running" ? undefined : deps.clock.nowMs() * 1000);
  if (state.phase === "stopped" || state.phase === "stopping" || state.phase === "unavailable") {
    const notRunning = fault("CaptureUnavailable", "capture is not running");
    return Promise.resolve({ ok: false, fault: state.fault ?? notRunning });
  }
  const applied = new Promise<Result<CaptureStatus>>((resolve) => state.applying.push(resolve));
  if (state.phase === "running") sendPlan(parts);
  return inTime(applied, applyTimeoutMs, "flows that the change ended are not accepted yet");
}

async function stop({ state, supervisor, tcpdumps }: Parts): Promise<void> {
  if (state.phase === "stopped") return;
  state.phase = "stopping";
  await tcpdumps.stop();
  await supervisor.stop(stopTimeoutMs);
  state.phase = "stopped";
}

function onSpawn({ config, deps, state, place, supervisor }: Parts): void {
  state.processNumber++;
  const bootId = randomText(12);
  const { method } = state;
  const share = place?.share;
  state.underWay = createBatchesUnderWay(share?.workers ?? 1);
  supervisor.send({ type: "start", config, method, agentId: deps.agentId, bootId, share });
}

function onMessage(parts: Parts, message: FromChild): void {
  switch (message.type) {
    case "ready":
      return onReady(parts, message.privileges);
    case "failed":
      return onFailed(parts, message.fault);
    case "armed":
      if (message.id === parts.state.planId) parts.state.planSinceMs = message.atMs;
      return;
    case "applied":
      report(parts, message.status);
      if (message.id === parts.state.planId) resolveAll(parts.state.applying, ok(statusOf(parts)));
      return;
    case "batch":
      return void takeBatch(parts, message.sequence, message.bytes);
    case "accounted":
      parts.place?.onWindows(message.windows);
      return parts.windows.note(message.subjects);
    case "chunkTaken":
      return parts.tcpdumps.taken(message.interfaceName, message.packetType);
    case "status":
    case "stopped":
      return report(parts, message.status);
    case "log":
      return parts.deps.logger[message.level](message.fields, message.message);
  }
}

function onReady(parts: Parts, privileges: PrivilegeReport): void {
  const { state } = parts;
  state.privileges = privileges;
  state.phase = "running";
  state.fault = undefined;
  resolveAll(state.starting, ok(statusOf(parts)));
  if (state.planId > 0) sendPlan(parts);
}

/** The process cannot work. Without the ring, tcpdump may; without that, capture is off until the next start. */
function onFailed(parts: Parts, reason: Fault): void {
  const { config, deps, state } = parts;
  if (config.method === "auto" && state.method === "ring" && reason.code === "KernelFeatureMissing") {
    if (tcpdumpObstacle() === undefined) {
      deps.logger.warn({ reason: reason.message }, "no capture ring; tcpdump is used instead");
      state.method = "tcpdump";
      return;
    }
  }
  turnOff(parts, reason);
}

function turnOff({ state, place, supervisor }: Parts, reason: Fault): Result<CaptureStatus> {
  supervisor.abandon();
  state.phase = "unavailable";
  state.fault = reason;
  const result = { ok: false, fault: reason } as const;
  resolveAll(state.starting, result);
  resolveAll(state.applying, result);
  place?.onUnavailable();
  return result;
}

function onExit({ state, captureMetrics, tcpdumps }: Parts): void {
  captureMetrics.processEnded();
  state.privileges = null;
  state.planSinceMs = null;
  // Streams are of no use to a process that has not seen their beginning.
  void tcpdumps.stop();
  if (state.phase !== "running") return;
  state.session = emptySession;
  state.phase = "restarting";
  captureMetrics.restarts.add();
}

function sendPlan({ state, supervisor, tcpdumps, windows }: Parts): void {
  supervisor.send({ type: "apply", id: state.planId, plan: windows.continued(state.plan) });
  if (state.method !== "tcpdump") return;
  const devices = discoverInterfaces();
  const names = state.plan.subjects.flatMap((subject) =>
    lowestInterfaces(subject, devices, state.plan.loopback).map(({ name }) => name),
  );
  tcpdumps.capture([...new Set(names)]);
}

async function takeBatch(parts: Parts, sequence: number, bytes: Uint8Array): Promise<void> {
  const { state, deps, captureMetrics, supervisor } = parts;
  const { processNumber, underWay } = state;
  // What a killed process had sent before still comes.
  if (underWay === undefined) return;
  const taken = underWay.take(bytes.length);
  if (!taken.ok) {
    deps.logger.error({ fault: taken.fault }, "the capture process is ended");
    state.underWay = undefined;
    supervisor.kill();
    return;
  }
  const accepted = await offerBatch(bytes, {
    accept: deps.accept,
    given: () => state.phase === "stopped",
    onRefused(reason, retryMs) {
      captureMetrics.acceptFailures.add();
      deps.logger.warn({ code: reason.code, reason: reason.message, retryMs }, "flow batch not accepted");
    },
  });
  underWay.end(bytes.length);
  if (!accepted) return;
  captureMetrics.batchesAccepted.add();
  if (state.processNumber === processNumber) supervisor.send({ type: "accepted", sequence });
}

function report({ state, deps, captureMetrics, windows }: Parts, status: SessionStatus): void {
  windows.note(status.subjects.flatMap(accountedOf));
  const { errorPackets } = status.check;
  if (errorPackets > state.session.check.errorPackets) {
    deps.logger.error({ errorPackets }, "the packets' ledger does not add up");
  }
  const known = new Map(state.session.interfaces.map((entry) => [entry.name, entry.state]));
  for (const { name, state: now, fault: reason } of status.interfaces) {
    if (known.get(name) === now) continue;
    const fields = { interface: name, state: now, reason: reason?.message };
    if (now === "failed") deps.logger.error(fields, "interface cannot be captured");
    else deps.logger.info(fields, "interface");
  }
  state.session = status;
  captureMetrics.report(status);
}

/** A subject begins to be accounted for with the first report that has it. */
function accountedOf({ flowLogId, resourceId, accountedUpToUs }: SubjectStatus): AccountedSubject[] {
  return accountedUpToUs === undefined ? [] : [{ flowLogId, resourceId, accountedUpToUs }];
}

function statusOf({ state, supervisor }: Parts): CaptureStatus {
  return {
    ...state.session,
    state: state.phase,
    method: state.phase === "unavailable" ? null : state.method,
    ...(state.fault === undefined ? {} : { fault: state.fault }),
    processId: state.phase === "unavailable" ? null : supervisor.processId(),
    restarts: supervisor.restarts(),
    privileges: state.privileges,
    planSinceMs: state.planSinceMs,
  };
}

function resolveAll(waiters: Waiter[], result: Result<CaptureStatus>): void {
  for (const resolve of waiters.splice(0)) resolve(result);
}

function inTime<T>(result: Promise<Result<T>>, timeoutMs: number, message: string): Promise<Result<T>> {
  return new Promise((resolve) => {
    const timer = setTimeout(
      () => resolve({ ok: false, fault: fault("Timeout", message, { retryable: true }) }),
      timeoutMs,
    );
    void result.then((value) => {
      clearTimeout(timer);
      resolve(value);
    });
  });
}

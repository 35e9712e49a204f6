/**
 * Keeps the store's child process alive, and carries calls to it.
 *
 * A child that dies, or does not answer, is replaced; calls that were with it fail as StoreUnavailable and
 * may be made again. Calls made while there is no child wait for the next one, for as long as they may.
 */
import { type ChildProcess, fork } from "node:child_process";

import { type Clock, fail, type Fault, fault, ok, type Result, toFault } from "../base/mod.ts";
import type { Logger } from "../observe/mod.ts";
import { adoptChild, type ChildRegister } from "../process/mod.ts";
import {
  type ChildOptions,
  type FromChild,
  heartbeatMs,
  type IngestPath,
  type StoreCall,
  type StoreCalls,
  type ToChild,
} from "./protocol.ts";

const restartMsMin = 100;
const restartMsMax = 30_000;
/** A child that lived this long died of something else than the one before. */
const steadyMs = 10_000;
/** A directory may be locked for a moment by a child whose parent was killed. */
const lockPatienceMs = 3_000;
const silenceMsMax = 15 * heartbeatMs;
/** Opening a directory with many parts takes a while. */
const openingMsMax = 120_000;
const errorTextMax = 2000;
const stopPatienceMs = 5_000;
const callsMax = 1024;

export type StoreState = "stopped" | "starting" | "ready" | "restarting";

export interface SupervisorStatus {
  readonly state: StoreState;
  readonly pid: number | undefined;
  readonly ingest: IngestPath | undefined;
  readonly restarts: number;
  readonly residentBytes: number;
}

export interface Supervisor {
  /** Resolves when the child answers, or cannot be started. */
  start(): Promise<Result<void>>;
  stop(): Promise<void>;
  /** Faults besides the child's own: `StoreUnavailable`, and `Timeout`, after which the child is replaced. */
  call<Call extends StoreCall>(
    call: Call,
    request: StoreCalls[Call]["request"],
    timeoutMs: number,
  ): Promise<Result<StoreCalls[Call]["answer"]>>;
  status(): SupervisorStatus;
}

export interface SupervisorDependencies {
  readonly logger: Logger;
  readonly clock: Clock;
  /** Where the process is written down, for a start after a kill. */
  readonly children?: ChildRegister;
  readonly onRestart: () => void;
  readonly onHeartbeat: (residentBytes: number) => void;
}

interface OpenCall {
  readonly message: ToChild;
  readonly settle: (result: Result<unknown>) => void;
  sent: boolean;
}

interface Supervision {
  readonly options: ChildOptions;
  readonly dependencies: SupervisorDependencies;
  readonly calls: Map<number, OpenCall>;
  child: ChildProcess | undefined;
  state: StoreState;
  ingest: IngestPath | undefined;
  restarts: number;
  residentBytes: number;
  nextId: number;
  delayMs: number;
  /** When the child became ready, if it did. */
  readyAtMs: number | undefined;
  heartbeatAtMs: number;
  restartTimer: NodeJS.Timeout | undefined;
  watchTimer: NodeJS.Timeout | undefined;
  onStarted: ((result: Result<void>) => void) | undefined;
}

export function createSupervisor(options: ChildOptions, dependencies: SupervisorDependencies): Supervisor {
  const supervision: Supervision = {
    options,
    dependencies,
    calls: new Map(),
    child: undefined,
    state: "stopped",
    ingest: undefined,
    restarts: 0,
    residentBytes: 0,
    nextId: 1,
    delayMs: restartMsMin,
    readyAtMs: undefined,
    heartbeatAtMs: 0,
    restartTimer: undefined,
    watchTimer: undefined,
    onStarted: undefined,
  };
  return {
    start: () => start(supervision),
    stop: () => stop(supervision),
    call: (call, request, timeoutMs) => makeCall(supervision, call, request, timeoutMs),
    status: () => ({
      state: supervision.state,
      pid: supervision.child?.pid,
      ingest: supervision.ingest,
      restarts: supervision.restarts,
      residentBytes: supervision.residentBytes,
    }),
  };
}

async function start(supervision: Supervision): Promise<Result<void>> {
  const { clock } = supervision.dependencies;
  const startedMs = clock.monotonicMs();
  supervision.state = "starting";
  clearInterval(supervision.watchTimer);
  supervision.watchTimer = setInterval(() => watch(supervision), heartbeatMs).unref();
  for (;;) {
    const { promise, resolve } = Promise.withResolvers<Result<void>>();
    supervision.onStarted = resolve;
    launch(supervision);
    const result = await promise;
    supervision.onStarted = undefined;
    if (result.ok) return result;
    const isPatient = clock.monotonicMs() - startedMs < lockPatienceMs;
    if (isStopped(supervision) || result.fault.code !== "DataDirectoryLocked" || !isPatient) {
      supervision.state = "stopped";
      clearInterval(supervision.watchTimer);
      return result;
    }
    await new Promise((retry) => setTimeout(retry, restartMsMin));
    if (isStopped(supervision)) return result;
  }
}

function isStopped({ state }: Supervision): boolean {
  return state === "stopped";
}

/** A host that is out of memory or processes refuses by an error or by throwing: both end like a process. */
function launch(supervision: Supervision): void {
  let child: ChildProcess;
  try {
    child = forkChild(supervision.options);
  } catch (error) {
    ended(supervision, { reason: toFault(error).message, fault: undefined, errorText: "" });
    return;
  }
  supervision.child = child;
  supervision.heartbeatAtMs = supervision.dependencies.clock.monotonicMs();
  // The engine writes there what it also answers; only the last words of a process that died matter.
  let errorText = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    errorText = `${errorText}${text}`.slice(-errorTextMax);
  });
  let lastFault: Fault | undefined;
  child.on("message", (message: FromChild) => {
    if (message.kind === "failed") lastFault = message.fault;
    else receive(supervision, message);
  });
  const end = (reason: string): void => {
    if (supervision.child === child) ended(supervision, { reason, fault: lastFault, errorText });
  };
  child.on("error", (error) => {
    supervision.dependencies.logger.error({ error }, "store process failed");
    if (child.pid === undefined) end(error.message);
  });
  child.on("exit", (code, signal) => end(`${signal ?? code}`));
  adoptChild("store", child, supervision.dependencies.children);
}

function forkChild(options: ChildOptions): ChildProcess {
  // Settings and keys of the environment are the main process's alone.
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("WEIR_"));
  // The main process's debugger port and its small young generation are its own.
  const execArgv = process.execArgv.filter(
    (argument) => !/^--(?:inspect|max-semi-space-size)/u.test(argument),
  );
  return fork(new URL("child.ts", import.meta.url), [JSON.stringify(options), `${process.pid}`], {
    serialization: "advanced",
    // That FFI is experimental must not stand where the last words of a process that died are looked for.
    execArgv: [...execArgv, "--disable-warning=ExperimentalWarning"],
    // Every query and insert holds a thread of the pool while it runs.
    env: { ...Object.fromEntries(inherited), UV_THREADPOOL_SIZE: `${options.readers + 6}` },
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
}

function receive(supervision: Supervision, message: Exclude<FromChild, { kind: "failed" }>): void {
  const { dependencies } = supervision;
  supervision.heartbeatAtMs = dependencies.clock.monotonicMs();
  switch (message.kind) {
    case "ready":
      if (isStopped(supervision)) return;
      supervision.state = "ready";
      supervision.ingest = message.ingest;
      supervision.readyAtMs = supervision.heartbeatAtMs;
      supervision.onStarted?.(ok(undefined));
      for (const [id, call] of supervision.calls) dispatch(supervision, id, call);
      return;
    case "heartbeat":
      supervision.residentBytes = message.residentBytes;
      dependencies.onHeartbeat(message.residentBytes);
      return;
    case "answer":
      supervision.calls.get(message.id)?.settle(message.result);
  }
}

interface Ending {
  /** The signal or the exit code. */
  readonly reason: string;
  /** What the child said before. */
  readonly fault: Fault | undefined;
  readonly errorText: string;
}

function ended(supervision: Supervision, ending: Ending): void {
  const { reason, fault: cause } = ending;
  const { clock, logger, onRestart } = supervision.dependencies;
  supervision.child = undefined;
  supervision.residentBytes = 0;
  for (const call of supervision.calls.values()) {
    if (call.sent) call.settle(unavailable("the store's process ended before it answered"));
  }
  if (supervision.onStarted !== undefined) {
    supervision.onStarted(
      cause === undefined
        ? unavailable(`the store's process ended (${reason}): ${lastLine(ending.errorText)}`)
        : { ok: false, fault: cause },
    );
    return;
  }
  if (isStopped(supervision)) return;
  const lived = supervision.readyAtMs === undefined ? 0 : clock.monotonicMs() - supervision.readyAtMs;
  supervision.readyAtMs = undefined;
  supervision.delayMs = lived >= steadyMs ? restartMsMin : supervision.delayMs;
  supervision.state = "restarting";
  supervision.restarts++;
  onRestart();
  logger.warn({ ...ending, delayMs: supervision.delayMs }, "store process ended, starting another");
  supervision.restartTimer = setTimeout(() => launch(supervision), supervision.delayMs);
  supervision.delayMs = Math.min(supervision.delayMs * 2, restartMsMax);
}

function lastLine(text: string): string {
  return text.trimEnd().split("\n").at(-1) ?? "";
}

/** A child that says nothing for long is stuck in native code or stopped by a signal: it is replaced. */
function watch(supervision: Supervision): void {
  const { child, dependencies } = supervision;
  if (child === undefined) return;
  const silentMs = dependencies.clock.monotonicMs() - supervision.heartbeatAtMs;
  if (silentMs < (supervision.state === "ready" ? silenceMsMax : openingMsMax)) return;
  dependencies.logger.error({ silentMs }, "store process does not answer, ending it");
  endChild(supervision);
}

/** Ends the child; calls made from now on wait for the next. */
function endChild(supervision: Supervision): void {
  if (supervision.state === "ready") supervision.state = "restarting";
  supervision.child?.kill("SIGKILL");
}

function makeCall<Call extends StoreCall>(
  supervision: Supervision,
  call: Call,
  request: StoreCalls[Call]["request"],
  timeoutMs: number,
): Promise<Result<StoreCalls[Call]["answer"]>> {
  if (isStopped(supervision)) return Promise.resolve(unavailable("the store is not running"));
  if (supervision.calls.size >= callsMax)
    return Promise.resolve(unavailable("too many calls wait for the store"));
  const id = supervision.nextId++;
  const { promise, resolve } = Promise.withResolvers<Result<StoreCalls[Call]["answer"]>>();
  const timer = setTimeout(() => {
    const { sent } = entry;
    entry.settle(
      sent
        ? fail("Timeout", "the store did not answer in time", { retryable: true })
        : unavailable("the store is starting"),
    );
    if (!sent) return;
    supervision.dependencies.logger.error({ call, timeoutMs }, "store process is stuck, ending it");
    endChild(supervision);
  }, timeoutMs);
  const entry: OpenCall = {
    message: { id, call, request } as ToChild,
    sent: false,
    settle: (result) => {
      clearTimeout(timer);
      supervision.calls.delete(id);
      resolve(result as Result<StoreCalls[Call]["answer"]>);
    },
  };
  supervision.calls.set(id, entry);
  dispatch(supervision, id, entry);
  return promise;
}

function dispatch(supervision: Supervision, id: number, call: OpenCall): void {
  if (call.sent || supervision.state !== "ready" || supervision.child === undefined) return;
  call.sent = true;
  supervision.child.send(call.message, (error) => {
    if (error !== null) supervision.calls.get(id)?.settle(unavailable("the store's process is gone"));
  });
}

async function stop(supervision: Supervision): Promise<void> {
  const { child } = supervision;
  supervision.state = "stopped";
  clearTimeout(supervision.restartTimer);
  clearInterval(supervision.watchTimer);
  if (child !== undefined && child.exitCode === null && child.signalCode === null) {
    const exited = new Promise((resolve) => child.once("exit", resolve));
    const impatience = setTimeout(() => child.kill("SIGKILL"), stopPatienceMs);
    child.send({ call: "stop" } satisfies ToChild, () => undefined);
    await exited;
    clearTimeout(impatience);
  }
  for (const call of supervision.calls.values()) call.settle(unavailable("the store has stopped"));
}

function unavailable(message: string): Result<never> {
  return { ok: false, fault: fault("StoreUnavailable", message, { retryable: true }) };
}

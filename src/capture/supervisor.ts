/**
 * Keeps one capture process running: forks it, hands messages to and fro, replaces it with back-off when it
 * dies or falls silent, and stops it.
 */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";

import { type Clock, toFault } from "../base/mod.ts";
import type { Logger } from "../observe/mod.ts";
import { adoptChild, type ChildRegister } from "../process/mod.ts";
import type { FromChild, ToChild } from "./child/message.ts";

export interface SupervisorDeps {
  readonly logger: Logger;
  readonly clock: Clock;
  /** Where the process is written down, for a start after a kill. */
  readonly children?: ChildRegister;
  /**
   * Runs `start`, which makes the process and gives it open descriptors from 4 on, so that it gets no privilege that
   * it does not need. Null where there can be no process at present; then abandon() was called.
   */
  readonly confine: (start: (descriptors: readonly number[]) => ChildProcess) => ChildProcess | null;
  /** A process is there; it wants its start message. */
  readonly onSpawn: () => void;
  readonly onMessage: (message: FromChild) => void;
  /** The process is gone, and another follows unless stop() or abandon() was called. */
  readonly onExit: () => void;
}

export interface Supervisor {
  start(): void;
  /** Sends to the running process; `sent` is called when it is written or will never be. */
  send(message: ToChild, sent?: () => void): void;
  processId(): number | null;
  restarts(): number;
  /** Ends the process by force; another follows. */
  kill(): void;
  /** The process may end now and is not replaced. */
  abandon(): void;
  /** Asks the process to finish and waits for its end, `timeoutMs` at most; then it is killed. */
  stop(timeoutMs: number): Promise<void>;
}

const childEntry = fileURLToPath(new URL("child/child.ts", import.meta.url));

/**
 * FFI says on standard error that it is experimental, which is no news to a user. The rest keeps an idle
 * process small: what it holds for long lies in typed arrays, outside of V8's heap.
 */
const childOptions = [
  "--disable-warning=ExperimentalWarning",
  "--max-semi-space-size=1",
  "--max-old-space-size=128",
  "--v8-pool-size=1",
];

const restartMsMin = 250;
const restartMsMax = 10_000;
/** A process that ran so long was sound: the next restart is as quick as the first. */
const soundMs = 30_000;
const heartbeatCheckMs = 1000;
/** A check that is so late says that this process itself was stopped or busy: what the other said still waits. */
const lateCheckMs = 3 * heartbeatCheckMs;

interface State {
  child: ChildProcess | null;
  restarts: number;
  restartMs: number;
  startedMs: number;
  heardMs: number;
  checkedMs: number;
  ended: boolean;
  restartTimer: NodeJS.Timeout | undefined;
  heartbeatTimer: NodeJS.Timeout | undefined;
}

export function createSupervisor(heartbeatTimeoutMs: number, deps: SupervisorDeps): Supervisor {
  const state: State = {
    child: null,
    restarts: 0,
    restartMs: restartMsMin,
    startedMs: 0,
    heardMs: 0,
    checkedMs: 0,
    ended: false,
    restartTimer: undefined,
    heartbeatTimer: undefined,
  };
  return {
    start() {
      state.ended = false;
      state.checkedMs = deps.clock.monotonicMs();
      state.heartbeatTimer = setInterval(
        () => checkHeartbeat(state, deps, heartbeatTimeoutMs),
        heartbeatCheckMs,
      );
      state.heartbeatTimer.unref();
      spawn(state, deps);
    },
    send(message, sent = () => undefined) {
      if (state.child?.connected !== true) sent();
      else state.child.send(message, undefined, {}, () => sent());
    },
    processId: () => state.child?.pid ?? null,
    restarts: () => state.restarts,
    kill: () => void state.child?.kill("SIGKILL"),
    abandon: () => end(state),
    async stop(timeoutMs) {
      end(state);
      const { child } = state;
      if (child === null) return;
      const exited = new Promise((resolve) => child.once("exit", resolve));
      const killer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
      if (child.connected) child.send({ type: "stop" } satisfies ToChild);
      else child.kill("SIGKILL");
      await exited;
      clearTimeout(killer);
    },
  };
}

function end(state: State): void {
  state.ended = true;
  clearTimeout(state.restartTimer);
  clearInterval(state.heartbeatTimer);
}

/** A host that is out of memory or processes refuses by an error or by throwing: both end like a process. */
function spawn(state: State, deps: SupervisorDeps): void {
  state.startedMs = deps.clock.monotonicMs();
  state.heardMs = state.startedMs;
  let child: ChildProcess | null;
  try {
    child = deps.confine(forkChild);
  } catch (error) {
    onExit(state, deps, null, toFault(error).message);
    return;
  }
  if (child === null) return;
  state.child = child;
  child.on("message", (message) => {
    state.heardMs = deps.clock.monotonicMs();
    deps.onMessage(message as FromChild);
  });
  child.on("error", (error) => {
    deps.logger.error({ error: error.message }, "capture process error");
    if (child.pid === undefined && state.child === child) onExit(state, deps, null, error.message);
  });
  child.once("exit", (code, signal) => onExit(state, deps, code, signal));
  adoptChild("capture", child, deps.children);
  deps.onSpawn();
}

function forkChild(descriptors: readonly number[]): ChildProcess {
  return fork(childEntry, [`${process.pid}`], {
    execPath: process.execPath,
    execArgv: childOptions,
    serialization: "advanced",
    stdio: ["ignore", "inherit", "inherit", "ipc", ...descriptors],
    env: childEnvironment(),
  });
}

/**
 * What the main process was told by its environment (keys, Node's options) is not for this one. The compile
 * cache is: without it the process holds the compiler that strips types, some 30 MB.
 */
function childEnvironment(): NodeJS.ProcessEnv {
  const cache = process.env["NODE_COMPILE_CACHE"];
  return cache === undefined ? {} : { NODE_COMPILE_CACHE: cache };
}

/** `reason` is the signal, or why there never was a process. */
function onExit(state: State, deps: SupervisorDeps, code: number | null, reason: string | null): void {
  state.child = null;
  if (!state.ended) {
    if (deps.clock.monotonicMs() - state.startedMs > soundMs) state.restartMs = restartMsMin;
    const delayMs = state.restartMs;
    deps.logger.warn({ code, reason, restartMs: delayMs }, "capture process ended; it is started again");
    state.restartMs = Math.min(state.restartMs * 2, restartMsMax);
    state.restarts++;
    state.restartTimer = setTimeout(() => spawn(state, deps), delayMs);
  }
  deps.onExit();
}

function checkHeartbeat(state: State, deps: SupervisorDeps, timeoutMs: number): void {
  const nowMs = deps.clock.monotonicMs();
  if (nowMs - state.checkedMs > lateCheckMs) state.heardMs = nowMs;
  state.checkedMs = nowMs;
  if (state.child === null || nowMs - state.heardMs < timeoutMs) return;
  deps.logger.error({ processId: state.child.pid }, "capture process is silent; it is killed");
  state.child.kill("SIGKILL");
}

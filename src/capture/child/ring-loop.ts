/**
 * The loop of a capture process that reads rings: poll() on every ring and on the IPC channel, read what is
 * ready, then one turn of the event loop, so that messages and their answers move too.
 */
import {
  createPollSet,
  foundEvents,
  type Libc,
  pollError,
  type PollDescriptors,
  pollIn,
  pollOut,
  setEvents,
} from "../../libc/mod.ts";
import type { Tap } from "../tap.ts";
import type { Session } from "./session.ts";

export interface RingLoopOptions {
  readonly libc: Libc;
  readonly session: Session;
  /** The IPC channel's descriptor: a message ends the wait. */
  readonly channelDescriptor: number;
  /** Batches that may wait for their acceptance before reading stops. */
  readonly batchesInFlightMax: number;
  /** Packets may be this old when they are read. */
  readonly retireTimeoutMs: number;
  readonly tickMs: number;
  /** Called every tickMs; `rearm` tells that an interface reported an error. */
  readonly onTick: (rearm: boolean) => void;
}

export interface RingLoop {
  stop(): void;
}

const pollMsMax = 100;

interface LoopState {
  taps: readonly Tap[];
  /** The channel, then the taps. */
  all: PollDescriptors;
  readonly channelOnly: PollDescriptors;
  drained: boolean;
  /** Taps that had more to read than their turn allowed. */
  readonly behind: Set<Tap>;
  rearm: boolean;
  nextTickMs: number;
  stopped: boolean;
}

export function startRingLoop(options: RingLoopOptions): RingLoop {
  const channel = { descriptor: options.channelDescriptor, events: pollIn };
  const state: LoopState = {
    taps: [],
    all: createPollSet([channel]),
    channelOnly: createPollSet([channel]),
    drained: true,
    behind: new Set(),
    rearm: false,
    nextTickMs: performance.now() + options.tickMs,
    stopped: false,
  };
  const turn = (): void => {
    if (state.stopped) return;
    watchTaps(state, options);
    waitAndRead(state, options);
    if (performance.now() >= state.nextTickMs) tick(state, options);
    setImmediate(turn);
  };
  setImmediate(turn);
  return { stop: () => void (state.stopped = true) };
}

function watchTaps(state: LoopState, options: RingLoopOptions): void {
  const { taps } = options.session.taps;
  if (taps.size === state.taps.length && state.taps.every((tap) => taps.get(tap.name) === tap)) return;
  state.taps = [...taps.values()];
  state.all = createPollSet([
    { descriptor: options.channelDescriptor, events: pollIn },
    ...state.taps.map(({ descriptor }) => ({ descriptor, events: pollIn })),
  ]);
}

function waitAndRead(state: LoopState, options: RingLoopOptions): void {
  const { outbox } = options.session;
  // At the bound the rings are left alone: they fill, and the kernel counts what it drops.
  const held = outbox.waiting() >= options.batchesInFlightMax;
  const set = held ? state.channelOnly : state.all;
  setEvents(set, 0, outbox.writing() ? pollIn | pollOut : pollIn);
  const untilTick = Math.ceil(state.nextTickMs - performance.now());
  const timeoutMs = state.drained || held ? Math.max(0, Math.min(pollMsMax, untilTick)) : 0;
  options.libc.poll(set, timeoutMs);
  if (held) return;
  state.behind.clear();
  for (const [index, tap] of state.taps.entries()) {
    if ((foundEvents(state.all, index + 1) & pollError) !== 0 && tap.takeError()) state.rearm = true;
    if (!tap.read()) state.behind.add(tap);
  }
  state.drained = state.behind.size === 0;
}

function tick(state: LoopState, options: RingLoopOptions): void {
  state.nextTickMs = performance.now() + options.tickMs;
  if (options.session.outbox.waiting() < options.batchesInFlightMax) {
    options.session.advance(readUpToUs(state.behind, Date.now(), options.retireTimeoutMs));
  }
  options.onTick(state.rearm);
  state.rearm = false;
}

/**
 * The time up to which every packet has been read: a flow may be called silent no later than that. Only taps
 * that are behind hold it back; a quiet one beside them does not.
 */
export function readUpToUs(behind: Iterable<Tap>, nowMs: number, retireTimeoutMs: number): number {
  let timeUs = (nowMs - 2 * retireTimeoutMs) * 1000;
  for (const { intake } of behind) timeUs = Math.min(timeUs, intake.lastUs);
  return timeUs;
}

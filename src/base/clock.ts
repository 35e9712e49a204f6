/** Time as the rest of Weir takes it: passed in, so that tests and replayed captures own it. */
export interface Clock {
  /** Wall-clock milliseconds since 1970; may jump. */
  nowMs(): number;
  /** Milliseconds that only ever grow; for timeouts and intervals. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};

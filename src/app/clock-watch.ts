/** Notices that the wall clock jumped: signatures and the times of records go by it. */
import type { Clock } from "../base/mod.ts";
import type { Logger, Metrics } from "../observe/mod.ts";

const everyMs = 1000;
/** Less than that is what keeping a clock right does to it. */
const jumpMsMin = 2000;

/** Looks every second until the function that it returns is called. */
export function startClockWatch({
  clock,
  logger,
  metrics,
}: {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}): () => void {
  const jumps = metrics.counter(
    "weir_clock_jumps_total",
    "Times that the wall clock jumped by more than two seconds, or the host was asleep",
  );
  // What the wall clock is ahead of time that only ever grows changes in a jump alone.
  const lead = (): number => clock.nowMs() - clock.monotonicMs();
  let known = lead();
  const timer = setInterval(() => {
    const found = lead();
    const byMs = Math.round(found - known);
    known = found;
    if (Math.abs(byMs) <= jumpMsMin) return;
    jumps.add(1, { direction: byMs > 0 ? "forward" : "back" });
    logger.warn({ byMs }, "the clock jumped: requests are judged and records are dated by the new time");
  }, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}

/**
 * Stops what was started, last first, each step once and whatever the others do.
 *
 * A stop ends in time even if a disk or a collector hangs: what was accepted is on disk before that, and
 * the next start goes on from there.
 */
import { toFault } from "../base/mod.ts";
import type { Logger } from "../observe/mod.ts";

export interface Shutdown {
  /** Adds a step; `name` is for the log. It is waited for `timeoutMs` at most, 5 s if not given. */
  add(name: string, stop: () => void | Promise<void>, timeoutMs?: number): void;
  /** Runs the steps that were added; a second call waits for the first. A step that fails is logged. */
  run(): Promise<void>;
}

interface Step {
  readonly name: string;
  readonly stop: () => void | Promise<void>;
  readonly timeoutMs: number;
}

const stepTimeoutMs = 5000;
/** All steps together, so that Weir is gone within 10 s of SIGTERM. */
const totalTimeoutMs = 9000;
/** What a step gets when the others have used the time up: enough to close a file. */
const leastTimeoutMs = 50;

export function createShutdown(logger: Logger): Shutdown {
  const steps: Step[] = [];
  let running: Promise<void> | undefined;
  return {
    add: (name, stop, timeoutMs = stepTimeoutMs) => void steps.push({ name, stop, timeoutMs }),
    run: () => (running ??= runAll(steps, logger)),
  };
}

async function runAll(steps: Step[], logger: Logger): Promise<void> {
  const deadlineMs = performance.now() + totalTimeoutMs;
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    const { name, stop, timeoutMs } = step;
    const startedMs = performance.now();
    const patienceMs = Math.max(leastTimeoutMs, Math.min(timeoutMs, deadlineMs - startedMs));
    try {
      const ended = await inTime(Promise.try(stop), patienceMs);
      const elapsedMs = Math.round(performance.now() - startedMs);
      if (ended) logger.debug({ step: name, elapsedMs }, "stopped");
      else logger.warn({ step: name, elapsedMs }, "a part did not stop in time and is left behind");
    } catch (error) {
      logger.error({ step: name, fault: toFault(error) }, "a part did not stop cleanly");
    }
  }
}

/** Whether the work ended in time. */
async function inTime(work: Promise<void>, timeoutMs: number): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), timeoutMs);
  const ended = await Promise.race([work.then(() => true), late]).finally(() => clearTimeout(timer));
  // A failure after that is nobody's any more.
  if (!ended) work.catch(() => undefined);
  return ended;
}

/** Stops what was started, last first, each step once and whatever the others do. */
import { toFault } from "../base/mod.ts";
import type { Logger } from "../observe/mod.ts";

export interface Shutdown {
  /** Adds a step; `name` is for the log. */
  add(name: string, stop: () => void | Promise<void>): void;
  /** Runs the steps that were added; a second call waits for the first. A step that fails is logged. */
  run(): Promise<void>;
}

export function createShutdown(logger: Logger): Shutdown {
  const steps: { readonly name: string; readonly stop: () => void | Promise<void> }[] = [];
  let running: Promise<void> | undefined;
  const runAll = async (): Promise<void> => {
    for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
      const startMs = performance.now();
      try {
        await step.stop();
      } catch (error) {
        logger.error({ step: step.name, fault: toFault(error) }, "a part did not stop cleanly");
      }
      logger.debug({ step: step.name, elapsedMs: Math.round(performance.now() - startMs) }, "stopped");
    }
  };
  return {
    add: (name, stop) => void steps.push({ name, stop }),
    run: () => (running ??= runAll()),
  };
}

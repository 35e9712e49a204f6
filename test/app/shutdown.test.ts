import { afterEach, describe, expect, it, vi } from "vitest";

import { createShutdown } from "../../src/app/shutdown.ts";
import { silentLogger } from "../../src/observe/mod.ts";

describe("createShutdown()", () => {
  afterEach(() => vi.useRealTimers());

  it("stops the last first, goes on after a failure, and runs once", async () => {
    const stopped: string[] = [];
    const shutdown = createShutdown(silentLogger);
    shutdown.add("first", () => void stopped.push("first"));
    shutdown.add("broken", () => Promise.reject(new Error("no")));
    shutdown.add("last", async () => {
      await Promise.resolve();
      stopped.push("last");
    });
    await Promise.all([shutdown.run(), shutdown.run()]);
    expect(stopped).toEqual(["last", "first"]);
  });

  it("leaves a step behind that does not end, and still runs the others", async () => {
    const stopped: string[] = [];
    const shutdown = createShutdown(silentLogger);
    shutdown.add("first", () => void stopped.push("first"));
    shutdown.add("hangs", () => new Promise(() => undefined), 20);
    shutdown.add("fails later", () => new Promise((_, reject) => setTimeout(reject, 40)), 10);
    await shutdown.run();
    expect(stopped).toEqual(["first"]);
  });

  it("is over within ten seconds, however many steps hang", async () => {
    vi.useFakeTimers();
    const asked: number[] = [];
    const shutdown = createShutdown(silentLogger);
    for (let step = 0; step < 12; step++) {
      shutdown.add(`hangs ${step}`, () => {
        asked.push(step);
        return new Promise(() => undefined);
      });
    }
    let isOver = false;
    void shutdown.run().then(() => (isOver = true));
    await vi.advanceTimersByTimeAsync(4900);
    expect(asked).toEqual([11]);
    await vi.advanceTimersByTimeAsync(5100);
    expect([isOver, asked.length]).toEqual([true, 12]);
  });
});

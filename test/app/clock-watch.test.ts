import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { startClockWatch } from "../../src/app/clock-watch.ts";
import { createMetrics, silentLogger } from "../../src/observe/mod.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe("the watch over the clock", () => {
  it("tells of each jump once, and of its direction", async () => {
    const metrics = createMetrics();
    const warn = vi.fn();
    let aheadMs = 0;
    const clock = { nowMs: () => 1e12 + performance.now() + aheadMs, monotonicMs: () => performance.now() };
    const end = startClockWatch({ clock, logger: { ...silentLogger, warn }, metrics });
    await vi.advanceTimersByTimeAsync(5000);
    expect(warn).not.toHaveBeenCalled();
    for (const jumpMs of [3_600_000, -3_600_000]) {
      aheadMs += jumpMs;
      await vi.advanceTimersByTimeAsync(5000);
      expect(warn).toHaveBeenLastCalledWith({ byMs: jumpMs }, expect.any(String));
    }
    // What NTP does to a clock that it keeps right is no jump.
    aheadMs += 500;
    await vi.advanceTimersByTimeAsync(5000);
    expect(warn).toHaveBeenCalledTimes(2);
    end();
    aheadMs += 3_600_000;
    await vi.advanceTimersByTimeAsync(5000);
    expect(metrics.render()).toContain('weir_clock_jumps_total{direction="forward"} 1\n');
    expect(metrics.render()).toContain('weir_clock_jumps_total{direction="back"} 1\n');
  });
});

import { networkInterfaces } from "node:os";

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { startHousekeeping } from "../../src/app/housekeeping.ts";
import { createShutdown } from "../../src/app/shutdown.ts";
import type { System } from "../../src/app/system.ts";
import { ok } from "../../src/base/mod.ts";
import { createMetrics, silentLogger } from "../../src/observe/mod.ts";

vi.mock("node:os", async (original) => {
  const os = await original<{ networkInterfaces: typeof networkInterfaces }>();
  return { ...os, networkInterfaces: vi.fn(os.networkInterfaces) };
});

const unsubscribe = vi.fn();

function systemOf(allLogstores: () => never[]) {
  const expire = vi.fn(() => Promise.resolve(ok({ partitions: 0 })));
  const shutdown = createShutdown(silentLogger);
  const system = {
    configuration: { capture: { interfaces: { include: ["*"], exclude: [] }, loopback: false } },
    control: {
      onChange: () => unsubscribe,
      logProjects: { onLogstoreDeleted: () => undefined, allLogstores },
    },
    reconciler: { reconcile: () => Promise.resolve() },
    store: { expire },
    steadyClock: { save: () => undefined },
    logger: silentLogger,
    metrics: createMetrics(),
    shutdown,
  } as unknown as System;
  return { system, expire, shutdown };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("housekeeping", () => {
  it("goes on when the list of logstores cannot be read once", async () => {
    let broken = true;
    const { system, expire, shutdown } = systemOf(() => {
      if (broken) throw new Error("disk I/O error");
      return [];
    });
    startHousekeeping(system);
    await vi.advanceTimersByTimeAsync(1000);
    expect(expire).not.toHaveBeenCalled();
    broken = false;
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(expire).toHaveBeenCalledOnce();
    await shutdown.run();
  });

  it("goes on when the host's interfaces cannot be listed once", async () => {
    const { system, shutdown } = systemOf(() => []);
    startHousekeeping(system);
    const listed = vi.mocked(networkInterfaces).mock.calls.length;
    vi.mocked(networkInterfaces).mockImplementationOnce(() => {
      throw new Error("uv_interface_addresses: too many open files");
    });
    await vi.advanceTimersByTimeAsync(10_000);
    // One call that failed, and those of a whole look after it.
    expect(vi.mocked(networkInterfaces).mock.calls.length).toBeGreaterThan(listed + 1);
    await shutdown.run();
  });
});

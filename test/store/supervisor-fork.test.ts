import { EventEmitter } from "node:events";

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { systemClock } from "../../src/base/mod.ts";
import { silentLogger } from "../../src/observe/mod.ts";

class FakeProcess extends EventEmitter {
  readonly pid = 1;
  readonly exitCode = null;
  readonly signalCode = null;
  send(message: { readonly call: string }): boolean {
    if (message.call === "stop") this.emit("exit", 0, null);
    return true;
  }
  kill(): boolean {
    return true;
  }
}

const fork = vi.hoisted(() => vi.fn());
vi.mock("node:child_process", async (original) => ({ ...(await original<object>()), fork }));
const { createSupervisor } = await import("../../src/store/supervisor.ts");

let processes: FakeProcess[];

function supervisorUnderTest() {
  return createSupervisor(
    { path: "/nowhere", memoryBytesMax: 1, readers: 1, deduplicate: true },
    { logger: silentLogger, clock: systemClock, onRestart: () => undefined, onHeartbeat: () => undefined },
  );
}

beforeEach(() => {
  vi.useFakeTimers();
  processes = [];
  fork.mockReset().mockImplementation(() => {
    const child = new FakeProcess();
    processes.push(child);
    return child;
  });
});
afterEach(() => vi.useRealTimers());

describe("the store's supervisor on a host without room for a process", () => {
  it("says so at the start", async () => {
    fork.mockImplementationOnce(() => {
      throw new Error("spawn ENOMEM");
    });
    expect(await supervisorUnderTest().start()).toMatchObject({
      ok: false,
      fault: { code: "StoreUnavailable", message: expect.stringContaining("ENOMEM") },
    });
  });

  it("tries again after a process died", async () => {
    const supervisor = supervisorUnderTest();
    const started = supervisor.start();
    processes[0]!.emit("message", { kind: "ready", ingest: "arrow" });
    await started;
    fork.mockImplementationOnce(() => {
      throw new Error("spawn ENOMEM");
    });
    processes[0]!.emit("exit", null, "SIGKILL");
    await vi.advanceTimersByTimeAsync(1000);
    expect(processes).toHaveLength(2);
    expect(supervisor.status()).toMatchObject({ state: "restarting", restarts: 2 });
    await supervisor.stop();
  });
});

import { EventEmitter } from "node:events";

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { systemClock } from "../../src/base/mod.ts";
import { silentLogger } from "../../src/observe/mod.ts";

class FakeProcess extends EventEmitter {
  connected = true;
  killed = 0;
  readonly pid: number | undefined;
  constructor(pid: number | undefined) {
    super();
    this.pid = pid;
  }
  send(): boolean {
    return true;
  }
  kill(): boolean {
    this.killed++;
    return true;
  }
}

const fork = vi.hoisted(() => vi.fn());
vi.mock("node:child_process", async (original) => ({ ...(await original<object>()), fork }));
const { createSupervisor } = await import("../../src/capture/supervisor.ts");

let processes: FakeProcess[];
let exits: number;
let nowMs: number;

type Confine = Parameters<typeof createSupervisor>[1]["confine"];

function supervisorUnderTest(confine: Confine = (start) => start([])) {
  return createSupervisor(30_000, {
    logger: silentLogger,
    clock: { ...systemClock, monotonicMs: () => nowMs },
    confine,
    onSpawn: () => undefined,
    onMessage: () => undefined,
    onExit: () => exits++,
  });
}

async function pass(timeMs: number): Promise<void> {
  nowMs += timeMs;
  await vi.advanceTimersByTimeAsync(timeMs);
}

beforeEach(() => {
  vi.useFakeTimers();
  processes = [];
  exits = 0;
  nowMs = 1000;
  fork.mockReset().mockImplementation(() => {
    const child = new FakeProcess(1);
    processes.push(child);
    return child;
  });
});
afterEach(() => vi.useRealTimers());

describe("the capture process's supervisor", () => {
  it("tries again when a process cannot be started for lack of room, told or thrown", async () => {
    const unborn = new FakeProcess(undefined);
    fork.mockImplementationOnce(() => unborn);
    fork.mockImplementationOnce(() => {
      throw new Error("spawn ENOMEM");
    });
    const supervisor = supervisorUnderTest();
    supervisor.start();
    unborn.emit("error", new Error("spawn EAGAIN"));
    expect(supervisor.processId()).toBeNull();
    await pass(300);
    await pass(600);
    expect(processes).toHaveLength(1);
    expect(supervisor.restarts()).toBe(2);
    expect(exits).toBe(2);
    supervisor.abandon();
  });

  it("gives a process its descriptors, and is idle where there can be no process", async () => {
    supervisorUnderTest((start) => start([17])).start();
    expect(fork.mock.lastCall?.[2]).toMatchObject({ stdio: ["ignore", "inherit", "inherit", "ipc", 17] });
    const without = supervisorUnderTest(() => {
      without.abandon();
      return null;
    });
    without.start();
    await pass(60_000);
    expect(without.processId()).toBeNull();
    expect([processes.length, exits, without.restarts()]).toEqual([1, 0, 0]);
  });

  it("stops at once when there is no process", async () => {
    const unborn = new FakeProcess(undefined);
    fork.mockImplementationOnce(() => unborn);
    const supervisor = supervisorUnderTest();
    supervisor.start();
    unborn.emit("error", new Error("spawn EAGAIN"));
    await supervisor.stop(1000);
  });

  it("replaces a process that falls silent, but not one that it did not listen to itself", async () => {
    const supervisor = supervisorUnderTest();
    supervisor.start();
    // The main process was stopped for a minute: its timers are late, and the messages still wait.
    nowMs += 60_000;
    await vi.advanceTimersByTimeAsync(1000);
    expect(processes[0]!.killed).toBe(0);
    for (let second = 0; second < 31; second++) await pass(1000);
    expect(processes[0]!.killed).toBeGreaterThan(0);
    supervisor.abandon();
  });
});

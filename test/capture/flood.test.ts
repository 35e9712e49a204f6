import { EventEmitter } from "node:events";

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { ok, systemClock } from "../../src/base/mod.ts";
import { createMetrics, silentLogger } from "../../src/observe/mod.ts";

class FakeProcess extends EventEmitter {
  connected = true;
  readonly pid = undefined;
  signals: string[] = [];
  sent: { type: string }[] = [];
  send(message: { type: string }): boolean {
    this.sent.push(message);
    return true;
  }
  kill(signal: string): boolean {
    this.signals.push(signal);
    this.emit("exit", null, signal);
    return true;
  }
}

const fork = vi.hoisted(() => vi.fn());
vi.mock("node:child_process", async (original) => ({ ...(await original<object>()), fork }));
const { createCapture } = await import("../../src/capture/mod.ts");

const batchesMax = 32;
let processes: FakeProcess[];
let accepted: Uint8Array[];
/** Lets the batches be accepted that wait. */
let accept: () => void;

async function captureUnderTest() {
  let gate = Promise.withResolvers<void>();
  accept = () => {
    gate.resolve();
    gate = Promise.withResolvers<void>();
  };
  const capture = createCapture(
    { method: "ring" },
    {
      logger: silentLogger,
      metrics: createMetrics(),
      clock: systemClock,
      agentId: "agent-1",
      accept: async (bytes) => {
        await gate.promise;
        accepted.push(bytes);
        return ok("accepted");
      },
    },
  );
  void capture.start();
  await vi.waitFor(() => expect(processes).toHaveLength(1), { timeout: 10_000 });
  const [child] = processes;
  const send = (count: number, bytes = 10): void => {
    for (let sequence = 1; sequence <= count; sequence++)
      child!.emit("message", { type: "batch", sequence, bytes: new Uint8Array(bytes) });
  };
  return { capture, child: child!, send };
}

beforeEach(() => {
  vi.useFakeTimers();
  processes = [];
  accepted = [];
  fork.mockReset().mockImplementation(() => {
    const child = new FakeProcess();
    processes.push(child);
    return child;
  });
});
afterEach(() => vi.useRealTimers());

describe("a capture process", () => {
  it("may have as many batches under way as it is told", async () => {
    const { child, send } = await captureUnderTest();
    for (let round = 0; round < 3; round++) {
      send(batchesMax);
      accept();
      await vi.advanceTimersByTimeAsync(1);
    }
    expect(child.signals).toEqual([]);
    expect(accepted).toHaveLength(3 * batchesMax);
    expect(child.sent.filter(({ type }) => type === "accepted")).toHaveLength(3 * batchesMax);
  });

  it.each([
    ["more batches", 10 * batchesMax, 10, batchesMax],
    ["more bytes", batchesMax, 32 << 20, 4],
  ])("that sends %s than it may is killed, and another follows", async (_what, count, bytes, taken) => {
    const { child, send } = await captureUnderTest();
    send(count, bytes);
    expect(child.signals).toEqual(["SIGKILL"]);
    accept();
    await vi.advanceTimersByTimeAsync(1000);
    expect(accepted).toHaveLength(taken);
    expect(processes).toHaveLength(2);
    expect(processes[1]!.signals).toEqual([]);
  });
});

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { fail, ok, type Result, unwrap } from "../../src/base/mod.ts";
import type { WindowMemory } from "../../src/capture/accounted-windows.ts";
import { createJointWindows, type JointWindows } from "../../src/capture/joint-windows.ts";
import { allTraffic, type CapturePlan, type CaptureSubject, emptyPlan } from "../../src/capture/plan.ts";
import { decodeFlowBatch, logStatuses } from "../../src/flow/mod.ts";
import { createMetrics, silentLogger } from "../../src/observe/mod.ts";

const minuteUs = 60_000_000;
const dayUs = 1440 * minuteUs;
const { ok: good, noData, skipData } = logStatuses;
const name = { flowLogId: "fl-1", resourceId: "eni-1" };
const subject: CaptureSubject = {
  ...name,
  scope: "interface",
  interfaceNames: ["eth0"],
  policy: { kind: "window", windowMs: 60_000 },
  filter: allTraffic,
  verdicts: false,
  observationDomain: 9,
  flowsMax: 10,
};
const plan: CapturePlan = { ...emptyPlan, subjects: [subject] };

interface Run {
  readonly joint: JointWindows;
  /** Rows that were accepted: the number of the window, and N or S. */
  readonly rows: string[];
  /** The memory that outlives the process. */
  readonly stored: Map<string, number>;
  readonly accepts: { now: boolean };
  /** The worker says these statuses of the windows from its last one on. */
  readonly say: (worker: number, ...statuses: number[]) => void;
  /** It is beyond the window with this number, without a word. */
  readonly reach: (worker: number, window: number) => void;
}

function runOf(workers: number, stored = new Map<string, number>()): Run {
  const rows: string[] = [];
  const accepts = { now: true };
  const metrics = createMetrics();
  const windowMemory: WindowMemory = {
    all: () => stored,
    update(changed, forgotten) {
      for (const [key, timeUs] of changed) stored.set(key, timeUs);
      for (const key of forgotten) stored.delete(key);
    },
  };
  const accept = (bytes: Uint8Array): Promise<Result<unknown>> => {
    if (!accepts.now) return Promise.resolve(fail("SpoolFull", "refused by the test"));
    const { columns, count, header } = unwrap(decodeFlowBatch(bytes));
    expect(header).toMatchObject({ ...name, agentId: "agent" });
    for (let row = 0; row < count; row++) {
      const startUs = columns.startUs[row]!;
      expect(columns.endUs[row]).toBe(startUs + minuteUs);
      expect([columns.windowS[row], columns.observationDomain[row], columns.packets[row]]).toEqual([
        60, 9, 0,
      ]);
      rows.push(`${startUs / minuteUs}${columns.logStatus[row] === noData ? "N" : "S"}`);
    }
    return Promise.resolve(ok(undefined));
  };
  const joint = createJointWindows({
    workers,
    agentId: "agent",
    accept,
    logger: silentLogger,
    metrics,
    windowMemory,
  });
  const at = Array.from({ length: workers }, () => 0);
  const reach = (worker: number, window: number): void => {
    at[worker] = window;
    const accountedUpToUs = window * minuteUs;
    joint.ofWorker(worker).windows.note([{ ...name, accountedUpToUs }]);
  };
  const say = (worker: number, ...statuses: number[]): void => {
    const from = at[worker]!;
    const windows = statuses.map((logStatus, index) => ({
      ...name,
      windowUs: minuteUs,
      endUs: (from + index + 1) * minuteUs,
      logStatus,
    }));
    joint.ofWorker(worker).onWindows(windows);
    reach(worker, from + statuses.length);
  };
  return { joint, rows, stored, accepts, say, reach };
}

/** Of two workers that begin at 100. */
function begun(): Run {
  const run = runOf(2);
  follow(run, plan);
  for (const worker of [0, 1]) run.reach(worker, 100);
  return run;
}

function follow({ joint }: Run, next: CapturePlan, pendingSinceUs?: number): void {
  joint.follow(next);
  for (const worker of [0, 1]) joint.ofWorker(worker).windows.follow(next, pendingSinceUs);
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("windows that workers share", () => {
  it("are NODATA where all say so, SKIPDATA where any does, and nothing where one has records", async () => {
    const run = begun();
    run.say(0, noData, good, noData, skipData, skipData);
    await settled();
    expect(run.rows).toEqual([]);
    run.say(1, noData, noData, good, noData, good);
    await settled();
    expect(run.rows).toEqual(["100N", "103S", "104S"]);
    expect(run.joint.statusOf(name)).toEqual({
      windows: { ok: 2, noData: 1, skipData: 2 },
      accountedUpToUs: 105 * minuteUs,
    });
    expect([...run.stored]).toEqual([["packets fl-1/eni-1", 105 * minuteUs]]);
  });

  it("wait for the worker that died: its successor goes on where its word ended", async () => {
    const run = begun();
    run.say(0, noData, noData, noData);
    run.say(1, noData);
    await settled();
    expect(run.rows).toEqual(["100N"]);
    const { windows } = run.joint.ofWorker(1);
    expect(windows.continued(plan).subjects[0]!.accountedUpToUs).toBe(101 * minuteUs);
    expect(run.joint.ofWorker(0).windows.continued(plan).subjects[0]!.accountedUpToUs).toBe(103 * minuteUs);
    run.say(1, skipData, skipData);
    await settled();
    expect(run.rows).toEqual(["100N", "101S", "102S"]);
  });

  it("are not NODATA where a worker began within them", async () => {
    const run = runOf(2);
    follow(run, plan);
    run.reach(0, 100);
    run.reach(1, 101);
    run.say(0, noData, noData);
    run.say(1, noData);
    await settled();
    expect(run.rows).toEqual(["101N"]);
  });

  it("begin where all had got to before the start", async () => {
    const stored = new Map([["packets fl-1/eni-1", 7 * minuteUs]]);
    const run = runOf(2, stored);
    follow(run, plan);
    for (const worker of [0, 1]) {
      const { windows } = run.joint.ofWorker(worker);
      expect(windows.continued(plan).subjects[0]!.accountedUpToUs).toBe(7 * minuteUs);
    }
    run.reach(0, 7);
    run.say(0, skipData, noData);
    await settled();
    expect(stored.get("packets fl-1/eni-1")).toBe(7 * minuteUs);
  });

  it("are pending since the flow log began where no worker runs", async () => {
    const run = runOf(2);
    follow(run, plan, 50 * minuteUs);
    await settled();
    expect([...run.stored]).toEqual([["packets fl-1/eni-1", 50 * minuteUs]]);
  });

  it("are told in turn when they are not accepted at first, and remembered only then", async () => {
    const run = begun();
    run.accepts.now = false;
    run.say(0, noData, skipData);
    run.say(1, noData, noData);
    await settled();
    expect(run.stored.get("packets fl-1/eni-1")).toBe(100 * minuteUs);
    run.accepts.now = true;
    run.say(0, noData);
    run.say(1, noData);
    while (run.rows.length < 3) await settled();
    await run.joint.finish();
    expect(run.rows).toEqual(["100N", "101S", "102N"]);
    expect(run.stored.get("packets fl-1/eni-1")).toBe(103 * minuteUs);
  });

  it("are the next start's where they are not accepted before the end", async () => {
    const run = begun();
    run.accepts.now = false;
    run.say(0, noData);
    run.say(1, noData);
    run.say(0, noData);
    run.say(1, noData);
    await run.joint.finish();
    expect(run.rows).toEqual([]);
    expect(run.stored.get("packets fl-1/eni-1")).toBe(100 * minuteUs);
    for (const worker of [0, 1]) {
      const { windows } = run.joint.ofWorker(worker);
      expect(windows.continued(plan).subjects[0]!.accountedUpToUs).toBe(100 * minuteUs);
    }
  });

  it("are told to their end where the flow log is gone: what one lost, and what all say", async () => {
    const run = begun();
    follow(run, emptyPlan);
    const first = run.joint.ofWorker(0);
    const word = (window: number, logStatus: number) => ({
      ...name,
      windowUs: minuteUs,
      endUs: (window + 1) * minuteUs,
      logStatus,
    });
    first.onWindows([word(100, noData), word(101, skipData)]);
    run.joint.ofWorker(1).onWindows([word(100, noData)]);
    run.joint.letGo();
    await settled();
    expect(run.rows).toEqual(["100N", "101S"]);
    expect([...run.stored]).toEqual([]);
    expect(run.joint.statusOf(name)).toEqual({});
    // Who knows nothing of it any more is not listened to.
    first.onWindows([word(102, skipData)]);
    run.joint.letGo();
    await settled();
    expect(run.rows).toEqual(["100N", "101S"]);
  });

  it("merge what a worker says of both parts of a window in which the settings changed", async () => {
    const run = begun();
    const part = { ...name, windowUs: minuteUs, endUs: 101 * minuteUs };
    run.joint.ofWorker(0).onWindows([{ ...part, logStatus: skipData }]);
    run.say(0, noData);
    run.say(1, noData);
    await settled();
    expect(run.rows).toEqual(["100S"]);
  });

  it("are spoken of again after a clock was set back by more than a day", async () => {
    const run = begun();
    run.reach(0, 5000);
    run.reach(1, 5000);
    run.say(0, noData);
    for (const worker of [0, 1]) run.reach(worker, 5000 - (2 * dayUs) / minuteUs);
    run.say(0, skipData);
    run.say(1, noData);
    await settled();
    expect(run.rows).toEqual(["2120S"]);
    expect(run.stored.get("packets fl-1/eni-1")).toBe(2121 * minuteUs);
  });

  it("are held for a day and no more while they are refused: of the rest it is told that they are lost", async () => {
    const run = begun();
    run.accepts.now = false;
    for (let window = 0; window < 10_000; window++) for (const worker of [0, 1]) run.say(worker, noData);
    await settled();
    expect(run.stored.get("packets fl-1/eni-1")).toBe(100 * minuteUs);
    run.accepts.now = true;
    while (run.joint.statusOf(name).accountedUpToUs !== 10_100 * minuteUs) await settled();
    const numbers = (from: number, count: number, said: string): string[] =>
      Array.from({ length: count }, (_, index) => `${from + index}${said}`);
    // The first was on its way before the rest; the last are those that a replaced worker would speak of.
    expect(run.rows).toEqual([
      ...numbers(100, 1, "N"),
      ...numbers(101, 1440, "N"),
      ...numbers(10_100 - 1440, 1440, "S"),
    ]);
    expect(run.stored.get("packets fl-1/eni-1")).toBe(10_100 * minuteUs);
  });

  it("are noted by one write for all flow logs that a worker spoke of", async () => {
    const names = ["eni-1", "eni-2", "eni-3"].map((resourceId) => ({ flowLogId: "fl-1", resourceId }));
    const writes: number[] = [];
    const windowMemory: WindowMemory = {
      all: () => new Map(),
      update: (changed) => void writes.push(changed.size),
    };
    const joint = createJointWindows({
      workers: 2,
      agentId: "agent",
      accept: () => Promise.resolve(ok(undefined)),
      logger: silentLogger,
      metrics: createMetrics(),
      windowMemory,
    });
    const all: CapturePlan = { ...plan, subjects: names.map((one) => ({ ...subject, ...one })) };
    joint.follow(all);
    for (const worker of [0, 1]) joint.ofWorker(worker).windows.follow(all, undefined);
    const subjects = names.map((one) => ({ ...one, accountedUpToUs: minuteUs }));
    for (const worker of [0, 1]) joint.ofWorker(worker).windows.note(subjects);
    await settled();
    expect(writes).toEqual([3]);
  });

  it("are SKIPDATA where a worker was away for longer than it speaks of", async () => {
    const run = begun();
    run.say(0, noData, good, noData);
    run.reach(1, 102);
    run.say(1, noData);
    await settled();
    expect(run.rows).toEqual(["100S", "101S", "102N"]);
  });

  it("are told once, though a worker speaks again of what it accounted for", async () => {
    const run = begun();
    run.say(0, noData);
    run.say(1, noData);
    await settled();
    const again = { ...name, windowUs: minuteUs, endUs: 101 * minuteUs, logStatus: skipData };
    run.joint.ofWorker(0).onWindows([again]);
    for (const worker of [0, 1]) run.say(worker, noData);
    await settled();
    expect(run.rows).toEqual(["100N", "101N"]);
  });

  it("are accounted for to no later time where a flow log goes and comes back while they are refused", async () => {
    const run = begun();
    run.accepts.now = false;
    run.joint
      .ofWorker(0)
      .onWindows([{ ...name, windowUs: minuteUs, endUs: 101 * minuteUs, logStatus: skipData }]);
    follow(run, emptyPlan);
    run.joint.letGo();
    follow(run, plan, 105 * minuteUs);
    run.accepts.now = true;
    while (run.rows.length === 0) await settled();
    expect(run.rows).toEqual(["100S"]);
    expect(run.stored.get("packets fl-1/eni-1")).toBe(105 * minuteUs);
  });

  it("are told as the rule says, in whatever turns the workers speak", async () => {
    const words = fc.array(fc.constantFrom(good, noData, skipData), { minLength: 8, maxLength: 8 });
    const turns = fc.array(fc.tuple(fc.nat(2), fc.integer({ min: 1, max: 3 })), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(fc.tuple(words, words, words), turns, async (said, order) => {
        const run = runOf(3);
        run.joint.follow(plan);
        for (const worker of [0, 1, 2]) run.joint.ofWorker(worker).windows.follow(plan, undefined);
        for (const worker of [0, 1, 2]) run.reach(worker, 10);
        const left = said.map((statuses) => [...statuses]);
        for (const [worker, count] of order) run.say(worker, ...left[worker]!.splice(0, count));
        for (const worker of [0, 1, 2]) run.say(worker, ...left[worker]!);
        await run.joint.finish();
        const expected = said[0].flatMap((_, index) => {
          const all = said.map((statuses) => statuses[index]!);
          if (all.includes(skipData)) return [`${10 + index}S`];
          return all.includes(good) ? [] : [`${10 + index}N`];
        });
        expect(run.rows).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });
});

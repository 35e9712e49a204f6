import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { systemClock, unwrap } from "../../src/base/mod.ts";
import { createMetrics, silentLogger } from "../../src/observe/mod.ts";
import { createStore, type Store, type StoreConfig, type StoreInsert } from "../../src/store/mod.ts";
import { sampleBytes, sampleTarget, sampleTimeUs } from "./sample.ts";
import { tiersThatDiffer } from "./tier-equality.ts";

// A store starts a process of its own, with a database engine in it.
vi.setConfig({ hookTimeout: 120_000 });

const memoryBytesMax = 512 * 1024 * 1024;
const dayMs = 86_400_000;
const directories: string[] = [];
let path: string;
let store: Store;

beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), "weir-rollup-"));
  directories.push(path);
});
afterEach(() => store.stop());
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

async function open(
  config: Partial<StoreConfig> = {},
  { nowMs = () => Date.now(), metrics = createMetrics() } = {},
): Promise<Store> {
  store = createStore(
    { path, memoryBytesMax, rollupIntervalMs: 0, ...config },
    { logger: silentLogger, metrics, clock: { ...systemClock, nowMs } },
  );
  unwrap(await store.start());
  return store;
}

function insertOf(position: number, rows: number, overrides: Partial<StoreInsert> = {}): StoreInsert {
  const receivedMs = sampleTimeUs / 1000;
  return { position, batch: sampleBytes(position, rows), target: sampleTarget, receivedMs, ...overrides };
}

const intoLogstore = (logstore: number) => ({ target: { ...sampleTarget, logstore } });

async function rowsOf(sql: string): Promise<readonly (readonly unknown[])[]> {
  return unwrap(await store.query(sql, {})).rows;
}

/** Rolls everything up; gives the flows that came in. */
async function rollUp(): Promise<number> {
  let rolled = 0;
  for (;;) {
    const { flows, isBehind } = unwrap(await store.rollUp());
    rolled += flows;
    if (!isBehind) return rolled;
  }
}

/** Runs statements on the directory of a store that is stopped. */
function alter(statements: readonly string[]): void {
  const calls = statements.map((statement) => `session.query(${JSON.stringify(statement)});`).join("\n");
  const script = `import { Session } from "chdb"; const session = new Session(process.argv[1]); ${calls} session.close();`;
  execFileSync(process.execPath, ["--input-type=module", "-e", script, path]);
}

describe("rollup tiers", { timeout: 120_000 }, () => {
  it("have the sums of all flows, late ones and those of several days and logstores among them", async () => {
    await open();
    const nextDay = { receivedMs: sampleTimeUs / 1000 + dayMs };
    unwrap(await store.appendFlows([insertOf(1, 500), insertOf(2, 500, intoLogstore(2))]));
    expect(await rollUp()).toBe(1000);
    expect(await tiersThatDiffer(store)).toEqual([]);
    // The clock jumped back between them, and these flows ended when the others did.
    const late = { ...insertOf(5, 300), batch: sampleBytes(1, 300) };
    unwrap(await store.appendFlows([insertOf(3, 200, nextDay), insertOf(4, 100), late]));
    expect(await rollUp()).toBe(600);
    expect(await rollUp()).toBe(0);
    expect(await tiersThatDiffer(store)).toEqual([]);
  });

  it("count what is sent again once", async () => {
    await open();
    unwrap(await store.appendFlows([insertOf(1, 100), insertOf(2, 100)]));
    await rollUp();
    unwrap(await store.appendFlows([insertOf(1, 100), insertOf(2, 100), insertOf(3, 100)]));
    expect(await rollUp()).toBe(100);
    expect(await tiersThatDiffer(store)).toEqual([]);
  });

  it("get one part of one step, however many rows", async () => {
    await open();
    unwrap(await store.appendFlows([insertOf(1, 300_000)]));
    await rollUp();
    const parts = "SELECT table, count() FROM system.parts WHERE active AND table != 'flows' GROUP BY table";
    expect(await rowsOf(`${parts} ORDER BY table`)).toEqual([
      ["flows_1h", "1"],
      ["flows_1m", "1"],
      ["flows_5m", "1"],
    ]);
    expect(await tiersThatDiffer(store)).toEqual([]);
  });

  it("keep apart what many sources sent, in more batches than one step takes", async () => {
    await open();
    const inserts = Array.from({ length: 17_000 }, (_, index) => ({
      position: index + 1,
      batch: sampleBytes(1, 1),
      target: { ...sampleTarget, flowLogId: `fl-${index + 1}`, resourceSerial: "it's \\ a ' serial" },
      receivedMs: sampleTimeUs / 1000,
    }));
    unwrap(await store.appendFlows(inserts));
    expect(await rollUp()).toBe(17_000);
    expect(await tiersThatDiffer(store)).toEqual([]);
  });

  it("are filled by themselves", async () => {
    const metrics = createMetrics();
    await open({ rollupIntervalMs: 20, rollupFlowsMin: 10 }, { metrics });
    unwrap(await store.appendFlows([insertOf(1, 10)]));
    const rolled = (): Promise<unknown> => rowsOf("SELECT sum(records) FROM flows_1h");
    await expect.poll(rolled, { timeout: 20_000 }).toEqual([["10"]]);
    // A rollup that is under way takes what comes meanwhile; it is over when it is counted.
    const counted = (): number => metrics.value("weir_store_rolled_up_flows_total");
    await expect.poll(counted, { timeout: 20_000 }).toBe(10);
    // Fewer wait for more.
    unwrap(await store.appendFlows([insertOf(2, 4)]));
    await sleep(200);
    expect(await rolled()).toEqual([["10"]]);
    unwrap(await store.appendFlows([insertOf(3, 6)]));
    await expect.poll(rolled, { timeout: 20_000 }).toEqual([["20"]]);
  });

  it("say how many flows came into them and how many wait", async () => {
    const metrics = createMetrics();
    store = createStore(
      { path, memoryBytesMax, rollupIntervalMs: 0 },
      { logger: silentLogger, metrics, clock: systemClock },
    );
    unwrap(await store.start());
    unwrap(await store.appendFlows([insertOf(1, 10)]));
    await rollUp();
    expect(metrics.value("weir_store_rolled_up_flows_total")).toBe(10);
    expect(metrics.value("weir_store_rollup_waiting_flows")).toBe(0);
    process.kill(store.status().pid!, "SIGSTOP");
    const failed = store.rollUp();
    process.kill(store.status().pid!, "SIGKILL");
    expect(await failed).toMatchObject({ ok: false, fault: { code: "StoreUnavailable" } });
    expect(metrics.value("weir_store_rollup_faults_total", { code: "StoreUnavailable" })).toBe(1);
  });

  it("lose and double nothing when the store is killed while they are filled", async () => {
    await open();
    const markOf = async (table: string): Promise<number> =>
      Number((await rowsOf(`SELECT max(next_position) FROM ${table}`))[0]![0]);
    let position = 0;
    let betweenTiers = 0;
    for (let kills = 0; betweenTiers < 3; kills++) {
      expect(kills, "kills that were needed for 3 between two tiers").toBeLessThan(60);
      const before = await markOf("flows_1m");
      unwrap(await store.appendFlows(Array.from({ length: 4 }, () => insertOf(++position, 2000))));
      const rolling = store.rollUp();
      if (kills % 3 === 0) await sleep(5 + Math.random() * 60);
      else while ((await markOf("flows_1m")) === before);
      process.kill(store.status().pid!, "SIGKILL");
      await rolling;
      // A new one waits for nothing before it starts its process.
      await store.stop();
      await open();
      if ((await markOf("flows_1m")) > (await markOf("flows_1h"))) betweenTiers++;
    }
    await rollUp();
    expect(await tiersThatDiffer(store)).toEqual([]);
  });
});

describe("rollup tiers of a store that an earlier version made", { timeout: 120_000 }, () => {
  it("are made and filled from what is there", async () => {
    await open();
    unwrap(await store.appendFlows([insertOf(1, 1000), insertOf(2, 50, intoLogstore(7))]));
    await store.stop();
    alter(["DROP TABLE flows_1m", "DROP TABLE flows_5m", "DROP TABLE flows_1h"]);
    await open();
    expect(await rollUp()).toBe(1050);
    expect(await tiersThatDiffer(store)).toEqual([]);
  });

  it("get the keys that have come since", async () => {
    await open();
    unwrap(await store.appendFlows([insertOf(1, 100)]));
    const [row] = await rowsOf("SELECT create_table_query FROM system.tables WHERE name = 'flows_5m'");
    await store.stop();
    const older = String(row![0]).replaceAll(/, `?log_status`?(?: UInt8 CODEC\(ZSTD\(1\)\))?/gu, "");
    expect(older).not.toContain("log_status");
    alter(["DROP TABLE flows_5m", older]);
    await open();
    await rollUp();
    expect(await tiersThatDiffer(store)).toEqual([]);
  });
});

describe("what leaves a store", { timeout: 120_000 }, () => {
  const now = 30_000 * dayMs + 1000;
  const received = (day: number) => ({ receivedMs: day * dayMs });
  const daysOf = (table: string): Promise<unknown> =>
    rowsOf(
      `SELECT toUInt32(logstore), toUInt32(${table === "flows" ? `intDiv(received_ms, ${dayMs})` : "received_day"}) AS day
       FROM ${table} GROUP BY logstore, day ORDER BY logstore, day`,
    );

  it("leaves its tiers too: deleted logstores, and days past their retention", async () => {
    await open({}, { nowMs: () => now });
    const days = [29_990, 29_992, 29_993, 30_000];
    for (const [index, day] of days.entries()) {
      const inserts = [1, 2, 3].map((logstore) =>
        insertOf(10 * logstore + index, 5, { ...intoLogstore(logstore), ...received(day) }),
      );
      unwrap(await store.appendFlows(inserts));
    }
    await rollUp();
    unwrap(await store.dropLogstore(2));
    expect(unwrap(await store.expire([{ logstore: 1, days: 7 }]))).toEqual({ partitions: 5 });
    const left = [
      [1, 29_993],
      [1, 30_000],
      [3, 30_000],
    ];
    for (const table of ["flows", "flows_1m", "flows_5m", "flows_1h"])
      expect(await daysOf(table)).toEqual(left);
    expect(await rollUp()).toBe(0);
    expect(await tiersThatDiffer(store)).toEqual([]);
  });

  it("stays in tiers that are kept longer, into which it comes first", async () => {
    await open({ rollupDays: { "5m": 20, "1h": 10 } }, { nowMs: () => now });
    const days = [29_970, 29_985, 30_000];
    unwrap(await store.appendFlows(days.map((day, index) => insertOf(index + 1, 5, received(day)))));
    const retentions = [{ logstore: 1, days: 7 }];
    expect(unwrap(await store.expire(retentions))).toEqual({ partitions: 2 });
    expect(await daysOf("flows")).toEqual([[1, 30_000]]);
    expect(await daysOf("flows_1m")).toEqual([[1, 30_000]]);
    // A tier is kept at least as long as a finer one.
    for (const table of ["flows_5m", "flows_1h"]) {
      expect(await daysOf(table)).toEqual([
        [1, 29_985],
        [1, 30_000],
      ]);
    }
    expect(await rollUp()).toBe(0);
    // What comes now is added to what is left.
    unwrap(await store.appendFlows([insertOf(9, 7, received(30_000))]));
    expect(await rollUp()).toBe(7);
    expect(await rowsOf("SELECT sum(records) FROM flows_1h")).toEqual([["17"]]);
  });

  it("waits, in its logstore alone, while it cannot come into tiers that are kept longer", async () => {
    const config = { rollupDays: { "1h": 20 } };
    await open(config, { nowMs: () => now });
    unwrap(await store.appendFlows([insertOf(1, 5, received(29_985)), insertOf(2, 5, received(30_000))]));
    const other = { ...intoLogstore(2), ...received(29_985) };
    unwrap(await store.appendFlows([insertOf(3, 5, other)]));
    await store.stop();
    alter(["ALTER TABLE flows_1h ADD CONSTRAINT refused CHECK logstore != 1"]);
    await open(config, { nowMs: () => now });
    const retentions = [1, 2].map((logstore) => ({ logstore, days: 7 }));
    expect(unwrap(await store.expire(retentions))).toEqual({ partitions: 1 });
    const whole = [
      [1, 29_985],
      [1, 30_000],
    ];
    expect(await daysOf("flows")).toEqual(whole);
    expect(await daysOf("flows_1m")).toEqual(whole.slice(0, 1));
    expect(await daysOf("flows_1h")).toEqual([[2, 29_985]]);
    expect(await store.rollUp()).toMatchObject({ ok: false });
    await store.stop();
    alter(["ALTER TABLE flows_1h DROP CONSTRAINT refused"]);
    await open(config, { nowMs: () => now });
    expect(unwrap(await store.expire(retentions))).toEqual({ partitions: 1 });
    expect(await daysOf("flows_1h")).toEqual([...whole, [2, 29_985]]);
  });
});

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import * as fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";

import { systemClock, unwrap } from "../../src/base/mod.ts";
import { encodeFlowBatch, flowFieldList } from "../../src/flow/mod.ts";
import { createMetrics, silentLogger } from "../../src/observe/mod.ts";
import { createStore, flowsTable, type Store, type StoreConfig } from "../../src/store/mod.ts";
import { sampleBatch, sampleBytes, sampleDurationUs, sampleTarget, sampleTimeUs } from "./sample.ts";

// A store starts a process of its own, with a database engine in it.
vi.setConfig({ hookTimeout: 120_000 });

const memoryBytesMax = 512 * 1024 * 1024;
const dayMs = 86_400_000;
const directories: string[] = [];

function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "weir-store-"));
  directories.push(directory);
  return directory;
}

function storeAt(path: string, config: Partial<StoreConfig> = {}, nowMs = () => Date.now()): Store {
  const clock = { ...systemClock, nowMs };
  return createStore(
    { path, memoryBytesMax, ...config },
    { logger: silentLogger, metrics: createMetrics(), clock },
  );
}

async function rowsOf(store: Store, sql: string, parameters = {}): Promise<readonly (readonly unknown[])[]> {
  return unwrap(await store.query(sql, parameters)).rows;
}

function codeOf(result: { ok: boolean; fault?: { code: string } }): string | undefined {
  return result.fault?.code;
}

afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

describe("a store", { timeout: 120_000 }, () => {
  let store: Store;
  let path: string;

  beforeAll(async () => {
    path = newDirectory();
    store = storeAt(path);
    unwrap(await store.start());
  });

  afterAll(() => store.stop());

  it("keeps every field of a flow, with its place and whose it is", async () => {
    const batch = sampleBatch(1, 20);
    for (const [index, field] of flowFieldList.entries()) {
      if (field.type === "address" || field.name === "endUs") continue;
      batch.columns[field.name].fill(index + 1);
    }
    const target = { ...sampleTarget, logstore: 11, resourceSerial: "it's \\ a \t tab ' and 中文" };
    const insert = { position: 7, batch: encodeFlowBatch(batch), target, receivedMs: 1_767_225_700_123 };
    expect(unwrap(await store.appendFlows([insert]))).toEqual({
      rows: 20,
      duplicateRows: 0,
      undecodable: [],
    });
    const names = flowsTable.columns.map((column) => column.name);
    const rows = await rowsOf(
      store,
      `SELECT ${names.join(", ")} FROM flows WHERE logstore = 11 ORDER BY position`,
    );
    expect(rows).toHaveLength(20);
    const record = Object.fromEntries(names.map((name, index) => [name, rows[9]![index]]));
    expect(record).toMatchObject({
      logstore: 11,
      shard: 0,
      position: `${7 * 2 ** 20 + 9}`,
      received_ms: "1767225700123",
      time: "2026-01-01 00:00:03",
      flow_log_id: "fl-1",
      resource_id: "sag-1",
      resource_serial: target.resourceSerial,
      account_id: "1000000000000001",
      region_id: "cn-shanghai",
      agent_id: "agent",
      end_us: `${sampleTimeUs + 1009 * 1000 + sampleDurationUs}`,
      source_address: "2001:db8::9",
      destination_address: "2001:db8::1",
      exporter_address: "::",
    });
    expect(rows[0]![names.indexOf("source_address")]).toBe("::ffff:192.0.2.0");
    for (const [index, field] of flowFieldList.entries()) {
      if (field.type === "address" || field.name === "endUs") continue;
      expect(String(record[field.column]), field.column).toBe(`${index + 1}`);
    }
  });

  it("stores what is sent again only once, whatever part of it is new", async () => {
    const insert = (position: number) => ({
      position,
      batch: sampleBytes(position, 10),
      target: { ...sampleTarget, logstore: 12 },
    });
    expect(unwrap(await store.appendFlows([insert(1), insert(2)]))).toMatchObject({ rows: 20 });
    expect(unwrap(await store.appendFlows([insert(1), insert(2), insert(3)]))).toEqual({
      rows: 10,
      duplicateRows: 20,
      undecodable: [],
    });
    expect(await rowsOf(store, "SELECT count() FROM flows WHERE logstore = 12")).toEqual([["30"]]);
  });

  it("keeps apart what many sources sent in one insert", async () => {
    const inserts = Array.from({ length: 2000 }, (_, index) => ({
      position: index + 1,
      batch: sampleBytes(index + 1, 1),
      target: { ...sampleTarget, logstore: 16, flowLogId: `fl-${index + 1}`, resourceSerial: "" },
    }));
    expect(unwrap(await store.appendFlows(inserts)).rows).toBe(2000);
    const sql = `SELECT count(), uniqExact(flow_log_id) FROM flows WHERE logstore = 16
      AND flow_log_id = concat('fl-', toString(intDiv(position, 1048576))) AND resource_serial = ''`;
    expect(await rowsOf(store, sql)).toEqual([["2000", "2000"]]);
  });

  it("makes one part of one insert, however many rows", async () => {
    const rows = 300_000;
    const target = { ...sampleTarget, logstore: 13 };
    unwrap(await store.appendFlows([{ position: 1, batch: sampleBytes(1, rows), target }]));
    const parts = await rowsOf(
      store,
      "SELECT rows FROM system.parts WHERE partition LIKE '(13,%' AND active",
    );
    expect(parts).toEqual([[`${rows}`]]);
  });

  it("keeps batches apart that a backward jump of the clock sorts into other days", async () => {
    const target = { ...sampleTarget, logstore: 14 };
    const insert = (position: number, day: number) => ({
      position,
      batch: sampleBytes(position, 1),
      target,
      receivedMs: day * dayMs,
    });
    const inserts = [insert(1, 20_001), insert(2, 20_000), insert(3, 20_001), insert(4, 20_000)];
    expect(unwrap(await store.appendFlows(inserts)).rows).toBe(4);
  });

  it("names the batches that it cannot decode and stores the others", async () => {
    const target = { ...sampleTarget, logstore: 15 };
    const broken = sampleBatch(2, 3);
    broken.columns.octets[1] = Number.NaN;
    const outcome = await store.appendFlows([
      { position: 1, batch: sampleBytes(1, 5), target },
      { position: 2, batch: encodeFlowBatch(broken), target },
      { position: 3, batch: new Uint8Array(40), target },
      { position: 4, batch: sampleBytes(4, 5), target },
    ]);
    expect(unwrap(outcome)).toMatchObject({
      rows: 10,
      undecodable: [
        { position: 2, fault: { code: "Malformed" } },
        { position: 3, fault: { code: "Malformed" } },
      ],
    });
  });

  it("hands parameters to the engine as values, whatever characters they are of", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary" }), fc.integer(), async (text, number) => {
        const [row] = await rowsOf(store, "SELECT {text:String}, {number:Int64}", { text, number });
        expect(row).toEqual([text, `${number}`]);
      }),
      { numRuns: 200 },
    );
    const hostile = "'; DROP TABLE flows; SELECT '";
    expect(await rowsOf(store, "SELECT {text:String}", { text: hostile })).toEqual([[hostile]]);
  });

  it("gives parallel queries each its own parameters", async () => {
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        rowsOf(store, "SELECT {a:UInt32} + {b:UInt32}", { a: index, b: 1 }),
      ),
    );
    expect(answers).toEqual(answers.map((_, index) => [[`${index + 1}`]]));
  });

  it("refuses what is not one reading statement with all its parameters", async () => {
    expect(codeOf(await store.query("SELECT 1; SELECT 2", {}))).toBe("QuerySyntax");
    expect(codeOf(await store.query("SELECT FROM WHERE", {}))).toBe("QuerySyntax");
    expect(codeOf(await store.query("SELECT {a:UInt8}", {}))).toBe("InputMissing");
    expect(codeOf(await store.query("DROP TABLE flows", {}))).toBe("QueryUnsupported");
    expect(codeOf(await store.query("INSERT INTO flows (logstore) VALUES (1)", {}))).toBe("QueryUnsupported");
    expect(codeOf(await store.query("SET readonly = 0", {}))).toBe("QueryUnsupported");
  });

  it("ends queries that take too long, too much memory or too many rows, and answers the next one rightly", async () => {
    const endless = "SELECT sum(sipHash64(number)) FROM numbers(1000000000000)";
    expect(codeOf(await store.query(endless, {}, { timeoutMs: 300 }))).toBe("Timeout");
    expect(codeOf(await store.query("SELECT groupArray(number) FROM numbers(1000000000)", {}))).toBe(
      "QueryTooComplex",
    );
    expect(codeOf(await store.query("SELECT number FROM numbers(11)", {}, { rowsMax: 10 }))).toBe(
      "QueryTooComplex",
    );
    for (let attempt = 0; attempt < 4; attempt++) {
      expect(await rowsOf(store, "SELECT number FROM numbers(3)")).toEqual([["0"], ["1"], ["2"]]);
    }
  });

  it("answers a query while another runs", async () => {
    const slow = store.query("SELECT sleep(3)", {});
    const quick = rowsOf(store, "SELECT 1");
    expect(await Promise.race([slow, quick])).toEqual([[1]]);
    unwrap(await slow);
  });

  it("drops a logstore, the days of another past their retention, and the past days of one that is unknown", async () => {
    const now = 30_000 * dayMs + 1000;
    const other = storeAt(newDirectory(), {}, () => now);
    unwrap(await other.start());
    const insert = (logstore: number, position: number, day: number) => ({
      position,
      batch: sampleBytes(position, 1),
      target: { ...sampleTarget, logstore },
      receivedMs: day * dayMs,
    });
    const days = [29_990, 29_992, 29_993, 30_000];
    unwrap(await other.appendFlows(days.map((day, index) => insert(1, index + 1, day))));
    unwrap(await other.appendFlows(days.map((day, index) => insert(2, index + 11, day))));
    unwrap(await other.appendFlows(days.map((day, index) => insert(3, index + 21, day))));
    unwrap(await other.dropLogstore(2));
    expect(unwrap(await other.expire([{ logstore: 1, days: 7 }]))).toEqual({ partitions: 5 });
    expect(
      await rowsOf(other, "SELECT logstore, count() FROM flows GROUP BY logstore ORDER BY logstore"),
    ).toEqual([
      [1, "2"],
      [3, "1"],
    ]);
    expect(unwrap(await other.statistics())).toMatchObject({ rows: 3 });
    await other.stop();
  });

  it("is held by one process at a time", async () => {
    const second = storeAt(path);
    expect(codeOf(await second.start())).toBe("DataDirectoryLocked");
    await second.stop();
  });
});

describe("a store whose process is killed", { timeout: 120_000 }, () => {
  let store: Store | undefined;

  afterEach(() => store?.stop());

  it("comes back within a second, fails what was in flight as retryable, and stores nothing twice", async () => {
    store = storeAt(newDirectory());
    unwrap(await store.start());
    const inserts = [1, 2, 3].map((position) => ({
      position,
      batch: sampleBytes(position, 100),
      target: sampleTarget,
    }));
    unwrap(await store.appendFlows(inserts.slice(0, 1)));
    const running = store.query("SELECT sleep(3)", {});
    await sleep(100);
    process.kill(store.status().pid!, "SIGKILL");
    expect(await running).toMatchObject({ ok: false, fault: { code: "StoreUnavailable", retryable: true } });
    expect(await rowsOf(store, "SELECT count() FROM flows")).toEqual([["100"]]);
    expect(unwrap(await store.appendFlows(inserts))).toMatchObject({ rows: 200, duplicateRows: 100 });
    expect(store.status()).toMatchObject({ state: "ready", restarts: 1 });
  });
});

describe("a store whose process hangs", { timeout: 120_000 }, () => {
  it("gets another one", async () => {
    const store = storeAt(newDirectory());
    unwrap(await store.start());
    process.kill(store.status().pid!, "SIGSTOP");
    expect(codeOf(await store.query("SELECT 1", {}, { timeoutMs: 100 }))).toBe("Timeout");
    expect(await rowsOf(store, "SELECT 1")).toEqual([[1]]);
    expect(store.status().restarts).toBe(1);
    await store.stop();
  });
});

describe("a store that is stopped while it starts", { timeout: 120_000 }, () => {
  it("stays stopped, and can be started again", async () => {
    const store = storeAt(newDirectory());
    const starting = store.start();
    await store.stop();
    expect(codeOf(await starting)).toBe("StoreUnavailable");
    expect(store.status()).toMatchObject({ state: "stopped", pid: undefined });
    expect(codeOf(await store.query("SELECT 1", {}))).toBe("StoreUnavailable");
    unwrap(await store.start());
    expect(await rowsOf(store, "SELECT 1")).toEqual([[1]]);
    await store.stop();
  });
});

describe("a store that an earlier version made", { timeout: 120_000 }, () => {
  it("gets the columns that have come since, with the value that the field table gives older rows", async () => {
    const path = newDirectory();
    const store = storeAt(path);
    unwrap(await store.start());
    unwrap(await store.appendFlows([{ position: 1, batch: sampleBytes(1, 2), target: sampleTarget }]));
    await store.stop();
    const statements = ["flow_direction", "exporter_address", "agent_id"]
      .map((column) => `session.query("ALTER TABLE flows DROP COLUMN ${column}");`)
      .join("\n");
    const script = `import { Session } from "chdb"; const session = new Session(process.argv[1]); ${statements} session.close();`;
    execFileSync(process.execPath, ["--input-type=module", "-e", script, path]);
    unwrap(await store.start());
    unwrap(await store.appendFlows([{ position: 2, batch: sampleBytes(2, 1), target: sampleTarget }]));
    const sql = "SELECT flow_direction, exporter_address, agent_id FROM flows ORDER BY position";
    expect(await rowsOf(store, sql)).toEqual([
      [255, "::", ""],
      [255, "::", ""],
      [255, "::", "agent"],
    ]);
    await store.stop();
  });
});

describe("a store that may not use the Arrow hook", { timeout: 120_000 }, () => {
  it("stores the same by way of text", async () => {
    const stored: unknown[] = [];
    for (const ingest of ["arrow", "text"] as const) {
      const store = storeAt(newDirectory(), { ingest });
      unwrap(await store.start());
      const inserts = [1, 2].map((position) => ({
        position,
        batch: sampleBytes(position, 30),
        target: { ...sampleTarget, flowLogId: `fl\t'${position}` },
        receivedMs: sampleTimeUs / 1000,
      }));
      unwrap(await store.appendFlows(inserts));
      stored.push(await rowsOf(store, "SELECT * FROM flows ORDER BY position"));
      const times = "SELECT start_us, end_us, time FROM flows ORDER BY position LIMIT 1";
      expect(await rowsOf(store, times), ingest).toEqual([
        [`${sampleTimeUs + 1e6}`, `${sampleTimeUs + 1e6 + sampleDurationUs}`, "2026-01-01 00:00:03"],
      ]);
      await store.stop();
    }
    expect(stored[0]).toHaveLength(60);
    expect(stored[1]).toEqual(stored[0]);
  });
});

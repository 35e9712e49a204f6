import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { fail, fault, ok, type Result, systemClock, unwrap } from "../../../src/base/mod.ts";
import { createMetrics, silentLogger } from "../../../src/observe/mod.ts";
import { createStoreSink, type StoreSink, type StoreSinkConfig } from "../../../src/sink/store/mod.ts";
import { type JsonValue, openSpool, type Spool } from "../../../src/spool/mod.ts";
import type { AppendOutcome, Store, StoreInsert } from "../../../src/store/mod.ts";

const target = {
  logstore: 1,
  flowLogId: "fl-1",
  resourceId: "sag-1",
  resourceSerial: "s",
  accountId: "1",
  regionId: "r",
};

let directory = "";
let spool: Spool;
let sink: StoreSink | undefined;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "weir-store-sink-"));
  spool = unwrap(
    openSpool(
      { path: join(directory, "spool.sqlite"), bytesMax: 1 << 24, sinks: ["store"] },
      { clock: systemClock, logger: silentLogger, metrics: createMetrics() },
    ),
  );
});

afterEach(async () => {
  await sink?.stop();
  sink = undefined;
  spool.close();
  rmSync(directory, { recursive: true, force: true });
});

/** What waits for the disk and for other tests waits that long. */
const patience = { timeout: 20_000 };

type Append = (inserts: readonly StoreInsert[]) => Result<AppendOutcome>;

/** A store that answers appends as told and holds `highest` already. */
function storeOf(append: Append, highest = "0"): Store & { calls: (readonly StoreInsert[])[] } {
  const calls: (readonly StoreInsert[])[] = [];
  const unused = () => Promise.reject(new Error("not part of this test"));
  return {
    calls,
    start: unused,
    stop: unused,
    appendLines: unused,
    rollUp: unused,
    dropLogstore: unused,
    expire: unused,
    statistics: unused,
    status: () => ({ state: "ready", pid: 1, ingest: "arrow", restarts: 0, residentBytes: 0 }),
    query: () =>
      Promise.resolve(
        ok({ columns: [], rows: [[highest === "0" ? "0" : "1", highest]], rowsRead: 0, elapsedMs: 0 }),
      ),
    appendFlows: (inserts) => {
      calls.push(inserts);
      return Promise.resolve(append(inserts));
    },
  };
}

const storeAll: Append = (inserts) => ok({ rows: inserts.length, duplicateRows: 0, undecodable: [] });

async function deliverInto(store: Store, config: Partial<StoreSinkConfig> = {}): Promise<void> {
  sink = createStoreSink(
    { deadLetterPath: join(directory, "dead"), intervalMs: 50, ...config },
    { spool, store, logger: silentLogger, metrics: createMetrics(), clock: systemClock },
  );
  unwrap(await sink.start());
}

async function append(sequence: number, rows = 1, route: JsonValue = target): Promise<void> {
  const bytes = new Uint8Array([sequence]);
  const routes = [{ sink: "store", target: route }];
  unwrap(await spool.append({ batchId: `a/b/${sequence}`, bytes, rows, routes }));
  sink?.wake();
}

const cursor = () => spool.status().sinks[0]!.cursor;
const positionsOf = (calls: readonly (readonly StoreInsert[])[]) =>
  calls.map((inserts) => inserts.map((insert) => insert.position));

describe("the store's sink", () => {
  it("stores batches in order, those of one interval together, and acknowledges them", async () => {
    const store = storeOf(storeAll);
    await deliverInto(store, { intervalMs: 3000 });
    await append(1);
    await vi.waitFor(() => expect(cursor()).toBe(1), patience);
    for (const sequence of [2, 3, 4]) await append(sequence);
    await vi.waitFor(() => expect(cursor()).toBe(4), patience);
    expect(positionsOf(store.calls)).toEqual([[1], [2, 3, 4]]);
    expect(store.calls[0]![0]).toMatchObject({ batch: new Uint8Array([1]), target });
  });

  it("splits a backlog by rows and does not rest within it", async () => {
    for (const sequence of [1, 2, 3, 4, 5]) await append(sequence, 40);
    const store = storeOf(storeAll);
    await deliverInto(store, { rowsMax: 100, intervalMs: 3_600_000 });
    await vi.waitFor(() => expect(cursor()).toBe(5), patience);
    expect(positionsOf(store.calls)).toEqual([[1, 2], [3, 4], [5]]);
  });

  it("tries the same again, and acknowledges nothing, until the store has it", async () => {
    let isDown = true;
    const store = storeOf((inserts) =>
      isDown ? fail("StoreUnavailable", "down", { retryable: true }) : storeAll(inserts),
    );
    await append(1);
    await append(2);
    await deliverInto(store);
    await vi.waitFor(() => expect(store.calls.length).toBeGreaterThan(2), patience);
    expect(cursor()).toBe(0);
    expect(sink!.status().fault?.code).toBe("StoreUnavailable");
    isDown = false;
    await vi.waitFor(() => expect(cursor()).toBe(2), patience);
    expect(positionsOf(store.calls)).toEqual(store.calls.map(() => [1, 2]));
    expect(sink!.status()).toMatchObject({ flowsStored: 2, fault: undefined });
  });

  it("sets a batch aside that cannot be decoded, and goes on", async () => {
    const store = storeOf((inserts) =>
      ok({
        rows: inserts.length - 1,
        duplicateRows: 0,
        undecodable: inserts
          .filter((insert) => insert.position === 2)
          .map(({ position }) => ({ position, fault: fault("Malformed", "not a flow batch") })),
      }),
    );
    for (const sequence of [1, 2, 3]) await append(sequence);
    await deliverInto(store);
    await vi.waitFor(() => expect(cursor()).toBe(3), patience);
    expect(sink!.status().batchesSetAside).toBe(1);
    expect(readdirSync(join(directory, "dead")).toSorted()).toEqual(["store-2.batch", "store-2.json"]);
    expect([...readFileSync(join(directory, "dead/store-2.batch"))]).toEqual([2]);
    expect(JSON.parse(readFileSync(join(directory, "dead/store-2.json"), "utf8"))).toMatchObject({
      batchId: "a/b/2",
      target,
      fault: { code: "Malformed" },
    });
  });

  it("sets a batch aside whose target is none, once, however often the others are tried", async () => {
    let failures = 2;
    const store = storeOf((inserts) =>
      failures-- > 0 ? fail("StoreUnavailable", "down", { retryable: true }) : storeAll(inserts),
    );
    await append(1);
    await append(2, 1, { logstore: "one" });
    await deliverInto(store);
    await vi.waitFor(() => expect(cursor()).toBe(2), patience);
    expect(sink!.status()).toMatchObject({ flowsStored: 1, batchesSetAside: 1 });
  });

  it("finds the one batch that the store refuses for good, and stores the others", async () => {
    const store = storeOf((inserts) =>
      inserts.some((insert) => insert.position === 2) ? fail("Internal", "refused") : storeAll(inserts),
    );
    for (const sequence of [1, 2, 3]) await append(sequence);
    await deliverInto(store, { refusalPatienceMs: 500 });
    await vi.waitFor(() => expect(cursor()).toBe(3), patience);
    expect(sink!.status()).toMatchObject({ flowsStored: 2, batchesSetAside: 1 });
  });

  it("sets nothing aside while the store refuses everything for some seconds", async () => {
    let refusals = 8;
    const store = storeOf((inserts) =>
      refusals-- > 0 ? fail("Internal", "too many open files") : storeAll(inserts),
    );
    for (const sequence of [1, 2]) await append(sequence);
    await deliverInto(store);
    await vi.waitFor(() => expect(cursor()).toBe(2), { timeout: 50_000 });
    expect(sink!.status()).toMatchObject({ flowsStored: 2, batchesSetAside: 0 });
  }, 60_000);

  it("throws no refused batch away when the dead-letter folder is full", async () => {
    const folder = join(directory, "dead");
    mkdirSync(folder);
    for (let file = 0; file < 2000; file++) writeFileSync(join(folder, `${file}`), "");
    const store = storeOf(() => fail("Internal", "refused"));
    await append(1);
    await deliverInto(store, { refusalPatienceMs: 0 });
    await vi.waitFor(() => expect(store.calls.length).toBeGreaterThan(4), patience);
    expect(cursor()).toBe(0);
  });

  it("starts later when the spool cannot be read at first", async () => {
    let broken = true;
    const status: Spool["status"] = () => {
      if (broken) throw new Error("disk I/O error");
      return spool.status();
    };
    await append(1);
    sink = createStoreSink(
      { deadLetterPath: join(directory, "dead"), retryMs: 20 },
      {
        spool: { ...spool, status },
        store: storeOf(storeAll),
        logger: silentLogger,
        metrics: createMetrics(),
        clock: systemClock,
      },
    );
    expect(await sink.start()).toMatchObject({ ok: false });
    broken = false;
    await vi.waitFor(() => expect(cursor()).toBe(1), patience);
  });

  it("moves a new spool's positions past those of an old store", async () => {
    await deliverInto(storeOf(storeAll, `${500 * 2 ** 20 + 3}`));
    await append(1);
    await vi.waitFor(() => expect(cursor()).toBe(501), patience);
  });

  it("stops while the store is down", async () => {
    await append(1);
    await deliverInto(storeOf(() => fail("StoreUnavailable", "down", { retryable: true })));
    await sink!.stop();
    expect(cursor()).toBe(0);
  });
});

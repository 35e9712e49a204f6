import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { systemClock, unwrap } from "../../src/base/mod.ts";
import { createMetrics, silentLogger } from "../../src/observe/mod.ts";
import { openSpool, type Spool, type SpoolOptions } from "../../src/spool/mod.ts";

let directory = "";
let metrics = createMetrics();
let open: Spool[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "weir-spool-"));
  metrics = createMetrics();
  open = [];
});

afterEach(() => {
  for (const spool of open) spool.close();
  rmSync(directory, { recursive: true, force: true });
});

function spoolOf(options: Partial<SpoolOptions> = {}): Spool {
  const spool = unwrap(
    openSpool(
      { path: join(directory, "spool.sqlite"), bytesMax: 1 << 24, sinks: ["store", "netflow"], ...options },
      { clock: systemClock, logger: silentLogger, metrics },
    ),
  );
  open.push(spool);
  return spool;
}

const limits = { entriesMax: 1000, bytesMax: 1 << 24 };
const both = [
  { sink: "store", target: { flowLogId: "fl-1", logstore: 1 } },
  { sink: "netflow", target: { flowLogId: "fl-1", port: 9995 } },
];

function batch(sequence: number, size = 100, routes = both, origin = "agent/boot") {
  const bytes = new Uint8Array(size).fill(sequence % 251);
  return { batchId: `${origin}/${sequence}`, bytes, rows: 10, routes };
}

describe("a spool", () => {
  it("gives each sink what was routed to it, in order, with the target of the time of acceptance", async () => {
    const spool = spoolOf();
    await spool.append(batch(1));
    await spool.append(batch(2, 50, [{ sink: "store", target: { flowLogId: "fl-2", logstore: 7 } }]));
    expect(spool.read("store", limits)).toMatchObject([
      { position: 1, batchId: "agent/boot/1", rows: 10, target: { flowLogId: "fl-1", logstore: 1 } },
      { position: 2, batchId: "agent/boot/2", rows: 10, target: { flowLogId: "fl-2", logstore: 7 } },
    ]);
    expect(spool.read("store", limits)[1]!.bytes).toEqual(new Uint8Array(50).fill(2));
    expect(spool.read("netflow", limits).map((entry) => entry.position)).toEqual([1]);
  });

  it("commits what arrives together in one transaction", async () => {
    const spool = spoolOf();
    await spool.append(batch(1));
    const before = metrics.value("weir_spool_commits_total");
    const results = await Promise.all([2, 3, 4, 5].map((sequence) => spool.append(batch(sequence))));
    expect(results.map(unwrap)).toEqual(["accepted", "accepted", "accepted", "accepted"]);
    expect(metrics.value("weir_spool_commits_total")).toBe(before + 1);
  });

  it("keeps to the limits of a read, but always gives one entry", async () => {
    const spool = spoolOf();
    await Promise.all([1, 2, 3].map((sequence) => spool.append(batch(sequence))));
    const positions = (entriesMax: number, bytesMax: number, after = 0) =>
      spool.read("store", { entriesMax, bytesMax, after }).map((entry) => entry.position);
    expect(positions(2, 1000)).toEqual([1, 2]);
    expect(positions(9, 250)).toEqual([1, 2]);
    expect(positions(9, 1)).toEqual([1]);
    expect(positions(9, 1000, 2)).toEqual([3]);
  });

  it("knows a batch again after it was delivered, and after a restart", async () => {
    let spool = spoolOf();
    for (const sequence of [1, 2, 3]) await spool.append(batch(sequence));
    spool.acknowledge("store", 3);
    spool.acknowledge("netflow", 3);
    await spool.append(batch(4));
    expect(unwrap(await spool.append(batch(2)))).toBe("duplicate");
    spool.close();
    spool = spoolOf();
    expect(unwrap(await spool.append(batch(3)))).toBe("duplicate");
    expect(unwrap(await spool.append(batch(4)))).toBe("duplicate");
    expect(unwrap(await spool.append(batch(1, 100, both, "agent/other-boot")))).toBe("accepted");
    expect(spool.read("store", limits).map((entry) => entry.batchId)).toEqual([
      "agent/boot/4",
      "agent/other-boot/1",
    ]);
  });

  it("tells a batch sent twice within one transaction from two batches", async () => {
    const spool = spoolOf();
    const results = await Promise.all([1, 1, 2].map((sequence) => spool.append(batch(sequence))));
    expect(results.map(unwrap)).toEqual(["accepted", "duplicate", "accepted"]);
  });

  it("takes sequences out of order and knows each again", async () => {
    let spool = spoolOf();
    for (const sequence of [3, 1, 5]) expect(unwrap(await spool.append(batch(sequence)))).toBe("accepted");
    spool.close();
    spool = spoolOf();
    for (const sequence of [5, 3, 1]) expect(unwrap(await spool.append(batch(sequence)))).toBe("duplicate");
    for (const sequence of [2, 4]) expect(unwrap(await spool.append(batch(sequence)))).toBe("accepted");
    for (const sequence of [1, 2, 3, 4, 5])
      expect(unwrap(await spool.append(batch(sequence)))).toBe("duplicate");
  });

  it("keeps cursor and state of a sink together over a restart", async () => {
    let spool = spoolOf();
    for (const sequence of [1, 2, 3]) await spool.append(batch(sequence));
    expect(spool.sinkState("netflow")).toBeUndefined();
    spool.acknowledge("netflow", 2, { sequence: 77 });
    spool.acknowledge("netflow", 1);
    spool.close();
    spool = spoolOf();
    expect(spool.sinkState("netflow")).toEqual({ sequence: 77 });
    expect(spool.read("netflow", limits).map((entry) => entry.position)).toEqual([3]);
    expect(spool.status().sinks).toEqual([
      { name: "store", cursor: 0, pending: 3 },
      { name: "netflow", cursor: 2, pending: 1 },
    ]);
  });

  it("never gives a position out twice, also when it was emptied and reopened", async () => {
    let spool = spoolOf();
    for (const sequence of [1, 2]) await spool.append(batch(sequence));
    for (const sink of ["store", "netflow"]) spool.acknowledge(sink, 2);
    spool.close();
    spool = spoolOf();
    await spool.append(batch(3));
    expect(spool.read("store", limits).map((entry) => entry.position)).toEqual([3]);
    expect(unwrap(spool.advancePosition(1000))).toBeUndefined();
    await spool.append(batch(4));
    expect(spool.read("store", limits).map((entry) => entry.position)).toEqual([3, 1001]);
  });

  it("clears a batch when the last sink has it, and not before", async () => {
    const spool = spoolOf();
    await Promise.all([1, 2, 3].map((sequence) => spool.append(batch(sequence))));
    spool.acknowledge("store", 3);
    await spool.append(batch(4));
    expect(spool.status().entries).toBe(4);
    spool.acknowledge("netflow", 2);
    await spool.append(batch(5));
    expect(spool.status()).toMatchObject({ entries: 3, bytes: 300 });
  });

  it("drops the oldest batches at its bound, and remembers whose they were", async () => {
    let spool = spoolOf({ bytesMax: 350 });
    for (const sequence of [1, 2, 3]) await spool.append(batch(sequence));
    spool.acknowledge("netflow", 1);
    for (const sequence of [4, 5]) expect((await spool.append(batch(sequence))).ok).toBe(true);
    const losses = [
      { sink: "netflow", flowLogId: "fl-1", batches: 1, rows: 10 },
      { sink: "store", flowLogId: "fl-1", batches: 2, rows: 20 },
    ];
    const sorted = (found: Spool) => found.status().losses.toSorted((a, b) => a.sink.localeCompare(b.sink));
    expect(sorted(spool)).toEqual(losses);
    expect(spool.status()).toMatchObject({ entries: 3, bytes: 300, droppedBatches: 3, droppedRows: 30 });
    expect(metrics.value("weir_spool_dropped_batches_total", { sink: "store" })).toBe(2);
    spool.close();
    spool = spoolOf({ bytesMax: 350 });
    expect(sorted(spool)).toEqual(losses);
    expect(spool.read("store", limits).map((entry) => entry.position)).toEqual([3, 4, 5]);
    expect(unwrap(await spool.append(batch(1)))).toBe("duplicate");
  });

  it("drops what is on its way to a sink last, so that nothing is counted as lost that arrives", async () => {
    const spool = spoolOf({ bytesMax: 350 });
    for (const sequence of [1, 2, 3]) await spool.append(batch(sequence));
    spool.acknowledge("netflow", 3);
    const [onItsWay] = spool.read("store", { entriesMax: 1, bytesMax: 1000 });
    for (const sequence of [4, 5]) await spool.append(batch(sequence));
    expect(spool.status().losses).toMatchObject([{ sink: "store", batches: 2 }]);
    spool.acknowledge("store", onItsWay!.position);
    expect(spool.read("store", limits).map((entry) => entry.position)).toEqual([4, 5]);
    // With everything on its way, the bound still holds.
    for (const sequence of [6, 7]) await spool.append(batch(sequence));
    spool.read("store", limits);
    for (const sequence of [8, 9, 10, 11]) await spool.append(batch(sequence));
    expect(spool.status().bytes).toBeLessThanOrEqual(350);
  });

  it("refuses what it could never hold or deliver", async () => {
    const spool = spoolOf({ bytesMax: 350 });
    const code = async (input: ReturnType<typeof batch>) => {
      const result = await spool.append(input);
      return result.ok ? result.value : result.fault.code;
    };
    expect(await code(batch(1, 351))).toBe("InputTooLarge");
    expect(await code({ ...batch(1), batchId: "agent/boot/0" })).toBe("InputInvalid");
    expect(await code({ ...batch(1), batchId: "7" })).toBe("InputInvalid");
    expect(await code(batch(1, 10, [{ sink: "other", target: { flowLogId: "", logstore: 0 } }]))).toBe(
      "InputInvalid",
    );
    expect(await code(batch(1, 10, [both[0]!, both[0]!]))).toBe("InputInvalid");
    expect(() => spool.acknowledge("store", 1)).toThrow(/never given out/u);
  });

  it("is held by one process at a time", () => {
    spoolOf();
    const second = openSpool(
      { path: join(directory, "spool.sqlite"), bytesMax: 1, sinks: [] },
      { clock: systemClock, logger: silentLogger, metrics },
    );
    expect(second).toMatchObject({ ok: false, fault: { code: "DataDirectoryLocked" } });
  });

  it("refuses a file that is no spool, and one of a later version", () => {
    const openAt = (path: string) =>
      openSpool({ path, bytesMax: 1, sinks: [] }, { clock: systemClock, logger: silentLogger, metrics });
    const noSpool = join(directory, "no-spool");
    writeFileSync(noSpool, "this is not a database, whatever its name says".repeat(100));
    expect(openAt(noSpool)).toMatchObject({ ok: false, fault: { code: "DataDirectoryUnusable" } });
    const later = join(directory, "later.sqlite");
    const database = new DatabaseSync(later);
    database.exec("PRAGMA user_version = 1000");
    database.close();
    expect(openAt(later)).toMatchObject({ ok: false, fault: { code: "DataDirectoryUnusable" } });
  });

  it("forgets a sink that is no longer configured, with what only that sink still needed", async () => {
    let spool = spoolOf();
    await spool.append(batch(1));
    spool.acknowledge("store", 1);
    spool.close();
    spool = spoolOf({ sinks: ["store"] });
    expect(spool.status()).toMatchObject({ entries: 0, sinks: [{ name: "store", cursor: 1 }] });
  });

  it("gives space back to the file system once an outage is over", async () => {
    const spool = spoolOf({ bytesMax: 1 << 27 });
    const path = join(directory, "spool.sqlite");
    for (let sequence = 1; sequence <= 64; sequence++) await spool.append(batch(sequence, 1 << 20));
    for (const sink of ["store", "netflow"]) spool.acknowledge(sink, 64);
    for (let sequence = 65; sequence <= 80; sequence++) {
      await spool.append(batch(sequence, 100));
    }
    spool.close();
    expect(statSync(path).size).toBeLessThan(20 << 20);
  });
});

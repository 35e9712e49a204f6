/**
 * How fast flows get into the store and how much room they take: `node bench/store/run.ts [rows]`.
 *
 * Every batch goes the whole way that it goes in Weir from the sink on: to the store's process, decoded,
 * inserted, synced. Prints one line a figure.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { systemClock, unwrap } from "../../src/base/mod.ts";
import { createMetrics, silentLogger } from "../../src/observe/mod.ts";
import { openSpool } from "../../src/spool/mod.ts";
import { createStore } from "../../src/store/mod.ts";
import { makeBatch } from "./flows.ts";

const rowsTotal = Number(process.argv[2] ?? 5_000_000);
const rowsPerBatch = 8192;
const batchesPerInsert = 32;
const target = {
  logstore: 1,
  flowLogId: "fl-1",
  resourceId: "sag-1",
  resourceSerial: "sag-serial",
  accountId: "1000000000000001",
  regionId: "cn-shanghai",
};
const directory = mkdtempSync(join(tmpdir(), "weir-bench-store-"));
const dependencies = { clock: systemClock, logger: silentLogger, metrics: createMetrics() };

try {
  await measureSpool();
  await measureStore();
} finally {
  rmSync(directory, { recursive: true, force: true });
}

function say(what: string, value: number, unit: string): void {
  process.stdout.write(
    `${what.padEnd(44)} ${value.toLocaleString("en", { maximumFractionDigits: 2 })} ${unit}\n`,
  );
}

async function measureSpool(): Promise<void> {
  const path = join(directory, "spool.sqlite");
  const spool = unwrap(openSpool({ path, bytesMax: 1 << 30, sinks: ["store"] }, dependencies));
  for (const [sequence, size] of [65_536, 262_144].entries()) {
    const bytes = new Uint8Array(size).map((_, index) => index * 7);
    const startedMs = performance.now();
    let appends = 0;
    while (performance.now() - startedMs < 3000) {
      appends++;
      const batchId = `bench/${sequence}/${appends}`;
      unwrap(await spool.append({ batchId, bytes, rows: 1, routes: [{ sink: "store", target }] }));
      const [entry] = spool.read("store", { entriesMax: 1, bytesMax: 1 });
      spool.acknowledge("store", entry!.position);
    }
    const seconds = (performance.now() - startedMs) / 1000;
    say(`spool, ${size / 1024} KiB batches, each committed alone`, appends / seconds, "commits/s");
    say(
      `spool, ${size / 1024} KiB batches, appended and delivered`,
      (appends * size) / seconds / 1e6,
      "MB/s",
    );
  }
  spool.close();
}

async function measureStore(): Promise<void> {
  const startedMs = performance.now();
  const store = createStore({ path: join(directory, "store") }, dependencies);
  unwrap(await store.start());
  say("store, start to ready", performance.now() - startedMs, "ms");
  await sleep(2000);
  say("store, resident memory when idle", store.status().residentBytes / 1e6, "MB");
  const cpuBefore = cpuSeconds(store.status().pid!);
  let insertMs = 0;
  let rows = 0;
  for (let sequence = 1; rows < rowsTotal;) {
    const inserts = Array.from({ length: batchesPerInsert }, () => {
      const batch = makeBatch(sequence, rowsPerBatch, 20_000);
      return { position: sequence++, batch, target };
    });
    const beforeMs = performance.now();
    rows += unwrap(await store.appendFlows(inserts)).rows;
    insertMs += performance.now() - beforeMs;
  }
  say(
    `store, inserts of ${rowsPerBatch * batchesPerInsert} flows, wall`,
    rows / (insertMs / 1000),
    "flows/s",
  );
  say("store, inserts, processor", rows / (cpuSeconds(store.status().pid!) - cpuBefore), "flows/CPU-s");
  say("store, resident memory after inserts", store.status().residentBytes / 1e6, "MB");
  const { bytesOnDisk } = unwrap(await store.statistics());
  say("store, disk, as inserted", bytesOnDisk / rows, "bytes/flow");
  const query = unwrap(
    await store.query(
      "SELECT source_address, sum(octets) AS total FROM flows WHERE logstore = 1 GROUP BY source_address ORDER BY total DESC LIMIT 10",
      {},
    ),
  );
  say("store, top 10 sources over all", query.elapsedMs, "ms");
  const columns = unwrap(
    await store.query(
      `SELECT name, toFloat64(data_compressed_bytes) / {rows:Float64} AS size FROM system.columns
       WHERE table = 'flows' ORDER BY size DESC LIMIT 12`,
      { rows },
    ),
  );
  for (const [name, size] of columns.rows) say(`  of it ${String(name)}`, Number(size), "bytes/flow");
  await store.stop();
}

function cpuSeconds(pid: number): number {
  const text = execFileSync("ps", ["-o", "cputimes=", "-p", `${pid}`]).toString();
  return Number(text);
}

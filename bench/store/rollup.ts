/**
 * What rollups cost and what they bring: `node bench/store/rollup.ts [flows]`.
 *
 * The cost: flows of 100 interfaces, 20,000 a second, batch by batch into two stores in turn, of which one
 * rolls up. What they bring: flows of a week in one store, and histograms of it from the tiers and, by the
 * same condition, from the records in turn.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { systemClock, unwrap } from "../../src/base/mod.ts";
import { createMetrics, silentLogger } from "../../src/observe/mod.ts";
import { createLogReader, type LogReader } from "../../src/query/mod.ts";
import { createStore, type Store, type StoreInsert } from "../../src/store/mod.ts";
import { makeBatch } from "./flows.ts";

const flowsOfWeek = Number(process.argv[2] ?? 20_000_000);
const flowsOfCost = 4_194_304;
const sources = 100;
const rowsPerBatch = 2048;
const batchesPerInsert = 128;
const weekS = 7 * 86_400;
const beginS = 1_767_225_600;
const toS = beginS + weekS;
const rounds = 7;
const directory = mkdtempSync(join(tmpdir(), "weir-bench-rollup-"));

function say(what: string, value: number, unit: string): void {
  process.stdout.write(
    `${what.padEnd(52)} ${value.toLocaleString("en", { maximumFractionDigits: 2 })} ${unit}\n`,
  );
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

/** Of a store's process, all threads; the kernel counts in hundredths. */
function cpuSeconds(store: Store): number {
  const fields = readFileSync(`/proc/${store.status().pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function openStore(name: string, rollupIntervalMs: number): Promise<Store> {
  const dependencies = { clock: systemClock, logger: silentLogger, metrics: createMetrics() };
  const store = createStore({ path: join(directory, name), rollupIntervalMs }, dependencies);
  unwrap(await store.start());
  return store;
}

function* insertsOf(flows: number, flowsPerSecond: number): Generator<StoreInsert[]> {
  const batches = Math.ceil(flows / rowsPerBatch);
  for (let first = 1; first <= batches; first += batchesPerInsert) {
    yield Array.from({ length: batchesPerInsert }, (_, index) => insertOf(first + index, flowsPerSecond));
  }
}

function insertOf(sequence: number, flowsPerSecond: number): StoreInsert {
  const target = {
    logstore: 1,
    flowLogId: "fl-1",
    resourceId: `eni-${sequence % sources}`,
    resourceSerial: `sn-${sequence % sources}`,
    accountId: "1000000000000001",
    regionId: "cn-shanghai",
  };
  return { position: sequence, batch: makeBatch(sequence, rowsPerBatch, flowsPerSecond, sources), target };
}

async function append(store: Store, inserts: readonly StoreInsert[]): Promise<number> {
  const beforeMs = performance.now();
  unwrap(await store.appendFlows(inserts));
  return performance.now() - beforeMs;
}

async function rollUp(store: Store): Promise<void> {
  while (unwrap(await store.rollUp()).isBehind);
}

/** Inserts with and without rollups, in turn; then what the rollups alone take. */
async function measureCost(): Promise<void> {
  const stores = [await openStore("cost-rolling", 1000), await openStore("cost-plain", 0)] as const;
  const insertMs = [0, 0];
  for (const inserts of insertsOf(flowsOfCost, 20_000)) {
    for (const [index, store] of stores.entries()) insertMs[index]! += await append(store, inserts);
  }
  const [rolling, plain] = stores;
  await rolling.stop();
  say("inserts with rollups", flowsOfCost / (insertMs[0]! / 1000), "flows/s");
  say("inserts without", flowsOfCost / (insertMs[1]! / 1000), "flows/s");
  await settle(plain);
  const cpuBefore = cpuSeconds(plain);
  await rollUp(plain);
  await settle(plain);
  say("rollups, processor", ((cpuSeconds(plain) - cpuBefore) / flowsOfCost) * 1e6, "CPU-s/1 M flows");
  await saySizes(plain);
  await plain.stop();
}

/** Waits until the engine merges nothing. */
async function settle(store: Store): Promise<void> {
  for (let isBusy = true; isBusy;) {
    await sleep(500);
    const { rows } = unwrap(await store.query("SELECT count() FROM system.merges", {}));
    isBusy = rows[0]![0] !== "0";
  }
}

async function saySizes(store: Store): Promise<void> {
  const sizes = await store.query(
    "SELECT table, sum(rows), sum(bytes_on_disk) FROM system.parts WHERE active GROUP BY table ORDER BY table",
    {},
  );
  const { rows } = unwrap(await store.statistics());
  for (const [table, tableRows, bytes] of unwrap(sizes).rows) {
    say(
      `  ${String(table)}: ${Number(tableRows).toLocaleString("en")} rows`,
      Number(bytes) / rows,
      "bytes/flow",
    );
  }
}

interface Comparison {
  readonly name: string;
  readonly query: string;
  /** The same in SQL over the records. */
  readonly condition: string;
  readonly fromS: number;
  readonly intervalS: number;
}

/** The same histogram from the tiers and from the records, in turn. */
async function compare(store: Store, reader: LogReader, comparison: Comparison): Promise<void> {
  const { name, query, condition, fromS, intervalS } = comparison;
  const tierMs: number[] = [];
  const rawMs: number[] = [];
  let tiers = "";
  for (let round = 0; round < rounds; round++) {
    const beforeMs = performance.now();
    const histograms = unwrap(await reader.getHistograms({ logstore: 1, query, fromS, toS, intervalS }));
    tierMs.push(performance.now() - beforeMs);
    tiers = histograms.tiers.map(({ tier, records }) => `${tier} ${records}`).join(", ");
    const sql = `SELECT intDiv(toUnixTimestamp(time) - ${fromS}, ${intervalS}) AS bucket, count()
      FROM flows WHERE logstore = 1 AND time >= toDateTime(${fromS}) AND time < toDateTime(${toS})
      AND ${condition} GROUP BY bucket`;
    const rawBeforeMs = performance.now();
    const { rows } = unwrap(await store.query(sql, {}));
    rawMs.push(performance.now() - rawBeforeMs);
    const count = rows.reduce((sum, [, records]) => sum + Number(records), 0);
    if (count !== histograms.count) throw new Error(`tiers count ${histograms.count}, records ${count}`);
  }
  say(`${name}, from the tiers`, median(tierMs), `ms (${tiers})`);
  say(`${name}, from the records`, median(rawMs), "ms");
  say(`${name}, records / tiers`, median(rawMs) / median(tierMs), "times");
}

async function measureGain(): Promise<void> {
  const store = await openStore("gain", 1000);
  for (const inserts of insertsOf(flowsOfWeek, flowsOfWeek / weekS)) await append(store, inserts);
  await rollUp(store);
  await saySizes(store);
  const reader = createLogReader({}, { store });
  const hours = { fromS: beginS, intervalS: 3600 };
  // As most are: 60 intervals from some second on.
  const unaligned = { fromS: beginS + 1, intervalS: Math.ceil(weekS / 60) };
  const all = { query: "", condition: "1" };
  const https = { query: "dstport: 443", condition: "destination_port = 443" };
  await compare(store, reader, { name: "a week by the hour", ...all, ...hours });
  await compare(store, reader, { name: "a week by the hour, dstport: 443", ...https, ...hours });
  await compare(store, reader, { name: "a week in 60 intervals", ...all, ...unaligned });
  await compare(store, reader, { name: "a week in 60 intervals, dstport: 443", ...https, ...unaligned });
  await store.stop();
}

try {
  await measureCost();
  await measureGain();
} finally {
  rmSync(directory, { recursive: true, force: true });
}

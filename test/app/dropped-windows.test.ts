import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { createDroppedWindows, type DroppedWindows } from "../../src/app/dropped-windows.ts";
import { fail, type Result, systemClock, unwrap } from "../../src/base/mod.ts";
import {
  batchId,
  createFlowBatch,
  decodeFlowBatch,
  encodeFlowBatch,
  logStatuses,
} from "../../src/flow/mod.ts";
import { createMetrics, type Metrics, silentLogger } from "../../src/observe/mod.ts";
import { openSpool, type Spool } from "../../src/spool/mod.ts";
import { eventually } from "../support/weir.ts";

const minuteUs = 60_000_000;
const rows = 500;
const target = { flowLogId: "fl-1", logstore: 7 };

let folder = "";
let spool: Spool;
let windows: DroppedWindows;
let metrics: Metrics;
let sequence = 0;
/** How often the spool refuses what it is told, from now on. */
let refusals = 0;
/** What it was told, and the batches in which. */
const words: Promise<unknown>[] = [];
const said: Uint8Array[] = [];

function refuse(): Result<never> {
  refusals--;
  return fail("DiskFull", "no space", { retryable: true });
}

/** Resolves when nothing more is to be told of what was dropped so far, and of what was dropped for that. */
async function allTold(): Promise<void> {
  windows.tell();
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    await word;
    windows.tell();
  }
}

/** Tells this test's spool alone, whatever comes late. */
function windowsOf(pauseMs: number): DroppedWindows {
  const own = spool;
  return createDroppedWindows({
    agentId: "agent",
    append: (input) => {
      const appended = refusals > 0 ? Promise.resolve(refuse()) : own.append(input);
      words.push(appended);
      said.push(input.bytes);
      return appended;
    },
    logger: silentLogger,
    metrics,
    pauseMs,
  });
}

beforeEach(() => {
  refusals = 0;
  words.length = 0;
  said.length = 0;
  folder = mkdtempSync(join(tmpdir(), "weir-dropped-"));
  metrics = createMetrics();
  sequence = 0;
  const options = { path: join(folder, "spool.sqlite"), bytesMax: 100_000, sinks: ["store", "netflow"] };
  spool = unwrap(
    openSpool(options, {
      clock: systemClock,
      logger: silentLogger,
      metrics,
      onDropped: (batch) => windows.dropped(batch),
    }),
  );
  windows = windowsOf(60_000);
});

afterEach(() => {
  spool.close();
  rmSync(folder, { recursive: true });
});

/** Appends flows of the window, or with `windowS` 0 of a flow log that ages. */
async function append(window: number, windowS = 60, count = rows): Promise<void> {
  const header = {
    agentId: "agent",
    bootId: "capture",
    sequence: ++sequence,
    flowLogId: "fl-1",
    resourceId: "eni-1",
  };
  const batch = createFlowBatch(count, header);
  batch.count = count;
  for (let row = 0; row < count; row++) {
    // Not to be compressed away.
    batch.columns.sourceAddress.set([row, row * 7919, row * 104_729, window], row * 4);
    batch.columns.octets[row] = Math.imul(row + 1, 0x9e3779b1) >>> 0;
  }
  batch.columns.startUs.fill(window * minuteUs + 5);
  batch.columns.endUs.fill(window * minuteUs + 9);
  batch.columns.packets.fill(1);
  batch.columns.windowS.fill(windowS);
  const routes = ["store", "netflow"].map((sink) => ({ sink, target }));
  unwrap(
    await spool.append({
      batchId: batchId(header),
      bytes: encodeFlowBatch(batch),
      rows: batch.count,
      routes,
    }),
  );
}

/** The numbers of a batch's windows, with a mark where one is told to be skipped. */
function windowsIn(bytes: Uint8Array): string[] {
  const { columns, count } = unwrap(decodeFlowBatch(bytes));
  const numbers = Array.from({ length: count }, (_, row) => {
    const mark = columns.logStatus[row] === logStatuses.skipData ? " skipped" : "";
    return `${Math.floor(columns.startUs[row]! / minuteUs)}${mark}`;
  });
  return [...new Set(numbers)];
}

/** What the sink will get, as windowsIn(). From then on it is on its way. */
function told(sink: string): string[] {
  const entries = spool.read(sink, { entriesMax: 1000, bytesMax: 1e9 });
  return entries.flatMap(({ bytes }) => windowsIn(bytes));
}

describe("windows whose records the spool dropped", () => {
  it("are SKIPDATA for the store, once each, and nothing for NetFlow", async () => {
    for (let window = 0; window < 20; window++) {
      await append(window);
      await append(window);
    }
    await allTold();
    const skipped = told("store").filter((text) => text.endsWith("skipped"));
    const kept = new Set(told("store").filter((text) => !text.endsWith("skipped")));
    const dropped = metrics.value("weir_spool_windows_skipped_total");
    expect(dropped).toBeGreaterThan(10);
    expect(new Set(skipped).size).toBe(skipped.length);
    // Every window has its records or the word that some are missing.
    for (let window = 0; window < 20; window++) {
      expect(kept.has(`${window}`) || skipped.includes(`${window} skipped`)).toBe(true);
    }
    expect(told("netflow").some((text) => text.endsWith("skipped"))).toBe(false);
    const [entry] = spool
      .read("store", { entriesMax: 1000, bytesMax: 1e9 })
      .filter(({ batchId: id }) => !id.startsWith("agent/capture/"));
    expect(entry!.target).toEqual(target);
    expect(unwrap(decodeFlowBatch(entry!.bytes)).header).toMatchObject({
      flowLogId: "fl-1",
      resourceId: "eni-1",
    });
  });

  it("are told when the spool takes it, where it does not at first", async () => {
    windows = windowsOf(1);
    refusals = 3;
    for (let window = 0; window < 40 && words.length === 0; window++) await append(window);
    await eventually("the window is told", 30_000, () =>
      told("store").find((text) => text.endsWith("skipped")),
    );
    expect(refusals).toBe(0);
  });

  it("are told at a bounded pace, and none is forgotten, where the spool holds nothing but words on them", async () => {
    const count = 1000;
    for (let window = 0; window < count; window++) await append(window, 60, 1);
    // The first at once, the others after the pause.
    expect(words).toHaveLength(1);
    for (let round = 1; round <= 10; round++) {
      windows.tell();
      expect(words.length).toBeLessThanOrEqual(1 + round);
      await words.at(-1);
    }
    // What made room for the last telling is told by the next.
    const held = told("store");
    windows.tell();
    const numbers = [...held, ...windowsIn(said.at(-1)!)].map((text) => Number.parseInt(text, 10));
    expect(new Set(numbers).size).toBe(count);
  });

  it("are not told of flow logs that have no windows", async () => {
    for (let window = 0; window < 10; window++) await append(window, 0);
    expect(spool.status().droppedBatches).toBeGreaterThan(0);
    expect(metrics.value("weir_spool_windows_skipped_total")).toBe(0);
  });
});

import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, describe, expect, it } from "vitest";

import { systemClock, unwrap } from "../../src/base/mod.ts";
import { decodeFlowBatch } from "../../src/flow/mod.ts";
import { createMetrics, silentLogger } from "../../src/observe/mod.ts";
import { openSpool } from "../../src/spool/mod.ts";
import { sampleBatch } from "../store/sample.ts";

const vectors = join(import.meta.dirname, "../vectors/spool");
/** What the flows of the sample lasted when the vectors were written. */
const recordedDurationUs = 500;
const directory = mkdtempSync(join(tmpdir(), "weir-spool-recorded-"));

afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe("what an earlier version wrote", () => {
  it("is read: a batch of byte form 1", () => {
    const decoded = unwrap(decodeFlowBatch(readFileSync(join(vectors, "flow-batch-1.bin"))));
    const expected = sampleBatch(1, 12, recordedDurationUs);
    expect(decoded.header).toEqual(expected.header);
    expect(decoded.columns).toEqual(expected.columns);
  });

  it("is read: a spool of schema 1, its batches, cursors, sink states and known ids", async () => {
    const path = join(directory, "spool.sqlite");
    copyFileSync(join(vectors, "spool-1.sqlite"), path);
    const dependencies = { clock: systemClock, logger: silentLogger, metrics: createMetrics() };
    const spool = unwrap(openSpool({ path, bytesMax: 1 << 20, sinks: ["store", "netflow"] }, dependencies));
    const limits = { entriesMax: 10, bytesMax: 1 << 20 };
    const entries = spool.read("store", limits);
    expect(entries.map(({ position, batchId }) => [position, batchId])).toEqual([
      [2, "agent/boot/2"],
      [3, "agent/boot/3"],
    ]);
    expect(entries[0]).toMatchObject({
      rows: 12,
      acceptedMs: 1_767_225_700_000,
      target: { logstore: 1, resourceId: "sag-1" },
    });
    expect(unwrap(decodeFlowBatch(entries[1]!.bytes)).columns).toEqual(
      sampleBatch(3, 12, recordedDurationUs).columns,
    );
    expect(spool.read("netflow", limits).map(({ position }) => position)).toEqual([3]);
    expect(spool.sinkState("netflow")).toEqual({ sequence: 24 });
    const again = { batchId: "agent/boot/1", bytes: new Uint8Array(1), rows: 1, routes: [] };
    expect(unwrap(await spool.append(again))).toBe("duplicate");
    spool.close();
  });
});

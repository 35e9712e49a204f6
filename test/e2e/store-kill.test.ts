import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { afterAll, describe, expect, it } from "vitest";

import { DeliveryHarness } from "./store/delivery-harness.ts";

const rowsPerBatch = 1000;
const directories: string[] = [];

afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

function newHarness(deduplicate: boolean): DeliveryHarness {
  const directory = mkdtempSync(join(tmpdir(), "weir-store-kill-"));
  directories.push(directory);
  return new DeliveryHarness({ directory, rowsPerBatch, deduplicate });
}

/** Kills the process at an insert, before or after the store had it but before that was acknowledged. */
async function killAtInsert(harness: DeliveryHarness, isStored: boolean): Promise<number> {
  const { highest } = await harness.next(isStored ? "stored" : "inserting", harness.messages.length);
  if (!isStored) await sleep(Math.random() * 12);
  await harness.kill();
  return highest;
}

/** Kills only the store's process during an insert; whether the insert was still unanswered. */
async function killStoreAtInsert(harness: DeliveryHarness): Promise<boolean> {
  const after = harness.messages.length;
  const { highest, storePid } = await harness.next("inserting", after);
  await sleep(Math.random() * 6);
  if (storePid === undefined) return false;
  process.kill(storePid, "SIGKILL");
  const outcome = await harness.first(
    (message) => (message.kind === "refused" || message.kind === "stored") && message.highest === highest,
    after,
  );
  await harness.next("stored", harness.messages.length);
  return outcome.kind === "refused";
}

describe("flows accepted by the spool", { timeout: 600_000 }, () => {
  it("are each in the store and in its rollup tiers once after 20 kills of the process and 4 of the store, each with a batch in flight", async () => {
    const harness = newHarness(true);
    try {
      let hits = 0;
      let inFlight = 0;
      for (let attempt = 0; hits < 20; attempt++) {
        // Where the machine is slow to tell of an insert, the kill comes too late for most of them.
        const isStored = attempt % 3 === 0 || attempt > 60;
        // The cursor that the next start finds says whether the batch was unacknowledged when the kill came.
        const { cursor } = await harness.start(isStored ? 500 : 0);
        if (cursor < inFlight) hits++;
        inFlight = await killAtInsert(harness, isStored);
      }
      await harness.start(0);
      for (let storeHits = 0; storeHits < 4;) if (await killStoreAtInsert(harness)) storeHits++;
      const { counts, setAside, differingTiers } = await harness.finish();
      const accepted = Array.from({ length: harness.confirmed }, (_, index) => index + 1);
      expect(counts).toEqual(
        accepted.map((sequence) => [`${sequence}`, rowsPerBatch, rowsPerBatch, rowsPerBatch]),
      );
      expect(setAside).toBe(0);
      expect(differingTiers).toEqual([]);
    } finally {
      harness.end();
    }
  });

  it("are there twice after kills when deduplication is switched off, so that the test above can fail", async () => {
    const harness = newHarness(false);
    try {
      for (let kills = 0; kills < 3; kills++) {
        await harness.start(500);
        await killAtInsert(harness, true);
      }
      await harness.start(0);
      const { counts } = await harness.finish();
      const twice = counts.filter(([, rows, distinct]) => Number(rows) > Number(distinct));
      expect(twice.length).toBeGreaterThanOrEqual(3);
    } finally {
      harness.end();
    }
  });
});

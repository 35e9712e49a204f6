/**
 * A process that accepts batches into a spool and delivers them into a store, as Weir's main process does;
 * the test kills it. Started with its options as JSON in the first argument; tells its parent by IPC what it does.
 */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { systemClock, unwrap } from "../../../src/base/mod.ts";
import { createMetrics, silentLogger } from "../../../src/observe/mod.ts";
import { createStoreSink } from "../../../src/sink/store/mod.ts";
import { openSpool } from "../../../src/spool/mod.ts";
import { createStore, type Store } from "../../../src/store/mod.ts";
import { sampleBytes, sampleTarget } from "../../store/sample.ts";
import { tiersThatDiffer } from "../../store/tier-equality.ts";

export interface DeliveryOptions {
  readonly directory: string;
  readonly deduplicate: boolean;
  readonly rowsPerBatch: number;
  /** The first sequence whose acceptance was not confirmed yet. */
  readonly from: number;
  /** How long a confirmation of the store is withheld, so that a kill can hit before it. */
  readonly confirmationDelayMs: number;
}

interface InsertMessage<Kind extends string> {
  readonly kind: Kind;
  /** The highest position of the insert. */
  readonly highest: number;
  readonly storePid: number | undefined;
}

export type DeliveryMessage =
  | { readonly kind: "started"; readonly cursor: number }
  | { readonly kind: "accepted"; readonly sequence: number }
  | InsertMessage<"inserting">
  | InsertMessage<"stored">
  | InsertMessage<"refused">
  | {
      readonly kind: "finished";
      readonly counts: readonly (readonly unknown[])[];
      readonly setAside: number;
      /** Rollup tiers that are not the sums of what is stored. */
      readonly differingTiers: readonly string[];
    };

const options = JSON.parse(process.argv[2]!) as DeliveryOptions;
const dependencies = { clock: systemClock, logger: silentLogger, metrics: createMetrics() };
const spool = unwrap(
  openSpool(
    { path: join(options.directory, "spool.sqlite"), bytesMax: 1 << 30, sinks: ["store"] },
    dependencies,
  ),
);
const store = createStore(
  {
    path: join(options.directory, "store"),
    memoryBytesMax: 512 * 1024 * 1024,
    deduplicate: options.deduplicate,
    // Whenever a kill comes, flows are being rolled up as well.
    rollupIntervalMs: 10,
    rollupFlowsMin: 1,
  },
  dependencies,
);
const tell = (message: DeliveryMessage): void => void process.send!(message);

/** The store, telling of each insert; its confirmation may be withheld for a while. */
const watchedStore: Store = {
  ...store,
  appendFlows: async (inserts) => {
    const highest = Math.max(...inserts.map((insert) => insert.position));
    const storePid = store.status().pid;
    tell({ kind: "inserting", highest, storePid });
    const result = await store.appendFlows(inserts);
    tell({ kind: result.ok ? "stored" : "refused", highest, storePid });
    await sleep(options.confirmationDelayMs);
    return result;
  },
};

const cursor = spool.status().sinks[0]!.cursor;
unwrap(await store.start());
const sink = createStoreSink(
  { deadLetterPath: join(options.directory, "dead-letter"), intervalMs: 10 },
  { ...dependencies, spool, store: watchedStore },
);
unwrap(await sink.start());
tell({ kind: "started", cursor });

const finish = new AbortController();
process.on("message", () => finish.abort());
for (let sequence = options.from; !finish.signal.aborted; sequence++) {
  const bytes = sampleBytes(sequence, options.rowsPerBatch);
  const routes = [{ sink: "store", target: { ...sampleTarget, logstore: 1 + (sequence % 2) } }];
  const batchId = `agent/boot/${sequence}`;
  const accepted = await spool.append({ batchId, bytes, rows: options.rowsPerBatch, routes });
  // The disk is gone, and this process with it before long.
  if (!accepted.ok) process.exit(1);
  tell({ kind: "accepted", sequence });
  sink.wake();
  await sleep(5);
}
while (spool.status().sinks[0]!.pending > 0) await sleep(20);
const answer = unwrap(
  await store.query(
    `SELECT intDiv(octets, 1000) AS sequence, toUInt32(count()), toUInt32(uniqExact(octets)), toUInt32(uniqExact(position))
     FROM flows GROUP BY sequence ORDER BY sequence`,
    {},
  ),
);
while (unwrap(await store.rollUp()).isBehind);
tell({
  kind: "finished",
  counts: answer.rows,
  setAside: sink.status().batchesSetAside,
  differingTiers: await tiersThatDiffer(store),
});
await sink.stop();
await store.stop();
spool.close();
process.disconnect?.();

/**
 * The nonces that still count, in buckets of a minute, and behind them the elders: the newest of those that no
 * timestamp could be right for any more, unless the clock is set back.
 */
import { createDigestSet, type DigestSet } from "./digest-set.ts";

export interface NonceMemory {
  /** Without the elders. */
  readonly count: number;
  has(high: number, low: number): boolean;
  add(high: number, low: number): void;
  /** Adds digests of 8 bytes each, end to end; an incomplete last one is left out. */
  addAll(digests: Uint8Array): void;
  /** Notes that everything added so far is in rows up to `row`. */
  saved(row: number): void;
  /** Makes elders of what is too old; answers the last row that holds nothing that is remembered, 0 if none. */
  expire(): number;
}

interface Bucket {
  readonly minute: number;
  readonly digests: DigestSet;
  lastRow: number;
}

export const digestBytes = 8;
const bucketMs = 60_000;

interface Generation {
  readonly digests: DigestSet;
  lastRow: number;
}

/** The newer of its two generations takes elders up to their least number, and then becomes the older. */
interface Elders {
  newer: Generation;
  older: Generation;
}

export function createNonceMemory(
  retentionMs: number,
  monotonicMs: () => number,
  eldersMin: number,
): NonceMemory {
  const minuteNow = (): number => Math.floor(monotonicMs() / bucketMs);
  const buckets: Bucket[] = [];
  const elders: Elders = { newer: emptyGeneration(), older: emptyGeneration() };
  let count = 0;
  const current = (): Bucket => {
    const minute = minuteNow();
    const last = buckets.at(-1);
    if (last?.minute === minute) return last;
    const fresh = { minute, digests: createDigestSet(), lastRow: 0 };
    buckets.push(fresh);
    return fresh;
  };
  return {
    get count() {
      return count;
    },
    has: (high, low) =>
      buckets.some(({ digests }) => digests.has(high, low)) ||
      elders.newer.digests.has(high, low) ||
      elders.older.digests.has(high, low),
    add: (high, low) => {
      if (current().digests.add(high, low)) count++;
    },
    addAll: (bytes) => {
      const { digests } = current();
      const before = digests.size;
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (let offset = 0; offset + digestBytes <= bytes.length; offset += digestBytes) {
        digests.add(view.getUint32(offset), view.getUint32(offset + 4));
      }
      count += digests.size - before;
    },
    saved: (row) => {
      current().lastRow = row;
    },
    expire: () => {
      const minute = minuteNow();
      let row = 0;
      while (buckets.length > 0 && (minute - buckets[0]!.minute - 1) * bucketMs >= retentionMs) {
        const bucket = buckets.shift()!;
        count -= bucket.digests.size;
        row = Math.max(row, retire(elders, bucket, eldersMin));
      }
      return row;
    },
  };
}

function emptyGeneration(): Generation {
  return { digests: createDigestSet(), lastRow: 0 };
}

/** Makes elders of a generation; answers the last row of those that are forgotten for it, 0 if none is. */
function retire(elders: Elders, { digests, lastRow }: Generation, eldersMin: number): number {
  const { newer, older } = elders;
  if (digests.size >= eldersMin) {
    // Enough by themselves, and not to be copied one by one.
    elders.newer = { digests, lastRow };
    elders.older = emptyGeneration();
    return Math.max(newer.lastRow, older.lastRow);
  }
  let forgottenRow = 0;
  if (newer.digests.size >= eldersMin) {
    forgottenRow = older.lastRow;
    elders.older = newer;
    elders.newer = emptyGeneration();
  }
  digests.copyTo(elders.newer.digests);
  elders.newer.lastRow = Math.max(elders.newer.lastRow, lastRow);
  return forgottenRow;
}

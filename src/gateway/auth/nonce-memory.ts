/** The nonces that still count, in buckets of a minute that are dropped whole. */
import { createDigestSet, type DigestSet } from "./digest-set.ts";

export interface NonceMemory {
  readonly count: number;
  has(high: number, low: number): boolean;
  add(high: number, low: number): void;
  /** Adds digests of 8 bytes each, end to end; an incomplete last one is left out. */
  addAll(digests: Uint8Array): void;
  /** Notes that everything added so far is in rows up to `row`. */
  saved(row: number): void;
  /** Drops what is too old; answers the last row that held nothing but that, 0 if none. */
  expire(): number;
}

interface Bucket {
  readonly minute: number;
  readonly digests: DigestSet;
  lastRow: number;
}

export const digestBytes = 8;
const bucketMs = 60_000;

export function createNonceMemory(retentionMs: number, monotonicMs: () => number): NonceMemory {
  const minuteNow = (): number => Math.floor(monotonicMs() / bucketMs);
  const buckets: Bucket[] = [];
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
    has: (high, low) => buckets.some(({ digests }) => digests.has(high, low)),
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
        const { digests, lastRow } = buckets.shift()!;
        count -= digests.size;
        row = Math.max(row, lastRow);
      }
      return row;
    },
  };
}

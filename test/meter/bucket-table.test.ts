import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  type BucketTable,
  createBucketTable,
  growBuckets,
  insertBucket,
  removeBucket,
} from "../../src/meter/bucket-table.ts";
import { allocateTable } from "../../src/meter/table-memory.ts";

function referencesOf({ words, mask, shift }: BucketTable, hash: number): number[] {
  const found: number[] = [];
  for (let position = hash >>> shift; words[position * 2 + 1] !== 0; position = (position + 1) & mask) {
    if (words[position * 2] === hash) found.push(words[position * 2 + 1]! - 1);
  }
  return found.sort((one, other) => one - other);
}

describe("the bucket table", () => {
  it("finds what was put in and not removed, with hashes that crowd, wrap round and are equal", () => {
    const hashes = fc.constantFrom(0, 1, -1, -2, 0x7fffffff, -2147483648, 1 << 22, (1 << 22) + 1);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), hashes), { maxLength: 400 }), (operations) => {
        const table = createBucketTable(allocateTable);
        const model = new Map<number, number[]>();
        let next = 0;
        for (const [insert, hash] of operations) {
          const references = model.get(hash) ?? [];
          if (insert) {
            insertBucket(table, hash, next);
            references.push(next++);
          } else if (references.length > 0) {
            removeBucket(table, hash, references.shift()!);
          }
          model.set(hash, references);
        }
        growBuckets(table, 1000);
        for (const [hash, references] of model) expect(referencesOf(table, hash)).toEqual(references);
      }),
      { numRuns: 500 },
    );
  });

  it("is never more than half full", () => {
    const table = createBucketTable(allocateTable);
    growBuckets(table, 512);
    expect(table.mask + 1).toBe(1024);
    growBuckets(table, 513);
    expect(table.mask + 1).toBe(2048);
  });
});

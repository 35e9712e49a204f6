import { describe, expect, it } from "vitest";

import { createKeyHash, hashIpv4Key, hashIpv6Key } from "../../src/meter/key-hash.ts";

/** Keys that share a bucket of `buckets`, counted over `keys` hashes. */
function crowding(hashes: readonly number[], buckets: number): number {
  const counts = new Map<number, number>();
  const shift = 32 - Math.log2(buckets);
  for (const hash of hashes) counts.set(hash >>> shift, (counts.get(hash >>> shift) ?? 0) + 1);
  return Math.max(...counts.values());
}

describe("the key hash", () => {
  const shapes: readonly [string, (index: number) => [number, number, number, number, number]][] = [
    ["sequential ports", (index) => [1, 2, index, 6, 0]],
    ["sequential sources", (index) => [0x0a000000 + index, 2, 80, 6, 0]],
    ["a /16 to a /16 along the diagonal", (index) => [0x0a000000 + index, 0xc0a80000 - index, 80, 6, 0]],
    ["upper bits alone", (index) => [(index << 16) >>> 0, 2, 80, 6, 0]],
    // The two words whose difference murmur's rounds cancel whatever the seed.
    [
      "differences that cancel in murmur",
      (index) => [(index << 31) >>> 0, ((index << 15) ^ (index >>> 1)) >>> 0, index, 6, 0],
    ],
  ];
  for (const [name, shape] of shapes) {
    it(`spreads ${name} over the buckets as chance would, whatever the secret`, () => {
      for (let seed = 0; seed < 50; seed++) {
        const hash = createKeyHash(seed);
        const hashes = Array.from({ length: 16_384 }, (_, index) => hashIpv4Key(hash, ...shape(index)));
        // Chance fills the fullest of 32,768 buckets at half load with 6 to 8 keys.
        expect(crowding(hashes, 32_768)).toBeLessThan(16);
      }
    });
  }

  it("depends on every word of an IPv6 key", () => {
    const hash = createKeyHash(7);
    const addresses = new Uint32Array(8).fill(0x01020304);
    const seen = new Set([hashIpv6Key(hash, addresses, 0, 1, 1, 1)]);
    for (let index = 0; index < 8; index++) {
      addresses[index]! ^= 1;
      seen.add(hashIpv6Key(hash, addresses, 0, 1, 1, 1));
      addresses[index]! ^= 1;
    }
    seen.add(hashIpv6Key(hash, addresses, 0, 2, 1, 1));
    seen.add(hashIpv6Key(hash, addresses, 0, 1, 2, 1));
    seen.add(hashIpv6Key(hash, addresses, 0, 1, 1, 2));
    expect(seen.size).toBe(12);
  });

  it("has secrets of its own unless it is given a seed", () => {
    expect(createKeyHash().high).not.toEqual(createKeyHash().high);
    expect(createKeyHash(5)).toEqual(createKeyHash(5));
  });
});

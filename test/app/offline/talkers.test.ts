import { describe, expect, it } from "vitest";

import { createTalkerTable } from "../../../src/app/offline/talkers.ts";

const words = (value: number): Uint32Array => Uint32Array.of(0, 0, 0xffff0000, value);

describe("a talker table", () => {
  it("is exact while it has room", () => {
    const table = createTalkerTable(64);
    for (let round = 0; round < 3; round++) {
      for (let value = 0; value < 64; value++) table.add(words(value), 0, value, 1, round === 0);
    }
    const { entries, octetsUncertain, addresses } = table.top(2);
    expect([octetsUncertain, addresses]).toEqual([0, 64]);
    expect(entries).toEqual([
      { address: "63.0.0.0", octetsSent: 63, octetsReceived: 126, packets: 3 },
      { address: "62.0.0.0", octetsSent: 62, octetsReceived: 124, packets: 3 },
    ]);
  });

  it("keeps the largest of many more addresses than it holds, within the margin that it tells", () => {
    const table = createTalkerTable(64);
    const truth = new Map<number, number>();
    for (let index = 0; index < 20_000; index++) {
      const value = index % 3 === 0 ? index % 7 : index;
      const octets = value < 7 ? 1000 + value * 100 : 1;
      truth.set(value, (truth.get(value) ?? 0) + octets);
      table.add(words(value), 0, octets, 1, true);
    }
    const { entries, octetsUncertain, addresses } = table.top(7);
    expect(addresses).toBeLessThanOrEqual(64);
    expect(octetsUncertain).toBeGreaterThan(0);
    const shown = entries.map(({ address }) => Number(address.split(".")[0]));
    expect(new Set(shown)).toEqual(new Set([0, 1, 2, 3, 4, 5, 6]));
    for (const [index, { octetsSent }] of entries.entries()) {
      const true_ = truth.get(shown[index]!)!;
      expect(octetsSent).toBeLessThanOrEqual(true_);
      expect(octetsSent + octetsUncertain).toBeGreaterThanOrEqual(true_);
    }
  });
});

import { describe, expect, it } from "vitest";

import { createTalkerTable, type TalkerTable } from "../../../src/app/offline/talkers.ts";
import { createFlowBatch } from "../../../src/flow/mod.ts";

/** Adds one flow from the address `value`.0.0.0, or to it, and its other end 255.255.255.255. */
function add(table: TalkerTable, value: number, octets: number, isSource: boolean): void {
  const flows = createFlowBatch(1);
  flows.count = 1;
  const [one, other] = [flows.columns.sourceAddress, flows.columns.destinationAddress];
  (isSource ? one : other).set([0, 0, 0xffff0000, value]);
  (isSource ? other : one).set([0, 0, 0xffff0000, 0xffffffff]);
  flows.columns.octets[0] = octets;
  flows.columns.packets[0] = 1;
  table.add(flows);
}

describe("a talker table", () => {
  it("is exact while it has room", () => {
    const table = createTalkerTable(64);
    for (let round = 0; round < 3; round++) {
      for (let value = 0; value < 63; value++) add(table, value, value, round === 0);
    }
    const { entries, octetsUncertain, addresses } = table.top(3);
    expect([octetsUncertain, addresses]).toEqual([0, 64]);
    expect(entries).toEqual([
      { address: "255.255.255.255", octetsSent: 3906, octetsReceived: 1953, packets: 189 },
      { address: "62.0.0.0", octetsSent: 62, octetsReceived: 124, packets: 3 },
      { address: "61.0.0.0", octetsSent: 61, octetsReceived: 122, packets: 3 },
    ]);
  });

  it("keeps the largest of many more addresses than it holds, within the margin that it tells", () => {
    const table = createTalkerTable(64);
    const truth = new Map<number, number>();
    for (let index = 0; index < 20_000; index++) {
      const value = index % 3 === 0 ? index % 7 : index;
      const octets = value < 7 ? 1000 + value * 100 : 1;
      truth.set(value, (truth.get(value) ?? 0) + octets);
      add(table, value, octets, true);
    }
    const { entries, octetsUncertain, addresses } = table.top(8);
    expect(addresses).toBeLessThanOrEqual(64);
    expect(octetsUncertain).toBeGreaterThan(0);
    const [all, ...talkers] = entries;
    expect(all?.address).toBe("255.255.255.255");
    const shown = talkers.map(({ address }) => Number(address.split(".")[0]));
    expect(new Set(shown)).toEqual(new Set([0, 1, 2, 3, 4, 5, 6]));
    for (const [index, { octetsSent }] of talkers.entries()) {
      const octetsTrue = truth.get(shown[index]!)!;
      expect(octetsSent).toBeLessThanOrEqual(octetsTrue);
      expect(octetsSent + octetsUncertain).toBeGreaterThanOrEqual(octetsTrue);
    }
  });
});

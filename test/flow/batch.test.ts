import { describe, expect, it } from "vitest";

import { createFlowBatch, flowFieldList, logStatuses, removeWindowStatuses } from "../../src/flow/mod.ts";

describe("removeWindowStatuses()", () => {
  const { ok, noData, skipData } = logStatuses;
  const cases: readonly [what: string, statuses: number[], kept: number[]][] = [
    ["nothing of flows alone", [ok, ok], [0, 1]],
    ["all of none but words on windows", [noData, skipData], []],
    ["what is between, before and behind", [skipData, ok, noData, ok, ok, noData], [1, 3, 4]],
    ["nothing of nothing", [], []],
  ];
  for (const [what, statuses, kept] of cases) {
    it(`takes out ${what}`, () => {
      const batch = createFlowBatch(8);
      batch.count = statuses.length;
      for (const { name, type } of flowFieldList) {
        const width = type === "address" ? 4 : 1;
        batch.columns[name].set(Array.from({ length: 8 * width }, (_, at) => at));
      }
      batch.columns.logStatus.set(statuses);
      expect(removeWindowStatuses(batch)).toBe(statuses.length - kept.length);
      expect(batch.count).toBe(kept.length);
      for (const [row, from] of kept.entries()) {
        expect([batch.columns.packets[row], batch.columns.vlanId[row]]).toEqual([from, from]);
        const words = [0, 1, 2, 3].map((word) => from * 4 + word);
        expect(Array.from(batch.columns.destinationAddress.slice(row * 4, row * 4 + 4))).toEqual(words);
      }
    });
  }
});

import { describe, expect, it } from "vitest";

import { recordTable } from "../../src/cli/records-table.ts";

describe("recordTable()", () => {
  it("shows what a gateway's record tells", () => {
    const [titles, row] = recordTable([
      { start: "1790000000", end: "1790000001", srcaddr: "10.0.0.1" },
    ]).split("\n");
    expect(titles).toMatch(/BYTES$/u);
    expect(row).toMatch(/^2026-09-21 14:13:20 {2}2026-09-21 14:13:21 {2}10\.0\.0\.1 +-/u);
  });

  it("shows the verdict and the status of records that have them", () => {
    const [titles, rejected, skipped] = recordTable([
      { bytes: "120", action: "REJECT", "log-status": "OK" },
      { bytes: "-", action: "-", "log-status": "SKIPDATA" },
    ]).split("\n");
    expect(titles).toMatch(/BYTES {2}ACTION {2}STATUS$/u);
    expect(rejected).toMatch(/120 {2}REJECT {2}OK$/u);
    expect(skipped).toMatch(/- {2}- {7}SKIPDATA$/u);
  });
});

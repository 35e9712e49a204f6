import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, describe, expect, it } from "vitest";

import { readVitestCounts } from "../../tools/vitest-counts.ts";

const directory = mkdtempSync(join(tmpdir(), "weir-counts-"));
afterAll(() => rmSync(directory, { recursive: true }));

function reportFile(report: object): string {
  const path = join(directory, "report.json");
  writeFileSync(path, JSON.stringify(report));
  return path;
}

const clean = { numPassedTests: 5, numFailedTests: 0, numPendingTests: 2, numTodoTests: 1, testResults: [] };

describe("readVitestCounts()", () => {
  it("counts tests as the report does, and what is to do as skipped", () => {
    expect(readVitestCounts(reportFile(clean), 0)).toEqual({ passed: 5, failed: 0, skipped: 3 });
  });

  it("counts a file that could not be loaded as one failure", () => {
    const testResults = [
      { status: "failed", assertionResults: [] },
      { status: "failed", assertionResults: [{ status: "failed" }] },
    ];
    const path = reportFile({ ...clean, numFailedTests: 1, testResults });
    expect(readVitestCounts(path, 1)).toEqual({ passed: 5, failed: 2, skipped: 3 });
  });

  it("does not let a bad end pass because the report is clean", () => {
    expect(readVitestCounts(reportFile(clean), 1).failed).toBe(1);
    expect(readVitestCounts(join(directory, "absent.json"), 0).failed).toBe(1);
  });
});

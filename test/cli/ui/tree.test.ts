import { describe, expect, it } from "vitest";

import { describeTree } from "../../../src/cli/ui/tree.ts";

describe("describeTree()", () => {
  it("shows points in time as dates and lengths of time with their unit, in pairs and in tables", () => {
    const text = describeTree({
      netflow: { lastSentMs: 1_767_225_600_123, activeTimeoutMs: 300_000, lastError: "none" },
      losses: [{ flowLogId: "fl-1", lastMs: 1_767_225_600_000 }, { flowLogId: "fl-2" }],
    });
    expect(text).toBe(
      `
netflow
  last sent          2026-01-01T00:00:00.123Z
  active timeout ms  300000
  last error         none

losses
  FLOW LOG ID  LAST
  fl-1         2026-01-01T00:00:00.000Z
  fl-2         -
`,
    );
  });
});

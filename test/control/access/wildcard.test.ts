import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { matchesWildcard } from "../../../src/control/access/wildcard.ts";

/** The same by a regular expression, as a reader would write it. */
function byExpression(pattern: string, text: string): boolean {
  const escaped = pattern.replaceAll(/[\\^$.|+()[\]{}]/gu, String.raw`\$&`);
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`, "s").test(text);
}

describe("a wildcard pattern", () => {
  it.each([
    ["", "", true],
    ["", "a", false],
    ["*", "", true],
    ["?", "", false],
    ["vpc:*FlowLog*", "vpc:DescribeFlowLogs", true],
    ["acs:vpc:*:*:flowlog/fl-?", "acs:vpc:cn-hangzhou:1:flowlog/fl-1", true],
    ["acs:vpc:*:*:flowlog/fl-?", "acs:vpc:cn-hangzhou:1:flowlog/fl-12", false],
    ["flowlog/fl-1", "flowlog/*", false],
    ["a*b*c", "a-b-b-c", true],
    ["a*b*c", "a-b-b-", false],
  ])("%j of %j: %s", (pattern, text, expected) => {
    expect(matchesWildcard(pattern, text)).toBe(expected);
  });

  it("covers what the same regular expression does", () => {
    const word = (alphabet: string) =>
      fc.string({ unit: fc.constantFrom(...Array.from(alphabet)), maxLength: 12 });
    fc.assert(
      fc.property(word("ab*?."), word("ab."), (pattern, text) => {
        expect(matchesWildcard(pattern, text)).toBe(byExpression(pattern, text));
      }),
      { numRuns: 20_000 },
    );
  });

  it("takes no longer than both lengths multiplied, however nested", () => {
    const startedMs = performance.now();
    expect(matchesWildcard(`${"a*".repeat(500)}b`, "a".repeat(5000))).toBe(false);
    expect(performance.now() - startedMs).toBeLessThan(2000);
  });
});

import { describe, expect, it } from "vitest";

import { newAccessKey, newAccountId, newFlowLogId, newRequestId, randomText } from "../../src/base/mod.ts";

describe("identifiers", () => {
  it("have the forms that the clouds' documents print", () => {
    expect(newFlowLogId()).toMatch(/^fl-[a-z0-9]{20}$/u);
    expect(newRequestId()).toMatch(/^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$/u);
    expect(newAccountId()).toMatch(/^1\d{15}$/u);
    expect(newAccessKey()).toMatchObject({
      accessKeyId: expect.stringMatching(/^LTAI[A-Za-z0-9]{20}$/u),
      accessKeySecret: expect.stringMatching(/^[A-Za-z0-9]{30}$/u),
    });
  });

  it("are drawn evenly from the alphabet", () => {
    const counts = new Map<string, number>();
    for (const character of randomText(36_000)) counts.set(character, (counts.get(character) ?? 0) + 1);
    expect(counts.size).toBe(36);
    // 1,000 expected each; six standard deviations.
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(190);
  });
});

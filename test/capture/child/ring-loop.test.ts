import { describe, expect, it } from "vitest";

import { readUpToUs } from "../../../src/capture/child/ring-loop.ts";
import type { Tap } from "../../../src/capture/tap.ts";

const tapAt = (lastUs: number): Tap => ({ intake: { lastUs } }) as unknown as Tap;

describe("the time up to which packets have been read", () => {
  it("is the present, less what a block may wait, when every ring is drained", () => {
    expect(readUpToUs([], 10_000, 50)).toBe(9_900_000);
  });

  it("is held back by rings that are behind, and by these only", () => {
    expect(readUpToUs([tapAt(7_000_000), tapAt(8_000_000)], 10_000, 50)).toBe(7_000_000);
  });
});

import { describe, expect, it } from "vitest";

import { histogramRange } from "../../src/cli/records-histogram.ts";

const toS = Date.parse("2026-03-01T12:34:57Z") / 1000;

describe("histogramRange()", () => {
  it.each([
    [60, 1],
    [3600, 60],
    [86_400, 1800],
    [604_800, 10_800],
    [30 * 86_400, 43_200],
    [6000 * 86_400, 8_640_000],
  ])("%i seconds up to now are told in intervals of %i", (rangeS, intervalS) => {
    const range = histogramRange({ fromS: toS - 1 - rangeS, toS }, undefined, false);
    expect(range).toEqual({ ok: true, value: { fromS: toS - 1 - rangeS, toS, intervalS } });
  });

  it("begins at a whole interval if it begins a while ago", () => {
    const range = histogramRange({ fromS: toS - 3601, toS }, undefined, true);
    expect(range).toEqual({ ok: true, value: { fromS: toS - 3657, toS, intervalS: 60 } });
    const asked = histogramRange({ fromS: toS - 3601, toS }, 3600, true);
    expect(asked).toMatchObject({ value: { fromS: Date.parse("2026-03-01T11:00:00Z") / 1000 } });
  });

  it("refuses an interval of nothing", () => {
    const refused = histogramRange({ fromS: 0, toS }, 0, false);
    expect(!refused.ok && refused.fault).toMatchObject({ code: "InputOutOfRange", field: "--interval" });
  });
});

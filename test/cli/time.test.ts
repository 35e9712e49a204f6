import { describe, expect, it } from "vitest";

import { parseTime } from "../../src/cli/time.ts";

const nowMs = Date.parse("2026-03-01T12:00:00.500Z");
const nowS = Math.floor(nowMs / 1000);

describe("parseTime()", () => {
  it.each([
    ["now", nowS],
    ["15m", nowS - 900],
    ["-2h", nowS - 7200],
    ["7d", nowS - 604_800],
    ["1790000000", 1_790_000_000],
    ["2026-01-31T08:00:00Z", Date.parse("2026-01-31T08:00:00Z") / 1000],
    ["2026-01-31", new Date(2026, 0, 31).getTime() / 1000],
    ["2026-01-31 08:15", new Date(2026, 0, 31, 8, 15).getTime() / 1000],
  ])("reads %s", (text, seconds) => {
    expect(parseTime(text, nowMs, "--from")).toEqual({ ok: true, value: seconds });
  });

  it.each(["", "yesterday", "15 m", "2026-13-01", "m", "12345", "1e9"])("refuses %j", (text) => {
    const result = parseTime(text, nowMs, "--from");
    expect(!result.ok && result.fault).toMatchObject({ code: "InputInvalid", value: text });
  });
});

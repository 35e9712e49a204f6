/** Times as people write them: now, a while ago, or a date. */
import { fail, ok, type Result } from "../base/mod.ts";

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

const timeAgo = /^-?(\d{1,9})([smhdw])$/u;

/** Whether a time is one before now, and so not meant to the second. */
export function isTimeAgo(text: string): boolean {
  return timeAgo.test(text);
}

/**
 * Seconds since 1970 of `now`, of `15m` or `-15m` (before now), of an ISO 8601 date or date and time, or of
 * a number of ten digits, which is taken as it is. A time without zone is local. The fault, `InputInvalid`, is of `flag`.
 */
export function parseTime(text: string, nowMs: number, flag: string): Result<number> {
  const nowS = Math.floor(nowMs / 1000);
  if (text === "now") return ok(nowS);
  const ago = timeAgo.exec(text);
  if (ago !== null) return ok(nowS - Number(ago[1]) * unitSeconds[ago[2]!]!);
  if (/^\d{10}$/u.test(text)) return ok(Number(text));
  if (/^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}.*)?$/u.test(text)) {
    // A date alone would be read as UTC, a date with time as local.
    const ms = Date.parse(text.length === 10 ? `${text}T00:00` : text);
    if (!Number.isNaN(ms)) return ok(Math.floor(ms / 1000));
  }
  return fail("InputInvalid", `"${text}" is not a time`, {
    field: flag,
    value: text,
    allowed:
      "now, a time before now such as 15m, 2h or 7d, a date such as 2026-01-31T08:00, or seconds since 1970",
  });
}

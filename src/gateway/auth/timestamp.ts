/** The UTC timestamps that signatures carry: `YYYY-MM-DDThh:mm:ssZ`. */
import { fail, ok, type Result } from "../../base/mod.ts";

const pattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/u;

/** Milliseconds since 1970. Fault: `TimestampMalformed`, also for days and hours that do not exist. */
export function parseTimestamp(text: string): Result<number> {
  const ms = pattern.test(text) ? Date.parse(text) : Number.NaN;
  // Date.parse takes 24:00:00 for the next midnight and rolls February 30 over.
  if (!Number.isNaN(ms) && new Date(ms).toISOString() === `${text.slice(0, -1)}.000Z`) return ok(ms);
  return fail("TimestampMalformed", "the timestamp is not well formed", {
    value: text.slice(0, 40),
    allowed: "YYYY-MM-DDThh:mm:ssZ",
  });
}

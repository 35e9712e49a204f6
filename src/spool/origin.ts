/**
 * Which batch ids have been accepted, for ever and in little space.
 *
 * A sender numbers its batches 1, 2, 3 … within (agent, boot) and sends one again when it did not see the
 * confirmation. It is enough to remember, for each (agent, boot), the number up to which all came, and the
 * few that came ahead of a gap.
 */
import { fail, ok, type Result } from "../base/mod.ts";
import type { Database } from "../database/mod.ts";

/** (agent, boot) pairs remembered; the longest unused is forgotten first. */
const originsMax = 4096;
/** Sequences remembered ahead of a gap, for each origin; past it the gap is given up as never sent. */
const aheadMax = 65_536;

export interface BatchOrigin {
  /** agent/boot */
  readonly name: string;
  readonly sequence: number;
}

/** Takes `agent/boot/sequence` apart. */
export function parseBatchId(batchId: string): Result<BatchOrigin> {
  const slash = batchId.lastIndexOf("/");
  const sequence = Number(batchId.slice(slash + 1));
  if (slash < 1 || !Number.isSafeInteger(sequence) || sequence < 1) {
    return fail("InputInvalid", `"${batchId}" is not a batch id`, {
      field: "batchId",
      value: batchId,
      allowed: "agent/boot/sequence, with a sequence of 1 or more",
    });
  }
  return ok({ name: batchId.slice(0, slash), sequence });
}

interface Known {
  contiguous: number;
  readonly ahead: Set<number>;
}

export interface Origins {
  /** Whether the id was new; if so it is remembered, in the transaction that is open. */
  take(origin: BatchOrigin, nowMs: number): boolean;
  /** Reads everything anew, after a transaction that was rolled back. */
  reload(): void;
}

export function createOrigins(database: Database): Origins {
  const upsert = database.prepare(
    `INSERT INTO origin (name, contiguous, used_ms) VALUES (?, ?, ?)
     ON CONFLICT (name) DO UPDATE SET contiguous = excluded.contiguous, used_ms = excluded.used_ms`,
  );
  const insertAhead = database.prepare("INSERT INTO origin_ahead (name, sequence) VALUES (?, ?)");
  const deleteAhead = database.prepare("DELETE FROM origin_ahead WHERE name = ? AND sequence <= ?");
  const deleteOrigin = database.prepare("DELETE FROM origin WHERE name = ?");
  // A Map keeps the order of insertion: taking an origin out and putting it back makes it the newest.
  const known = new Map<string, Known>();
  const forgetOldest = (): void => {
    for (const name of known.keys()) {
      if (known.size <= originsMax) return;
      known.delete(name);
      deleteAhead.run(name, Number.MAX_SAFE_INTEGER);
      deleteOrigin.run(name);
    }
  };
  const origins: Origins = {
    take: ({ name, sequence }, nowMs) => {
      const entry = known.get(name) ?? { contiguous: 0, ahead: new Set() };
      if (sequence <= entry.contiguous || entry.ahead.has(sequence)) return false;
      const before = entry.contiguous;
      advance(entry, sequence);
      if (entry.ahead.has(sequence)) insertAhead.run(name, sequence);
      if (entry.contiguous > before + 1) deleteAhead.run(name, entry.contiguous);
      upsert.run(name, entry.contiguous, nowMs);
      known.delete(name);
      known.set(name, entry);
      forgetOldest();
      return true;
    },
    reload: () => {
      known.clear();
      for (const row of database.prepare("SELECT name, contiguous FROM origin ORDER BY used_ms").iterate()) {
        known.set(String(row["name"]), { contiguous: Number(row["contiguous"]), ahead: new Set() });
      }
      for (const row of database.prepare("SELECT name, sequence FROM origin_ahead").iterate()) {
        known.get(String(row["name"]))?.ahead.add(Number(row["sequence"]));
      }
    },
  };
  origins.reload();
  return origins;
}

function advance(entry: Known, sequence: number): void {
  entry.ahead.add(sequence);
  if (entry.ahead.size > aheadMax) entry.contiguous = lowest(entry.ahead) - 1;
  while (entry.ahead.delete(entry.contiguous + 1)) entry.contiguous++;
}

/** Not Math.min(...values): the set may be too large to spread. */
function lowest(values: ReadonlySet<number>): number {
  let least = Number.MAX_SAFE_INTEGER;
  for (const value of values) least = Math.min(least, value);
  return least;
}

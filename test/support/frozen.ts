/**
 * A running Weir held still: its processes are stopped at a moment of the test's choice, and the spool tells from
 * its file what was under way. A kill in that state hits what the test has seen, not what it hopes for.
 */
import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { threadStates } from "./processes.ts";
import { eventually } from "./weir.ts";

/** A batch that is accepted and that the store's sink has not acknowledged. */
export interface PendingBatch {
  readonly position: number;
  readonly rows: number;
  /** A FlowBatch in its byte form. */
  readonly bytes: Uint8Array;
}

export interface SpoolContents {
  /** The position of the batch accepted last. */
  readonly highest: number;
  readonly pending: readonly PendingBatch[];
}

/** Stops processes and waits until each of their threads has stopped: one in a system call ends that first. */
export async function stopProcesses(...processIds: readonly number[]): Promise<void> {
  for (const id of processIds) process.kill(id, "SIGSTOP");
  await eventually("the processes are stopped", 60_000, () =>
    processIds.every((id) => threadStates(id).every((state) => state === "T")) ? true : undefined,
  );
}

export function continueProcesses(...processIds: readonly number[]): void {
  for (const id of processIds) process.kill(id, "SIGCONT");
}

/**
 * What the spool's file holds by its last commit. Its owner keeps others out by a lock, so that it is read in a
 * copy; it must be stopped or ended.
 */
export function readSpool(data: string): SpoolContents {
  const copy = mkdtempSync(join(tmpdir(), "weir-spool-copy-"));
  const file = join(copy, "spool.sqlite");
  try {
    for (const end of ["", "-wal"]) {
      const original = join(data, `spool.sqlite${end}`);
      if (existsSync(original)) copyFileSync(original, `${file}${end}`);
    }
    const database = new DatabaseSync(file);
    const pending = database
      .prepare(
        `SELECT batch.position, batch.rows, payload.bytes FROM route JOIN sink ON sink.name = route.sink
         JOIN batch ON batch.position = route.position JOIN payload ON payload.position = route.position
         WHERE route.sink = 'store' AND route.position > sink.cursor ORDER BY route.position`,
      )
      .all()
      .map((row) => ({
        position: Number(row["position"]),
        rows: Number(row["rows"]),
        bytes: row["bytes"] as Uint8Array,
      }));
    const sequence = database.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'batch'").get();
    database.close();
    return { highest: Number(sequence?.["seq"] ?? 0), pending };
  } finally {
    rmSync(copy, { recursive: true });
  }
}

/** How many inserts into the table of flows are complete, by the numbers that the engine gives its parts. */
export function countInserts(data: string): number {
  const table = join(data, "store/data/default/flows");
  if (!existsSync(table)) return 0;
  const numbers = readdirSync(table).map((name) => Number(/^[^_]+_\d+_(\d+)_0$/u.exec(name)?.[1] ?? 0));
  return Math.max(0, ...numbers);
}

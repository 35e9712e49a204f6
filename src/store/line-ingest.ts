/**
 * Lines of clients into their table. What arrives while an insert runs goes with the next one, so that the rate
 * is not bound by the disk's syncs, and many small requests do not make many small parts.
 */
import { ok, type Result } from "../base/mod.ts";
import { type Connection, faultOfEngine, selectRows } from "./engine.ts";
import { linesTable } from "./line-table.ts";
import type { LinesInsert } from "./protocol.ts";

export interface LineIngest {
  /** Resolves when the lines are on the disk. Faults: those of the engine; then none of them is. */
  append(insert: LinesInsert): Promise<Result<void>>;
}

interface Waiting {
  readonly insert: LinesInsert;
  readonly resolve: (result: Result<void>) => void;
}

/** An insert may be of a hundred partitions, which each logstore and day is one of. */
const insertsMax = 100;

export function createLineIngest(writer: Connection): LineIngest {
  let waiting: Waiting[] = [];
  let isRunning = false;
  let nextPosition: number | undefined;
  const store = async (group: readonly Waiting[]): Promise<Result<void>> => {
    try {
      nextPosition ??= await positionAfterAll(writer);
      const rows: string[] = [];
      for (const { insert } of group)
        for (const row of rowsOf(insert, nextPosition + rows.length)) rows.push(row);
      // Taken even if the insert fails: a part of it may be there.
      nextPosition += rows.length;
      await insertRows(writer, rows);
      return ok(undefined);
    } catch (error) {
      return { ok: false, fault: faultOfEngine(error) };
    }
  };
  const run = async (): Promise<void> => {
    isRunning = true;
    while (waiting.length > 0) {
      const group = waiting.slice(0, insertsMax);
      waiting = waiting.slice(insertsMax);
      const stored = await store(group);
      for (const { resolve } of group) resolve(stored);
    }
    isRunning = false;
  };
  return {
    append: (insert) =>
      new Promise((resolve) => {
        waiting.push({ insert, resolve });
        if (!isRunning) void run();
      }),
  };
}

async function positionAfterAll(writer: Connection): Promise<number> {
  const [row] = await selectRows(
    writer,
    `SELECT count(), toString(max(position)) FROM ${linesTable.name} WHERE position >= ${linesTable.positionMin}`,
  );
  return Number(row?.[0]) === 0 ? linesTable.positionMin : Number(row?.[1]) + 1;
}

function rowsOf({ logstore, receivedMs, labels, lines }: LinesInsert, position: number): string[] {
  return lines.map(({ timeS, nanosecond, content }, index) =>
    JSON.stringify({
      logstore,
      position: position + index,
      received_ms: receivedMs,
      time: timeS,
      nanosecond,
      content,
      labels,
    }),
  );
}

async function insertRows(writer: Connection, rows: readonly string[]): Promise<void> {
  if (rows.length === 0) return;
  const values = Buffer.from(rows.join("\n"));
  await writer.use((session) =>
    session.insert({
      table: linesTable.name,
      columns: ["logstore", "position", "received_ms", "time", "nanosecond", "content", "labels"],
      values,
      format: "JSONEachRow",
      settings: { input_format_parallel_parsing: 0 },
    }),
  );
}

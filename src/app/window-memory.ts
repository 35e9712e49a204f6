/** Up to where windows are accounted for, in a file: what the start after a kill has to know. */
import { type Result, ok, toFault } from "../base/mod.ts";
import type { WindowMemory } from "../capture/mod.ts";
import { openDatabase, transaction } from "../database/mod.ts";
import type { Logger } from "../observe/mod.ts";

export interface WindowMemoryFile extends WindowMemory {
  close(): void;
}

const migrations = ["CREATE TABLE accounted (subject TEXT PRIMARY KEY, up_to_us INTEGER NOT NULL) STRICT"];

/** Opens or creates the file. Faults: `DataDirectoryUnusable`, `DiskFull`. */
export function openWindowMemory(path: string, logger: Logger): Result<WindowMemoryFile> {
  const opened = openDatabase(path, { migrations });
  if (!opened.ok) return opened;
  const database = opened.value;
  const upsert = database.prepare(
    `INSERT INTO accounted (subject, up_to_us) VALUES (?, ?)
     ON CONFLICT (subject) DO UPDATE SET up_to_us = excluded.up_to_us`,
  );
  const remove = database.prepare("DELETE FROM accounted WHERE subject = ?");
  const stored = new Map<string, number>();
  for (const row of database.prepare("SELECT subject, up_to_us FROM accounted").iterate()) {
    stored.set(String(row["subject"]), Number(row["up_to_us"]));
  }
  return ok({
    all: () => stored,
    update(changed, forgotten) {
      try {
        transaction(database, () => {
          for (const [subject, upToUs] of changed) upsert.run(subject, Math.floor(upToUs));
          for (const subject of forgotten) remove.run(subject);
        });
      } catch (error) {
        // What is not written makes SKIPDATA of windows that were well, which is the safe side.
        logger.warn({ fault: toFault(error) }, "accounted windows are not written");
      }
    },
    close: () => database.close(),
  });
}

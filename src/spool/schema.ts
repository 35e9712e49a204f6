/** The spool's SQLite file: its tables and how it is opened. */
import { fail, type Result } from "../base/mod.ts";
import { type Database, openDatabase } from "../database/mod.ts";

const migrations = [
  `
  CREATE TABLE batch (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    batch_id TEXT NOT NULL,
    rows INTEGER NOT NULL,
    accepted_ms INTEGER NOT NULL,
    size INTEGER NOT NULL
  );
  -- Apart from the rest, so that counting and clearing read no pages of it.
  CREATE TABLE payload (
    position INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL
  );
  -- What each sink still has to deliver, or has delivered and not yet cleared away.
  CREATE TABLE route (
    sink TEXT NOT NULL,
    position INTEGER NOT NULL,
    target TEXT NOT NULL,
    PRIMARY KEY (sink, position)
  ) WITHOUT ROWID;
  CREATE TABLE sink (
    name TEXT PRIMARY KEY,
    cursor INTEGER NOT NULL,
    state TEXT
  ) WITHOUT ROWID;
  -- Every batch id ever accepted, as the highest sequence below which none is missing.
  CREATE TABLE origin (
    name TEXT PRIMARY KEY,
    contiguous INTEGER NOT NULL,
    used_ms INTEGER NOT NULL
  ) WITHOUT ROWID;
  -- Sequences accepted above that, until the gap closes.
  CREATE TABLE origin_ahead (
    name TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    PRIMARY KEY (name, sequence)
  ) WITHOUT ROWID;
  -- What was dropped at the bound, by who missed it.
  CREATE TABLE loss (
    sink TEXT NOT NULL,
    flow_log_id TEXT NOT NULL,
    batches INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    PRIMARY KEY (sink, flow_log_id)
  ) WITHOUT ROWID`,
] as const;

const writeAheadLogBytesMax = 16 * 1024 * 1024;

/**
 * Opens the file for this process alone. Faults: those of openDatabase(), and `DataDirectoryLocked` when
 * another process has it open.
 */
export function openSpoolFile(path: string): Result<Database> {
  const opened = openDatabase(path, { migrations });
  if (!opened.ok) return isLocked(opened.fault.message) ? locked(path) : opened;
  const database = opened.value;
  try {
    // The exclusive lock is taken by the first write after it and held until close.
    database.exec(`PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_size_limit = ${writeAheadLogBytesMax}`);
    database.exec("BEGIN IMMEDIATE; COMMIT");
    // Space that an outage took is given back; a file has to be rewritten once to be able to, while empty.
    if (pragma(database, "auto_vacuum") !== 2) database.exec("PRAGMA auto_vacuum = INCREMENTAL; VACUUM");
    return opened;
  } catch (error) {
    database.close();
    const message = error instanceof Error ? error.message : String(error);
    if (isLocked(message)) return locked(path);
    return fail("DataDirectoryUnusable", `cannot open ${path}: ${message}`, { value: path, cause: error });
  }
}

function isLocked(message: string): boolean {
  return /database is locked/iu.test(message);
}

function locked(path: string): Result<never> {
  return fail("DataDirectoryLocked", `${path} is in use by another process`, {
    value: path,
    remedy: "stop the other Weir on this data directory, or choose another with --data",
  });
}

export function pragma(database: Database, name: string): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0);
}

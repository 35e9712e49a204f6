/**
 * SQLite files, opened the one safe way: WAL with synchronous=FULL (a commit survives a power cut),
 * foreign keys on, and a schema brought up to date by numbered migrations.
 */
import { DatabaseSync } from "node:sqlite";

import { fail, ok, type Result } from "../base/mod.ts";

export type Database = DatabaseSync;

export interface OpenOptions {
  /** Statements for schema 1, 2, 3 …; each runs once, in order, in a transaction of its own. Never edited, only appended. */
  readonly migrations: readonly string[];
}

/**
 * Opens or creates the file. Faults: `DataDirectoryUnusable` (not writable, not a database, or written by
 * a newer Weir), `DiskFull`.
 */
export function openDatabase(path: string, options: OpenOptions): Result<Database> {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { enableForeignKeyConstraints: true, timeout: 5000 });
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
    const migrated = migrate(database, options.migrations);
    if (!migrated.ok) database.close();
    return migrated.ok ? ok(database) : migrated;
  } catch (error) {
    database?.close();
    const message = error instanceof Error ? error.message : String(error);
    const code = /disk is full/iu.test(message) ? "DiskFull" : "DataDirectoryUnusable";
    return fail(code, `cannot open ${path}: ${message}`, { value: path, cause: error });
  }
}

function migrate(database: Database, migrations: readonly string[]): Result<void> {
  const row = database.prepare("PRAGMA user_version").get();
  const current = Number(row?.["user_version"] ?? 0);
  if (current > migrations.length) {
    return fail("DataDirectoryUnusable", "the data directory was written by a newer version of Weir", {
      field: "schema version",
      value: `${current}`,
      allowed: `at most ${migrations.length}`,
      remedy: "start that newer version, or name another directory with --data DIR",
    });
  }
  for (let version = current; version < migrations.length; version++) {
    transaction(database, () =>
      database.exec(`${migrations[version]}; PRAGMA user_version = ${version + 1}`),
    );
  }
  return ok(undefined);
}

/** Runs `work` in a transaction: committed when it returns, rolled back when it throws. Not nestable. */
export function transaction<T>(database: Database, work: () => T): T {
  database.exec("BEGIN IMMEDIATE");
  try {
    const value = work();
    database.exec("COMMIT");
    return value;
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { unwrap } from "../../src/base/mod.ts";
import { openDatabase, transaction } from "../../src/database/mod.ts";

let path: string;
beforeEach(() => {
  path = join(mkdtempSync(join(tmpdir(), "weir-database-")), "a.sqlite");
});
afterEach(() => rmSync(join(path, ".."), { recursive: true, force: true }));

const first = "CREATE TABLE item (name TEXT PRIMARY KEY) STRICT";
const second = "ALTER TABLE item ADD COLUMN size INTEGER NOT NULL DEFAULT 0";

describe("openDatabase()", () => {
  it("commits durably: WAL and synchronous=FULL", () => {
    const database = unwrap(openDatabase(path, { migrations: [first] }));
    expect(database.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
    expect(database.prepare("PRAGMA synchronous").get()).toEqual({ synchronous: 2 });
    database.close();
  });

  it("brings an older file up to date and keeps its rows", () => {
    const older = unwrap(openDatabase(path, { migrations: [first] }));
    older.exec("INSERT INTO item (name) VALUES ('kept')");
    older.close();
    const newer = unwrap(openDatabase(path, { migrations: [first, second] }));
    expect(newer.prepare("SELECT name, size FROM item").all()).toEqual([{ name: "kept", size: 0 }]);
    newer.close();
  });

  it("refuses a file of a newer Weir and leaves it as it is", () => {
    unwrap(openDatabase(path, { migrations: [first, second] })).close();
    expect(openDatabase(path, { migrations: [first] })).toMatchObject({
      ok: false,
      fault: { code: "DataDirectoryUnusable", value: "2", allowed: "at most 1" },
    });
    unwrap(openDatabase(path, { migrations: [first, second] })).close();
  });

  it("rolls a failed migration back whole", () => {
    expect(openDatabase(path, { migrations: [`${first}; CREATE TABLE item (again TEXT)`] })).toMatchObject({
      ok: false,
    });
    unwrap(openDatabase(path, { migrations: [first] })).close();
  });
});

describe("transaction()", () => {
  it("rolls back when the work throws", () => {
    const database = unwrap(openDatabase(path, { migrations: [first] }));
    const work = () =>
      transaction(database, () => {
        database.exec("INSERT INTO item VALUES ('lost')");
        throw new Error("stop");
      });
    expect(work).toThrow("stop");
    expect(database.prepare("SELECT count(*) AS n FROM item").get()).toEqual({ n: 0 });
    database.close();
  });
});

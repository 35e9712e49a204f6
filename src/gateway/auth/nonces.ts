/**
 * Replay protection: every nonce that was ever accepted and could be accepted again.
 *
 * A nonce is durable before its request is served. All that arrive in one turn of the event loop share a
 * commit, so the rate is not bound by the disk's syncs. In memory a nonce is 8 bytes of a digest, in
 * buckets of a minute that are dropped whole once nothing in them could pass the timestamp check. Age is
 * monotonic time, so that a wall clock that jumps makes none of them older; and the newest are kept whatever their
 * age, so that one that is set back makes none of them valid again.
 */
import { hash } from "node:crypto";

import { type Clock, fail, ok, type Result, toFault } from "../../base/mod.ts";
import { type Database, openDatabase } from "../../database/mod.ts";
import type { Metrics } from "../../observe/mod.ts";
import { createNonceMemory, digestBytes, type NonceMemory } from "./nonce-memory.ts";

export interface NonceStore {
  /**
   * Resolves when the nonce is on disk. Faults: `NonceReused`; `TooManyRequests` when more nonces are
   * alive than memory is granted for; `DiskFull` and `Internal` when it could not be saved, in which case
   * it counts as used.
   */
  remember(accessKeyId: string, nonce: string): Promise<Result<void>>;
  close(): void;
}

export interface NonceOptions {
  readonly path: string;
  /** How long a nonce is kept: at least twice the accepted clock skew, for a timestamp may lie ahead. */
  readonly retentionMs?: number;
  /** Nonces kept at once; beyond, requests are refused rather than replays let in. */
  readonly countMax?: number;
  /** Nonces that are kept though they are older than that; 1 or more. */
  readonly eldersMin?: number;
}

interface Waiting {
  readonly bytes: Buffer;
  readonly resolve: (result: Result<void>) => void;
}

const defaultRetentionMs = 31 * 60_000;
const defaultCountMax = 4_000_000;
const defaultEldersMin = 65_536;

/** The write-ahead log is emptied once it has as many, and so hardly grows beyond them. */
const checkpointPages = 256;
/** As zeros, which count as one nonce if a kill leaves them behind: some more than the log's pages of 4 KiB. */
const reservedBytes = 2 * checkpointPages * 4096;

const migrations = [
  // One row a commit: the digests of all its nonces, end to end.
  `CREATE TABLE nonce_batch (id INTEGER PRIMARY KEY AUTOINCREMENT, accepted_ms INTEGER NOT NULL, digests BLOB NOT NULL) STRICT`,
];

/** Opens the file and reads the nonces that still count. Faults: `DataDirectoryUnusable`, `DiskFull`. */
export function openNonceStore(
  options: NonceOptions,
  { clock, metrics }: { clock: Clock; metrics: Metrics },
): Result<NonceStore> {
  const opened = openDatabase(options.path, { migrations });
  if (!opened.ok) return opened;
  const database = opened.value;
  const retentionMs = options.retentionMs ?? defaultRetentionMs;
  const countMax = options.countMax ?? defaultCountMax;
  const commits = metrics.counter("weir_nonce_commits_total", "Commits of the replay protection");
  const alive = metrics.gauge("weir_nonces", "Nonces that replay protection remembers");
  const { eldersMin = defaultEldersMin } = options;
  const memory = createNonceMemory(retentionMs, () => clock.monotonicMs(), eldersMin);
  const loaded = save(() => {
    load(database, memory);
    reserveSpace(database, clock.nowMs());
  });
  if (!loaded.ok) {
    database.close();
    return loaded;
  }
  const insert = database.prepare("INSERT INTO nonce_batch (accepted_ms, digests) VALUES (?, ?)");
  const prune = database.prepare("DELETE FROM nonce_batch WHERE id <= ?");
  let waiting: Waiting[] = [];
  let expiredRow = 0;
  const flush = (): void => {
    const group = waiting;
    waiting = [];
    if (group.length === 0) return;
    const saved = save(() => {
      const { lastInsertRowid } = insert.run(clock.nowMs(), Buffer.concat(group.map(({ bytes }) => bytes)));
      memory.saved(Number(lastInsertRowid));
      if (expiredRow > 0) prune.run(expiredRow);
      expiredRow = 0;
    });
    commits.add();
    alive.set(memory.count);
    for (const { resolve } of group) resolve(saved);
  };
  return ok({
    remember: (accessKeyId, nonce) => {
      const bytes = hash("sha256", `${accessKeyId}\n${nonce}`, "buffer").subarray(0, digestBytes);
      const high = bytes.readUInt32BE(0);
      const low = bytes.readUInt32BE(4);
      expiredRow = Math.max(expiredRow, memory.expire());
      if (memory.has(high, low)) return Promise.resolve(reused());
      if (memory.count >= countMax) return Promise.resolve(tooMany(countMax));
      memory.add(high, low);
      return new Promise((resolve) => {
        if (waiting.length === 0) setImmediate(flush);
        waiting.push({ bytes, resolve });
      });
    },
    close: () => {
      flush();
      database.close();
    },
  });
}

/**
 * Takes the room on the disk that nonces will need, so that signed calls are answered on a full disk too:
 * free pages in the file, and a write-ahead log that is from then on written over from its beginning.
 */
function reserveSpace(database: Database, nowMs: number): void {
  database.exec(`PRAGMA wal_autocheckpoint = ${checkpointPages}`);
  const { lastInsertRowid } = database
    .prepare("INSERT INTO nonce_batch (accepted_ms, digests) VALUES (?, zeroblob(?))")
    .run(nowMs, reservedBytes);
  database.prepare("DELETE FROM nonce_batch WHERE id = ?").run(lastInsertRowid);
  database.exec("PRAGMA wal_checkpoint(RESTART)");
}

/**
 * Reads what may still be replayed. None is left out for its age: it was not too old when the process before ended,
 * and how long ago that was only the wall clock could tell, which may have jumped.
 */
function load(database: Database, memory: NonceMemory): void {
  for (const row of database.prepare("SELECT id, digests FROM nonce_batch ORDER BY id").iterate()) {
    memory.addAll(row["digests"] as Uint8Array);
    memory.saved(Number(row["id"]));
  }
}

function save(write: () => void): Result<void> {
  try {
    write();
    return ok(undefined);
  } catch (error) {
    const { message } = toFault(error);
    const code = /disk is full/iu.test(message) ? "DiskFull" : "Internal";
    return fail(code, `replay protection could not be saved: ${message}`, { retryable: true, cause: error });
  }
}

function reused(): Result<never> {
  return fail("NonceReused", "the signature nonce was used already", { field: "SignatureNonce" });
}

function tooMany(countMax: number): Result<never> {
  return fail("TooManyRequests", "more requests than replay protection has memory for", {
    allowed: `${countMax} requests in half an hour`,
    retryable: true,
  });
}

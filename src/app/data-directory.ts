/**
 * The data directory: all state of one Weir, owned by one process at a time.
 *
 *     control.sqlite   flow logs, resources, log projects, access keys
 *     nonces.sqlite    replay protection
 *     tls/             certificates for https, and their keys
 *     spool.sqlite     accepted batches that some sink has not delivered yet
 *     windows.sqlite   up to where aggregation windows are accounted for
 *     store/           the embedded store
 *     dead-letter      batches that no store will ever take
 *     agent-id         this host's name in every batch id
 *     lock.sqlite      held while a Weir runs
 *     children.json    its child processes, for the start after a kill
 *     clock.json       the time that retention goes by
 *     weir.sock        local administration
 */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { fail, ok, randomText, type Result } from "../base/mod.ts";

const agentIdFile = "agent-id";
const socketFile = "weir.sock";
/** sun_path of sockaddr_un is 108 octets, the last of them a NUL (unix(7)). */
const socketPathBytesMax = 107;

export interface DataDirectory {
  readonly path: string;
  readonly agentId: string;
  /** The path of a file or folder of the directory. */
  file(name: string): string;
  /** Gives the directory up; the lock also ends with the process, however it ends. */
  release(): void;
}

/**
 * Creates the directory (mode 0700) if need be and takes it. Faults: `DataDirectoryUnusable` when it
 * cannot be written, is no directory, is
 * somebody else's, or has a path too long for its socket, `DataDirectoryLocked` when another process has it.
 */
export function openDataDirectory(path: string): Result<DataDirectory> {
  const tooLong = refuseTooLong(path);
  if (tooLong !== null) return tooLong;
  try {
    makeDirectory(resolve(path));
    if (!statSync(path).isDirectory()) return notDirectory(path);
    if (isOpenToOthers(path)) {
      if (!isOurs(path)) return shared(path);
      chmodSync(path, 0o700);
    }
  } catch (error) {
    return unusable(path, error);
  }
  const lock = takeLock(path);
  if (!lock.ok) return lock;
  try {
    const agentId = readAgentId(join(path, agentIdFile));
    return ok({ path, agentId, file: (name) => join(path, name), release: () => lock.value.close() });
  } catch (error) {
    lock.value.close();
    return unusable(path, error);
  }
}

/** The refusal of a path that leaves no room for the socket's name; null if it does. */
export function refuseTooLong(path: string): Result<never> | null {
  if (Buffer.byteLength(join(path, socketFile)) <= socketPathBytesMax) return null;
  return fail("DataDirectoryUnusable", "the path of the data directory is too long for the socket in it", {
    field: "data",
    value: path,
    allowed: `a path of at most ${socketPathBytesMax - socketFile.length - 1} bytes`,
    remedy: "name a shorter one: --data DIR",
  });
}

/** Not mkdir's own recursion, which never ends where a file system refuses a directory with ENOENT, as /proc does. */
function makeDirectory(path: string): void {
  const parent = dirname(path);
  if (existsSync(path)) return;
  if (parent !== path) makeDirectory(parent);
  mkdirSync(path, { mode: 0o700 });
}

const permissionsOfOthers = 0o077;
const stickyBit = 0o1000;

function isOpenToOthers(path: string): boolean {
  return (statSync(path).mode & permissionsOfOthers) !== 0;
}

/** Whether the directory may be closed to others: a Weir had it before, or nobody has. `/tmp` and `/etc` are not ours. */
function isOurs(path: string): boolean {
  if ((statSync(path).mode & stickyBit) !== 0) return false;
  const names = readdirSync(path).filter((name) => name !== "lost+found");
  return names.length === 0 || names.includes(agentIdFile);
}

function shared(path: string): Result<never> {
  return fail("DataDirectoryUnusable", `${path} holds other things and is open to other users`, {
    field: "data",
    value: path,
    allowed: "a directory of its own",
    remedy: `name another with --data DIR, or close it to others: chmod 700 ${path}`,
  });
}

function notDirectory(path: string): Result<never> {
  return fail("DataDirectoryUnusable", `${path} is not a directory`, {
    field: "data",
    value: path,
    allowed: "a directory that this user may create and write",
    remedy: "name another with --data DIR",
  });
}

function unusable(path: string, error: unknown): Result<never> {
  const message = error instanceof Error ? error.message : String(error);
  return fail("DataDirectoryUnusable", `cannot use the data directory ${path}: ${message}`, {
    field: "data",
    value: path,
    allowed: "a directory that this user may create and write",
    remedy: "name another with --data DIR, or give this user the directory",
    cause: error,
  });
}

/** An exclusive SQLite transaction is a lock that the kernel releases with the process, kill -9 included. */
function takeLock(path: string): Result<DatabaseSync> {
  const file = join(path, "lock.sqlite");
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { timeout: 0 });
    database.exec("PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE");
    chmodSync(file, 0o600);
    return ok(database);
  } catch (error) {
    database?.close();
    if (!/locked|busy/iu.test(String(error))) return unusable(path, error);
    return fail("DataDirectoryLocked", `another Weir is using ${path}`, {
      field: "data",
      value: path,
      allowed: "a data directory that no running Weir uses",
      remedy: "stop the other Weir, or start this one with another --data DIR",
    });
  }
}

function readAgentId(path: string): string {
  try {
    const found = readFileSync(path, "utf8").trim();
    if (/^agent-[a-z0-9]{12}$/u.test(found)) return found;
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
  const agentId = `agent-${randomText(12)}`;
  writeFileSync(path, `${agentId}\n`, { mode: 0o600, flush: true });
  return agentId;
}

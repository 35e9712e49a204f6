/** The data directory: who holds it, whether it can be written, and how much room it has. */
import { accessSync, constants, existsSync, statfsSync, statSync } from "node:fs";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { refuseTooLong } from "../data-directory.ts";
import { type Check, failed, passed, warned } from "./check.ts";

const freeBytesMin = 1024 ** 3;
/** statfs(2) magic numbers of filesystems whose locks and shared memory SQLite cannot rely on. */
const networkFilesystems: Readonly<Record<number, string>> = {
  0x6969: "NFS",
  0x517b: "SMB",
  0xff534d42: "CIFS",
  0xfe534d42: "SMB 2",
  0x01021997: "9P",
};

export type DataHolder = "nobody" | "running" | "unknown" | "mute";

export async function checkData(path: string): Promise<{ checks: Check[]; holder: DataHolder }> {
  const holder = await findHolder(path);
  return { checks: [checkWritable(path), checkSpace(path), holderCheck(path, holder)], holder };
}

function checkWritable(path: string): Check {
  const name = "data directory";
  const tooLong = refuseTooLong(path);
  if (tooLong?.ok === false) return failed(name, tooLong.fault.message, "name a shorter one: --data DIR");
  const target = nearestExisting(path);
  try {
    if (!statSync(target).isDirectory())
      return failed(name, `${target} is a file`, "name another with --data DIR");
    accessSync(target, constants.W_OK | constants.X_OK);
  } catch {
    return failed(
      name,
      `this user may not write ${target}`,
      "name another with --data DIR, or run as the user that owns it",
    );
  }
  return passed(name, target === path ? `${path} can be written` : `${path} can be created`);
}

function checkSpace(path: string): Check {
  const name = "disk";
  const { bavail, bsize, blocks, type } = statfsSync(nearestExisting(path));
  const network = networkFilesystems[type];
  if (network !== undefined) {
    return failed(
      name,
      `${path} is on ${network}, where databases break`,
      "put the data directory on a local disk",
    );
  }
  const free = bavail * bsize;
  const text = `${(free / 1024 ** 3).toFixed(1)} GiB of ${((blocks * bsize) / 1024 ** 3).toFixed(1)} GiB free`;
  if (free >= freeBytesMin) return passed(name, text);
  return warned(
    name,
    text,
    "free some, lower store.retentionDays or spool.bytesMax, or move the data directory",
  );
}

function holderCheck(path: string, holder: DataHolder): Check {
  const name = "running Weir";
  if (holder === "running") return passed(name, `one is running on ${path}`);
  if (holder === "nobody") return passed(name, `none on ${path}`);
  if (holder === "mute") {
    return warned(name, `a process holds ${path} but does not answer`, `see who: fuser ${path}/lock.sqlite`);
  }
  return warned(name, `this user may not see whether one runs on ${path}`, "sudo ./weir doctor");
}

/** The lock file's lock ends with its process, however it ended: there is no stale one. */
async function findHolder(path: string): Promise<DataHolder> {
  const answer = await connectTo(join(path, "weir.sock"));
  if (answer === "connected") return "running";
  if (answer === "EACCES") return "unknown";
  const lock = join(path, "lock.sqlite");
  if (!existsSync(lock)) return "nobody";
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(lock, { timeout: 0 });
    database.exec("BEGIN EXCLUSIVE; ROLLBACK");
    return "nobody";
  } catch (error) {
    return /locked|busy/iu.test(String(error)) ? "mute" : "unknown";
  } finally {
    database?.close();
  }
}

function connectTo(path: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve("connected");
    });
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "error"));
  });
}

function nearestExisting(path: string): string {
  return existsSync(path) || path === dirname(path) ? path : nearestExisting(dirname(path));
}

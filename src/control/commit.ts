/** A change as one transaction, with SQLite's exceptions turned into faults. */
import { fail, ok, type Result, toFault } from "../base/mod.ts";
import { type Database, transaction } from "../database/mod.ts";

/** Runs `work` in a transaction. Faults: `DiskFull`, `Internal`; nothing is changed then. */
export function commit<T>(database: Database, work: () => T): Result<T> {
  try {
    return ok(transaction(database, work));
  } catch (error) {
    const { message } = toFault(error);
    if (/disk is full/iu.test(message)) {
      return fail("DiskFull", "the disk of the data directory is full; nothing was changed", {
        remedy: "free space, then repeat the request",
        retryable: true,
        cause: error,
      });
    }
    return fail("Internal", `the change could not be saved: ${message}`, { cause: error });
  }
}

/** Policy documents that a command is given as a file. */
import { readFileSync } from "node:fs";

import { fail, ok, type Result, toFault } from "../base/mod.ts";

/** The text of the file; `-` is standard input. Fault: `InputInvalid`. */
export function readDocument(path: string, flag: string): Result<string> {
  try {
    return ok(readFileSync(path === "-" ? 0 : path, "utf8"));
  } catch (error) {
    return fail("InputInvalid", `cannot read the document: ${toFault(error).message}`, {
      field: flag,
      value: path,
      allowed: "a file with a policy as JSON, or - for standard input",
    });
  }
}

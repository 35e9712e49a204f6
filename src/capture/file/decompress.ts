/** Streams through a decompressor, of the runtime or a program of the system. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { pipeline, type Readable } from "node:stream";

import { fault, type Fault, FaultError } from "../../base/mod.ts";
import type { Compression } from "./compression.ts";

const complaintMax = 200;

/** The decompressed pieces. Throws FaultError: `Truncated`, `Malformed`, or `Unsupported` without the program. */
export async function* decompress(input: Readable, compression: Compression): AsyncGenerator<Uint8Array> {
  if (compression.create === undefined) {
    yield* decompressByProgram(input, compression);
    return;
  }
  const transform = compression.create();
  // An error on either side destroys both, and reading the transform then throws it.
  pipeline(input, transform, () => undefined);
  try {
    for await (const piece of transform) yield piece as Uint8Array;
  } catch (error) {
    throw new FaultError(decompressionFault(compression.name, error as NodeJS.ErrnoException));
  } finally {
    transform.destroy();
  }
}

async function* decompressByProgram(input: Readable, compression: Compression): AsyncGenerator<Uint8Array> {
  const { name, program = name, packageName = name } = compression;
  const child = spawn(program, ["-dc"], { stdio: "pipe" });
  const exited = once(child, "close") as Promise<[code: number | null]>;
  // Awaited at the end only; a program that cannot be started must not be an unhandled rejection before.
  exited.catch(() => undefined);
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint = (complaint + text).slice(0, complaintMax);
  });
  // The program may end before its input does; its exit code says whether that was right.
  pipeline(input, child.stdin, () => undefined);
  try {
    for await (const piece of child.stdout) yield piece as Uint8Array;
    const [code] = await exited;
    if (code !== 0) throw new FaultError(programFault(name, complaint));
  } catch (error) {
    throw error instanceof FaultError ? error : new FaultError(startFault(program, packageName, error));
  } finally {
    child.kill();
  }
}

function decompressionFault(name: string, error: NodeJS.ErrnoException): Fault {
  if (error.code === "Z_BUF_ERROR") {
    return fault("Truncated", `the ${name} data ends before it is complete`, { cause: error });
  }
  if (error.code?.startsWith("Z_") === true || error.code?.startsWith("ZSTD_") === true) {
    return fault("Malformed", `the ${name} data is damaged: ${error.message}`, { cause: error });
  }
  return fault("Malformed", `the input cannot be read: ${error.message}`, { cause: error });
}

function programFault(name: string, complaint: string): Fault {
  const isCut = /end of (?:input|file)|unfinished|premature/iu.test(complaint);
  return fault(isCut ? "Truncated" : "Malformed", `the ${name} data is damaged: ${complaint.trim()}`);
}

function startFault(program: string, packageName: string, error: unknown): Fault {
  return fault("Unsupported", `${program} is needed to read this file and cannot be started`, {
    value: program,
    remedy: `apt-get install ${packageName}, or decompress the file first`,
    cause: error,
  });
}

/** A file that flows are written to, one a line. */
import { type FileHandle, open } from "node:fs/promises";

import { fail, type Fault, fault, FaultError, ok, type Result } from "../../base/mod.ts";
import type { FlowBatch } from "../../flow/mod.ts";
import { csvHeader, type FlowFileFormat, flowFileFormats, formatFlow } from "./flow-text.ts";

export interface FlowFileOptions {
  /** Its ending, .jsonl or .csv, is the format. */
  readonly path: string;
  /** Replace a file that is there. Default false: it is refused. */
  readonly overwrite?: boolean;
}

export interface FlowFile {
  readonly path: string;
  /** Writes the batch's flows; resolves when the kernel has them. Throws FaultError: `DiskFull`, `SendFailed`. */
  accept(flows: FlowBatch): Promise<void>;
  close(): Promise<void>;
  flowsWritten(): number;
}

/** Text is handed to the kernel in pieces of about this many characters. */
const pieceCharacters = 1 << 18;

/** Creates the file. Faults: `InputInvalid` (ending, file exists, cannot be created). */
export async function createFlowFile({
  path,
  overwrite = false,
}: FlowFileOptions): Promise<Result<FlowFile>> {
  const format = formatOf(path);
  if (!format.ok) return format;
  let handle: FileHandle;
  try {
    handle = await open(path, overwrite ? "w" : "wx");
  } catch (error) {
    return { ok: false, fault: createFault(path, error as NodeJS.ErrnoException) };
  }
  let flowsWritten = 0;
  let text = format.value === "csv" ? csvHeader() : "";
  const flush = async (): Promise<void> => {
    const piece = text;
    text = "";
    await write(handle, path, piece);
  };
  return ok({
    path,
    accept: async (flows) => {
      for (let row = 0; row < flows.count; row++) {
        text += formatFlow(flows, row, format.value);
        if (text.length >= pieceCharacters) await flush();
      }
      await flush();
      flowsWritten += flows.count;
    },
    close: async () => {
      try {
        await flush();
      } finally {
        await handle.close();
      }
    },
    flowsWritten: () => flowsWritten,
  });
}

function formatOf(path: string): Result<FlowFileFormat> {
  const format = flowFileFormats.find((name) => path.endsWith(`.${name}`));
  if (format !== undefined) return ok(format);
  return fail("InputInvalid", `the ending of ${path} names no format of flows`, {
    field: "output",
    value: path,
    allowed: flowFileFormats.map((name) => `*.${name}`).join(", "),
  });
}

async function write(handle: FileHandle, path: string, text: string): Promise<void> {
  try {
    await handle.writeFile(text);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const isFull = code === "ENOSPC" || code === "EDQUOT";
    throw new FaultError(
      fault(isFull ? "DiskFull" : "SendFailed", `flows cannot be written to ${path}: ${message}`, {
        field: "output",
        value: path,
        cause: error,
        ...(isFull ? { remedy: "make room, or write to another file system" } : {}),
      }),
    );
  }
}

function createFault(path: string, error: NodeJS.ErrnoException): Fault {
  const details = { field: "output", value: path, cause: error };
  if (error.code === "EEXIST") {
    return fault("InputInvalid", `${path} exists`, {
      ...details,
      remedy: "name another file, or add --force",
    });
  }
  return fault("InputInvalid", `${path} cannot be created: ${error.message}`, details);
}

/** Whether a file is a capture at all, before anything is made of it. */
import { ok, type Result } from "../../base/mod.ts";
import {
  createPcapFrames,
  createPcapReader,
  finishInput,
  inputSpace,
  inputWritten,
  readFrames,
} from "../../wire/pcap/mod.ts";
import type { CaptureFile } from "./capture-file.ts";

/** More than any header that tells the format. */
const bufferBytes = 4096;

/**
 * Reads as much as tells the format; the file that it gives begins at its beginning again. Faults: those of
 * CaptureFile.read(), and `Malformed` or `Truncated` of what is no capture; the file is closed then.
 */
export async function identifyCapture(file: CaptureFile): Promise<Result<CaptureFile>> {
  const reader = createPcapReader({ bufferBytes });
  const frames = createPcapFrames(1);
  const head: Uint8Array[] = [];
  for (;;) {
    readFrames(reader, frames);
    if (reader.format !== "unknown") return ok(withHead(file, head));
    const space = inputSpace(reader);
    const read = reader.fault === undefined ? await file.read(space) : ok(0);
    if (read.ok && read.value > 0) {
      head.push(space.slice(0, read.value));
      inputWritten(reader, read.value);
      continue;
    }
    await file.close();
    return read.ok ? { ok: false, fault: finishInput(reader)! } : read;
  }
}

/** The file with what was read of it already. */
function withHead(file: CaptureFile, head: Uint8Array[]): CaptureFile {
  return {
    ...file,
    read: async (target) => {
      const piece = head.shift();
      if (piece === undefined) return await file.read(target);
      const taken = piece.subarray(0, target.length);
      target.set(taken);
      if (taken.length < piece.length) head.unshift(piece.subarray(taken.length));
      return ok(taken.length);
    },
  };
}

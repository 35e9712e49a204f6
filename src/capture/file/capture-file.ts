/** The octets of a capture file, wherever they are and however they are compressed. */
import { readSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";

import { fail, type Fault, FaultError, fault, ok, type Result } from "../../base/mod.ts";
import { type Compression, compressionOf, magicBytesMax } from "./compression.ts";
import { decompress } from "./decompress.ts";

const pieceBytes = 1 << 20;
/** Reads of a plain file between two turns of the event loop: 4 MiB, some ten milliseconds of metering. */
const readsAtOnce = 16;

export interface CaptureFile {
  /** As it was given; `-` is standard input. */
  readonly path: string;
  /** `none`, `gzip`, `zstd`, `xz`, `lz4`, `bzip2`. */
  readonly compression: string;
  /** Octets of the file as it lies on disk; undefined for a stream. */
  readonly sizeBytes: number | undefined;
  /** Octets of it read so far: progress, of a compressed file too. */
  readBytes(): number;
  /**
   * Writes the next decompressed octets to `target` and says how many; 0 is the end. Faults: `Truncated`
   * and `Malformed` (compressed data), `Unsupported` (no program for it), `InputInvalid` (cannot be read).
   */
  read(target: Uint8Array): Promise<Result<number>>;
  close(): Promise<void>;
}

/** Opens a path, or standard input for `-`. Faults: `InputInvalid`, with the reason. */
export async function openCaptureFile(
  path: string,
  standardInput: Readable = process.stdin,
): Promise<Result<CaptureFile>> {
  if (path === "-") return openStream(path, standardInput);
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, "r");
    const stat = await handle.stat();
    if (stat.isDirectory()) {
      await handle.close();
      return fail("InputInvalid", `${path} is a directory`, {
        field: "capture file",
        value: path,
        allowed: "a pcap or pcapng file, or - for standard input",
      });
    }
    // A pipe or a device has no size and cannot be read twice.
    if (!stat.isFile()) return await openStream(path, handle.createReadStream({ highWaterMark: pieceBytes }));
    return await openRegularFile(path, handle, stat.size);
  } catch (error) {
    await handle?.close();
    return { ok: false, fault: openFault(path, error as NodeJS.ErrnoException) };
  }
}

async function openRegularFile(
  path: string,
  handle: FileHandle,
  sizeBytes: number,
): Promise<Result<CaptureFile>> {
  const head = new Uint8Array(magicBytesMax);
  const { bytesRead } = await handle.read(head, 0, head.length, 0);
  const compression = compressionOf(head.subarray(0, bytesRead));
  if (compression === undefined) return ok(plainFile(path, handle, sizeBytes));
  const stream = handle.createReadStream({ start: 0, highWaterMark: pieceBytes, autoClose: false });
  const input = countPieces(stream);
  return ok({
    path,
    compression: compression.name,
    sizeBytes,
    readBytes: input.count,
    ...pieceReader(decompress(Readable.from(input.pieces, { objectMode: false }), compression), async () => {
      stream.destroy();
      await handle.close();
    }),
  });
}

/**
 * An uncompressed file is read straight to where its packets are decoded, and at once: handing a read of the
 * page cache to another thread costs more than the read. Now and then what else there is to do has its turn.
 */
function plainFile(path: string, handle: FileHandle, sizeBytes: number): CaptureFile {
  let position = 0;
  let reads = 0;
  return {
    path,
    compression: "none",
    sizeBytes,
    readBytes: () => position,
    read: async (target) => {
      try {
        if (++reads % readsAtOnce === 0) await setImmediate();
        const bytesRead = readSync(handle.fd, target, 0, target.length, position);
        position += bytesRead;
        return ok(bytesRead);
      } catch (error) {
        return { ok: false, fault: readFault(error) };
      }
    },
    close: () => handle.close(),
  };
}

/** A stream tells its compression only as it is read. */
async function openStream(path: string, stream: Readable): Promise<Result<CaptureFile>> {
  const input = countPieces(stream);
  const pieces = input.pieces[Symbol.asyncIterator]();
  const first: Uint8Array[] = [];
  try {
    for (let length = 0; length < magicBytesMax;) {
      const piece = await pieces.next();
      if (piece.done === true) break;
      first.push(piece.value);
      length += piece.value.length;
    }
  } catch (error) {
    return { ok: false, fault: readFault(error) };
  }
  const head = Buffer.concat(first);
  const compression: Compression | undefined = compressionOf(head);
  const all = continueWith(head, pieces);
  const decoded =
    compression === undefined ? all : decompress(Readable.from(all, { objectMode: false }), compression);
  return ok({
    path,
    compression: compression?.name ?? "none",
    sizeBytes: undefined,
    readBytes: input.count,
    ...pieceReader(decoded, () => {
      stream.destroy();
      return Promise.resolve();
    }),
  });
}

async function* continueWith(
  head: Uint8Array,
  pieces: AsyncIterator<Uint8Array, unknown, undefined>,
): AsyncGenerator<Uint8Array> {
  if (head.length > 0) yield head;
  for (let next = await pieces.next(); next.done !== true; next = await pieces.next()) yield next.value;
}

function countPieces(stream: Readable): { pieces: AsyncIterable<Uint8Array>; count: () => number } {
  let bytes = 0;
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for await (const piece of stream) {
      bytes += (piece as Uint8Array).length;
      yield piece as Uint8Array;
    }
  }
  return { pieces: pieces(), count: () => bytes };
}

/** read() and close() over pieces of any size. */
function pieceReader(
  pieces: AsyncIterable<Uint8Array>,
  release: () => Promise<void>,
): Pick<CaptureFile, "read" | "close"> {
  const iterator = pieces[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array(0);
  return {
    read: async (target) => {
      try {
        while (rest.length === 0) {
          const next = await iterator.next();
          if (next.done === true) return ok(0);
          rest = next.value;
        }
      } catch (error) {
        return { ok: false, fault: error instanceof FaultError ? error.fault : readFault(error) };
      }
      const taken = Math.min(rest.length, target.length);
      target.set(rest.subarray(0, taken));
      rest = rest.subarray(taken);
      return ok(taken);
    },
    close: async () => {
      // First the input: a read that waits for it must end before the iterator can.
      await release();
      await iterator.return?.();
    },
  };
}

function readFault(error: unknown): Fault {
  return fault("InputInvalid", `the capture cannot be read: ${(error as Error).message}`, { cause: error });
}

function openFault(path: string, error: NodeJS.ErrnoException): Fault {
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: "does not exist",
    EACCES: "may not be read by this user",
    EPERM: "may not be read by this user",
  };
  const reason = reasons[error.code ?? ""] ?? `cannot be opened: ${error.message}`;
  return fault("InputInvalid", `${path} ${reason}`, {
    field: "capture file",
    value: path,
    allowed: "a pcap or pcapng file, or - for standard input",
    cause: error,
  });
}

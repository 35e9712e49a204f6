/** How a file is compressed, by its first octets, and who decompresses it. */
import { constants, createGunzip, createZstdDecompress } from "node:zlib";
import type { Transform } from "node:stream";

export interface Compression {
  readonly name: string;
  readonly magic: (head: Uint8Array) => boolean;
  /** A decompressor of the runtime. */
  readonly create?: () => Transform;
  /** Otherwise a program that decompresses its standard input, and the package that brings it. */
  readonly program?: string;
  readonly packageName?: string;
}

/** Octets of the head that the longest magic number takes. */
export const magicBytesMax = 6;

/**
 * Decoders hand over one piece at a time and decode no further until it is taken, so that what was
 * decompressed before damage or the end of a cut file is never thrown away with the error.
 */
const zlibOptions = { chunkSize: 256 * 1024, readableHighWaterMark: 1 };

/** The skippable frames that may stand before a zstd frame (RFC 8878 section 3.1.2), as pzstd writes them. */
const isZstdSkippable = (head: Uint8Array): boolean =>
  (head[0]! & 0xf0) === 0x50 && startsWith(head.subarray(1), [0x2a, 0x4d, 0x18]);

export const compressions: readonly Compression[] = [
  {
    name: "gzip",
    magic: (head) => startsWith(head, [0x1f, 0x8b]),
    create: () => createGunzip(zlibOptions),
  },
  {
    name: "zstd",
    magic: (head) => startsWith(head, [0x28, 0xb5, 0x2f, 0xfd]) || isZstdSkippable(head),
    create: () =>
      createZstdDecompress({
        ...zlibOptions,
        // 128 MiB, what zstd itself accepts unasked: a frame cannot make us allocate more.
        params: { [constants.ZSTD_d_windowLogMax]: 27 },
      }),
  },
  {
    name: "xz",
    magic: (head) => startsWith(head, [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]),
    program: "xz",
    packageName: "xz-utils",
  },
  {
    name: "lz4",
    magic: (head) => startsWith(head, [0x04, 0x22, 0x4d, 0x18]),
    program: "lz4",
    packageName: "lz4",
  },
  {
    name: "bzip2",
    magic: (head) => startsWith(head, [0x42, 0x5a, 0x68]),
    program: "bzip2",
    packageName: "bzip2",
  },
];

export function compressionOf(head: Uint8Array): Compression | undefined {
  return compressions.find(({ magic }) => magic(head));
}

function startsWith(head: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((value, index) => head[index] === value);
}

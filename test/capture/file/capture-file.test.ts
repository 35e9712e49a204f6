import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { constants, gzipSync, zstdCompressSync } from "node:zlib";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import type { Fault } from "../../../src/base/mod.ts";
import { type CaptureFile, openCaptureFile } from "../../../src/capture/file/mod.ts";
import { requirePeer } from "../../support/peers.ts";

let directory = "";
const path = (name: string) => join(directory, name);

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "weir-file-"));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** Three megabytes that compress to about a half. */
const content = Buffer.alloc(3_000_000);
let state = 1;
for (let at = 0; at < content.length; at += 2) {
  state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
  content[at] = state >>> 16;
}

async function readAll(file: CaptureFile): Promise<{ bytes: Buffer; fault: Fault | undefined }> {
  const pieces: Uint8Array[] = [];
  const target = new Uint8Array(100_003);
  for (;;) {
    const read = await file.read(target);
    if (!read.ok || read.value === 0) {
      await file.close();
      return { bytes: Buffer.concat(pieces), fault: read.ok ? undefined : read.fault };
    }
    pieces.push(target.slice(0, read.value));
  }
}

async function readPath(
  name: string,
): Promise<{ bytes: Buffer; fault: Fault | undefined; file: CaptureFile }> {
  const file = await openCaptureFile(path(name));
  if (!file.ok) throw new Error(file.fault.message);
  return { ...(await readAll(file.value)), file: file.value };
}

describe("openCaptureFile()", () => {
  it("reads a plain file and tells how far it is", async () => {
    writeFileSync(path("plain"), content);
    const { bytes, fault, file } = await readPath("plain");
    expect(fault).toBeUndefined();
    expect(bytes.equals(content)).toBe(true);
    expect([file.compression, file.sizeBytes, file.readBytes()]).toEqual([
      "none",
      content.length,
      content.length,
    ]);
  });

  it("reads gzip of several members, and zstd of several frames", async () => {
    const halves = [content.subarray(0, 1_234_567), content.subarray(1_234_567)];
    writeFileSync(path("gz"), Buffer.concat(halves.map((half) => gzipSync(half))));
    writeFileSync(path("zst"), Buffer.concat(halves.map((half) => zstdCompressSync(half))));
    const skippable = Buffer.from("502a4d180300000001020300", "hex").subarray(0, 11);
    writeFileSync(path("skip.zst"), Buffer.concat([skippable, zstdCompressSync(content)]));
    for (const [name, compression] of [
      ["gz", "gzip"],
      ["zst", "zstd"],
      ["skip.zst", "zstd"],
    ] as const) {
      const { bytes, fault, file } = await readPath(name);
      expect(fault, name).toBeUndefined();
      expect(bytes.equals(content), name).toBe(true);
      expect(file.compression).toBe(compression);
      expect(file.readBytes()).toBe(file.sizeBytes);
    }
  });

  it("gives what a cut gzip or zstd file holds before it says that it is cut", async () => {
    for (const [name, whole] of [
      ["cut.gz", gzipSync(content)],
      ["cut.zst", zstdCompressSync(content)],
    ] as const) {
      writeFileSync(path(name), whole.subarray(0, Math.floor(whole.length / 2)));
      const { bytes, fault } = await readPath(name);
      expect(fault, name).toMatchObject({ code: "Truncated" });
      expect(bytes.length, name).toBeGreaterThan(content.length / 4);
      expect(bytes.equals(content.subarray(0, bytes.length)), name).toBe(true);
    }
  });

  it("says of a damaged gzip or zstd file that it is damaged", async () => {
    for (const [name, whole] of [
      ["bad.gz", gzipSync(content)],
      ["bad.zst", zstdCompressSync(content, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })],
    ] as const) {
      whole.fill(0xff, whole.length - 5000, whole.length - 4000);
      writeFileSync(path(name), whole);
      expect((await readPath(name)).fault, name).toMatchObject({ code: "Malformed" });
    }
  });

  it("reads a stream, compressed or not, that comes in small pieces or is empty", async () => {
    const pieces = (bytes: Buffer) => Readable.from(split(bytes, 3), { objectMode: false });
    for (const [bytes, compression] of [
      [content.subarray(0, 5000), "none"],
      [gzipSync(content.subarray(0, 5000)), "gzip"],
    ] as const) {
      const file = await openCaptureFile("-", pieces(bytes));
      if (!file.ok) throw new Error(file.fault.message);
      expect([file.value.compression, file.value.sizeBytes]).toEqual([compression, undefined]);
      expect((await readAll(file.value)).bytes.equals(content.subarray(0, 5000))).toBe(true);
      expect(file.value.readBytes()).toBe(bytes.length);
    }
    const empty = await openCaptureFile("-", pieces(Buffer.alloc(0)));
    if (!empty.ok) throw new Error(empty.fault.message);
    expect((await readAll(empty.value)).bytes.length).toBe(0);
  });

  it("says of a path why it cannot be read", async () => {
    mkdirSync(path("folder"));
    expect(await openCaptureFile(path("nothing"))).toMatchObject({
      ok: false,
      fault: { code: "InputInvalid", message: expect.stringContaining("does not exist") },
    });
    expect(await openCaptureFile(path("folder"))).toMatchObject({
      fault: { message: expect.stringContaining("is a directory") },
    });
  });

  it("names the program that is missing, and the package", async () => {
    const searchPath = process.env["PATH"];
    process.env["PATH"] = path("folder");
    try {
      writeFileSync(path("x.xz"), Buffer.from("fd377a585a000000", "hex"));
      const { fault } = await readPath("x.xz");
      expect(fault).toMatchObject({
        code: "Unsupported",
        value: "xz",
        remedy: expect.stringContaining("xz-utils"),
      });
    } finally {
      process.env["PATH"] = searchPath;
    }
  });

  it("stops in the middle without leaving anything behind", async () => {
    writeFileSync(path("stop.gz"), gzipSync(content));
    const file = await openCaptureFile(path("stop.gz"));
    if (!file.ok) throw new Error(file.fault.message);
    expect(await file.value.read(new Uint8Array(10))).toEqual({ ok: true, value: 10 });
    await file.value.close();
  });
});

describe.skipIf(!requirePeer("xz", "lz4", "zstd"))("a file compressed by", () => {
  it.each(["xz", "lz4", "zstd"])("%s is read, cut or whole", async (program) => {
    writeFileSync(path("whole"), content);
    const compressed = execFileSync(program, ["-c", path("whole")], { maxBuffer: 2 ** 26, stdio: "pipe" });
    writeFileSync(path(`whole.${program}`), compressed);
    const whole = await readPath(`whole.${program}`);
    expect(whole.fault).toBeUndefined();
    expect(whole.bytes.equals(content)).toBe(true);
    expect(whole.file.compression).toBe(program);

    const half = readFileSync(path(`whole.${program}`)).subarray(0, Math.floor(compressed.length * 0.7));
    writeFileSync(path(`half.${program}`), half);
    const cut = await readPath(`half.${program}`);
    expect(cut.fault).toMatchObject({ code: "Truncated" });
    expect(cut.bytes.equals(content.subarray(0, cut.bytes.length))).toBe(true);
  });
});

function split(bytes: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );
}

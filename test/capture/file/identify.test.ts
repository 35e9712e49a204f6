import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { type CaptureFile, identifyCapture, openCaptureFile } from "../../../src/capture/file/mod.ts";
import { unwrap } from "../../../src/base/mod.ts";

let directory = "";
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "weir-identify-"));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** The header of a pcap file (draft-ietf-opsawg-pcap): little endian, version 2.4, Ethernet. */
const header = Buffer.from("d4c3b2a1020004000000000000000000ffff000001000000", "hex");
const content = Buffer.concat([header, Buffer.alloc(10_000, 7)]);

async function opened(bytes: Uint8Array): Promise<CaptureFile> {
  const path = join(directory, crypto.randomUUID());
  writeFileSync(path, bytes);
  return unwrap(await openCaptureFile(path));
}

async function readAll(file: CaptureFile, atOnce: number): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  const target = new Uint8Array(atOnce);
  for (;;) {
    const count = unwrap(await file.read(target));
    if (count === 0) break;
    pieces.push(target.slice(0, count));
  }
  await file.close();
  return Buffer.concat(pieces);
}

describe("identifyCapture()", () => {
  it.each([1, 5, 4096, 100_000])(
    "gives a capture from its beginning, read %i octets at a time",
    async (atOnce) => {
      const files = [
        await opened(content),
        await opened(gzipSync(content)),
        unwrap(await openCaptureFile("-", Readable.from([...content].map((octet) => Buffer.of(octet))))),
      ];
      for (const file of files) {
        const found = unwrap(await identifyCapture(file));
        expect((await readAll(found, atOnce)).equals(content)).toBe(true);
      }
    },
  );

  it.each([
    ["what is no capture", Buffer.from("not a capture"), "Malformed"],
    ["an empty file", Buffer.alloc(0), "Truncated"],
    ["a file that ends within its header", header.subarray(0, 23), "Truncated"],
  ])("refuses %s", async (_what, bytes, code) => {
    expect(await identifyCapture(await opened(bytes))).toMatchObject({ ok: false, fault: { code } });
  });

  it("reports what is wrong with the file itself", async () => {
    const cut = gzipSync(content).subarray(0, 12);
    expect(await identifyCapture(await opened(cut))).toMatchObject({
      ok: false,
      fault: { code: "Truncated" },
    });
  });
});

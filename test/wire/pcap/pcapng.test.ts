import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  block,
  classicHeader,
  classicRecord,
  concat,
  enhancedPacket,
  interfaceDescription,
  obsoletePacket,
  option,
  sectionHeader,
  simplePacket,
} from "./files.ts";
import { readFile } from "./read.ts";

const data = Uint8Array.of(1, 2, 3, 4, 5);
const resolution = (littleEndian: boolean, value: number) => option(littleEndian, 9, Uint8Array.of(value));

describe("a pcapng file", () => {
  it("is read in both byte orders, with every kind of packet block, unknown blocks skipped", () => {
    for (const littleEndian of [true, false]) {
      const file = concat(
        sectionHeader(littleEndian),
        block(littleEndian, 0x0bad, new Uint8Array(33)),
        interfaceDescription(littleEndian, 1, resolution(littleEndian, 6), 4),
        interfaceDescription(littleEndian, 101, resolution(littleEndian, 9)),
        enhancedPacket(littleEndian, 1, 1_700_000_000_123_456_789n, data, 1500),
        block(littleEndian, 5, new Uint8Array(12)),
        obsoletePacket(littleEndian, 0, 1_700_000_000_000_001n, data),
        simplePacket(littleEndian, data, 900),
      );
      const packet = { timestampUs: 1_700_000_000_000_001, linkType: 1, interfaceId: 0 };
      expect(readFile(file)).toEqual({
        packets: [
          {
            timestampUs: 1_700_000_000_123_456,
            linkType: 101,
            interfaceId: 1,
            wireLength: 1500,
            data: "0102030405",
          },
          { ...packet, wireLength: 5, data: "0102030405" },
          { ...packet, wireLength: 900, data: "01020304" },
        ],
        fault: undefined,
      });
    }
  });

  it("is read section by section, each with a byte order and interfaces of its own", () => {
    const section = (littleEndian: boolean, linkType: number) =>
      concat(
        sectionHeader(littleEndian),
        interfaceDescription(littleEndian, linkType),
        enhancedPacket(littleEndian, 0, 5_000_000n, data),
      );
    const { packets, fault } = readFile(concat(section(true, 1), section(false, 113), section(true, 276)));
    expect(fault).toBeUndefined();
    expect(packets.map(({ linkType }) => linkType)).toEqual([1, 113, 276]);
    expect(packets.map(({ timestampUs }) => timestampUs)).toEqual([5e6, 5e6, 5e6]);
  });

  it("keeps whole microseconds of clocks of every resolution", () => {
    const seconds = 1_700_000_000n;
    const cases: [resolution: number, ticks: bigint, timestampUs: number][] = [
      [0, seconds, 1_700_000_000_000_000],
      [3, seconds * 1000n + 5n, 1_700_000_000_005_000],
      [6, seconds * 1_000_000n + 999_999n, 1_700_000_000_999_999],
      [9, seconds * 1_000_000_000n + 999_999_999n, 1_700_000_000_999_999],
      [10, seconds * 10_000_000_000n + 9_999_999_999n, 1_700_000_000_999_999],
      [0x80 + 10, seconds * 1024n + 512n, 1_700_000_000_500_000],
      [0x80 + 32, seconds * 2n ** 32n + 2n ** 31n, 1_700_000_000_500_000],
    ];
    for (const [value, ticks, timestampUs] of cases) {
      const file = concat(
        sectionHeader(true),
        interfaceDescription(true, 1, resolution(true, value)),
        enhancedPacket(true, 0, ticks, data),
      );
      expect(readFile(file).packets[0]?.timestampUs, `${value}`).toBe(timestampUs);
    }
  });

  it("adds the seconds that an interface's clock is off, also below zero", () => {
    for (const littleEndian of [true, false]) {
      const offset = new Uint8Array(8);
      new DataView(offset.buffer).setBigInt64(0, -100n, littleEndian);
      const file = concat(
        sectionHeader(littleEndian),
        interfaceDescription(littleEndian, 1, option(littleEndian, 14, offset)),
        enhancedPacket(littleEndian, 0, 500_000_007n, data),
      );
      expect(readFile(file).packets[0]?.timestampUs).toBe(400_000_007);
    }
  });

  it("gives the packets before every truncation, and the offset of the block where it stops", () => {
    const blocks = [
      sectionHeader(true),
      interfaceDescription(true, 1),
      enhancedPacket(true, 0, 1n, data),
      enhancedPacket(true, 0, 2n, data),
    ];
    const file = concat(...blocks);
    let end = 0;
    const ends = blocks.map(({ length }) => (end += length));
    for (let length = 0; length < file.length; length++) {
      const { packets, fault } = readFile(file.subarray(0, length));
      const whole = ends.filter((blockEnd) => blockEnd <= length);
      expect(packets.length, `${length}`).toBe(Math.max(0, whole.length - 2));
      if (ends.includes(length)) expect(fault).toBeUndefined();
      else {
        expect(fault, `${length}`).toMatchObject({ code: "Truncated", value: String(whole.at(-1) ?? 0) });
      }
    }
  });

  it("stops at a block that contradicts itself, and says where", () => {
    const start = concat(sectionHeader(true), interfaceDescription(true, 1));
    const wrong: [part: Uint8Array, says: string][] = [
      [enhancedPacket(true, 3, 1n, data), "interface 3, which is not described"],
      [Uint8Array.fromHex("060000000800000000000000"), "a pcapng block of 8 octets"],
      [Uint8Array.fromHex("060000000d0000000000000000"), "a pcapng block of 13 octets"],
      [Uint8Array.fromHex("06000000ffffffff00000000"), "a pcapng block of 4294967295 octets"],
      [Uint8Array.fromHex("060000000c0000000d000000"), "ends as one of 13"],
      [Uint8Array.fromHex("060000000c0000000c000000"), "an enhanced packet block of 12 octets"],
      [Uint8Array.fromHex("020000000c0000000c000000"), "a packet block of 12 octets"],
      [Uint8Array.fromHex("030000000c0000000c000000"), "a simple packet block of 12 octets"],
      [Uint8Array.fromHex("010000000c0000000c000000"), "an interface description of 12 octets"],
      [Uint8Array.fromHex("0a0d0d0a1c00000000000000"), "without byte-order magic"],
    ];
    for (const [part, says] of wrong) {
      const { fault } = readFile(concat(start, part));
      expect(fault?.message).toContain(says);
      expect(fault).toMatchObject({ code: "Malformed", value: String(start.length) });
    }
    const packet = enhancedPacket(true, 0, 1n, data);
    packet[20] = 200;
    expect(readFile(concat(start, packet)).fault?.message).toContain("a block too small for it");
    expect(readFile(sectionHeader(true, 7)).fault).toMatchObject({ code: "Unsupported", value: "0" });
    expect(readFile(concat(sectionHeader(true), simplePacket(true, data))).fault?.code).toBe("Malformed");
  });

  it("is bounded in the memory that a block may ask for", () => {
    const file = concat(sectionHeader(true), block(true, 77, new Uint8Array(2000)));
    expect(readFile(file, 100, { recordBytesMax: 1000 }).fault).toMatchObject({ code: "Malformed" });
    expect(readFile(file, 100, { bufferBytes: 64 }).fault).toBeUndefined();
  });
});

describe("readFrames()", { timeout: 120_000 }, () => {
  it("never throws and always ends, whatever the bytes and however they come", () => {
    const options = { littleEndian: true };
    const seeds = [
      concat(sectionHeader(false), interfaceDescription(false, 1), enhancedPacket(false, 0, 9n, data)),
      concat(
        sectionHeader(true),
        interfaceDescription(true, 1, resolution(true, 9)),
        simplePacket(true, data),
      ),
      concat(classicHeader(options), classicRecord(options, 1, 2, data), classicRecord(options, 1, 2, data)),
    ];
    const edits = fc.array(fc.tuple(fc.nat(150), fc.nat(255)), { maxLength: 8 });
    fc.assert(
      fc.property(
        fc.constantFrom(...seeds),
        edits,
        fc.integer({ min: 1, max: 90 }),
        (seed, changes, pieceBytes) => {
          const file = seed.slice();
          for (const [at, value] of changes) if (at < file.length) file[at] = value;
          const inPieces = readFile(file, pieceBytes, { bufferBytes: 64, recordBytesMax: 4096 });
          expect(inPieces).toEqual(readFile(file, file.length, { recordBytesMax: 4096 }));
        },
      ),
      { numRuns: 5000 },
    );
  });
});

import { describe, expect, it } from "vitest";

import { classicHeader, classicRecord, concat } from "./files.ts";
import { readFile } from "./read.ts";

const first = Uint8Array.of(1, 2, 3, 4, 5);
const second = Uint8Array.of(6, 7);

describe("a classic pcap file", () => {
  it("is read as the format's document writes it, byte by byte", () => {
    const file = Uint8Array.fromHex(
      "d4c3b2a1020004000000000000000000000004006500000078563412e80300000300000009000000aabbcc",
    );
    expect(readFile(file)).toEqual({
      packets: [
        {
          timestampUs: 0x12345678 * 1e6 + 1000,
          linkType: 101,
          interfaceId: 0,
          wireLength: 9,
          data: "aabbcc",
        },
      ],
      fault: undefined,
    });
  });

  it("is read in both byte orders, with microseconds and nanoseconds", () => {
    for (const littleEndian of [true, false]) {
      for (const nanoseconds of [true, false]) {
        const options = { littleEndian, nanoseconds, linkType: 113 };
        const fraction = nanoseconds ? 999_999_999 : 999_999;
        const file = concat(
          classicHeader(options),
          classicRecord(options, 4_000_000_000, fraction, first, 1500),
          classicRecord(options, 1, 0, second),
        );
        expect(readFile(file), JSON.stringify(options)).toEqual({
          packets: [
            {
              timestampUs: 4_000_000_000_999_999,
              linkType: 113,
              interfaceId: 0,
              wireLength: 1500,
              data: "0102030405",
            },
            { timestampUs: 1e6, linkType: 113, interfaceId: 0, wireLength: 2, data: "0607" },
          ],
          fault: undefined,
        });
      }
    }
  });

  it("reads alike in pieces of any size, through a buffer smaller than a packet", () => {
    const options = { littleEndian: true };
    const records = [0, 1, 63, 64, 65, 200, 3].map((length, index) =>
      classicRecord(options, index, 0, new Uint8Array(length).fill(index + 1)),
    );
    const file = concat(classicHeader(options), ...records);
    const whole = readFile(file);
    expect(whole.packets.map(({ data }) => data.length / 2)).toEqual([0, 1, 63, 64, 65, 200, 3]);
    for (const pieceBytes of [1, 2, 3, 7, 16, 64, 100]) {
      expect(readFile(file, pieceBytes, { bufferBytes: 64 }), `${pieceBytes}`).toEqual(whole);
    }
  });

  it("gives the packets before every truncation, and the offset where it stops", () => {
    const options = { littleEndian: true };
    const file = concat(
      classicHeader(options),
      classicRecord(options, 1, 0, first),
      classicRecord(options, 2, 0, second),
    );
    const ends = [24, 24 + 21, file.length];
    for (let length = 0; length < file.length; length++) {
      const { packets, fault } = readFile(file.subarray(0, length));
      expect(packets.length, `${length}`).toBe(Math.max(0, ends.filter((end) => end <= length).length - 1));
      if (ends.includes(length)) expect(fault).toBeUndefined();
      else {
        const offset = ends.findLast((end) => end <= length) ?? 0;
        expect(fault, `${length}`).toMatchObject({
          code: "Truncated",
          field: "offset",
          value: String(offset),
        });
      }
    }
  });

  it("stops at a packet length that cannot be, and says where", () => {
    const options = { littleEndian: true };
    const file = concat(
      classicHeader(options),
      classicRecord(options, 1, 0, first),
      new Uint8Array(16).fill(0xff),
    );
    const { packets, fault } = readFile(file);
    expect(packets.length).toBe(1);
    expect(fault).toMatchObject({ code: "Malformed", value: "45" });
    expect(fault?.message).toBe("the capture file has a packet of 4294967295 octets at byte 45");
    expect(fault?.allowed).toBe("up to 16777216");
  });

  it("is refused with another version, and what is no capture file with its magic number", () => {
    const header = classicHeader({ littleEndian: true });
    header[4] = 9;
    expect(readFile(header).fault).toMatchObject({ code: "Unsupported" });
    const text = new TextEncoder().encode("not a capture");
    expect(readFile(text).fault).toMatchObject({
      code: "Malformed",
      message: 'the file is no capture: it begins with 0x6e6f7420 ("not ")',
      allowed: "a pcap or pcapng file",
    });
    expect(readFile(new Uint8Array(8).fill(0x7f)).fault?.message).toBe(
      "the file is no capture: it begins with 0x7f7f7f7f",
    );
    expect(readFile(new Uint8Array(0)).fault).toMatchObject({ code: "Truncated", value: "0" });
  });
});

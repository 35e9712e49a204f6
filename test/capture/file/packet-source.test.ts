import { Readable } from "node:stream";

import { describe, expect, it } from "vitest";

import {
  createPacketSource,
  fillPackets,
  openCaptureFile,
  type PacketSource,
  readMore,
} from "../../../src/capture/file/mod.ts";
import { ethernet, ipv4, join, u16, u32, u8, udp } from "../../wire/packet/frames.ts";
import {
  classicHeader,
  classicRecord,
  concat,
  enhancedPacket,
  interfaceDescription,
  sectionHeader,
} from "../../wire/pcap/files.ts";

interface Row {
  timestampUs: number;
  interfaceIndex: number;
  direction: number;
  octets: number;
}

async function readRows(file: Uint8Array, rows: number): Promise<{ rows: Row[]; source: PacketSource }> {
  const opened = await openCaptureFile("-", Readable.from([Buffer.from(file)], { objectMode: false }));
  if (!opened.ok) throw new Error(opened.fault.message);
  const source = createPacketSource(opened.value, { rows });
  const found: Row[] = [];
  for (;;) {
    const status = fillPackets(source);
    const { packets } = source;
    for (let row = 0; row < packets.count; row++) {
      found.push({
        timestampUs: packets.timestampUs[row]!,
        interfaceIndex: packets.interfaceIndex[row]!,
        direction: packets.direction[row]!,
        octets: packets.octets[row]!,
      });
    }
    if (status === "input" && !(await readMore(source))) return { rows: found, source };
  }
}

const options = { littleEndian: true };
const packet = ethernet(0x0800, ipv4({}, udp(1, 2)));
const arp = ethernet(0x0806, new Uint8Array(46));

describe("a packet source", () => {
  it("fills a row for every packet and counts every frame, whatever the number of rows", async () => {
    const frames = Array.from({ length: 20 }, (_, index) => (index % 3 === 0 ? arp : packet));
    const records = frames.map((frame, index) => classicRecord(options, 100 - index, 7, frame));
    for (const rows of [1, 2, 7, 64]) {
      const { rows: found, source } = await readRows(concat(classicHeader(options), ...records), rows);
      expect(found.length).toBe(13);
      expect(found[0]).toEqual({ timestampUs: 99_000_007, interfaceIndex: 0, direction: 255, octets: 28 });
      expect([...source.decoder.outcomes]).toEqual([13, 7, 0, 0, 0]);
      expect([source.reader.packets, source.fault]).toEqual([20, undefined]);
      expect([...source.timesUs]).toEqual([81_000_007, 100_000_007]);
    }
  });

  it("tells the interfaces of a file apart, and believes a cooked header", async () => {
    const cooked = join(u16(0x0800, 0), u32(12), u16(1), u8(4, 6), new Uint8Array(8), ipv4({}, udp(1, 2)));
    const { rows } = await readRows(
      concat(
        sectionHeader(true),
        interfaceDescription(true, 1),
        interfaceDescription(true, 1),
        interfaceDescription(true, 276),
        enhancedPacket(true, 0, 1n, packet),
        enhancedPacket(true, 1, 2n, packet),
        enhancedPacket(true, 2, 3n, cooked),
      ),
      4,
    );
    expect(rows.map(({ interfaceIndex, direction }) => [interfaceIndex, direction])).toEqual([
      [0, 255],
      [1, 255],
      [12, 1],
    ]);
  });

  it("ends with the fault of a file that is cut, after the packets before it", async () => {
    const file = concat(classicHeader(options), classicRecord(options, 1, 0, packet), u8(1, 2, 3));
    const { rows, source } = await readRows(file, 8);
    expect(rows.length).toBe(1);
    expect(source.fault).toMatchObject({ code: "Truncated", value: String(24 + 16 + packet.length) });
  });
});

import { describe, expect, it } from "vitest";

import {
  createFrameColumns,
  linkTypeEthernet,
  linkTypeNotIp,
  linkTypeRawIp,
  vlanInFrame,
} from "../../../src/capture/frames.ts";
import { createRingMemory, enterBlock, readFrames } from "../../../src/capture/ring/block.ts";
import { packetTypes } from "../../../src/capture/ring/layout.ts";

interface Packet {
  readonly seconds?: number;
  readonly nanoseconds?: number;
  readonly captured: number;
  readonly wire?: number;
  /** Octets between link header and network header. */
  readonly linkHeader?: number;
  readonly vlanTag?: number;
  readonly hardware?: number;
  readonly protocol?: number;
  readonly packetType?: number;
}

const descriptorBytes = 48;
const hardwareTunnel = 768;

/** A block as Documentation/networking/packet_mmap.rst draws it, at `blockOffset` of a ring. */
function writeBlock(view: DataView, blockOffset: number, packets: readonly Packet[]): void {
  view.setUint32(blockOffset + 8, 1, true);
  view.setUint32(blockOffset + 12, packets.length, true);
  view.setUint32(blockOffset + 16, descriptorBytes, true);
  let at = blockOffset + descriptorBytes;
  for (const [index, packet] of packets.entries()) {
    const linkHeader = packet.linkHeader ?? 14;
    const network = 96;
    const next = (network - linkHeader + packet.captured + 7) & ~7;
    view.setUint32(at, index === packets.length - 1 ? 0 : next, true);
    view.setUint32(at + 4, packet.seconds ?? 0, true);
    view.setUint32(at + 8, packet.nanoseconds ?? 0, true);
    view.setUint32(at + 12, packet.captured, true);
    view.setUint32(at + 16, packet.wire ?? packet.captured, true);
    view.setUint32(at + 20, packet.vlanTag === undefined ? 1 : 1 | (1 << 4), true);
    view.setUint16(at + 24, network - linkHeader, true);
    view.setUint16(at + 26, network, true);
    view.setUint32(at + 32, packet.vlanTag ?? 0, true);
    view.setUint16(at + 50, packet.protocol ?? 0x0800, false);
    view.setUint16(at + 56, packet.hardware ?? 1, true);
    view.setUint8(at + 58, packet.packetType ?? packetTypes.host);
    at += next;
  }
}

function readBlock(packets: readonly Packet[], capacity = 4): Record<string, number>[] {
  const blockOffset = 8192;
  const memory = createRingMemory(new ArrayBuffer(65_536));
  writeBlock(memory.view, blockOffset, packets);
  const cursor = { packetOffset: 0, packetsLeft: 0 };
  enterBlock(memory, blockOffset, cursor);
  const frames = createFrameColumns(capacity);
  const read: Record<string, number>[] = [];
  while (cursor.packetsLeft > 0) {
    readFrames(memory, cursor, frames);
    for (let row = 0; row < frames.count; row++) {
      read.push({
        offset: frames.offset[row]! - blockOffset,
        captured: frames.capturedLength[row]!,
        wire: frames.wireLength[row]!,
        timestampUs: frames.timestampUs[row]!,
        linkType: frames.linkType[row]!,
        packetType: frames.packetType[row]!,
        vlanId: frames.vlanId[row]!,
      });
    }
  }
  return read;
}

describe("a block of the ring", () => {
  it("is read packet by packet, with original lengths, times and types", () => {
    const read = readBlock([
      { captured: 60, wire: 1500, seconds: 1_800_000_000, nanoseconds: 999_999_999 },
      { captured: 61, packetType: packetTypes.outgoing },
    ]);
    expect(read).toEqual([
      {
        offset: descriptorBytes + 96 - 14,
        captured: 60,
        wire: 1500,
        timestampUs: 1_800_000_000_999_999,
        linkType: linkTypeEthernet,
        packetType: packetTypes.host,
        vlanId: vlanInFrame,
      },
      {
        offset: descriptorBytes + 144 + 96 - 14,
        captured: 61,
        wire: 61,
        timestampUs: 0,
        linkType: linkTypeEthernet,
        packetType: packetTypes.outgoing,
        vlanId: vlanInFrame,
      },
    ]);
  });

  it("is read to its end whatever the number of packets and the room for them", () => {
    for (const count of [0, 1, 3, 4, 5, 8, 100]) {
      const packets = Array.from({ length: count }, (_, index) => ({ captured: 20 + (index % 7) }));
      expect(readBlock(packets).map(({ captured }) => captured)).toEqual(
        packets.map(({ captured }) => captured),
      );
    }
  });

  it("gives the VLAN id that the kernel took out of the frame, without priority bits", () => {
    expect(readBlock([{ captured: 60, vlanTag: 0xe123 }])[0]!["vlanId"]).toBe(0x123);
    expect(readBlock([{ captured: 60, vlanTag: 0 }])[0]!["vlanId"]).toBe(0);
  });

  it("begins frames of devices without Ethernet header at the network header", () => {
    const [tunnel, other, loopback] = readBlock([
      { captured: 60, wire: 90, hardware: hardwareTunnel, linkHeader: 24, protocol: 0x86dd },
      { captured: 60, hardware: hardwareTunnel, linkHeader: 0, protocol: 0x88cc },
      { captured: 60, hardware: 772 },
    ]);
    expect(tunnel).toMatchObject({
      offset: descriptorBytes + 96,
      captured: 36,
      wire: 66,
      linkType: linkTypeRawIp,
    });
    expect(other).toMatchObject({ linkType: linkTypeNotIp });
    expect(loopback).toMatchObject({ linkType: linkTypeEthernet });
  });
});

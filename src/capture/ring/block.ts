/** Reads one block of a TPACKET_V3 ring into frame columns, without an allocation per packet. */
import { type FrameColumns, linkTypeEthernet, linkTypeNotIp, linkTypeRawIp, vlanInFrame } from "../frames.ts";
import {
  blockFirstPacket,
  blockPacketCount,
  hardwareEthernet,
  hardwareLoopback,
  packetCapturedLength,
  packetHardwareType,
  packetLinkOffset,
  packetNanoseconds,
  packetNetworkOffset,
  packetNextOffset,
  packetProtocol,
  packetSeconds,
  packetStatus,
  packetType,
  packetVlanTag,
  packetWireLength,
  statusVlanValid,
} from "./layout.ts";

/** The ring's memory as the kernel writes it: native byte order, 8-byte aligned headers. */
export interface RingMemory {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly halves: Uint16Array<ArrayBuffer>;
  readonly words: Uint32Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
}

export function createRingMemory(buffer: ArrayBuffer): RingMemory {
  return {
    bytes: new Uint8Array(buffer),
    halves: new Uint16Array(buffer),
    words: new Uint32Array(buffer),
    view: new DataView(buffer),
  };
}

/** Where reading stands within a block. */
export interface BlockCursor {
  packetOffset: number;
  packetsLeft: number;
}

/** Puts the cursor before the first packet of the block that begins at `blockOffset`. */
export function enterBlock(memory: RingMemory, blockOffset: number, cursor: BlockCursor): void {
  cursor.packetsLeft = memory.words[(blockOffset + blockPacketCount) >> 2]!;
  cursor.packetOffset = blockOffset + memory.words[(blockOffset + blockFirstPacket) >> 2]!;
}

/**
 * Fills `frames` with the next packets of the block, as many as fit. Frames with an Ethernet header begin
 * there; of any other device the frame begins at the network header, because link headers of tunnels differ
 * between the two directions, and sll_protocol tells whether it is IP.
 */
export function readFrames(memory: RingMemory, cursor: BlockCursor, frames: FrameColumns): void {
  const { bytes, halves, words } = memory;
  const wanted = Math.min(frames.capacity, cursor.packetsLeft);
  let packet = cursor.packetOffset;
  for (let row = 0; row < wanted; row++) {
    const word = packet >>> 2;
    const half = packet >>> 1;
    const captured = words[word + (packetCapturedLength >> 2)]!;
    const wire = words[word + (packetWireLength >> 2)]!;
    const link = halves[half + (packetLinkOffset >> 1)]!;
    const hardware = halves[half + (packetHardwareType >> 1)]!;
    let header = 0;
    let linkType = linkTypeEthernet;
    if (hardware !== hardwareEthernet && hardware !== hardwareLoopback) {
      const protocol = (bytes[packet + packetProtocol]! << 8) | bytes[packet + packetProtocol + 1]!;
      header = Math.min(captured, halves[half + (packetNetworkOffset >> 1)]! - link);
      linkType = protocol === 0x0800 || protocol === 0x86dd ? linkTypeRawIp : linkTypeNotIp;
    }
    frames.offset[row] = packet + link + header;
    frames.capturedLength[row] = captured - header;
    frames.wireLength[row] = wire - header;
    frames.linkType[row] = linkType;
    frames.timestampUs[row] =
      words[word + (packetSeconds >> 2)]! * 1e6 + Math.floor(words[word + (packetNanoseconds >> 2)]! / 1000);
    frames.packetType[row] = bytes[packet + packetType]!;
    frames.vlanId[row] =
      (words[word + (packetStatus >> 2)]! & statusVlanValid) === 0
        ? vlanInFrame
        : words[word + (packetVlanTag >> 2)]! & 0xfff;
    packet += words[word + (packetNextOffset >> 2)]!;
  }
  frames.count = wanted;
  cursor.packetOffset = packet;
  cursor.packetsLeft -= wanted;
}

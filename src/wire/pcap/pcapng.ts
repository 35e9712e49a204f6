/**
 * pcapng (draft-ietf-opsawg-pcapng): sections of blocks. Read are section headers, interface descriptions
 * and the three kinds of packet blocks; every other block is skipped.
 */
import type { PcapFrames } from "./frames.ts";
import { type PcapInterface, type PcapReader, type ReadStatus, readStatuses } from "./state.ts";
import { need, stop } from "./stop.ts";
import { ticksPerSecondOf, ticksToMicroseconds } from "./timestamp.ts";

export const sectionHeaderBlock = 0x0a0d0d0a;
const blockTypes = { interfaceDescription: 1, packet: 2, simplePacket: 3, enhancedPacket: 6 } as const;
const byteOrderMagic = 0x1a2b3c4d;
const sectionHeaderBytesMin = 28;
const blockBytesMin = 12;
/** Interfaces believed of one section: more than any host has, and a bound on memory. */
const interfacesMax = 65_536;
const interfaceOptions = { end: 0, timestampResolution: 9, timestampOffset: 14 } as const;

/** Reads blocks from the reader's position on; packets go behind those that `frames` holds. */
export function readPcapngFrames(reader: PcapReader, frames: PcapFrames): ReadStatus {
  while (frames.count < frames.capacity) {
    const { view, at } = reader;
    const available = reader.filled - at;
    if (available < blockBytesMin) return need(reader, blockBytesMin);
    // The section header's type reads alike in both byte orders; its body says which one follows.
    if (view.getUint32(at) === sectionHeaderBlock && !readByteOrder(reader)) {
      return stop(reader, "Malformed", "a pcapng section header without byte-order magic");
    }
    const type = view.getUint32(at, reader.littleEndian);
    const length = view.getUint32(at + 4, reader.littleEndian);
    const lengthMin = type === sectionHeaderBlock ? sectionHeaderBytesMin : blockBytesMin;
    if (length < lengthMin || length % 4 !== 0 || length > reader.recordBytesMax) {
      const allowed = `a multiple of 4 from ${lengthMin} to ${reader.recordBytesMax}`;
      return stop(reader, "Malformed", `a pcapng block of ${length} octets`, allowed);
    }
    if (available < length) return need(reader, length);
    const trailer = view.getUint32(at + length - 4, reader.littleEndian);
    if (trailer !== length) {
      return stop(reader, "Malformed", `a pcapng block of ${length} octets that ends as one of ${trailer}`);
    }
    if (readBlock(reader, type, length, frames) === readStatuses.faulted) return readStatuses.faulted;
    reader.at = at + length;
  }
  return readStatuses.more;
}

function readByteOrder(reader: PcapReader): boolean {
  const { view, at } = reader;
  if (view.getUint32(at + 8, true) === byteOrderMagic) reader.littleEndian = true;
  else if (view.getUint32(at + 8, false) === byteOrderMagic) reader.littleEndian = false;
  else return false;
  return true;
}

/** Reads one whole block. */
function readBlock(reader: PcapReader, type: number, length: number, frames: PcapFrames): ReadStatus {
  switch (type) {
    case blockTypes.enhancedPacket:
      return readEnhancedPacket(reader, length, frames);
    case blockTypes.simplePacket:
      return readSimplePacket(reader, length, frames);
    case blockTypes.packet:
      return readObsoletePacket(reader, length, frames);
    case blockTypes.interfaceDescription:
      return readInterface(reader, length);
    case sectionHeaderBlock:
      return readSectionHeader(reader);
    default:
      return readStatuses.more;
  }
}

function readSectionHeader(reader: PcapReader): ReadStatus {
  const major = reader.view.getUint16(reader.at + 12, reader.littleEndian);
  if (major !== 1) {
    return stop(reader, "Unsupported", `a pcapng section of version ${major}`, "version 1");
  }
  reader.format = "pcapng";
  reader.interfaces = [];
  return readStatuses.more;
}

function readInterface(reader: PcapReader, length: number): ReadStatus {
  const { view, at, littleEndian, interfaces } = reader;
  if (length < 20) return stop(reader, "Malformed", `an interface description of ${length} octets`);
  if (interfaces.length === interfacesMax) {
    return stop(reader, "Malformed", "one interface description too many", `${interfacesMax} in a section`);
  }
  const { ticksPerSecond, offsetSeconds } = readInterfaceOptions(reader, at + 16, at + length - 4);
  interfaces.push({
    linkType: view.getUint16(at + 8, littleEndian),
    snapLength: view.getUint32(at + 12, littleEndian),
    ticksPerSecond,
    offsetSeconds,
  });
  return readStatuses.more;
}

/** The clock of an interface. An option that does not fit ends the list: the packets can be read without it. */
function readInterfaceOptions(
  { view, littleEndian }: PcapReader,
  start: number,
  end: number,
): Pick<PcapInterface, "ticksPerSecond" | "offsetSeconds"> {
  let ticksPerSecond = 1e6;
  let offsetSeconds = 0;
  let at = start;
  while (at + 4 <= end) {
    const code = view.getUint16(at, littleEndian);
    const length = view.getUint16(at + 2, littleEndian);
    if (code === interfaceOptions.end || at + 4 + length > end) break;
    if (code === interfaceOptions.timestampResolution && length === 1) {
      ticksPerSecond = ticksPerSecondOf(view.getUint8(at + 4));
    } else if (code === interfaceOptions.timestampOffset && length === 8) {
      const high = view.getInt32(at + (littleEndian ? 8 : 4), littleEndian);
      offsetSeconds = high * 2 ** 32 + view.getUint32(at + (littleEndian ? 4 : 8), littleEndian);
    }
    at += 4 + ((length + 3) & ~3);
  }
  return { ticksPerSecond, offsetSeconds };
}

function readEnhancedPacket(reader: PcapReader, length: number, frames: PcapFrames): ReadStatus {
  const { view, at, littleEndian } = reader;
  if (length < 32) return stop(reader, "Malformed", `an enhanced packet block of ${length} octets`);
  return takePacket(reader, view.getUint32(at + 8, littleEndian), at + 12, at + length - 4, frames);
}

function readObsoletePacket(reader: PcapReader, length: number, frames: PcapFrames): ReadStatus {
  const { view, at, littleEndian } = reader;
  if (length < 32) return stop(reader, "Malformed", `a packet block of ${length} octets`);
  return takePacket(reader, view.getUint16(at + 8, littleEndian), at + 12, at + length - 4, frames);
}

/** The part that both packet blocks share: time, lengths and data from `fields` on, in a body up to `end`. */
function takePacket(
  reader: PcapReader,
  interfaceId: number,
  fields: number,
  end: number,
  frames: PcapFrames,
): ReadStatus {
  const { view, littleEndian } = reader;
  const source = reader.interfaces[interfaceId];
  if (source === undefined) {
    return stop(reader, "Malformed", `a packet of interface ${interfaceId}, which is not described,`);
  }
  const capturedLength = view.getUint32(fields + 8, littleEndian);
  if (capturedLength > end - (fields + 16)) {
    return stop(reader, "Malformed", `a packet of ${capturedLength} octets in a block too small for it`);
  }
  const high = view.getUint32(fields, littleEndian);
  const low = view.getUint32(fields + 4, littleEndian);
  const timestampUs = ticksToMicroseconds(high, low, source.ticksPerSecond) + source.offsetSeconds * 1e6;
  reader.timestampUs = Math.min(Math.max(timestampUs, 0), Number.MAX_SAFE_INTEGER);
  const wireLength = view.getUint32(fields + 12, littleEndian);
  addFrame(reader, frames, fields + 16, capturedLength, wireLength, source.linkType, interfaceId);
  return readStatuses.more;
}

/** Adds a frame with the reader's time. */
function addFrame(
  reader: PcapReader,
  frames: PcapFrames,
  offset: number,
  capturedLength: number,
  wireLength: number,
  linkType: number,
  interfaceId: number,
): void {
  const row = frames.count++;
  frames.offset[row] = offset;
  frames.capturedLength[row] = capturedLength;
  frames.wireLength[row] = wireLength;
  frames.timestampUs[row] = reader.timestampUs;
  frames.linkType[row] = linkType;
  frames.interfaceId[row] = interfaceId;
  reader.linkType = linkType;
  reader.packets++;
}

/** A simple packet is of interface 0 and has no time: it takes that of the packet before it. */
function readSimplePacket(reader: PcapReader, length: number, frames: PcapFrames): ReadStatus {
  const { view, at, littleEndian } = reader;
  const source = reader.interfaces[0];
  if (source === undefined) {
    return stop(reader, "Malformed", "a simple packet before any interface description");
  }
  if (length < 16) return stop(reader, "Malformed", `a simple packet block of ${length} octets`);
  const wireLength = view.getUint32(at + 8, littleEndian);
  const kept = source.snapLength === 0 ? wireLength : Math.min(wireLength, source.snapLength);
  addFrame(reader, frames, at + 12, Math.min(kept, length - 16), wireLength, source.linkType, 0);
  return readStatuses.more;
}

/**
 * The classic pcap format (draft-ietf-opsawg-pcap): a file header, then packets with 16-octet headers, in
 * the byte order of the host that wrote it, with microseconds or nanoseconds.
 */
import type { PcapFrames } from "./frames.ts";
import { type PcapReader, type ReadStatus, readStatuses } from "./state.ts";
import { need, stop } from "./stop.ts";

const fileHeaderBytes = 24;
const recordHeaderBytes = 16;

export const classicMagics = { microseconds: 0xa1b2c3d4, nanoseconds: 0xa1b23c4d } as const;

/** Reads the file header. */
export function readClassicHeader(
  reader: PcapReader,
  littleEndian: boolean,
  ticksPerSecond: number,
): ReadStatus {
  const { view, at } = reader;
  if (reader.filled - at < fileHeaderBytes) return need(reader, fileHeaderBytes);
  const major = view.getUint16(at + 4, littleEndian);
  if (major !== 2) return stop(reader, "Unsupported", `a pcap header of version ${major}`, "version 2");
  reader.format = "pcap";
  reader.littleEndian = littleEndian;
  // The upper half of the link type's word tells of frame check sequences, which no length here includes.
  const linkType = view.getUint32(at + 20, littleEndian) & 0xffff;
  const snapLength = view.getUint32(at + 16, littleEndian);
  reader.interfaces = [{ linkType, snapLength, ticksPerSecond, offsetSeconds: 0 }];
  reader.linkType = linkType;
  reader.at = at + fileHeaderBytes;
  return readStatuses.more;
}

/** Reads packet records from the reader's position on, behind those that `frames` holds. */
export function readClassicFrames(reader: PcapReader, frames: PcapFrames): ReadStatus {
  const { view, littleEndian, filled, linkType } = reader;
  const nanoseconds = reader.interfaces[0]!.ticksPerSecond !== 1e6;
  const capturedMax = Math.min(reader.recordBytesMax, filled);
  let { at } = reader;
  let row = frames.count;
  for (; row < frames.capacity && at + recordHeaderBytes <= filled; row++) {
    const capturedLength = view.getUint32(at + 8, littleEndian);
    if (capturedLength > capturedMax || at + recordHeaderBytes + capturedLength > filled) break;
    const seconds = view.getUint32(at, littleEndian);
    const fraction = view.getUint32(at + 4, littleEndian);
    frames.timestampUs[row] = seconds * 1e6 + (nanoseconds ? Math.floor(fraction / 1000) : fraction);
    frames.offset[row] = at + recordHeaderBytes;
    frames.capturedLength[row] = capturedLength;
    frames.wireLength[row] = view.getUint32(at + 12, littleEndian);
    frames.linkType[row] = linkType;
    frames.interfaceId[row] = 0;
    at += recordHeaderBytes + capturedLength;
  }
  reader.at = at;
  reader.packets += row - frames.count;
  if (row > 0) reader.timestampUs = frames.timestampUs[row - 1]!;
  frames.count = row;
  return row === frames.capacity ? readStatuses.more : refuseOrNeed(reader);
}

/** Why the record at the reader's position was not read. */
function refuseOrNeed(reader: PcapReader): ReadStatus {
  const { view, at, littleEndian, recordBytesMax } = reader;
  if (reader.filled - at < recordHeaderBytes) return need(reader, recordHeaderBytes);
  const capturedLength = view.getUint32(at + 8, littleEndian);
  if (capturedLength <= recordBytesMax) return need(reader, recordHeaderBytes + capturedLength);
  return stop(reader, "Malformed", `a packet of ${capturedLength} octets`, `up to ${recordBytesMax}`);
}

/**
 * The classic pcap format (draft-ietf-opsawg-pcap): a file header, then packets with 16-octet headers, in
 * the byte order of the host that wrote it, with microseconds or nanoseconds.
 */
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
  return readStatuses.packet;
}

/** Reads the packet record at the reader's position. */
export function readClassicPacket(reader: PcapReader): ReadStatus {
  const { view, at, littleEndian } = reader;
  const available = reader.filled - at;
  if (available < recordHeaderBytes) return need(reader, recordHeaderBytes);
  const capturedLength = view.getUint32(at + 8, littleEndian);
  if (capturedLength > reader.recordBytesMax) {
    return stop(
      reader,
      "Malformed",
      `a packet of ${capturedLength} octets`,
      `up to ${reader.recordBytesMax}`,
    );
  }
  if (available < recordHeaderBytes + capturedLength) return need(reader, recordHeaderBytes + capturedLength);
  const seconds = view.getUint32(at, littleEndian);
  const fraction = view.getUint32(at + 4, littleEndian);
  const nanoseconds = reader.interfaces[0]!.ticksPerSecond !== 1e6;
  reader.timestampUs = seconds * 1e6 + (nanoseconds ? Math.floor(fraction / 1000) : fraction);
  reader.packetOffset = at + recordHeaderBytes;
  reader.capturedLength = capturedLength;
  reader.wireLength = view.getUint32(at + 12, littleEndian);
  reader.at = at + recordHeaderBytes + capturedLength;
  reader.packets++;
  return readStatuses.packet;
}

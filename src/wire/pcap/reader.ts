/**
 * Reads capture files, classic pcap or pcapng, from input that comes in pieces.
 *
 * Bytes go in through inputSpace() and inputWritten(), which spare a copy, or through giveInput(); frames
 * come out of readFrames() many at a time, in the reader's own buffer, without an allocation. Every byte
 * sequence is read to its end or to a fault that tells the offset; what came before a fault was handed out.
 */
import { type Fault, fault } from "../../base/mod.ts";
import { classicMagics, readClassicFrames, readClassicHeader } from "./classic.ts";
import type { PcapFrames } from "./frames.ts";
import { readPcapngFrames, sectionHeaderBlock } from "./pcapng.ts";
import { type PcapReader, type PcapReaderOptions, type ReadStatus, readStatuses } from "./state.ts";
import { faultAt, need } from "./stop.ts";

const magicBytes = 4;
/** Space that is not worth a read of its own: the rest is moved to the front instead. */
const spaceBytesMin = 64 * 1024;

export function createPcapReader(options: PcapReaderOptions = {}): PcapReader {
  const bytes = new Uint8Array(Math.max(options.bufferBytes ?? 2 ** 21, 64));
  return {
    bytes,
    view: new DataView(bytes.buffer),
    linkType: 0,
    timestampUs: 0,
    format: "unknown",
    littleEndian: true,
    interfaces: [],
    packets: 0,
    fault: undefined,
    at: 0,
    filled: 0,
    base: 0,
    needed: magicBytes,
    recordBytesMax: options.recordBytesMax ?? 2 ** 24,
  };
}

/**
 * The part of the buffer that input may be written to; never empty. Call only after readFrames() asked for
 * input: what was handed out before is moved or overwritten.
 */
export function inputSpace(reader: PcapReader): Uint8Array<ArrayBuffer> {
  const rest = reader.filled - reader.at;
  if (reader.needed > reader.bytes.length) growBuffer(reader);
  else if (reader.bytes.length - reader.filled < Math.min(spaceBytesMin, reader.bytes.length / 2)) {
    reader.bytes.copyWithin(0, reader.at, reader.filled);
    moveToFront(reader, rest);
  }
  return reader.bytes.subarray(reader.filled);
}

/** Says that `octets` octets of inputSpace() were written. */
export function inputWritten(reader: PcapReader, octets: number): void {
  reader.filled += octets;
}

/** Copies as much of `input` as there is space for and says how much that was; at least one octet. */
export function giveInput(reader: PcapReader, input: Uint8Array): number {
  const space = inputSpace(reader);
  const taken = Math.min(space.length, input.length);
  space.set(input.subarray(0, taken));
  reader.filled += taken;
  return taken;
}

/**
 * Fills `frames` with the next frames, as many as it has room for and input is there for. Whatever the answer,
 * the frames are to be used: what they lie in stays until the next inputSpace() or giveInput().
 */
export function readFrames(reader: PcapReader, frames: PcapFrames): ReadStatus {
  frames.count = 0;
  if (reader.fault !== undefined) return readStatuses.faulted;
  if (reader.format === "unknown") {
    const status = readMagic(reader);
    if (status !== readStatuses.more) return status;
  }
  return reader.format === "pcap" ? readClassicFrames(reader, frames) : readPcapngFrames(reader, frames);
}

/** Says that there is no more input: the fault of a file that ends inside a record, or the one found before. */
export function finishInput(reader: PcapReader): Fault | undefined {
  const rest = reader.filled - reader.at;
  if (reader.fault === undefined && (rest > 0 || reader.format === "unknown")) {
    const offset = reader.base + reader.at;
    const cut = `the capture file ends within the record at byte ${offset}: ${reader.needed} octets needed, ${rest} there`;
    const isEmpty = reader.filled === 0 && reader.base === 0;
    reader.fault = isEmpty
      ? fault("Truncated", "the capture file is empty", { field: "offset", value: "0" })
      : faultAt(offset, "Truncated", cut);
  }
  return reader.fault;
}

/** Settles the format by the file's first octets; `more` means that it is settled. */
function readMagic(reader: PcapReader): ReadStatus {
  if (reader.filled < magicBytes) return need(reader, magicBytes);
  const bigEndian = reader.view.getUint32(0, false);
  const littleEndian = reader.view.getUint32(0, true);
  const { microseconds, nanoseconds } = classicMagics;
  if (bigEndian === sectionHeaderBlock) {
    reader.format = "pcapng";
    return readStatuses.more;
  }
  if (bigEndian === microseconds || littleEndian === microseconds) {
    return readClassicHeader(reader, littleEndian === microseconds, 1e6);
  }
  if (bigEndian === nanoseconds || littleEndian === nanoseconds) {
    return readClassicHeader(reader, littleEndian === nanoseconds, 1e9);
  }
  const message = `the file is no capture: it begins with ${describeOctets(reader.bytes.subarray(0, magicBytes))}`;
  reader.fault = faultAt(0, "Malformed", message, "a pcap or pcapng file");
  return readStatuses.faulted;
}

/** `0x6e6f7420 ("not ")`: in hexadecimal, and as text where it is text. */
function describeOctets(octets: Uint8Array): string {
  const text = String.fromCharCode(...octets);
  const shown = /^[\x20-\x7e]+$/u.test(text) ? ` ("${text}")` : "";
  return `0x${Buffer.from(octets).toString("hex")}${shown}`;
}

function growBuffer(reader: PcapReader): void {
  const rest = reader.filled - reader.at;
  const bytes = new Uint8Array(reader.needed);
  bytes.set(reader.bytes.subarray(reader.at, reader.filled));
  reader.bytes = bytes;
  reader.view = new DataView(bytes.buffer);
  moveToFront(reader, rest);
}

function moveToFront(reader: PcapReader, rest: number): void {
  reader.base += reader.at;
  reader.at = 0;
  reader.filled = rest;
}

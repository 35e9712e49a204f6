/**
 * Packets of a capture file, as rows for a meter.
 *
 * fillPackets() decodes what the buffer holds and never waits; readMore() brings the buffer's next octets.
 * So the loop over packets is synchronous, and one await serves some ten thousand of them.
 */
import type { Fault } from "../../base/mod.ts";
import {
  createPacketColumns,
  createPacketDecoder,
  decodeFrame,
  decodeOutcomes,
  type PacketColumns,
  type PacketDecoder,
  type PacketDecoderOptions,
} from "../../wire/packet/mod.ts";
import {
  createPcapFrames,
  createPcapReader,
  finishInput,
  inputSpace,
  inputWritten,
  type PcapFrames,
  type PcapReader,
  readFrames,
  readStatuses,
} from "../../wire/pcap/mod.ts";
import type { CaptureFile } from "./capture-file.ts";

export interface PacketSource {
  /** The rows of the last fillPackets(). */
  readonly packets: PacketColumns;
  readonly frames: PcapFrames;
  /** `reader.packets` is the number of frames read; `decoder.outcomes` what became of them. */
  readonly reader: PcapReader;
  readonly decoder: PacketDecoder;
  readonly file: CaptureFile;
  /** The earliest and the latest timestamp of all frames; Infinity and -Infinity before the first. */
  readonly timesUs: Float64Array<ArrayBuffer>;
  /** Why the capture ends where it does, if not at its end. */
  fault: Fault | undefined;
}

export interface PacketSourceOptions {
  /** Frames decoded at a time. Default 256. */
  readonly rows?: number;
  readonly decoder?: PacketDecoderOptions;
}

const rowsDefault = 256;
/** Small enough that what was read is still in the processor's second cache when it is decoded. */
const bufferBytes = 2 ** 18;

/** There may be more rows, or input is wanted first; either may leave rows that are to be used, or none. */
export type FillStatus = "rows" | "input";

export function createPacketSource(file: CaptureFile, options: PacketSourceOptions = {}): PacketSource {
  return {
    packets: createPacketColumns(options.rows ?? rowsDefault),
    frames: createPcapFrames(options.rows ?? rowsDefault),
    reader: createPcapReader({ bufferBytes }),
    decoder: createPacketDecoder(options.decoder),
    file,
    timesUs: Float64Array.of(Infinity, -Infinity),
    fault: undefined,
  };
}

/** Decodes the next frames into rows 0 to `packets.count` - 1. */
export function fillPackets(source: PacketSource): FillStatus {
  const status = readFrames(source.reader, source.frames);
  decodeFrames(source);
  return status === readStatuses.more ? "rows" : "input";
}

function decodeFrames({ packets, frames, reader, decoder, timesUs }: PacketSource): void {
  const { bytes, view } = reader;
  const { count, offset, capturedLength, wireLength, timestampUs, linkType, interfaceId } = frames;
  let earliestUs = timesUs[0]!;
  let latestUs = timesUs[1]!;
  let row = 0;
  for (let frame = 0; frame < count; frame++) {
    const timeUs = timestampUs[frame]!;
    if (timeUs < earliestUs) earliestUs = timeUs;
    if (timeUs > latestUs) latestUs = timeUs;
    packets.timestampUs[row] = timeUs;
    const outcome = decodeFrame(
      decoder,
      bytes,
      view,
      offset[frame]!,
      capturedLength[frame]!,
      wireLength[frame]!,
      linkType[frame]!,
      packets,
      row,
    );
    if (outcome !== decodeOutcomes.packet) continue;
    // A cooked header names the interface; otherwise the file's own number keeps its interfaces apart.
    packets.interfaceIndex[row] = decoder.interfaceIndex === 0 ? interfaceId[frame]! : decoder.interfaceIndex;
    packets.direction[row] = decoder.direction;
    row++;
  }
  timesUs[0] = earliestUs;
  timesUs[1] = latestUs;
  packets.count = row;
}

/** Reads on; false when nothing more comes, because the capture ends or `source.fault` says what is wrong. */
export async function readMore(source: PacketSource): Promise<boolean> {
  const { reader, file } = source;
  if (reader.fault === undefined) {
    const read = await file.read(inputSpace(reader));
    if (read.ok && read.value > 0) {
      inputWritten(reader, read.value);
      return true;
    }
    if (!read.ok) {
      source.fault = read.fault;
      return false;
    }
  }
  source.fault = finishInput(reader);
  return false;
}

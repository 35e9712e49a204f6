/** A whole file through the reader, in pieces of any size. */
import type { Fault } from "../../../src/base/mod.ts";
import {
  createPcapFrames,
  createPcapReader,
  finishInput,
  giveInput,
  type PcapReaderOptions,
  readFrames,
  readStatuses,
} from "../../../src/wire/pcap/mod.ts";

export interface ReadFile {
  packets: {
    timestampUs: number;
    linkType: number;
    interfaceId: number;
    wireLength: number;
    data: string;
  }[];
  fault: Fault | undefined;
}

export function readFile(
  file: Uint8Array,
  pieceBytes = file.length,
  options: PcapReaderOptions = {},
): ReadFile {
  const reader = createPcapReader(options);
  // Few at a time, so that files of a handful of packets take several calls.
  const frames = createPcapFrames(3);
  const packets: ReadFile["packets"] = [];
  for (let at = 0; ;) {
    const status = readFrames(reader, frames);
    for (let row = 0; row < frames.count; row++) {
      const offset = frames.offset[row]!;
      packets.push({
        timestampUs: frames.timestampUs[row]!,
        linkType: frames.linkType[row]!,
        interfaceId: frames.interfaceId[row]!,
        wireLength: frames.wireLength[row]!,
        data: reader.bytes.subarray(offset, offset + frames.capturedLength[row]!).toHex(),
      });
    }
    if (status === readStatuses.more) continue;
    if (status === readStatuses.faulted || at >= file.length) return { packets, fault: finishInput(reader) };
    at += giveInput(reader, file.subarray(at, at + pieceBytes));
  }
}

/** A whole file through the reader, in pieces of any size. */
import type { Fault } from "../../../src/base/mod.ts";
import {
  createPcapReader,
  finishInput,
  giveInput,
  type PcapReaderOptions,
  readPacket,
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
  const packets: ReadFile["packets"] = [];
  for (let at = 0; ;) {
    const status = readPacket(reader);
    if (status === readStatuses.packet) {
      const { bytes, packetOffset, capturedLength, timestampUs, linkType, interfaceId, wireLength } = reader;
      const data = bytes.subarray(packetOffset, packetOffset + capturedLength).toHex();
      packets.push({ timestampUs, linkType, interfaceId, wireLength, data });
    } else if (status === readStatuses.needInput && at < file.length) {
      at += giveInput(reader, file.subarray(at, at + pieceBytes));
    } else return { packets, fault: finishInput(reader) };
  }
}

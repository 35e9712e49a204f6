/** Capture files: classic pcap and pcapng, read in pieces. */
export { createPcapReader, finishInput, giveInput, inputSpace, inputWritten, readPacket } from "./reader.ts";
export {
  type PcapFormat,
  type PcapInterface,
  type PcapReader,
  type PcapReaderOptions,
  readStatuses,
  type ReadStatus,
} from "./state.ts";

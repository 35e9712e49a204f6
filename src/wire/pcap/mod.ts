/** Capture files: classic pcap and pcapng, read in pieces. */
export { createPcapFrames, type PcapFrames } from "./frames.ts";
export { createPcapReader, finishInput, giveInput, inputSpace, inputWritten, readFrames } from "./reader.ts";
export {
  type PcapFormat,
  type PcapInterface,
  type PcapReader,
  type PcapReaderOptions,
  readStatuses,
  type ReadStatus,
} from "./state.ts";

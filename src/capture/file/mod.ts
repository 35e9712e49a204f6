/** Capture files as a source of packets. */
export { type CaptureFile, openCaptureFile } from "./capture-file.ts";
export { identifyCapture } from "./identify.ts";
export {
  createPacketSource,
  fillPackets,
  type FillStatus,
  type PacketSource,
  type PacketSourceOptions,
  readMore,
} from "./packet-source.ts";

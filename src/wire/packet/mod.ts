/** Frames to packets: the packet decoder and the columns it fills. */
export * from "./columns.ts";
export * from "./decoder.ts";
export { defaultEncapsulations, type EncapsulationSwitches } from "./encapsulation.ts";
export * from "./link-type.ts";
export { type DecodeOutcome, decodeOutcomeNames, type DecodeOutcomeName, decodeOutcomes } from "./outcome.ts";
export { createPacketDecoder, type PacketDecoder, type PacketDecoderOptions } from "./state.ts";

/** Payloads that do not say what they are but by their first four bits. */
import { etherTypes } from "./ether-type.ts";
import { decodeOutcomes, type DecodeStep } from "./outcome.ts";
import { endedEarly, type PacketDecoder } from "./state.ts";

/** The step for the IP packet at `decoder.at`; `otherwise` if it is none. */
export function stepByIpVersion(
  decoder: PacketDecoder,
  bytes: Uint8Array,
  otherwise: DecodeStep = decodeOutcomes.malformed,
): DecodeStep {
  if (decoder.at >= decoder.end) return endedEarly(decoder, decoder.at + 1);
  const version = bytes[decoder.at]! >>> 4;
  if (version === 4) return etherTypes.ipv4;
  return version === 6 ? etherTypes.ipv6 : otherwise;
}

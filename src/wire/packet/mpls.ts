/** MPLS label stacks (RFC 3032), and the Ethernet pseudowires in them (RFC 4448). */
import { decodeEthernet } from "./ethernet.ts";
import { stepByIpVersion } from "./ip-version.ts";
import { decodeOutcomes, type DecodeStep } from "./outcome.ts";
import { endedEarly, type PacketDecoder } from "./state.ts";

const labelBytes = 4;
/** Segment routing pushes ten or so; no hardware reads as many as this. */
const labelsMax = 16;
const bottomOfStack = 0x100;

/**
 * Consumes the whole stack. Labels do not say what they are put on; every router guesses it by the first
 * four bits behind the stack (RFC 4928): 4 and 6 are IP, 0 is the control word of a pseudowire, whose
 * payload is taken to be Ethernet, and 1 is an associated channel, which carries no traffic.
 */
export function decodeMpls(decoder: PacketDecoder, bytes: Uint8Array, view: DataView): DecodeStep {
  if (!decoder.encapsulations.mpls) return decodeOutcomes.notIp;
  for (let labels = 0; labels < labelsMax; labels++) {
    const at = decoder.at;
    if (at + labelBytes > decoder.end) return endedEarly(decoder, at + labelBytes);
    decoder.at = at + labelBytes;
    if ((view.getUint32(at) & bottomOfStack) !== 0) return decodePayload(decoder, bytes, view);
  }
  return decodeOutcomes.malformed;
}

function decodePayload(decoder: PacketDecoder, bytes: Uint8Array, view: DataView): DecodeStep {
  const isPseudowire = decoder.at < decoder.end && bytes[decoder.at]! >>> 4 === 0;
  if (!isPseudowire) return stepByIpVersion(decoder, bytes, decodeOutcomes.notIp);
  decoder.at += 4;
  return decodeEthernet(decoder, view);
}

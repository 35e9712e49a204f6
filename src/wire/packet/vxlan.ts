/** VXLAN (RFC 7348). */
import { decodeEthernet } from "./ethernet.ts";
import { decodeOutcomes, type DecodeStep } from "./outcome.ts";
import { endedEarly, type PacketDecoder } from "./state.ts";

const headerBytes = 8;
const validNetworkFlag = 0x08;

/** Consumes the VXLAN header; the flags of the group policy extension are allowed, and ignored. */
export function decodeVxlan(decoder: PacketDecoder, view: DataView): DecodeStep {
  const at = decoder.at;
  if (at + headerBytes > decoder.end) return endedEarly(decoder, at + headerBytes);
  if ((view.getUint8(at) & validNetworkFlag) === 0) return decodeOutcomes.malformed;
  decoder.at = at + headerBytes;
  return decodeEthernet(decoder, view);
}

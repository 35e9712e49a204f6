/** GENEVE (RFC 8926). */
import { etherTypeMin } from "./ether-type.ts";
import { decodeEthernet } from "./ethernet.ts";
import { decodeOutcomes, type DecodeStep } from "./outcome.ts";
import { endedEarly, type PacketDecoder } from "./state.ts";

const headerBytes = 8;
const controlFlag = 0x80;
const ethernetProtocol = 0x6558;

/**
 * Consumes the GENEVE header. Its options are stepped over as a whole: their length is 6 bits of 4 octets,
 * so 252 at most, and none of them changes where the payload begins.
 */
export function decodeGeneve(decoder: PacketDecoder, view: DataView): DecodeStep {
  const at = decoder.at;
  if (at + headerBytes > decoder.end) return endedEarly(decoder, at + headerBytes);
  const versionAndLength = view.getUint8(at);
  if (versionAndLength >>> 6 !== 0) return decodeOutcomes.malformed;
  // Control packets are the tunnel's own, not its users'.
  if ((view.getUint8(at + 1) & controlFlag) !== 0) return decodeOutcomes.notIp;
  decoder.at = at + headerBytes + (versionAndLength & 0x3f) * 4;
  const protocolType = view.getUint16(at + 2);
  if (protocolType === ethernetProtocol) return decodeEthernet(decoder, view);
  return protocolType >= etherTypeMin ? protocolType : decodeOutcomes.notIp;
}

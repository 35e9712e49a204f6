/** Ethernet II and IEEE 802.3 frames, and the LLC and SNAP headers that the latter carry. */
import { etherTypeMin } from "./ether-type.ts";
import { decodeOutcomes, type DecodeStep } from "./outcome.ts";
import { endedEarly, type PacketDecoder } from "./state.ts";

const headerBytes = 14;
/** DSAP and SSAP 0xAA, unnumbered information, and the first two octets of organisation code 0. */
const snapAndUnnumbered = 0xaaaa0300;

/** Consumes the Ethernet header. */
export function decodeEthernet(decoder: PacketDecoder, view: DataView): DecodeStep {
  const at = decoder.at;
  if (at + headerBytes > decoder.end) return endedEarly(decoder, at + headerBytes);
  decoder.at = at + headerBytes;
  const typeOrLength = view.getUint16(at + 12);
  return typeOrLength >= etherTypeMin ? typeOrLength : decodeLlc(decoder, view);
}

/** Consumes an LLC header; only SNAP with organisation code 0 (RFC 1042) leads to an EtherType. */
export function decodeLlc(decoder: PacketDecoder, view: DataView): DecodeStep {
  const at = decoder.at;
  if (at + 8 > decoder.end) return decodeOutcomes.notIp;
  if (view.getUint32(at) !== snapAndUnnumbered || view.getUint16(at + 4) !== 0) return decodeOutcomes.notIp;
  decoder.at = at + 8;
  const etherType = view.getUint16(at + 6);
  return etherType >= etherTypeMin ? etherType : decodeOutcomes.notIp;
}

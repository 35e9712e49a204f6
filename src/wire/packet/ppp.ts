/** PPP (RFC 1661), in HDLC-like framing (RFC 1662), over Ethernet (RFC 2516) and beside Cisco's own HDLC. */
import { limitPayload } from "./encapsulation.ts";
import { etherTypeMin, etherTypes } from "./ether-type.ts";
import { decodeOutcomes, type DecodeStep } from "./outcome.ts";
import { endedEarly, type PacketDecoder } from "./state.ts";

const protocols = { ipv4: 0x0021, ipv6: 0x0057, mpls: 0x0281, mplsMulticast: 0x0283 } as const;
/** All stations, unnumbered information. */
const addressAndControl = 0xff03;
const ciscoUnicast = 0x0f00;
const ciscoMulticast = 0x8f00;

const directionReceived = 0;
const ingress = 0;
const egress = 1;

/** Consumes the PPP header, whose address and control field the ends may have agreed to leave out. */
export function decodePpp(decoder: PacketDecoder, bytes: Uint8Array, view: DataView): DecodeStep {
  let at = decoder.at;
  if (at + 2 > decoder.end) return endedEarly(decoder, at + 2);
  if (view.getUint16(at) === addressAndControl) at += 2;
  if (at >= decoder.end) return endedEarly(decoder, at + 1);
  let protocol = bytes[at++]!;
  // Only the last octet of a protocol number is odd, so that an odd first one is a number left short.
  if ((protocol & 1) === 0) {
    if (at >= decoder.end) return endedEarly(decoder, at + 1);
    protocol = (protocol << 8) | bytes[at++]!;
  }
  decoder.at = at;
  switch (protocol) {
    case protocols.ipv4:
      return etherTypes.ipv4;
    case protocols.ipv6:
      return etherTypes.ipv6;
    case protocols.mpls:
    case protocols.mplsMulticast:
      return etherTypes.mpls;
    default:
      return decodeOutcomes.notIp;
  }
}

/** PPP behind an octet that tells the direction (LINKTYPE_PPP_WITH_DIR). */
export function decodePppWithDirection(
  decoder: PacketDecoder,
  bytes: Uint8Array,
  view: DataView,
): DecodeStep {
  if (decoder.at >= decoder.end) return endedEarly(decoder, decoder.at + 1);
  decoder.direction = bytes[decoder.at++] === directionReceived ? ingress : egress;
  return decodePpp(decoder, bytes, view);
}

/** Serial lines: PPP, or Cisco HDLC, whose address is another. */
export function decodeSerial(decoder: PacketDecoder, bytes: Uint8Array, view: DataView): DecodeStep {
  const at = decoder.at;
  if (at + 2 > decoder.end) return endedEarly(decoder, at + 2);
  const address = view.getUint16(at);
  if (address === ciscoUnicast || address === ciscoMulticast) return decodeCiscoHdlc(decoder, view);
  return decodePpp(decoder, bytes, view);
}

/** Cisco HDLC: address, control, and an EtherType. */
export function decodeCiscoHdlc(decoder: PacketDecoder, view: DataView): DecodeStep {
  const at = decoder.at;
  if (at + 4 > decoder.end) return endedEarly(decoder, at + 4);
  decoder.at = at + 4;
  const etherType = view.getUint16(at + 2);
  return etherType >= etherTypeMin ? etherType : decodeOutcomes.notIp;
}

const versionTypeAndSession = 0x1100;

/** Consumes the header of a PPPoE session's frame, whose length leaves Ethernet's padding out. */
export function decodePppoe(decoder: PacketDecoder, bytes: Uint8Array, view: DataView): DecodeStep {
  if (!decoder.encapsulations.pppoe) return decodeOutcomes.notIp;
  return decodePppoeHeader(decoder, bytes, view);
}

/** As decodePppoe(), on a link that has nothing else (LINKTYPE_PPP_ETHER). */
export function decodePppoeHeader(decoder: PacketDecoder, bytes: Uint8Array, view: DataView): DecodeStep {
  const at = decoder.at;
  if (at + 6 > decoder.end) return endedEarly(decoder, at + 6);
  if (view.getUint16(at) !== versionTypeAndSession) return decodeOutcomes.notIp;
  limitPayload(decoder, at + 6, view.getUint16(at + 4));
  decoder.at = at + 6;
  return decodePpp(decoder, bytes, view);
}

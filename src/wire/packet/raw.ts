/** Links that carry IP without an EtherType: BSD loopback, and Linux's NFLOG records. */
import { etherTypes } from "./ether-type.ts";
import { stepByIpVersion } from "./ip-version.ts";
import { decodeOutcomes, type DecodeStep } from "./outcome.ts";
import { endedEarly, type PacketDecoder } from "./state.ts";

const familyIpv4 = 2;
/** AF_INET6 of Linux, NetBSD and OpenBSD, FreeBSD, and macOS: a file may come from any of them. */
const familiesIpv6: readonly number[] = [10, 24, 28, 30];

/** BSD loopback: the address family in the byte order of the host that captured (0) or of the network (108). */
export function decodeLoopback(decoder: PacketDecoder, view: DataView): DecodeStep {
  const at = decoder.at;
  if (at + 4 > decoder.end) return endedEarly(decoder, at + 4);
  decoder.at = at + 4;
  const value = view.getUint32(at);
  // A family fits in one octet, so whichever end it stands at tells the byte order.
  const family = value > 0xff ? view.getUint32(at, true) : value;
  if (family === familyIpv4) return etherTypes.ipv4;
  return familiesIpv6.includes(family) ? etherTypes.ipv6 : decodeOutcomes.notIp;
}

const nflogHeaderBytes = 4;
const nflogPayload = 9;
const nflogAttributesMax = 64;

/**
 * LINKTYPE_NFLOG: attributes of length, type and value in the capturing host's byte order, which is
 * little-endian on every host that Weir runs on; the packet is the attribute of type 9.
 */
export function decodeNflog(decoder: PacketDecoder, bytes: Uint8Array, view: DataView): DecodeStep {
  let at = decoder.at + nflogHeaderBytes;
  for (let attributes = 0; attributes < nflogAttributesMax && at + 4 <= decoder.end; attributes++) {
    const length = view.getUint16(at, true);
    if (length < 4) return decodeOutcomes.malformed;
    if ((view.getUint16(at + 2, true) & 0x7fff) === nflogPayload) {
      return enterPayload(decoder, bytes, view, at + 4, at + length);
    }
    at += (length + 3) & ~3;
  }
  return at < decoder.wireEnd ? endedEarly(decoder, at + 4) : decodeOutcomes.notIp;
}

/** The kernel may have copied a part of the packet only, so its own length is believed beyond the payload's. */
function enterPayload(
  decoder: PacketDecoder,
  bytes: Uint8Array,
  view: DataView,
  start: number,
  payloadEnd: number,
): DecodeStep {
  decoder.at = start;
  decoder.end = Math.min(decoder.end, payloadEnd);
  decoder.wireEnd = payloadEnd;
  const step = stepByIpVersion(decoder, bytes);
  // Rules of the ARP and bridge families log other protocols.
  if (step === decodeOutcomes.malformed) return decodeOutcomes.notIp;
  if (decoder.end - start < 6) return decodeOutcomes.truncated;
  const ownLength = step === etherTypes.ipv4 ? view.getUint16(start + 2) : 40 + view.getUint16(start + 4);
  decoder.wireEnd = Math.max(payloadEnd, start + ownLength);
  return step;
}

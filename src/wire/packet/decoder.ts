/**
 * Frames to packets.
 *
 * A frame is walked header by header: the link's decoder finds the first EtherType, and each header that
 * is consumed answers with the next, until IP is reached or the frame has another outcome. A protocol
 * that wraps others (a tag, a label, a tunnel) is one file with one such function and one `case` below.
 *
 * This runs once a packet: it allocates nothing and throws nothing, whatever the bytes.
 */
import type { PacketColumns } from "./columns.ts";
import { decodeLinuxSll, decodeLinuxSll2 } from "./cooked.ts";
import { settleTunnels, tunnelSteps } from "./encapsulation.ts";
import { etherTypes } from "./ether-type.ts";
import { decodeEthernet } from "./ethernet.ts";
import { decodeGre } from "./gre.ts";
import { decodeIpv4 } from "./ipv4.ts";
import { decodeIpv6 } from "./ipv6.ts";
import { stepByIpVersion } from "./ip-version.ts";
import { linkTypes } from "./link-type.ts";
import { decodeMpls } from "./mpls.ts";
import { type DecodeOutcome, decodeOutcomes, type DecodeStep } from "./outcome.ts";
import {
  decodeCiscoHdlc,
  decodePpp,
  decodePppoe,
  decodePppoeHeader,
  decodePppWithDirection,
  decodeSerial,
} from "./ppp.ts";
import { decodeLoopback, decodeNflog } from "./raw.ts";
import { decodePlainFrame } from "./plain.ts";
import type { PacketDecoder } from "./state.ts";
import { decodeUdpTunnel } from "./udp-tunnel.ts";
import { decodeVlanTag } from "./vlan.ts";

/**
 * Headers of a frame that are walked, so that no frame takes longer than another by much: enough for the four
 * tunnels that are entered (encapsulation.ts), each with an inner frame of two tags. Beyond, it is malformed.
 */
const headersMax = 24;

/**
 * Decodes the frame at `offset` into row `row` of `packets` and counts its outcome in `decoder.outcomes`.
 *
 * `bytes` and `view` are the same memory; `capturedLength` octets of the frame's `wireLength` are there.
 * Writes every column of the row except timestampUs, interfaceIndex and direction, which are the caller's
 * (decoder.interfaceIndex and decoder.direction hold what the link header said of them). timestampUs, the
 * frame's time, must be there before: fragments are aged by it. It is no argument, because V8 would allocate for
 * each. The row is meaningless unless the outcome is `packet`.
 */
export function decodeFrame(
  decoder: PacketDecoder,
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  capturedLength: number,
  wireLength: number,
  linkType: number,
  packets: PacketColumns,
  row: number,
): DecodeOutcome {
  decoder.interfaceIndex = 0;
  decoder.direction = 255;
  if (
    linkType === linkTypes.ethernet &&
    decodePlainFrame(decoder, bytes, view, offset, capturedLength, wireLength, packets, row)
  ) {
    decoder.outcomes[decodeOutcomes.packet]!++;
    return decodeOutcomes.packet;
  }
  decoder.at = offset;
  decoder.end = Math.min(offset + capturedLength, view.byteLength);
  // A frame is as long as what was captured of it, even if the file says less.
  decoder.wireEnd = Math.max(offset + wireLength, decoder.end);
  decoder.vlanId = 0;
  let step = decodeLink(decoder, bytes, view, linkType);
  for (let headers = 0; step > decodeOutcomes.unsupportedLink; headers++) {
    step =
      headers < headersMax
        ? decodeHeader(decoder, bytes, view, step, packets, row)
        : decodeOutcomes.malformed;
  }
  if (decoder.tunnels !== 0) step = settleTunnels(decoder, step);
  decoder.outcomes[step]!++;
  return step as DecodeOutcome;
}

/** Consumes the header that `step` names: an EtherType, or the IP protocol of a tunnel. */
function decodeHeader(
  decoder: PacketDecoder,
  bytes: Uint8Array,
  view: DataView,
  step: DecodeStep,
  packets: PacketColumns,
  row: number,
): DecodeStep {
  switch (step) {
    case etherTypes.ipv4:
      return decodeIpv4(decoder, bytes, view, packets, row);
    case etherTypes.ipv6:
      return decodeIpv6(decoder, bytes, view, packets, row);
    default:
      return decodeEncapsulation(decoder, bytes, view, step);
  }
}

/** Consumes a header below or inside which there may be another; apart, so that plain IP stays a short way. */
function decodeEncapsulation(
  decoder: PacketDecoder,
  bytes: Uint8Array,
  view: DataView,
  step: DecodeStep,
): DecodeStep {
  switch (step) {
    case etherTypes.vlan:
    case etherTypes.serviceVlan:
    case etherTypes.legacyServiceVlan:
      return decodeVlanTag(decoder, view);
    case etherTypes.mpls:
    case etherTypes.mplsMulticast:
      return decodeMpls(decoder, bytes, view);
    case etherTypes.pppoeSession:
      return decodePppoe(decoder, bytes, view);
    case tunnelSteps.gre:
      return decodeGre(decoder, bytes, view);
    case tunnelSteps.udp:
      return decodeUdpTunnel(decoder, bytes, view);
    default:
      return decodeOutcomes.notIp;
  }
}

/** Consumes the link header. */
function decodeLink(decoder: PacketDecoder, bytes: Uint8Array, view: DataView, linkType: number): DecodeStep {
  switch (linkType) {
    case linkTypes.ethernet:
      return decodeEthernet(decoder, view);
    case linkTypes.raw:
    case linkTypes.rawBsd:
    case linkTypes.rawOpenbsd:
      return stepByIpVersion(decoder, bytes);
    case linkTypes.ipv4:
      return etherTypes.ipv4;
    case linkTypes.ipv6:
      return etherTypes.ipv6;
    case linkTypes.linuxSll:
      return decodeLinuxSll(decoder, view);
    case linkTypes.linuxSll2:
      return decodeLinuxSll2(decoder, view);
    case linkTypes.null:
    case linkTypes.loop:
      return decodeLoopback(decoder, view);
    case linkTypes.nflog:
      return decodeNflog(decoder, bytes, view);
    default:
      return decodeSerialLink(decoder, bytes, view, linkType);
  }
}

function decodeSerialLink(
  decoder: PacketDecoder,
  bytes: Uint8Array,
  view: DataView,
  linkType: number,
): DecodeStep {
  switch (linkType) {
    case linkTypes.ppp:
      return decodePpp(decoder, bytes, view);
    case linkTypes.pppHdlc:
      return decodeSerial(decoder, bytes, view);
    case linkTypes.pppoe:
      return decodePppoeHeader(decoder, bytes, view);
    case linkTypes.ciscoHdlc:
      return decodeCiscoHdlc(decoder, view);
    case linkTypes.pppWithDirection:
      return decodePppWithDirection(decoder, bytes, view);
    default:
      return decodeOutcomes.unsupportedLink;
  }
}

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
import { etherTypes } from "./ether-type.ts";
import { decodeEthernet } from "./ethernet.ts";
import { decodeIpv4 } from "./ipv4.ts";
import { decodeIpv6 } from "./ipv6.ts";
import { linkTypes } from "./link-type.ts";
import { type DecodeOutcome, decodeOutcomes, type DecodeStep } from "./outcome.ts";
import { decodeLoopback, decodeNflog, decodeRaw } from "./raw.ts";
import type { PacketDecoder } from "./state.ts";
import { decodeVlanTag } from "./vlan.ts";

/** Headers between link and transport; a frame with more of them is malformed. */
const headersMax = 16;

/**
 * Decodes the frame at `offset` into row `row` of `packets` and counts its outcome in `decoder.outcomes`.
 *
 * `bytes` and `view` are the same memory; `capturedLength` octets of the frame's `wireLength` are there.
 * Writes every column of the row except timestampUs, interfaceIndex and direction, which are the caller's
 * (decoder.interfaceIndex and decoder.direction hold what the link header said of them). `timestampUs` is
 * the frame's time, by which fragments are aged. The row is meaningless unless the outcome is `packet`.
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
  timestampUs: number,
): DecodeOutcome {
  decoder.at = offset;
  decoder.end = Math.min(offset + capturedLength, view.byteLength);
  // A frame is as long as what was captured of it, even if the file says less.
  decoder.wireEnd = Math.max(offset + wireLength, decoder.end);
  decoder.vlanId = 0;
  decoder.interfaceIndex = 0;
  decoder.direction = 255;
  let step = decodeLink(decoder, bytes, view, linkType);
  for (let headers = 0; step > decodeOutcomes.unsupportedLink; headers++) {
    step =
      headers < headersMax
        ? decodeHeader(decoder, bytes, view, step, packets, row, timestampUs)
        : decodeOutcomes.malformed;
  }
  decoder.outcomes[step]!++;
  return step as DecodeOutcome;
}

/** Consumes the header that `etherType` names. */
function decodeHeader(
  decoder: PacketDecoder,
  bytes: Uint8Array,
  view: DataView,
  etherType: number,
  packets: PacketColumns,
  row: number,
  timestampUs: number,
): DecodeStep {
  switch (etherType) {
    case etherTypes.ipv4:
      return decodeIpv4(decoder, bytes, view, packets, row, timestampUs);
    case etherTypes.ipv6:
      return decodeIpv6(decoder, bytes, view, packets, row, timestampUs);
    case etherTypes.vlan:
    case etherTypes.serviceVlan:
    case etherTypes.legacyServiceVlan:
      return decodeVlanTag(decoder, view);
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
      return decodeRaw(decoder, bytes);
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
      return decodeOutcomes.unsupportedLink;
  }
}

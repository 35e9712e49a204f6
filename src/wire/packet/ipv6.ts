/** IPv6 (RFC 8200) with its extension headers, fragments and jumbograms. */
import { copyIpv6Addresses } from "./address-words.ts";
import type { PacketColumns } from "./columns.ts";
import { enterTunnel } from "./encapsulation.ts";
import { attributeFragment, rememberFragment } from "./fragment.ts";
import { decodeOutcomes, type DecodeStep } from "./outcome.ts";
import { endedEarly, type PacketDecoder } from "./state.ts";
import { decodeTransport } from "./transport.ts";

const headerBytes = 40;
/** RFC 8200 sets no limit; a chain longer than this is an attack, and its transport header stays unread. */
const extensionHeadersMax = 16;
const nextHeaders = {
  hopByHop: 0,
  routing: 43,
  fragment: 44,
  authentication: 51,
  noNextHeader: 59,
  destinationOptions: 60,
} as const;
/** Type and length of the jumbo payload option, which is the first one for its alignment (RFC 2675 section 2). */
const jumboOption = 0xc204;
/** The fragment key has no protocol in IPv6; 256 keeps it apart from every IPv4 key. */
const fragmentKeyProtocol = 256;

/**
 * Decodes the IPv6 packet at `decoder.at` into `row`.
 *
 * Octets are 40 and the header's payload length. A payload length of 0 is a jumbogram (RFC 2675), whose
 * length is in its first option, or the work of an offload, whose length is the frame's; unless the packet
 * says that nothing follows.
 */
export function decodeIpv6(
  decoder: PacketDecoder,
  bytes: Uint8Array,
  view: DataView,
  packets: PacketColumns,
  row: number,
): DecodeStep {
  const start = decoder.at;
  const wireOctets = decoder.wireEnd - start;
  if (start + headerBytes > decoder.end) return endedEarly(decoder, start + headerBytes);
  const versionAndClass = view.getUint16(start);
  if (versionAndClass >>> 12 !== 6) return decodeOutcomes.malformed;
  const payloadLength = view.getUint16(start + 4);
  const nextHeader = bytes[start + 6]!;
  const oversized = payloadLength === 0 && nextHeader !== nextHeaders.noNextHeader;
  const payloadOctets = oversized ? jumboOctets(decoder, view, nextHeader) : payloadLength;
  const octets = Math.min(headerBytes + payloadOctets, wireOctets);

  packets.octets[row] = octets;
  packets.ipVersion[row] = 6;
  packets.ipClassOfService[row] = (versionAndClass >>> 4) & 0xff;
  packets.vlanId[row] = decoder.vlanId;
  copyIpv6Addresses(view, start + 8, packets.addresses, row * 8);

  decoder.at = start + headerBytes;
  const end = Math.min(decoder.end, start + octets);
  return decodeUpperLayer(decoder, bytes, view, end, nextHeader, packets, row);
}

/** The payload of a packet whose header leaves its length open: what the jumbo option says, or all there is. */
function jumboOctets(decoder: PacketDecoder, view: DataView, nextHeader: number): number {
  const at = decoder.at + headerBytes;
  const hasOption =
    nextHeader === nextHeaders.hopByHop && at + 8 <= decoder.end && view.getUint16(at + 2) === jumboOption;
  return hasOption ? view.getUint32(at + 4) : decoder.wireEnd - at;
}

/**
 * Walks the extension headers to the transport header. A chain that cannot be read to its end, because the
 * capture cut it or it is too long, leaves the last next-header value as the protocol and ports 0: the
 * packet and its octets still belong to these two addresses. As in IPv4, a fragment is no tunnel.
 */
function decodeUpperLayer(
  decoder: PacketDecoder,
  bytes: Uint8Array,
  view: DataView,
  end: number,
  firstHeader: number,
  packets: PacketColumns,
  row: number,
): DecodeStep {
  const start = decoder.at;
  let nextHeader = firstHeader;
  let at = start;
  let identification = -1;
  for (let headers = 0; headers < extensionHeadersMax && isExtension(nextHeader); headers++) {
    if (at + 8 > end) break;
    if (nextHeader === nextHeaders.fragment) {
      const offsetAndMore = view.getUint16(at + 2);
      if (offsetAndMore >>> 3 !== 0) {
        decodeTransport(bytes, view, end, end, bytes[at]!, packets, row);
        const later = view.getUint32(at + 4);
        attributeFragment(decoder.fragments, packets, row, later, fragmentKeyProtocol);
        return decodeOutcomes.packet;
      }
      if ((offsetAndMore & 1) !== 0) identification = view.getUint32(at + 4);
    }
    const length = extensionBytes(nextHeader, bytes[at + 1]!);
    nextHeader = bytes[at]!;
    at += length;
  }
  decodeTransport(bytes, view, at, end, nextHeader, packets, row);
  if (identification >= 0) {
    rememberFragment(decoder.fragments, packets, row, identification, fragmentKeyProtocol);
    return decodeOutcomes.packet;
  }
  const tunnel = decoder.ipv6Tunnels[nextHeader]!;
  if (tunnel === 0) return decodeOutcomes.packet;
  return enterTunnel(decoder, tunnel, at, end, start + packets.octets[row]! - headerBytes);
}

function isExtension(nextHeader: number): boolean {
  return (
    nextHeader === nextHeaders.hopByHop ||
    nextHeader === nextHeaders.routing ||
    nextHeader === nextHeaders.fragment ||
    nextHeader === nextHeaders.destinationOptions ||
    nextHeader === nextHeaders.authentication
  );
}

/** The header's length: 8-octet units, but for the fixed fragment header and AH's 4-octet ones (RFC 4302). */
function extensionBytes(nextHeader: number, lengthField: number): number {
  if (nextHeader === nextHeaders.fragment) return 8;
  if (nextHeader === nextHeaders.authentication) return (lengthField + 2) * 4;
  return (lengthField + 1) * 8;
}

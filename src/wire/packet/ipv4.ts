/** IPv4 (RFC 791), with options, fragments and the kernel's oversized packets. */
import { copyIpv4Address } from "./address-words.ts";
import type { PacketColumns } from "./columns.ts";
import { enterTunnel } from "./encapsulation.ts";
import { attributeFragment, rememberFragment } from "./fragment.ts";
import { decodeOutcomes, type DecodeStep } from "./outcome.ts";
import { endedEarly, type PacketDecoder } from "./state.ts";
import { decodeTransport } from "./transport.ts";

const headerBytesMin = 20;
const fragmentOffsetMask = 0x1fff;
const moreFragments = 0x2000;

/**
 * Decodes the IPv4 packet at `decoder.at` into `row`.
 *
 * Octets are the header's total length, so that Ethernet padding is never counted; a total length of 0 is
 * a packet that segmentation or receive offload made larger than 65,535 octets, whose length is the
 * frame's. A total length beyond the frame's own end counts what the frame carried.
 *
 * A fragment is metered by this header even if it holds a tunnel: only the first one has what is inside.
 */
export function decodeIpv4(
  decoder: PacketDecoder,
  bytes: Uint8Array,
  view: DataView,
  packets: PacketColumns,
  row: number,
): DecodeStep {
  const start = decoder.at;
  const wireOctets = decoder.wireEnd - start;
  if (start + headerBytesMin > decoder.end) return endedEarly(decoder, start + headerBytesMin);
  // Version, header length, type of service and total length, at the price of one read.
  const first = view.getUint32(start);
  const headerBytes = (first >>> 22) & 0x3c;
  if (first >>> 28 !== 4 || headerBytes < headerBytesMin) return decodeOutcomes.malformed;
  const totalLength = first & 0xffff;
  const octets = totalLength === 0 || totalLength > wireOctets ? wireOctets : totalLength;
  if (octets < headerBytes) return decodeOutcomes.malformed;

  packets.octets[row] = octets;
  packets.ipVersion[row] = 4;
  packets.ipClassOfService[row] = (first >>> 16) & 0xff;
  packets.vlanId[row] = decoder.vlanId;
  copyIpv4Address(view, start + 12, packets.addresses, row * 8);
  copyIpv4Address(view, start + 16, packets.addresses, row * 8 + 4);

  const protocol = bytes[start + 9]!;
  const fragment = view.getUint16(start + 6);
  const end = Math.min(decoder.end, start + octets);
  if ((fragment & fragmentOffsetMask) === 0) {
    decodeTransport(bytes, view, start + headerBytes, end, protocol, packets, row);
    if ((fragment & moreFragments) !== 0) {
      rememberFragment(decoder.fragments, packets, row, view.getUint16(start + 4), protocol);
      return decodeOutcomes.packet;
    }
    const tunnel = decoder.ipv4Tunnels[protocol]!;
    if (tunnel === 0) return decodeOutcomes.packet;
    return enterTunnel(decoder, tunnel, start + headerBytes, end, start + octets);
  }
  packets.protocol[row] = protocol;
  packets.ports[row] = 0;
  packets.tcpControlBits[row] = 0;
  attributeFragment(decoder.fragments, packets, row, view.getUint16(start + 4), protocol);
  return decodeOutcomes.packet;
}

/**
 * The straight way for the frames that most traffic is made of: Ethernet without a tag, IPv4 without options
 * or fragments or IPv6 without extension headers, TCP, UDP or ICMP that is looked into no further, all of it
 * captured and consistent. It finds nothing that the walk from header to header would not, only sooner: any
 * doubt is answered with false, before anything is written, and the frame is walked.
 */
import { copyIpv4Address, copyIpv6Addresses } from "./address-words.ts";
import type { PacketColumns } from "./columns.ts";
import { etherTypes } from "./ether-type.ts";
import type { PacketDecoder } from "./state.ts";
import { transportProtocols } from "./transport.ts";

const ethernetBytes = 14;
const ipv4Bytes = 20;
const ipv6Bytes = 40;
/** Ports, and for TCP all up to the control bits. */
const transportBytes = 14;
const versionAndHeaderLength = 0x45;
/** The "more fragments" bit and the offset, in the upper half of the word that ends with the protocol. */
const fragmentBits = 0x3fff0000;

/** Decodes the Ethernet frame at `offset` into row `row`, all columns that decodeFrame() writes; or nothing. */
export function decodePlainFrame(
  decoder: PacketDecoder,
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  capturedLength: number,
  wireLength: number,
  packets: PacketColumns,
  row: number,
): boolean {
  if (capturedLength < ethernetBytes + ipv4Bytes + transportBytes) return false;
  if (wireLength < capturedLength || offset + capturedLength > bytes.length) return false;
  const etherType = view.getUint16(offset + 12);
  const start = offset + ethernetBytes;
  if (etherType === etherTypes.ipv4) {
    return decodePlainIpv4(decoder, view, start, wireLength - ethernetBytes, packets, row);
  }
  if (etherType !== etherTypes.ipv6) return false;
  if (capturedLength < ethernetBytes + ipv6Bytes + transportBytes) return false;
  return decodePlainIpv6(decoder, view, start, wireLength - ethernetBytes, packets, row);
}

function decodePlainIpv4(
  decoder: PacketDecoder,
  view: DataView,
  start: number,
  wireOctets: number,
  packets: PacketColumns,
  row: number,
): boolean {
  const first = view.getUint32(start);
  if (first >>> 24 !== versionAndHeaderLength) return false;
  const octets = first & 0xffff;
  if (octets < ipv4Bytes + transportBytes || octets > wireOctets) return false;
  const third = view.getUint32(start + 6);
  const protocol = third & 0xff;
  if ((third & fragmentBits) !== 0 || decoder.ipv4Tunnels[protocol] !== 0) return false;
  if (!decodePlainTransport(view, start + ipv4Bytes, protocol, packets, row)) return false;
  packets.octets[row] = octets;
  packets.ipVersion[row] = 4;
  packets.ipClassOfService[row] = first >>> 16;
  packets.vlanId[row] = 0;
  copyIpv4Address(view, start + 12, packets.addresses, row * 8);
  copyIpv4Address(view, start + 16, packets.addresses, row * 8 + 4);
  return true;
}

function decodePlainIpv6(
  decoder: PacketDecoder,
  view: DataView,
  start: number,
  wireOctets: number,
  packets: PacketColumns,
  row: number,
): boolean {
  const first = view.getUint32(start);
  if (first >>> 28 !== 6) return false;
  const second = view.getUint32(start + 4);
  const octets = ipv6Bytes + (second >>> 16);
  if (octets < ipv6Bytes + transportBytes || octets > wireOctets) return false;
  const protocol = (second >>> 8) & 0xff;
  if (decoder.ipv6Tunnels[protocol] !== 0) return false;
  if (!decodePlainTransport(view, start + ipv6Bytes, protocol, packets, row)) return false;
  packets.octets[row] = octets;
  packets.ipVersion[row] = 6;
  packets.ipClassOfService[row] = first >>> 20;
  packets.vlanId[row] = 0;
  copyIpv6Addresses(view, start + 8, packets.addresses, row * 8);
  return true;
}

function decodePlainTransport(
  view: DataView,
  at: number,
  protocol: number,
  packets: PacketColumns,
  row: number,
): boolean {
  const { tcp, udp, icmp, icmpv6 } = transportProtocols;
  if (protocol === tcp || protocol === udp) packets.ports[row] = view.getUint32(at);
  else if (protocol === icmp || protocol === icmpv6) packets.ports[row] = view.getUint16(at);
  else return false;
  packets.protocol[row] = protocol;
  packets.tcpControlBits[row] = protocol === tcp ? view.getUint16(at + 12) & 0x0fff : 0;
  return true;
}

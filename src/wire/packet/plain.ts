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
/**
 * What the straight way needs to know of a protocol, in one number, so that it takes no branch for each: 0 if the
 * packet is walked; else how far the first word of the header is shifted right to be the ports, or an ICMP type and
 * code, in bits 12 to 16, and the bits of the header's seventh half word that are TCP control bits in bits 0 to 11.
 * Shifts are 0 or 16: bits 12 to 15 are never set, so that the whole number is the mask of that half word.
 */
const portsPlain = 1 << 17;
const icmpPlain = portsPlain | (16 << 12);
const tcpPlain = portsPlain | 0x0fff;
/** The "more fragments" bit and the offset, in the upper half of the word that ends with the protocol. */
const fragmentBits = 0x3fff0000;

/** The table of an IP version's protocols; those that `tunnels` has are looked into, and walked. */
export function createPlainTransports(tunnels: Uint16Array): Int32Array<ArrayBuffer> {
  const { tcp, udp, icmp, icmpv6 } = transportProtocols;
  const plain = new Int32Array(tunnels.length);
  plain[tcp] = tcpPlain;
  plain[udp] = portsPlain;
  plain[icmp] = icmpPlain;
  plain[icmpv6] = icmpPlain;
  return plain.map((transport, protocol) => (tunnels[protocol] === 0 ? transport : 0));
}

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
  const transport = decoder.ipv4PlainTransports[protocol]!;
  if ((third & fragmentBits) !== 0 || transport === 0) return false;
  decodePlainTransport(view, start + ipv4Bytes, protocol, transport, packets, row);
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
  const transport = decoder.ipv6PlainTransports[protocol]!;
  if (transport === 0) return false;
  decodePlainTransport(view, start + ipv6Bytes, protocol, transport, packets, row);
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
  transport: number,
  packets: PacketColumns,
  row: number,
): void {
  packets.protocol[row] = protocol;
  packets.ports[row] = view.getUint32(at) >>> ((transport >>> 12) & 31);
  packets.tcpControlBits[row] = view.getUint16(at + 12) & transport;
}

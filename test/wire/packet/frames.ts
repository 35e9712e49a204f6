/** Frames for tests, put together from their headers. Lengths and types that a test wants wrong are parameters. */
import { parseIpv4, parseIpv6 } from "../../../src/base/mod.ts";

export function u8(...values: number[]): Uint8Array {
  return Uint8Array.from(values);
}

export function u16(...values: number[]): Uint8Array {
  return u8(...values.flatMap((value) => [(value >>> 8) & 0xff, value & 0xff]));
}

export function u32(...values: number[]): Uint8Array {
  return u16(...values.flatMap((value) => [value >>> 16, value & 0xffff]));
}

export function join(...parts: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

export function ethernet(etherType: number, payload: Uint8Array, frameBytesMin = 0): Uint8Array {
  const macAddresses = u8(0x02, 0, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 2);
  const frame = join(macAddresses, u16(etherType), payload);
  // Padding is not zero here, so that whoever reads it as a header is found out.
  const padding = new Uint8Array(Math.max(0, frameBytesMin - frame.length)).fill(0xa5);
  return join(frame, padding);
}

export function vlan(tci: number, etherType: number, payload: Uint8Array): Uint8Array {
  return join(u16(tci, etherType), payload);
}

export interface Ipv4Fields {
  source?: string;
  destination?: string;
  protocol?: number;
  tos?: number;
  options?: Uint8Array;
  identification?: number;
  fragmentOffset?: number;
  moreFragments?: boolean;
  totalLength?: number;
  version?: number;
  headerWords?: number;
}

export function ipv4(fields: Ipv4Fields, payload: Uint8Array): Uint8Array {
  const options = fields.options ?? u8();
  const headerBytes = 20 + options.length;
  const fragment = ((fields.moreFragments ?? false) ? 0x2000 : 0) | ((fields.fragmentOffset ?? 0) / 8);
  const header = join(
    u8(((fields.version ?? 4) << 4) | (fields.headerWords ?? headerBytes / 4), fields.tos ?? 0),
    u16(fields.totalLength ?? headerBytes + payload.length, fields.identification ?? 1, fragment),
    u8(64, fields.protocol ?? 17),
    u16(0),
    parseIpv4(fields.source ?? "10.0.0.1")!,
    parseIpv4(fields.destination ?? "10.0.0.2")!,
    options,
  );
  let sum = 0;
  for (let at = 0; at + 1 < header.length; at += 2) sum += (header[at]! << 8) | header[at + 1]!;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  header.set(u16(~sum & 0xffff), 10);
  return join(header, payload);
}

export interface Ipv6Fields {
  source?: string;
  destination?: string;
  nextHeader?: number;
  trafficClass?: number;
  payloadLength?: number;
}

export function ipv6(fields: Ipv6Fields, payload: Uint8Array): Uint8Array {
  return join(
    u32(((6 << 28) | ((fields.trafficClass ?? 0) << 20) | 0x12345) >>> 0),
    u16(fields.payloadLength ?? payload.length),
    u8(fields.nextHeader ?? 17, 64),
    parseIpv6(fields.source ?? "2001:db8::1")!,
    parseIpv6(fields.destination ?? "2001:db8::2")!,
    payload,
  );
}

/** Hop-by-hop, routing or destination options header of `units` × 8 octets, all padding. */
export function extension(nextHeader: number, units: number, payload: Uint8Array): Uint8Array {
  const header = new Uint8Array(units * 8);
  header.set([nextHeader, units - 1, 1, units * 8 - 4]);
  return join(header, payload);
}

export function fragmentHeader(
  nextHeader: number,
  offset: number,
  more: boolean,
  identification: number,
  payload: Uint8Array,
): Uint8Array {
  return join(u8(nextHeader, 0), u16(offset | (more ? 1 : 0)), u32(identification), payload);
}

export function authentication(nextHeader: number, payload: Uint8Array): Uint8Array {
  return join(u8(nextHeader, 4), u16(0), u32(1, 1), new Uint8Array(12), payload);
}

export function tcp(sourcePort: number, destinationPort: number, flags: number, data = u8()): Uint8Array {
  return join(u16(sourcePort, destinationPort), u32(1, 1), u16(0x5000 | flags, 0xffff, 0, 0), data);
}

export function udp(sourcePort: number, destinationPort: number, data = u8()): Uint8Array {
  return join(u16(sourcePort, destinationPort, 8 + data.length, 0), data);
}

export function sctp(sourcePort: number, destinationPort: number): Uint8Array {
  // A COOKIE-ACK chunk, so that another decoder has something to read.
  return join(u16(sourcePort, destinationPort), u32(1, 0), u8(11, 0), u16(4));
}

export function icmp(type: number, code: number): Uint8Array {
  return join(u8(type, code), u16(0, 7, 1));
}

/** Frames made byte by byte from the RFCs' figures, with what a meter must find in them. */
import { parseAddress, unwrap } from "../../src/base/mod.ts";

export function bytesOf(...parts: (Uint8Array | readonly number[])[]): Uint8Array<ArrayBuffer> {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function u16(value: number): number[] {
  return [(value >>> 8) & 0xff, value & 0xff];
}

export function macBytes(text: string): number[] {
  return text.split(":").map((octet) => Number.parseInt(octet, 16));
}

function addressBytesOf(text: string): Uint8Array {
  const bytes = unwrap(parseAddress(text));
  return text.includes(":") ? bytes : bytes.subarray(12);
}

export interface EthernetOptions {
  readonly destination: string;
  readonly source: string;
  /** Tags from the outermost in. */
  readonly tags?: readonly { readonly type?: number; readonly id: number }[];
}

export function ethernet(
  options: EthernetOptions,
  etherType: number,
  payload: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const tags = (options.tags ?? []).flatMap(({ type = 0x8100, id }) => [...u16(type), ...u16(id)]);
  return bytesOf(macBytes(options.destination), macBytes(options.source), tags, u16(etherType), payload);
}

export interface Ipv4Options {
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  readonly hopLimit?: number;
  readonly identification?: number;
  readonly moreFragments?: boolean;
  /** In units of eight octets. */
  readonly fragmentOffset?: number;
}

export function ipv4(options: Ipv4Options, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const header = bytesOf(
    [0x45, 0],
    u16(20 + payload.length),
    u16(options.identification ?? 0),
    u16((options.moreFragments === true ? 0x2000 : 0) | (options.fragmentOffset ?? 0)),
    [options.hopLimit ?? 64, options.protocol, 0, 0],
    addressBytesOf(options.source),
    addressBytesOf(options.destination),
  );
  let sum = 0;
  for (let at = 0; at < header.length; at += 2) sum += (header[at]! << 8) | header[at + 1]!;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  header.set(u16(~sum & 0xffff), 10);
  return bytesOf(header, payload);
}

export function ipv6(
  options: {
    readonly source: string;
    readonly destination: string;
    readonly nextHeader: number;
    readonly hopLimit?: number;
  },
  payload: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return bytesOf(
    [0x60, 0, 0, 0],
    u16(payload.length),
    [options.nextHeader, options.hopLimit ?? 64],
    addressBytesOf(options.source),
    addressBytesOf(options.destination),
    payload,
  );
}

/** A UDP datagram without checksum. */
export function udp(
  sourcePort: number,
  destinationPort: number,
  payloadLength: number,
): Uint8Array<ArrayBuffer> {
  return bytesOf(
    u16(sourcePort),
    u16(destinationPort),
    u16(8 + payloadLength),
    [0, 0],
    new Uint8Array(payloadLength),
  );
}

export const etherTypes = { ipv4: 0x0800, ipv6: 0x86dd, arp: 0x0806 } as const;

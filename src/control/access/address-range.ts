/** Ranges of addresses in policies: one address, or a prefix in CIDR form. */
import { addressBytes, parseAddress, parseIpv4 } from "../../base/mod.ts";

export interface AddressRange {
  /** 16 bytes, IPv4 in its mapped form. */
  readonly address: Uint8Array;
  /** Of the 128 bits of that form. */
  readonly prefixLength: number;
}

const mappedPrefixLength = 96;

/** `192.0.2.0/24`, `2001:db8::/32`, or an address alone; null for anything else. */
export function parseAddressRange(text: string): AddressRange | null {
  const match = /^([^/]+)(?:\/(\d{1,3}))?$/u.exec(text);
  const name = match?.[1] ?? "";
  const address = parseAddress(name);
  if (!address.ok) return null;
  const isIpv4 = parseIpv4(name) !== null;
  const lengthMax = isIpv4 ? 32 : 128;
  const length = match?.[2] === undefined ? lengthMax : Number(match[2]);
  if (length > lengthMax) return null;
  return { address: address.value, prefixLength: isIpv4 ? mappedPrefixLength + length : length };
}

/** Bits of the range's address beyond its prefix count for nothing. */
export function isInRange(address: Uint8Array, range: AddressRange): boolean {
  for (let index = 0; index < addressBytes; index++) {
    const bits = Math.min(8, range.prefixLength - index * 8);
    if (bits <= 0) return true;
    const mask = 0xff & (0xff << (8 - bits));
    if ((address[index]! & mask) !== (range.address[index]! & mask)) return false;
  }
  return true;
}

/**
 * Words over addresses. What a word means is decided on the address's text, as the service has it
 * (`10.0.0.*` is a prefix of the text); how it is found is decided here, by value where that gives the
 * same answer: an equality or a range of the address column reads no text at all.
 */
import { addressBytes, formatAddress, isIpv4Mapped, mappedFromIpv4, parseAddress } from "../../base/mod.ts";
import type { Pattern } from "./pattern.ts";

/** Inclusive ends, in text that the store parses as IPv6. */
export interface AddressRange {
  readonly low: string;
  readonly high: string;
}

export type AddressMatch =
  | { readonly kind: "nothing" }
  | { readonly kind: "range"; readonly range: AddressRange }
  /** The text is like the pattern, which only addresses of the range can be. */
  | { readonly kind: "text"; readonly pattern: Pattern; readonly range: AddressRange | null };

export function addressMatch(pattern: Pattern): AddressMatch {
  if (!pattern.hasWildcard) return exactMatch(pattern.text);
  const range = ipv4Range(pattern.text) ?? ipv6Range(pattern.text);
  if (range !== null && /^(?:\d+\.){1,3}\*$/u.test(pattern.text)) return { kind: "range", range };
  if (range === null && /^[^*?]*[.]/u.test(pattern.text) && /^\d/u.test(pattern.text)) {
    // Digits and a dot begin an IPv4 address or, where they are not octets, none at all.
    return { kind: "nothing" };
  }
  return { kind: "text", pattern, range };
}

/** The address whose text this is; another spelling of the same address is another text. */
function exactMatch(text: string): AddressMatch {
  const address = parseAddress(text);
  if (!address.ok || recordAddressText(address.value) !== text) return { kind: "nothing" };
  const stored = storeText(address.value);
  return { kind: "range", range: { low: stored, high: stored } };
}

/**
 * The text of an address in a record: RFC 5952, but an address of 96 leading zero bits keeps its last 32
 * in dotted form (`::1.2.3.4`), which is how the store writes it.
 */
export function recordAddressText(bytes: Uint8Array): string {
  const leadingZero = bytes.subarray(0, 12).every((byte) => byte === 0);
  const isDotted = leadingZero && (bytes[12] !== 0 || bytes[13] !== 0);
  return isDotted ? `::${bytes.subarray(12, 16).join(".")}` : formatAddress(bytes);
}

function storeText(bytes: Uint8Array): string {
  return isIpv4Mapped(bytes) ? `::ffff:${formatAddress(bytes)}` : formatAddress(bytes);
}

function rangeOf(low: Uint8Array, high: Uint8Array): AddressRange {
  return { low: storeText(low), high: storeText(high) };
}

/** The range of the whole octets before the first wildcard: `10.1.2?.*` is within 10.1.0.0–10.1.255.255. */
function ipv4Range(text: string): AddressRange | null {
  const octets = /^(?:(?:0|[1-9]\d{0,2})\.){1,3}/u.exec(text)?.[0].split(".").slice(0, -1).map(Number);
  if (octets === undefined || octets.some((octet) => octet > 255)) return null;
  const low = new Uint8Array(4);
  const high = new Uint8Array(4).fill(255);
  low.set(octets);
  high.set(octets);
  return rangeOf(mappedFromIpv4(low), mappedFromIpv4(high));
}

/** The range of the whole groups before the first wildcard or `::`; a group 0 may be inside `::`, and ends it. */
function ipv6Range(text: string): AddressRange | null {
  const groups = /^(?:[1-9a-f][0-9a-f]{0,3}:){1,7}/u.exec(text)?.[0].split(":").slice(0, -1);
  if (groups === undefined) return null;
  const low = new Uint8Array(addressBytes);
  const high = new Uint8Array(addressBytes).fill(255);
  for (const [index, group] of groups.entries()) {
    const value = Number.parseInt(group, 16);
    low.set([value >>> 8, value & 255], index * 2);
    high.set([value >>> 8, value & 255], index * 2);
  }
  return rangeOf(low, high);
}

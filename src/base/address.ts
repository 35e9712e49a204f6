/**
 * IP addresses as 16 bytes in network order; an IPv4 address is IPv4-mapped (::ffff:a.b.c.d, RFC 4291
 * section 2.5.5.2), so that one column holds both families.
 */
import { fail, ok, type Result } from "./fault.ts";

export const addressBytes = 16;
export const addressWords = 4;

const ipv4Pattern = /^(?:0|[1-9]\d{0,2})(?:\.(?:0|[1-9]\d{0,2})){3}$/u;

/** Parses dotted-quad IPv4 into four bytes; null for anything else, leading zeros and short forms included. */
export function parseIpv4(text: string): Uint8Array | null {
  if (!ipv4Pattern.test(text)) return null;
  const bytes = Uint8Array.from(text.split("."), Number);
  return text.split(".").every((part) => Number(part) <= 255) ? bytes : null;
}

/** Parses RFC 4291 section 2.2 text (all three forms) into 16 bytes; null for anything else. Zones are refused. */
export function parseIpv6(text: string): Uint8Array | null {
  const halves = text.split("::");
  if (halves.length > 2 || text.length > 45) return null;
  const head = parseGroups(halves[0] ?? "", halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? "", true) : [];
  if (head === null || tail === null) return null;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
  const groups = [...head, ...Array.from({ length: missing }, () => 0), ...tail];
  const bytes = new Uint8Array(addressBytes);
  for (const [index, group] of groups.entries()) {
    bytes[index * 2] = group >>> 8;
    bytes[index * 2 + 1] = group & 0xff;
  }
  return bytes;
}

function parseGroups(text: string, ipv4Allowed: boolean): number[] | null {
  if (text === "") return [];
  const parts = text.split(":");
  const groups: number[] = [];
  for (const [index, part] of parts.entries()) {
    const ipv4 = ipv4Allowed && index === parts.length - 1 ? parseIpv4(part) : null;
    if (ipv4 !== null) groups.push((ipv4[0]! << 8) | ipv4[1]!, (ipv4[2]! << 8) | ipv4[3]!);
    else if (/^[0-9a-f]{1,4}$/iu.test(part)) groups.push(Number.parseInt(part, 16));
    else return null;
  }
  return groups;
}

/** Parses IPv4 or IPv6 text into the 16-byte form. */
export function parseAddress(text: string): Result<Uint8Array> {
  const ipv4 = parseIpv4(text);
  if (ipv4 !== null) return ok(mappedFromIpv4(ipv4));
  const ipv6 = parseIpv6(text);
  if (ipv6 !== null) return ok(ipv6);
  return fail("InputInvalid", `"${text}" is not an IP address`, {
    value: text,
    allowed: "an IPv4 or IPv6 address",
  });
}

/** The IPv4-mapped form of four bytes. */
export function mappedFromIpv4(ipv4: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(addressBytes);
  bytes[10] = 0xff;
  bytes[11] = 0xff;
  bytes.set(ipv4.subarray(0, 4), 12);
  return bytes;
}

/** Whether the 16 bytes at `offset` are an IPv4-mapped address. */
export function isIpv4Mapped(bytes: Uint8Array, offset = 0): boolean {
  for (let index = 0; index < 10; index++) if (bytes[offset + index] !== 0) return false;
  return bytes[offset + 10] === 0xff && bytes[offset + 11] === 0xff;
}

/** Text of the 16 bytes at `offset`: dotted quad for IPv4-mapped, RFC 5952 otherwise. */
export function formatAddress(bytes: Uint8Array, offset = 0): string {
  if (isIpv4Mapped(bytes, offset)) {
    return `${bytes[offset + 12]}.${bytes[offset + 13]}.${bytes[offset + 14]}.${bytes[offset + 15]}`;
  }
  const groups: number[] = [];
  for (let index = 0; index < addressBytes; index += 2) {
    groups.push((bytes[offset + index]! << 8) | bytes[offset + index + 1]!);
  }
  const [runStart, runLength] = longestZeroRun(groups);
  if (runLength < 2) return groups.map((group) => group.toString(16)).join(":");
  const head = groups.slice(0, runStart).map((group) => group.toString(16));
  const tail = groups.slice(runStart + runLength).map((group) => group.toString(16));
  return `${head.join(":")}::${tail.join(":")}`;
}

function longestZeroRun(groups: readonly number[]): [start: number, length: number] {
  let best: [number, number] = [0, 0];
  let start = 0;
  for (let index = 0; index <= groups.length; index++) {
    if (index < groups.length && groups[index] === 0) continue;
    if (index - start > best[1]) best = [start, index - start];
    start = index + 1;
  }
  return best;
}

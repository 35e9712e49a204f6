/** Networks: an address and the length of its prefix, as `10.0.0.0/24` or `2001:db8::/64`. */
import { formatAddress, isIpv4Mapped, parseAddress } from "../base/mod.ts";

export interface Network {
  /** With the bits past the prefix cleared; IPv4 is IPv4-mapped. */
  readonly address: Uint8Array;
  /** Of the 128 bits. */
  readonly prefixBits: number;
}

const mappedBits = 96;

/** The network of `10.0.0.7/24`; null for what is none. */
export function parseNetwork(text: string): Network | null {
  const [host, length, ...rest] = text.split("/");
  if (host === undefined || length === undefined || rest.length > 0 || !/^\d{1,3}$/u.test(length))
    return null;
  const parsed = parseAddress(host);
  if (!parsed.ok) return null;
  const prefixBits = Number(length) + (isIpv4Mapped(parsed.value) && !host.includes(":") ? mappedBits : 0);
  if (prefixBits > 128) return null;
  return { address: masked(parsed.value, prefixBits), prefixBits };
}

export function networkText({ address, prefixBits }: Network): string {
  const isIpv4 = isIpv4Mapped(address) && prefixBits >= mappedBits;
  return `${formatAddress(address)}/${isIpv4 ? prefixBits - mappedBits : prefixBits}`;
}

/** Whether every address of `inner` is one of `outer`. */
export function networkContains(outer: Network, inner: Network): boolean {
  if (inner.prefixBits < outer.prefixBits) return false;
  return masked(inner.address, outer.prefixBits).every((byte, index) => byte === outer.address[index]);
}

/** Whether a network tells interfaces apart: link-local ones are on every link, loopback is on none. */
export function isRoutable(network: Network): boolean {
  return !localNetworks.some((local) => networkContains(local, network));
}

const localNetworks = ["127.0.0.0/8", "169.254.0.0/16", "::1/128", "fe80::/10", "ff00::/8"].map((text) =>
  parseNetwork(text)!,
);

function masked(address: Uint8Array, prefixBits: number): Uint8Array {
  return address.map((byte, index) => {
    const bits = Math.min(8, Math.max(0, prefixBits - index * 8));
    return byte & (0xff << (8 - bits));
  });
}

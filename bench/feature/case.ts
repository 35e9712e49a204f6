/**
 * What a case of the feature capture says: frames, and the flows that they are.
 *
 * The flows are written down by hand from the standards, not worked out by any code of this project. A flow
 * is `protocol source:port > destination:port packets/octets`, then `vlan`, `tos` and `flags` (hexadecimal,
 * TCP) where they are not 0.
 */
import { ethernet, ipv4, ipv6, udp } from "../../test/wire/packet/frames.ts";

export interface CutFrame {
  readonly bytes: Uint8Array;
  /** Octets on the wire, of which `bytes` are the first. */
  readonly wireLength: number;
}

export interface FeatureCase {
  readonly name: string;
  /** LINKTYPE_ value. Default Ethernet. */
  readonly linkType?: number;
  readonly frames: readonly (Uint8Array | CutFrame)[];
  /** With the default switches. */
  readonly flows: readonly string[];
  /** With every encapsulation looked into, where that is something else. */
  readonly inside?: readonly string[];
  /** With none looked into, where that is something else. */
  readonly outside?: readonly string[];
  /** What becomes of the frames that are in no flow. Default `notIp`. */
  readonly otherwise?: "notIp" | "truncated" | "malformed" | "unsupportedLink";
  /** Why Wireshark's view of the innermost header is another one, if it is. */
  readonly notAsTshark?: string;
}

export const etherTypes = { ipv4: 0x0800, ipv6: 0x86dd, vlan: 0x8100, serviceVlan: 0x88a8 } as const;

export const data20 = new Uint8Array(20).fill(0x55);

/** 48 octets of UDP from 10.`site`.0.1:1000 to 10.`site`.0.2:2000. */
export function user4(site: number): Uint8Array {
  return ipv4(
    { source: `10.${site}.0.1`, destination: `10.${site}.0.2`, identification: site },
    udp(1000, 2000, data20),
  );
}

/** 68 octets of UDP from [2001:db8:`site`::1]:1000 to [2001:db8:`site`::2]:2000. */
export function user6(site: number): Uint8Array {
  return ipv6({ source: `2001:db8:${site}::1`, destination: `2001:db8:${site}::2` }, udp(1000, 2000, data20));
}

/** Ethernet frames of the two, 62 and 82 octets. */
export const userFrame4 = (site: number): Uint8Array => ethernet(etherTypes.ipv4, user4(site));
export const userFrame6 = (site: number): Uint8Array => ethernet(etherTypes.ipv6, user6(site));

/** A frame from 192.0.2.`site` to 198.51.100.`site`, whose header takes 20 octets. */
export function outer4(site: number, protocol: number, payload: Uint8Array): Uint8Array {
  return ethernet(etherTypes.ipv4, outerPacket4(site, protocol, payload));
}

export function outerPacket4(site: number, protocol: number, payload: Uint8Array): Uint8Array {
  return ipv4({ source: `192.0.2.${site}`, destination: `198.51.100.${site}`, protocol }, payload);
}

/** A frame from 2001:db8:a:`site`::1 to 2001:db8:b:`site`::1, whose header takes 40 octets. */
export function outer6(site: number, nextHeader: number, payload: Uint8Array): Uint8Array {
  const addresses = { source: `2001:db8:a:${site}::1`, destination: `2001:db8:b:${site}::1` };
  return ethernet(etherTypes.ipv6, ipv6({ ...addresses, nextHeader }, payload));
}

export function cut(bytes: Uint8Array, capturedLength: number, wireLength = bytes.length): CutFrame {
  return { bytes: bytes.subarray(0, capturedLength), wireLength };
}

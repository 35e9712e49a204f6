import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { createPacketDecoder, decodeOutcomes, linkTypes } from "../../../src/wire/packet/mod.ts";
import { decode } from "./decode.ts";
import {
  authentication,
  ethernet,
  extension,
  fragmentHeader,
  icmp,
  ipv4,
  ipv6,
  join,
  sctp,
  tcp,
  u16,
  u32,
  u8,
  udp,
  vlan,
} from "./frames.ts";

const ip4 = 0x0800;
const ip6 = 0x86dd;

describe("decodeFrame()", () => {
  it("reads addresses, ports, TOS, flags and octets of TCP over IPv4", () => {
    const packet = ipv4({ protocol: 6, tos: 0xb8 }, tcp(51000, 443, 0x1c2, u8(1, 2, 3)));
    expect(decode(ethernet(ip4, packet))).toEqual({
      source: "10.0.0.1",
      destination: "10.0.0.2",
      sourcePort: 51000,
      destinationPort: 443,
      protocol: 6,
      octets: 43,
      ipVersion: 4,
      tos: 0xb8,
      tcpControlBits: 0x1c2,
      vlanId: 0,
    });
  });

  it("reads UDP over IPv6 with its traffic class", () => {
    const packet = ipv6({ trafficClass: 0x2e }, udp(5353, 53, u8(9)));
    expect(decode(ethernet(ip6, packet))).toMatchObject({
      source: "2001:db8::1",
      destination: "2001:db8::2",
      sourcePort: 5353,
      destinationPort: 53,
      protocol: 17,
      octets: 49,
      ipVersion: 6,
      tos: 0x2e,
    });
  });

  it("reads SCTP ports, and ICMP type and code as the destination port", () => {
    expect(decode(ethernet(ip4, ipv4({ protocol: 132 }, sctp(2905, 38412))))).toMatchObject({
      sourcePort: 2905,
      destinationPort: 38412,
    });
    expect(decode(ethernet(ip4, ipv4({ protocol: 1 }, icmp(3, 4))))).toMatchObject({
      sourcePort: 0,
      destinationPort: 3 * 256 + 4,
    });
    expect(decode(ethernet(ip6, ipv6({ nextHeader: 58 }, icmp(128, 0))))).toMatchObject({
      destinationPort: 128 * 256,
    });
  });

  it("gives a protocol without ports the ports 0", () => {
    expect(decode(ethernet(ip4, ipv4({ protocol: 50 }, u32(1, 2, 3))))).toMatchObject({
      protocol: 50,
      sourcePort: 0,
      destinationPort: 0,
      tcpControlBits: 0,
    });
  });

  it("finds the ports behind IPv4 options", () => {
    const packet = ipv4({ options: u8(0x94, 4, 0, 0, 1, 1, 1, 0), protocol: 17 }, udp(7, 8));
    expect(decode(ethernet(ip4, packet))).toMatchObject({ sourcePort: 7, destinationPort: 8, octets: 36 });
  });

  it("finds the ports behind every extension header of IPv6", () => {
    const inner = authentication(60, extension(17, 3, udp(7, 8)));
    const payload = extension(43, 2, extension(44, 1, fragmentHeader(51, 0, false, 5, inner)));
    const packet = ipv6({ nextHeader: 0 }, payload);
    expect(decode(ethernet(ip6, packet))).toMatchObject({
      protocol: 17,
      sourcePort: 7,
      destinationPort: 8,
      octets: packet.length,
    });
  });

  it("stops at a chain of extension headers that has no end", () => {
    let payload = udp(7, 8);
    for (let count = 0; count < 40; count++) payload = extension(count === 0 ? 17 : 60, 1, payload);
    expect(decode(ethernet(ip6, ipv6({ nextHeader: 60 }, payload)))).toMatchObject({
      protocol: 60,
      sourcePort: 0,
    });
  });
});

describe("decodeFrame() and link headers", () => {
  const packet = ipv4({}, udp(7, 8));
  const packet6 = ipv6({}, udp(7, 8));
  const found = { sourcePort: 7, destinationPort: 8 };

  it("reads 802.1Q, 802.1ad and legacy tags, stacked, and tells the outermost VLAN", () => {
    const tagged = vlan(0x6064, ip4, packet);
    expect(decode(ethernet(0x8100, tagged))).toMatchObject({ ...found, vlanId: 100, octets: 28 });
    expect(decode(ethernet(0x88a8, vlan(200, 0x8100, tagged)))).toMatchObject({ ...found, vlanId: 200 });
    expect(decode(ethernet(0x9100, vlan(300, 0x8100, tagged)))).toMatchObject({ ...found, vlanId: 300 });
    expect(decode(ethernet(0x8100, vlan(0xe000, 0x8100, tagged)))).toMatchObject({ ...found, vlanId: 100 });
  });

  it("calls an endless stack of tags malformed", () => {
    let payload = packet;
    for (let count = 0; count < 30; count++) payload = vlan(5, count === 0 ? ip4 : 0x8100, payload);
    expect(decode(ethernet(0x8100, payload))).toBe("malformed");
  });

  it("reads IP in LLC/SNAP and leaves spanning tree alone", () => {
    const snap = join(u8(0xaa, 0xaa, 3, 0, 0, 0), u16(ip4), packet);
    expect(decode(ethernet(snap.length, snap, 60))).toMatchObject({ ...found, octets: 28 });
    expect(decode(ethernet(38, join(u8(0x42, 0x42, 3), new Uint8Array(40))))).toBe("notIp");
  });

  it("counts ARP and LLDP as not IP", () => {
    expect(decode(ethernet(0x0806, new Uint8Array(46)))).toBe("notIp");
    expect(decode(ethernet(0x88cc, new Uint8Array(46)))).toBe("notIp");
  });

  it("reads raw IP of every number that files use for it", () => {
    for (const linkType of [101, 12, 14]) {
      expect(decode(packet, { linkType }), `${linkType}`).toMatchObject({ ...found, ipVersion: 4 });
      expect(decode(packet6, { linkType }), `${linkType}`).toMatchObject({ ...found, ipVersion: 6 });
    }
    expect(decode(packet, { linkType: 228 })).toMatchObject(found);
    expect(decode(packet6, { linkType: 229 })).toMatchObject(found);
    expect(decode(packet6, { linkType: 228 })).toBe("malformed");
  });

  it("reads BSD loopback in both byte orders and of every system", () => {
    for (const linkType of [linkTypes.null, linkTypes.loop]) {
      for (const family of [u32(2), u8(2, 0, 0, 0)]) {
        expect(decode(join(family, packet), { linkType })).toMatchObject({ ...found, ipVersion: 4 });
      }
      for (const family of [u32(10), u8(24, 0, 0, 0), u8(28, 0, 0, 0), u32(30)]) {
        expect(decode(join(family, packet6), { linkType })).toMatchObject({ ...found, ipVersion: 6 });
      }
      expect(decode(join(u32(7), packet), { linkType })).toBe("notIp");
    }
  });

  it("reads Linux cooked captures, with direction and interface", () => {
    const decoder = createPacketDecoder();
    const sll = join(u16(4, 1, 6), new Uint8Array(8), u16(ip4), packet);
    expect(decode(sll, { linkType: linkTypes.linuxSll, decoder })).toMatchObject(found);
    expect([decoder.interfaceIndex, decoder.direction]).toEqual([0, 1]);
    const sll2 = join(u16(ip6, 0), u32(9), u16(1), u8(0, 6), new Uint8Array(8), packet6);
    expect(decode(sll2, { linkType: linkTypes.linuxSll2, decoder })).toMatchObject(found);
    expect([decoder.interfaceIndex, decoder.direction]).toEqual([9, 0]);
    const tagged = join(u16(0, 1, 6), new Uint8Array(8), u16(0x8100), vlan(12, ip4, packet));
    expect(decode(tagged, { linkType: linkTypes.linuxSll, decoder })).toMatchObject({ ...found, vlanId: 12 });
    const llc = join(u16(0, 1, 6), new Uint8Array(8), u16(4), u8(0x42, 0x42, 3, 0, 0, 0, 0, 0));
    expect(decode(llc, { linkType: linkTypes.linuxSll, decoder })).toBe("notIp");
  });

  it("reads NFLOG records, whose copy may be shorter than the packet", () => {
    const prefix = u8(3, 0, 110, 0x65, 0, 10, 0, 0x70, 0x66, 0, 0, 0);
    const record = (payload: Uint8Array) =>
      join(u8(2, 0, 0, 5), u8(7, 0, 10, 0), u8(1, 2, 3, 0), u8(payload.length + 4, 0, 9, 0), payload);
    expect(decode(record(packet), { linkType: linkTypes.nflog })).toMatchObject({ ...found, octets: 28 });
    expect(decode(record(packet.subarray(0, 24)), { linkType: linkTypes.nflog })).toMatchObject({
      ...found,
      octets: 28,
    });
    expect(decode(join(u8(2, 0, 0, 5), prefix.subarray(4)), { linkType: linkTypes.nflog })).toBe("notIp");
  });

  it("counts a link type it does not know", () => {
    const decoder = createPacketDecoder();
    expect(decode(packet, { linkType: 147, decoder })).toBe("unsupportedLink");
    expect(decoder.outcomes[decodeOutcomes.unsupportedLink]).toBe(1);
  });
});

describe("the octets of a packet", () => {
  it("leave out Ethernet padding and trailers", () => {
    expect(decode(ethernet(ip4, ipv4({}, udp(7, 8)), 60))).toMatchObject({ octets: 28 });
    expect(decode(ethernet(ip6, ipv6({ nextHeader: 59 }, u8()), 60))).toMatchObject({ octets: 40 });
  });

  it("are the frame's where offloads left the length at 0", () => {
    const data = new Uint8Array(3000);
    expect(decode(ethernet(ip4, ipv4({ totalLength: 0 }, udp(7, 8, data))))).toMatchObject({ octets: 3028 });
    const big = ipv6({ payloadLength: 0, nextHeader: 6 }, tcp(7, 8, 0x10, data));
    expect(decode(ethernet(ip6, big))).toMatchObject({ octets: 3060, sourcePort: 7 });
    const cut = decode(ethernet(ip4, ipv4({ totalLength: 0 }, udp(7, 8))), { wireLength: 70_014 });
    expect(cut).toMatchObject({ octets: 70_000, sourcePort: 7 });
  });

  it("are those of a jumbogram's frame, and its ports are read", () => {
    const jumbo = join(u8(17, 0, 0xc2, 4), u32(70_000), udp(7, 8));
    const frame = ethernet(ip6, ipv6({ payloadLength: 0, nextHeader: 0 }, jumbo));
    expect(decode(frame, { wireLength: 14 + 40 + 70_000 })).toMatchObject({ octets: 70_040, sourcePort: 7 });
  });

  it("are the header's in a frame that the capture cut, and so are the ports while they are there", () => {
    const frame = ethernet(ip4, ipv4({ protocol: 6 }, tcp(7, 8, 0x10, new Uint8Array(1000))));
    const wireLength = frame.length;
    const cutAt = (length: number) => decode(frame.subarray(0, length), { wireLength });
    expect(cutAt(48)).toMatchObject({ octets: 1040, sourcePort: 7, tcpControlBits: 0x10 });
    expect(cutAt(47)).toMatchObject({ octets: 1040, sourcePort: 7, tcpControlBits: 0 });
    expect(cutAt(38)).toMatchObject({ octets: 1040, sourcePort: 7, destinationPort: 8 });
    expect(cutAt(37)).toMatchObject({ octets: 1040, sourcePort: 0, destinationPort: 0 });
    expect(cutAt(34)).toMatchObject({ octets: 1040, protocol: 6 });
    expect(cutAt(33)).toBe("truncated");
  });

  it("never exceed what the frame carried", () => {
    expect(decode(ethernet(ip4, ipv4({ totalLength: 60_000 }, udp(7, 8))))).toMatchObject({ octets: 28 });
    expect(decode(ethernet(ip6, ipv6({ payloadLength: 60_000 }, udp(7, 8))))).toMatchObject({ octets: 48 });
  });

  it("hold no ports that lie in the padding", () => {
    const packet = ipv4({ protocol: 17, totalLength: 22 }, u16(7));
    expect(decode(ethernet(ip4, packet, 60))).toMatchObject({ octets: 22, sourcePort: 0 });
  });
});

describe("headers that contradict themselves", () => {
  it("are malformed", () => {
    expect(decode(ethernet(ip4, ipv4({ version: 6 }, udp(7, 8))))).toBe("malformed");
    expect(decode(ethernet(ip4, ipv4({ headerWords: 4 }, udp(7, 8))))).toBe("malformed");
    expect(decode(ethernet(ip4, ipv4({ totalLength: 19 }, udp(7, 8))))).toBe("malformed");
    expect(decode(ethernet(ip4, ipv4({ headerWords: 15 }, udp(7, 8))))).toBe("malformed");
    expect(decode(ethernet(ip6, ipv4({}, udp(7, 8, new Uint8Array(20)))))).toBe("malformed");
    expect(decode(ethernet(ip4, u8(0x45)))).toBe("malformed");
    expect(decode(u8(1, 2, 3))).toBe("malformed");
  });

  it("are truncated where the capture, not the frame, ends too soon", () => {
    const frame = ethernet(0x8100, vlan(5, ip6, ipv6({}, udp(7, 8))));
    for (let length = 0; length < 58; length++) {
      expect(decode(frame.subarray(0, length), { wireLength: frame.length }), `${length}`).toBe("truncated");
    }
  });

  it("never make it throw, and each frame has one outcome", () => {
    const decoder = createPacketDecoder();
    const seeds = [
      ethernet(0x88a8, vlan(5, ip4, ipv4({ options: u32(1), moreFragments: true }, udp(7, 8)))),
      ethernet(ip6, ipv6({ nextHeader: 0 }, extension(44, 1, fragmentHeader(6, 0, true, 1, tcp(1, 2, 2))))),
      join(u8(2, 0, 0, 5), u8(40, 0, 9, 0), ipv4({}, udp(7, 8))),
    ];
    const edits = fc.array(fc.tuple(fc.nat(80), fc.nat(255)), { maxLength: 6 });
    const links = fc.constantFrom(...Object.values(linkTypes), 77);
    let runs = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(...seeds),
        edits,
        links,
        fc.nat(100),
        fc.nat(2000),
        (seed, changes, ...rest) => {
          const [linkType, cut, wireLength] = rest;
          const frame = seed.slice(0, cut);
          for (const [at, value] of changes) if (at < frame.length) frame[at] = value;
          decode(frame, { linkType, wireLength, decoder });
          runs++;
        },
      ),
      { numRuns: 20_000 },
    );
    expect(decoder.outcomes.reduce((sum, count) => sum + count, 0)).toBe(runs);
  });
});

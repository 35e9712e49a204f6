import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { shareProgram } from "../../../src/capture/ring/share-program.ts";
import { bytesOf, ethernet, etherTypes, ipv4, ipv6, udp } from "../../support/frame-builder.ts";
import { type FilterPacket, runFilter } from "../../support/filter-machine.ts";

const hardware = { ethernet: 1, loopback: 772, none: 0xfffe };
const eth = { source: "02:00:00:00:00:01", destination: "02:00:00:00:00:02" };
const packetTypes = { host: 0, outgoing: 4 };

/** As the kernel shows a packet that comes in: from its network header on. */
function incoming(protocol: number, bytes: Uint8Array, tags: number[] = []): FilterPacket {
  // The kernel takes the first tag out; of the others the EtherType is gone that stands before.
  const behind = tags.flatMap((_, index) => {
    const next = tags[index + 1] ?? protocol;
    return [0, 7 + index, next >>> 8, next & 0xff];
  });
  return {
    bytes: bytesOf(behind, bytes),
    networkOffset: 0,
    packetType: packetTypes.host,
    protocol: tags[0] ?? protocol,
    hardware: hardware.ethernet,
  };
}

/** As the kernel shows one that goes out: from its Ethernet header on, whose EtherType need not be the socket's. */
function outgoing(protocol: number, bytes: Uint8Array, tags: number[] = []): FilterPacket {
  const frame = ethernet({ ...eth, tags: tags.map((type, id) => ({ type, id })) }, protocol, bytes);
  return {
    bytes: frame,
    networkOffset: 14,
    packetType: packetTypes.outgoing,
    protocol: 3,
    hardware: hardware.ethernet,
  };
}

const hashOf = (packet: FilterPacket): number => runFilter(shareProgram, packet).returned;
const address4 = (number: number): string =>
  [24, 16, 8, 0].map((shift) => (number >>> shift) & 0xff).join(".");
const one = "192.0.2.17";
const other = "198.51.100.9";
const one6 = "2001:db8::17";
const other6 = "2001:db8:9::1:9";
const udp4 = (source: string, destination: string): Uint8Array<ArrayBuffer> =>
  ipv4({ source, destination, protocol: 17 }, udp(1000, 53, 20));
const udp6 = (source: string, destination: string): Uint8Array<ArrayBuffer> =>
  ipv6({ source, destination, nextHeader: 17 }, udp(1000, 53, 20));

/** The hash as the program's head defines it. */
function definedHash(source: readonly number[], destination: readonly number[]): number {
  const factor = 0x9e3779b1;
  const mix = (words: readonly number[]): number => {
    let hash = 0;
    for (const word of words) hash = Math.imul(hash ^ word, factor);
    return hash ^ (hash >>> 16);
  };
  return Math.imul(mix(source) + mix(destination), factor) >>> 16;
}

describe("the program that shares packets", () => {
  it("computes what its head defines, of IPv4 and IPv6", () => {
    expect(hashOf(incoming(etherTypes.ipv4, udp4(one, other)))).toBe(definedHash([0xc0000211], [0xc6336409]));
    expect(hashOf(incoming(etherTypes.ipv6, udp6(one6, other6)))).toBe(
      definedHash([0x20010db8, 0, 0, 0x17], [0x20010db8, 0x00090000, 0, 0x00010009]),
    );
  });

  it("finds the same addresses whatever the direction, the tags and the device", () => {
    const tagsOf = [[], [0x8100], [0x88a8, 0x8100], [0x9100, 0x8100, 0x8100]];
    for (const [protocol, there, back] of [
      [etherTypes.ipv4, udp4(one, other), udp4(other, one)],
      [etherTypes.ipv6, udp6(one6, other6), udp6(other6, one6)],
    ] as const) {
      const expected = hashOf(incoming(protocol, there));
      expect(expected).toBeGreaterThan(0);
      for (const tags of tagsOf) {
        expect(hashOf(incoming(protocol, back, tags))).toBe(expected);
        expect(hashOf(outgoing(protocol, there, tags))).toBe(expected);
        expect(hashOf({ ...outgoing(protocol, back, tags), hardware: hardware.loopback })).toBe(expected);
      }
      const tunnel = { packetType: packetTypes.outgoing, protocol, hardware: hardware.none };
      expect(hashOf({ ...tunnel, bytes: there, networkOffset: 0 })).toBe(expected);
      expect(hashOf({ ...tunnel, bytes: bytesOf([1, 2, 3, 4], there), networkOffset: 4 })).toBe(expected);
    }
  });

  it("does not look at what the fragments of a datagram have not in common", () => {
    const datagram = udp(4000, 53, 100);
    const header = { source: one, destination: other, protocol: 17, identification: 77 };
    const whole = hashOf(incoming(etherTypes.ipv4, udp4(one, other)));
    for (const fragment of [
      ipv4({ ...header, moreFragments: true }, datagram.subarray(0, 64)),
      ipv4({ ...header, fragmentOffset: 8 }, datagram.subarray(64)),
    ]) {
      expect(hashOf(incoming(etherTypes.ipv4, fragment))).toBe(whole);
    }
    const atomic = ipv6({ source: one6, destination: other6, nextHeader: 44 }, datagram);
    expect(hashOf(incoming(etherTypes.ipv6, atomic))).toBe(
      hashOf(incoming(etherTypes.ipv6, udp6(one6, other6))),
    );
  });

  it("gives the first worker what is not IP, and what has more tags than it looks through", () => {
    expect(hashOf(incoming(etherTypes.arp, new Uint8Array(46).fill(7)))).toBe(0);
    expect(hashOf(incoming(0x8864, udp4(one, other)))).toBe(0);
    expect(hashOf(outgoing(0x8847, udp4(one, other)))).toBe(0);
    expect(hashOf(outgoing(etherTypes.ipv4, udp4(one, other), [0x8100, 0x8100, 0x8100, 0x8100]))).toBe(0);
  });

  it("ends soon on any frame, cut anywhere", () => {
    const frames = [
      incoming(etherTypes.ipv6, udp6(one6, other6), [0x8100, 0x8100]),
      outgoing(etherTypes.ipv4, udp4(one, other), [0x88a8, 0x8100]),
    ];
    for (const frame of frames) {
      for (let length = 0; length <= frame.bytes.length; length++) {
        const cut = { ...frame, bytes: frame.bytes.subarray(0, length) };
        expect(runFilter(shareProgram, cut).steps).toBeLessThan(120);
      }
    }
    const anyFrame = fc.record({
      bytes: fc.uint8Array({ maxLength: 90 }),
      networkOffset: fc.constantFrom(0, 14),
      packetType: fc.constantFrom(0, 1, 2, 3, 4),
      protocol: fc.constantFrom(0x0800, 0x86dd, 0x8100, 0x88a8, 0x0806, 3),
      hardware: fc.constantFrom(1, 772, 0xfffe),
    });
    fc.assert(
      fc.property(anyFrame, (frame) => {
        const { returned, steps } = runFilter(shareProgram, frame);
        return steps < 120 && returned <= 0xffff;
      }),
      { numRuns: 2000 },
    );
  });

  it.each([2, 3, 4, 7, 16])("shares neighbouring addresses evenly among %i workers", (workers) => {
    const server = "203.0.113.5";
    const patterns: ((index: number) => [string, string])[] = [
      (index) => [address4(0x0a000000 + index), server],
      (index) => [address4(0x0a000000 + 256 * index), server],
      (index) => [address4(0x0a000000 + index), address4(0x0a010000 + index)],
      (index) => [address4(0x0a000000 + index), address4(0x0affffff - index)],
    ];
    const count = 4000;
    for (const pattern of patterns) {
      const shares = Array.from({ length: workers }, () => 0);
      for (let index = 0; index < count; index++) {
        shares[hashOf(incoming(etherTypes.ipv4, udp4(...pattern(index)))) % workers]! += 1;
      }
      for (const share of shares) {
        expect(share).toBeGreaterThan((0.8 * count) / workers);
        expect(share).toBeLessThan((1.2 * count) / workers);
      }
    }
  });
});

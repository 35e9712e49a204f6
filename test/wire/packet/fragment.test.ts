import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { createPacketDecoder } from "../../../src/wire/packet/mod.ts";
import { decode } from "./decode.ts";
import { ethernet, extension, fragmentHeader, ipv4, ipv6, udp } from "./frames.ts";

const data = new Uint8Array(16);
const first4 = (identification: number, port = 7) =>
  ethernet(0x0800, ipv4({ identification, moreFragments: true }, udp(port, 8, data)));
const later4 = (identification: number, fields = {}) =>
  ethernet(0x0800, ipv4({ identification, fragmentOffset: 24, ...fields }, data));
const first6 = (identification: number) =>
  ethernet(
    0x86dd,
    ipv6({ nextHeader: 44 }, fragmentHeader(60, 0, true, identification, extension(17, 1, udp(7, 8)))),
  );
const later6 = (identification: number) =>
  ethernet(0x86dd, ipv6({ nextHeader: 44 }, fragmentHeader(60, 16, false, identification, data)));

describe("a fragment without ports", () => {
  it("has those of its datagram's first fragment in IPv4", () => {
    const decoder = createPacketDecoder();
    decode(first4(1), { decoder });
    decode(first4(2, 99), { decoder });
    expect(decode(later4(1), { decoder })).toMatchObject({ sourcePort: 7, destinationPort: 8, octets: 36 });
    expect(decode(later4(2), { decoder })).toMatchObject({ sourcePort: 99 });
    expect(decoder.fragments.unattributed).toBe(0);
  });

  it("has those of its datagram's first fragment in IPv6, and the protocol behind its headers", () => {
    const decoder = createPacketDecoder();
    decode(first6(1), { decoder });
    expect(decode(later6(1), { decoder })).toMatchObject({ protocol: 17, sourcePort: 7, octets: 64 });
  });

  it("is no other datagram's: identification, protocol and addresses tell them apart", () => {
    const decoder = createPacketDecoder();
    decode(first4(1), { decoder });
    const strangers = [
      later4(2),
      later4(1, { protocol: 6 }),
      later4(1, { source: "10.0.0.9" }),
      later4(1, { destination: "10.0.0.9" }),
    ];
    for (const frame of strangers) expect(decode(frame, { decoder })).toMatchObject({ sourcePort: 0 });
    expect(decoder.fragments.unattributed).toBe(strangers.length);
  });

  it("has ports 0 when it comes before the first one, and is counted", () => {
    const decoder = createPacketDecoder();
    expect(decode(later4(1), { decoder })).toMatchObject({ protocol: 17, sourcePort: 0, octets: 36 });
    expect(decode(later6(1), { decoder })).toMatchObject({ protocol: 60, sourcePort: 0 });
    expect(decoder.fragments.unattributed).toBe(2);
  });

  it("has ports 0 when the first one is too long ago", () => {
    const decoder = createPacketDecoder({ fragmentTimeoutUs: 1_000_000 });
    decode(first4(1), { decoder, timestampUs: 5_000_000 });
    expect(decode(later4(1), { decoder, timestampUs: 6_000_000 })).toMatchObject({ sourcePort: 7 });
    expect(decode(later4(1), { decoder, timestampUs: 6_000_001 })).toMatchObject({ sourcePort: 0 });
  });

  it("takes the newer datagram's ports when an identification is used again", () => {
    const decoder = createPacketDecoder();
    decode(first4(1), { decoder });
    decode(first4(1, 1234), { decoder, timestampUs: 1000 });
    expect(decode(later4(1), { decoder, timestampUs: 2000 })).toMatchObject({ sourcePort: 1234 });
  });

  it("finds its first one among as many as the table is made for, and memory stays bounded beyond", () => {
    const decoder = createPacketDecoder({ fragmentsMax: 64, seed: 1 });
    for (let identification = 0; identification < 10_000; identification++) {
      decode(first4(identification), { decoder, timestampUs: identification });
    }
    expect(decoder.fragments.ports.length).toBe(64);
    expect(decode(later4(9999), { decoder, timestampUs: 10_000 })).toMatchObject({ sourcePort: 7 });
    expect(decode(later4(1), { decoder, timestampUs: 10_000 })).toMatchObject({ sourcePort: 0 });
  });

  it("is counted once and with its own octets, however it overlaps others and whatever it claims to be", () => {
    const decoder = createPacketDecoder({ fragmentsMax: 8 });
    const fragment = fc.record({
      identification: fc.nat(3),
      fragmentOffset: fc.constantFrom(0, 0, 8, 16, 24, 1024, 65_528),
      moreFragments: fc.boolean(),
      octets: fc.constantFrom(0, 1, 4, 8, 20, 100),
      port: fc.constantFrom(7, 9),
      isIpv6: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(fragment, { maxLength: 40 }), (fragments) => {
        for (const { identification, fragmentOffset, moreFragments, octets, port, isIpv6 } of fragments) {
          // A first fragment may be so small that ports and flags come with the next, or over it (RFC 1858).
          const payload = udp(port, 8, new Uint8Array(100)).subarray(0, octets);
          const frame = isIpv6
            ? ipv6(
                { nextHeader: 44 },
                fragmentHeader(17, fragmentOffset, moreFragments, identification, payload),
              )
            : ipv4({ identification, fragmentOffset, moreFragments }, payload);
          const decoded = decode(ethernet(isIpv6 ? 0x86dd : 0x0800, frame), { decoder });
          expect(decoded).toMatchObject({ octets: (isIpv6 ? 48 : 20) + octets, protocol: 17 });
          expect([0, 7, 9]).toContain(typeof decoded === "string" ? decoded : decoded.sourcePort);
        }
      }),
      { numRuns: 500 },
    );
    expect(decoder.fragments.ports.length).toBe(8);
  });
});

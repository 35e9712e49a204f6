import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { createPacketDecoder, linkTypes } from "../../../src/wire/packet/mod.ts";
import { decode } from "./decode.ts";
import { ethernet, icmp, ipv4, ipv6, join, tcp, u8, udp } from "./frames.ts";

const etherTypes = [
  { etherType: 0x0800, linkType: linkTypes.ipv4 },
  { etherType: 0x86dd, linkType: linkTypes.ipv6 },
];

const payload = fc.uint8Array({ maxLength: 40 });
const packets = fc.oneof(
  payload.map((data) => ipv4({ protocol: 6, tos: 0xb8 }, tcp(51000, 443, 0x1c2, data))),
  payload.map((data) => ipv4({ protocol: 17 }, udp(53, 5353, data))),
  payload.map((data) => ipv4({ protocol: 1 }, join(icmp(8, 0), data))),
  payload.map((data) => ipv6({ nextHeader: 6, trafficClass: 0x2e }, tcp(51000, 443, 0x011, data))),
  payload.map((data) => ipv6({ nextHeader: 17 }, udp(53, 4789, data))),
  payload.map((data) => ipv6({ nextHeader: 58 }, join(icmp(129, 0), data))),
  // Of the wrong version, but no less traffic: the walk reads type and code of either in both.
  payload.map((data) => ipv4({ protocol: 58 }, join(icmp(135, 1), data))),
  payload.map((data) => ipv6({ nextHeader: 1 }, join(icmp(3, 13), data))),
);
/** Octets changed, among the headers above all. */
const changes = fc.array(fc.tuple(fc.nat(70), fc.nat(255)), { maxLength: 3 });
const cuts = fc.oneof(fc.constant(0), fc.nat(60));
const padding = fc.oneof(fc.constant(0), fc.nat(20));

describe("decodePlainFrame()", () => {
  // A packet without an Ethernet header is never on the straight way.
  it("decodes whatever it takes as the walk from header to header does", () => {
    fc.assert(
      fc.property(packets, changes, cuts, padding, fc.boolean(), (packet, edits, cut, padded, vxlan) => {
        const changed = packet.slice();
        for (const [at, value] of edits) if (at < changed.length) changed[at] = value;
        const onWire = join(changed, new Uint8Array(padded));
        const captured = onWire.slice(0, Math.max(1, onWire.length - cut));
        for (const { etherType, linkType } of etherTypes) {
          const options = { encapsulations: { vxlan }, seed: 1 };
          const framed = decode(ethernet(etherType, captured), {
            wireLength: onWire.length + 14,
            decoder: createPacketDecoder(options),
          });
          const walked = decode(captured, {
            linkType,
            wireLength: onWire.length,
            decoder: createPacketDecoder(options),
          });
          expect(framed).toEqual(walked);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it("leaves nothing in the decoder of the frame before", () => {
    const decoder = createPacketDecoder();
    const cooked = join(u8(0x08, 0, 0, 0, 0, 0, 0, 7, 0, 1, 4, 6), new Uint8Array(8), ipv4({}, udp(7, 8)));
    decode(cooked, { linkType: linkTypes.linuxSll2, decoder });
    expect([decoder.interfaceIndex, decoder.direction]).toEqual([7, 1]);
    decode(ethernet(0x0800, ipv4({ protocol: 6 }, tcp(7, 8, 2, u8()))), { decoder });
    expect([decoder.interfaceIndex, decoder.direction]).toEqual([0, 255]);
  });
});

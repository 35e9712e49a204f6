/** The decoder beside Wireshark's: the same addresses, protocol, ports, lengths, tags and flags of every packet. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { createPacketDecoder } from "../../../src/wire/packet/mod.ts";
import { requirePeer } from "../../support/peers.ts";
import { classicHeader, classicRecord } from "../pcap/files.ts";
import { decode, type DecodedPacket } from "./decode.ts";
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

const data = new Uint8Array(64).fill(0x55);

/** IP packets with everything that a decoder may trip over, their lengths all true. */
const packets = {
  tcp: ipv4({ protocol: 6, tos: 0x2e }, tcp(40_000, 443, 0x0c2, data)),
  udp: ipv4({ protocol: 17 }, udp(40_001, 4000, data)),
  sctp: ipv4({ protocol: 132 }, sctp(40_002, 36_412)),
  icmp: ipv4({ protocol: 1 }, icmp(8, 0)),
  unreachable: ipv4({ protocol: 1 }, join(icmp(3, 3), ipv4({}, udp(1, 2)))),
  options: ipv4({ options: u8(0x94, 4, 0, 0, 1, 1, 1, 0), protocol: 6 }, tcp(40_003, 80, 2)),
  esp: ipv4({ protocol: 50 }, u32(1, 2, 3, 4)),
  first: ipv4({ identification: 77, moreFragments: true }, udp(40_004, 4001, data)),
  tcp6: ipv6({ nextHeader: 6, trafficClass: 0x88 }, tcp(40_005, 22, 0x12, data)),
  udp6: ipv6({}, udp(40_006, 4002, data)),
  icmp6: ipv6({ nextHeader: 58 }, icmp(129, 0)),
  sctp6: ipv6({ nextHeader: 132 }, sctp(40_007, 2905)),
  hopByHop: ipv6({ nextHeader: 0 }, extension(6, 1, tcp(40_008, 23, 0x18))),
  chain: ipv6({ nextHeader: 0 }, extension(60, 2, extension(51, 1, authentication(17, udp(40_009, 4003))))),
  atomic: ipv6({ nextHeader: 44 }, fragmentHeader(17, 0, false, 9, udp(40_010, 4004, data))),
  nothing: ipv6({ nextHeader: 59 }, u8()),
};
const all = Object.values(packets);
const etherTypeOf = (packet: Uint8Array) => (packet[0]! >>> 4 === 4 ? 0x0800 : 0x86dd);

/** Every link that carries them. */
const links: Readonly<Record<number, Uint8Array[]>> = {
  1: [
    ...all.map((packet) => ethernet(etherTypeOf(packet), packet, 60)),
    ...all.map((packet) => ethernet(0x8100, vlan(0x6000 | 101, etherTypeOf(packet), packet), 60)),
    ...all.map((packet) => {
      const inner = vlan(102, etherTypeOf(packet), packet);
      return ethernet(0x88a8, vlan(900, 0x8100, inner), 60);
    }),
    ethernet(0x0800, ipv4({ protocol: 6, totalLength: 0 }, tcp(40_011, 80, 0x10, new Uint8Array(1600)))),
  ],
  0: all.map((packet) => join(u8(packet[0]! >>> 4 === 4 ? 2 : 30, 0, 0, 0), packet)),
  101: all,
  108: all.map((packet) => join(u32(packet[0]! >>> 4 === 4 ? 2 : 24), packet)),
  113: all.map((packet) => join(u16(0, 1, 6), new Uint8Array(8), u16(etherTypeOf(packet)), packet)),
  228: all.filter((packet) => packet[0]! >>> 4 === 4),
  229: all.filter((packet) => packet[0]! >>> 4 === 6),
  239: all.map((packet) => {
    const prefix = join(u8(packet[0]! >>> 4 === 4 ? 2 : 10, 0), u16(5), u8(6, 0, 10, 0, 0x69, 0, 0, 0));
    return join(prefix, u8((packet.length + 4) & 0xff, (packet.length + 4) >>> 8, 9, 0), packet);
  }),
  276: all.map((packet) =>
    join(u16(etherTypeOf(packet), 0), u32(3), u16(1), u8(4, 6), new Uint8Array(8), packet),
  ),
};

const fields = [
  "ip.src",
  "ipv6.src",
  "ip.dst",
  "ipv6.dst",
  "ip.proto",
  "ip.len",
  "ipv6.plen",
  "ip.dsfield",
  "ipv6.tclass",
  "tcp.srcport",
  "tcp.dstport",
  "tcp.flags",
  "udp.srcport",
  "udp.dstport",
  "sctp.srcport",
  "sctp.dstport",
  "icmp.type",
  "icmp.code",
  "icmpv6.type",
  "icmpv6.code",
  "vlan.id",
  "ieee8021ad.id",
] as const;
type Dissection = Record<(typeof fields)[number], string>;

describe.skipIf(!requirePeer("tshark"))("the packet decoder", () => {
  let directory = "";
  beforeAll(() => {
    directory = mkdtempSync(joinPath(tmpdir(), "weir-tshark-"));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  it.each(Object.keys(links).map(Number))("reads link type %i as tshark does", (linkType) => {
    const frames = links[linkType]!;
    const options = { littleEndian: true, linkType };
    const path = joinPath(directory, `${linkType}.pcap`);
    const records = frames.map((frame, index) => classicRecord(options, index, 0, frame));
    writeFileSync(path, join(classicHeader(options), ...records));
    const dissections = dissect(path);
    expect(dissections.length).toBe(frames.length);
    const decoder = createPacketDecoder();
    for (const [index, frame] of frames.entries()) {
      const packet = decode(frame, { linkType, decoder, timestampUs: index * 1e6 });
      expect(packet, `frame ${index + 1}`).toMatchObject(expectation(dissections[index]!));
    }
  });
});

function dissect(path: string): Dissection[] {
  const arguments_ = ["-r", path, "-n", "-T", "fields", "-E", "occurrence=f", "-E", "separator=|"];
  for (const field of fields) arguments_.push("-e", field);
  // A fragment shows its own headers, as a meter sees it.
  arguments_.push("-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE");
  const text = execFileSync("tshark", arguments_, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  return text
    .trimEnd()
    .split("\n")
    .map((line) => {
      const values = line.split("|");
      return Object.fromEntries(fields.map((field, index) => [field, values[index] ?? ""])) as Dissection;
    });
}

/** What tshark shows, in the decoder's terms; only what it shows. */
function expectation(shown: Dissection): Partial<DecodedPacket> {
  const isIpv4 = shown["ip.src"] !== "";
  const icmpType = shown["icmp.type"] || shown["icmpv6.type"];
  const icmpPort = Number(icmpType) * 256 + Number(shown["icmp.code"] || shown["icmpv6.code"]);
  const sourcePort = shown["tcp.srcport"] || shown["udp.srcport"] || shown["sctp.srcport"] || "0";
  const destinationPort = shown["tcp.dstport"] || shown["udp.dstport"] || shown["sctp.dstport"] || "0";
  return {
    source: shown["ip.src"] || shown["ipv6.src"],
    destination: shown["ip.dst"] || shown["ipv6.dst"],
    octets: isIpv4 ? Number(shown["ip.len"]) : 40 + Number(shown["ipv6.plen"]),
    ...(isIpv4 ? { protocol: Number(shown["ip.proto"]) } : {}),
    tos: Number(shown["ip.dsfield"] || shown["ipv6.tclass"]),
    // In an ICMP error tshark shows the ports of the packet that it quotes.
    sourcePort: icmpType === "" ? Number(sourcePort) : 0,
    destinationPort: icmpType === "" ? Number(destinationPort) : icmpPort,
    tcpControlBits: Number(shown["tcp.flags"] || "0"),
    vlanId: Number(shown["ieee8021ad.id"] || shown["vlan.id"] || "0"),
  };
}

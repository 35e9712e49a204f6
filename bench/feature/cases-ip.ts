/** Cases of plain IP: transports, lengths, fragments, extension headers, tags. */
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
} from "../../test/wire/packet/frames.ts";
import { cut, data20, etherTypes, type FeatureCase, user4, user6, userFrame4, userFrame6 } from "./case.ts";

const eth4 = (packet: Uint8Array, frameBytesMin = 0) => ethernet(etherTypes.ipv4, packet, frameBytesMin);
const eth6 = (packet: Uint8Array, frameBytesMin = 0) => ethernet(etherTypes.ipv6, packet, frameBytesMin);
const hosts4 = (site: number) => ({ source: `10.${site}.0.1`, destination: `10.${site}.0.2` });
const hosts6 = (site: number) => ({ source: `2001:db8:${site}::1`, destination: `2001:db8:${site}::2` });

const transports: readonly FeatureCase[] = [
  {
    name: "TCP over IPv4, both directions, flags of all packets",
    frames: [
      eth4(ipv4({ ...hosts4(1), protocol: 6, tos: 0xb8 }, tcp(40_000, 443, 0x002))),
      eth4(ipv4({ source: "10.1.0.2", destination: "10.1.0.1", protocol: 6 }, tcp(443, 40_000, 0x012))),
      eth4(ipv4({ ...hosts4(1), protocol: 6, tos: 0xb8 }, tcp(40_000, 443, 0x018, data20))),
    ],
    flows: [
      "tcp 10.1.0.1:40000 > 10.1.0.2:443 2/100 tos b8 flags 1a",
      "tcp 10.1.0.2:443 > 10.1.0.1:40000 1/40 flags 12",
    ],
  },
  {
    name: "UDP over IPv6",
    frames: [userFrame6(2), userFrame6(2)],
    flows: ["udp [2001:db8:2::1]:1000 > [2001:db8:2::2]:2000 2/136"],
  },
  {
    name: "SCTP ports; ICMP and ICMPv6 type and code",
    frames: [
      eth4(ipv4({ ...hosts4(3), protocol: 132 }, sctp(2905, 38_412))),
      eth4(ipv4({ ...hosts4(3), protocol: 1 }, icmp(8, 0))),
      eth6(ipv6({ ...hosts6(3), nextHeader: 58 }, icmp(129, 0))),
    ],
    flows: [
      "sctp 10.3.0.1:2905 > 10.3.0.2:38412 1/36",
      "icmp 10.3.0.1:0 > 10.3.0.2:2048 1/28",
      "icmpv6 [2001:db8:3::1]:0 > [2001:db8:3::2]:33024 1/48",
    ],
  },
  {
    name: "ARP, LLDP and spanning tree are no IP",
    frames: [
      ethernet(0x0806, new Uint8Array(46)),
      ethernet(0x88cc, new Uint8Array(46)),
      ethernet(38, join(u8(0x42, 0x42, 3), new Uint8Array(40))),
    ],
    flows: [],
  },
];

const lengths: readonly FeatureCase[] = [
  {
    name: "Ethernet padding is not counted",
    frames: Array.from({ length: 5 }, () => eth4(ipv4({ ...hosts4(5), protocol: 6 }, tcp(1, 2, 0x10)), 60)),
    flows: ["tcp 10.5.0.1:1 > 10.5.0.2:2 5/200 flags 10"],
  },
  {
    name: "segmentation offload: a length of 0 is the frame's",
    frames: [
      eth4(ipv4({ ...hosts4(6), protocol: 6, totalLength: 0 }, tcp(1, 2, 0x10, new Uint8Array(3000)))),
      eth6(ipv6({ ...hosts6(6), nextHeader: 6, payloadLength: 0 }, tcp(1, 2, 0x10, new Uint8Array(3000)))),
    ],
    flows: [
      "tcp 10.6.0.1:1 > 10.6.0.2:2 1/3040 flags 10",
      "tcp [2001:db8:6::1]:1 > [2001:db8:6::2]:2 1/3060 flags 10",
    ],
    notAsTshark: "it shows the length field of IPv6, which is 0",
  },
  {
    name: "jumbogram, cut to its headers",
    frames: [
      cut(
        eth6(
          ipv6(
            { ...hosts6(7), payloadLength: 0, nextHeader: 0 },
            join(u8(17, 0, 0xc2, 4), u32(70_000), udp(1, 2)),
          ),
        ),
        70,
        14 + 40 + 70_000,
      ),
    ],
    flows: ["udp [2001:db8:7::1]:1 > [2001:db8:7::2]:2 1/70040"],
    notAsTshark: "it shows the length field, which is 0",
  },
  {
    name: "snap length: behind the flags, behind the ports, behind the addresses",
    frames: [48, 38, 34].map((captured) =>
      cut(eth4(ipv4({ ...hosts4(8), protocol: 6 }, tcp(1, 2, 0x10, new Uint8Array(1000)))), captured),
    ),
    flows: ["tcp 10.8.0.1:1 > 10.8.0.2:2 2/2080 flags 10", "tcp 10.8.0.1:0 > 10.8.0.2:0 1/1040"],
    notAsTshark: "it shows no fields of a header that is not there in full",
  },
  {
    name: "snap length: within the IP header",
    frames: [cut(userFrame4(9), 33), cut(userFrame6(9), 53), cut(userFrame6(9), 10)],
    flows: [],
    otherwise: "truncated",
    notAsTshark: "it shows what there is",
  },
  {
    name: "headers that contradict themselves",
    frames: [
      eth4(ipv4({ headerWords: 4 }, udp(1, 2))),
      eth4(ipv4({ totalLength: 19 }, udp(1, 2))),
      u8(1, 2, 3),
    ],
    flows: [],
    otherwise: "malformed",
    notAsTshark: "it shows what there is",
  },
];

const identified = { ...hosts4(11), identification: 11 };

const fragments: readonly FeatureCase[] = [
  {
    name: "IPv4 fragments belong to the flow of the first",
    frames: [
      eth4(ipv4({ ...identified, moreFragments: true }, udp(5, 6, new Uint8Array(16)))),
      eth4(ipv4({ ...identified, fragmentOffset: 24, moreFragments: true }, new Uint8Array(24))),
      eth4(ipv4({ ...identified, fragmentOffset: 48 }, new Uint8Array(8))),
    ],
    flows: ["udp 10.11.0.1:5 > 10.11.0.2:6 3/116"],
    notAsTshark: "it shows no ports of later fragments",
  },
  {
    name: "IPv6 fragments belong to the flow of the first, and their protocol is behind the headers",
    frames: [
      eth6(
        ipv6({ ...hosts6(12), nextHeader: 44 }, fragmentHeader(60, 0, true, 12, extension(17, 1, udp(5, 6)))),
      ),
      eth6(ipv6({ ...hosts6(12), nextHeader: 44 }, fragmentHeader(60, 16, false, 12, new Uint8Array(8)))),
    ],
    flows: ["udp [2001:db8:12::1]:5 > [2001:db8:12::2]:6 2/120"],
    notAsTshark: "it shows no ports of later fragments",
  },
  {
    name: "a later fragment without the first has ports 0",
    frames: [
      eth4(ipv4({ ...hosts4(13), identification: 13, fragmentOffset: 24 }, new Uint8Array(8))),
      eth4(ipv4({ ...hosts4(13), identification: 13, moreFragments: true }, udp(5, 6, new Uint8Array(16)))),
    ],
    flows: ["udp 10.13.0.1:0 > 10.13.0.2:0 1/28", "udp 10.13.0.1:5 > 10.13.0.2:6 1/44"],
  },
  {
    name: "extension headers and IPv4 options",
    frames: [
      eth6(
        ipv6(
          { ...hosts6(14), nextHeader: 0 },
          extension(43, 1, extension(51, 2, authentication(6, tcp(3, 4, 2)))),
        ),
      ),
      eth4(ipv4({ ...hosts4(14), options: u8(0x94, 4, 0, 0) }, udp(3, 4))),
    ],
    flows: [
      "tcp [2001:db8:14::1]:3 > [2001:db8:14::2]:4 1/108 flags 2",
      "udp 10.14.0.1:3 > 10.14.0.2:4 1/32",
    ],
  },
];

const tags: readonly FeatureCase[] = [
  {
    name: "802.1Q",
    frames: [ethernet(0x8100, vlan(0x6000 | 101, etherTypes.ipv4, user4(20)), 60)],
    flows: ["udp 10.20.0.1:1000 > 10.20.0.2:2000 1/48 vlan 101"],
    outside: [],
  },
  {
    name: "802.1ad, and three tags; the VLAN is the outermost",
    frames: [
      ethernet(0x88a8, vlan(900, 0x8100, vlan(101, etherTypes.ipv6, user6(21)))),
      ethernet(0x88a8, vlan(900, 0x8100, vlan(101, 0x8100, vlan(102, etherTypes.ipv6, user6(21))))),
    ],
    flows: ["udp [2001:db8:21::1]:1000 > [2001:db8:21::2]:2000 2/136 vlan 900"],
    outside: [],
  },
  {
    name: "stacked tags of the legacy kinds, and a priority tag, which names no VLAN",
    frames: [
      ethernet(0x8100, vlan(30, 0x8100, vlan(31, etherTypes.ipv4, user4(22)))),
      ethernet(0x9100, vlan(32, 0x8100, vlan(31, etherTypes.ipv4, user4(22)))),
      ethernet(0x8100, vlan(0xe000, etherTypes.ipv4, user4(22))),
    ],
    flows: [
      "udp 10.22.0.1:1000 > 10.22.0.2:2000 1/48 vlan 30",
      "udp 10.22.0.1:1000 > 10.22.0.2:2000 1/48 vlan 32",
      "udp 10.22.0.1:1000 > 10.22.0.2:2000 1/48",
    ],
    outside: [],
  },
  {
    name: "IP in LLC and SNAP",
    frames: [ethernet(56, join(u8(0xaa, 0xaa, 3, 0, 0, 0), u16(etherTypes.ipv4), user4(23)))],
    flows: ["udp 10.23.0.1:1000 > 10.23.0.2:2000 1/48"],
  },
];

export const ipCases: readonly FeatureCase[] = [...transports, ...lengths, ...fragments, ...tags];

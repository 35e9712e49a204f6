/** Cases of tunnels: an IP packet inside another one's payload. */
import {
  ethernet,
  extension,
  fragmentHeader,
  ipv4,
  ipv6,
  join,
  tcp,
  u16,
  u32,
  u8,
  udp,
  vlan,
} from "../../test/wire/packet/frames.ts";
import {
  cut,
  etherTypes,
  type FeatureCase,
  outer4,
  outer6,
  outerPacket4,
  user4,
  user6,
  userFrame4,
  userFrame6,
} from "./case.ts";
import { erspan2, erspan3, gre, mpls, pppoe, ppp, pptp } from "./headers.ts";

const { ipv4: ip4, ipv6: ip6 } = etherTypes;
const teb = 0x6558;

const greCases: readonly FeatureCase[] = [
  {
    name: "GRE: IPv4, then with key, with all options, and IPv6",
    frames: [
      outer4(60, 47, gre(ip4, user4(60))),
      outer4(60, 47, gre(ip4, user4(60), { key: 9 })),
      outer4(60, 47, gre(ip4, user4(60), { checksum: true, key: 9, sequence: 1 })),
      outer4(60, 47, gre(ip6, user6(60), { sequence: 2 })),
    ],
    // 72, 76, 84 and 96 octets.
    flows: ["47 192.0.2.60:0 > 198.51.100.60:0 4/328"],
    inside: [
      "udp 10.60.0.1:1000 > 10.60.0.2:2000 3/144",
      "udp [2001:db8:60::1]:1000 > [2001:db8:60::2]:2000 1/68",
    ],
  },
  {
    name: "GRE: bridged Ethernet, with and without a tag, padded",
    frames: [
      outer4(
        61,
        47,
        gre(teb, ethernet(ip4, ipv4({ source: "10.61.0.1", destination: "10.61.0.2" }, udp(1, 2)), 60), {
          key: 5,
        }),
      ),
      outer4(61, 47, gre(teb, ethernet(0x8100, vlan(77, ip4, user4(61))))),
    ],
    // 20 + 8 + 60 and 20 + 4 + 66.
    flows: ["47 192.0.2.61:0 > 198.51.100.61:0 2/178"],
    inside: ["udp 10.61.0.1:1 > 10.61.0.2:2 1/28", "udp 10.61.0.1:1000 > 10.61.0.2:2000 1/48 vlan 77"],
  },
  {
    name: "GRE over IPv6, and MPLS in GRE",
    frames: [outer6(62, 47, gre(ip4, user4(62))), outer4(62, 47, gre(0x8847, mpls([16, 17], user4(62))))],
    // 40 + 4 + 48 and 20 + 4 + 8 + 48.
    flows: ["47 [2001:db8:a:62::1]:0 > [2001:db8:b:62::1]:0 1/92", "47 192.0.2.62:0 > 198.51.100.62:0 1/80"],
    inside: ["udp 10.62.0.1:1000 > 10.62.0.2:2000 2/96"],
  },
  {
    name: "the outer VLAN wins over the inner one",
    frames: [
      ethernet(
        0x8100,
        vlan(8, ip4, outerPacket4(63, 47, gre(teb, ethernet(0x8100, vlan(77, ip4, user4(63)))))),
      ),
    ],
    flows: ["47 192.0.2.63:0 > 198.51.100.63:0 1/90 vlan 8"],
    inside: ["udp 10.63.0.1:1000 > 10.63.0.2:2000 1/48 vlan 8"],
    outside: [],
  },
  {
    name: "PPTP: IP in PPP in enhanced GRE; an acknowledgement alone stays outside",
    frames: [
      outer4(64, 47, pptp(join(u16(0xff03), ppp(0x0021, user4(64))))),
      outer4(64, 47, join(u16(0x2081, 0x880b, 0, 9), u32(1))),
    ],
    // 20 + 16 + 4 + 48 and 20 + 12.
    flows: ["47 192.0.2.64:0 > 198.51.100.64:0 2/120"],
    inside: ["udp 10.64.0.1:1000 > 10.64.0.2:2000 1/48", "47 192.0.2.64:0 > 198.51.100.64:0 1/32"],
  },
  {
    name: "GRE without IP inside stays outside: ARP, keepalive, source routes",
    frames: [
      outer4(65, 47, gre(teb, ethernet(0x0806, new Uint8Array(46)))),
      outer4(65, 47, gre(0, u8())),
      outer4(65, 47, gre(ip4, join(u32(0), user4(65)), { routing: true })),
    ],
    // 84, 24 and 80 octets.
    flows: ["47 192.0.2.65:0 > 198.51.100.65:0 3/188"],
    notAsTshark: "it reads source routes",
  },
];

const erspanCases: readonly FeatureCase[] = [
  {
    name: "ERSPAN types I and II: the mirrored frame is metered, with the mirrored port's VLAN",
    frames: [
      outer4(70, 47, gre(0x88be, userFrame4(70))),
      outer4(70, 47, gre(0x88be, erspan2(0, userFrame4(70)), { sequence: 1 })),
      outer4(70, 47, gre(0x88be, erspan2(66, userFrame4(70)), { sequence: 2 })),
      outer4(70, 47, gre(0x88be, erspan2(0, ethernet(0x8100, vlan(67, ip6, user6(70)))), { sequence: 3 })),
    ],
    flows: [
      "udp 10.70.0.1:1000 > 10.70.0.2:2000 2/96",
      "udp 10.70.0.1:1000 > 10.70.0.2:2000 1/48 vlan 66",
      "udp [2001:db8:70::1]:1000 > [2001:db8:70::2]:2000 1/68 vlan 67",
    ],
    // 20 + 4 + 62, twice 20 + 8 + 8 + 62, 20 + 8 + 8 + 86.
    outside: ["47 192.0.2.70:0 > 198.51.100.70:0 4/404"],
    notAsTshark: "it shows the VLAN of the ERSPAN header under another name",
  },
  {
    name: "ERSPAN type III: Ethernet, with a platform subheader, and an IP packet alone",
    frames: [
      outer4(71, 47, gre(0x22eb, erspan3(0, userFrame4(71)), { sequence: 1 })),
      outer4(
        71,
        47,
        gre(0x22eb, erspan3(0, userFrame6(71), { subheader: u32(0x14000000, 0) }), { sequence: 2 }),
      ),
      outer4(71, 47, gre(0x22eb, erspan3(0, user4(71), { frameType: 2 }), { sequence: 3 })),
    ],
    flows: [
      "udp 10.71.0.1:1000 > 10.71.0.2:2000 2/96",
      "udp [2001:db8:71::1]:1000 > [2001:db8:71::2]:2000 1/68",
    ],
    // 20 + 8 + 12 + 62, 20 + 8 + 20 + 82, 20 + 8 + 12 + 48.
    outside: ["47 192.0.2.71:0 > 198.51.100.71:0 3/320"],
    notAsTshark: "it leaves an IP packet alone unread",
  },
  {
    name: "ERSPAN: the octets of a frame that the mirror cut are those of its own header",
    frames: [outer4(72, 47, gre(0x88be, erspan2(0, userFrame4(72).subarray(0, 46), true), { sequence: 1 }))],
    flows: ["udp 10.72.0.1:1000 > 10.72.0.2:2000 1/48"],
    outside: ["47 192.0.2.72:0 > 198.51.100.72:0 1/82"],
  },
];

const ipInIpCases: readonly FeatureCase[] = [
  {
    name: "IP in IP, of the same family",
    frames: [outer4(80, 4, user4(80)), outer6(80, 41, user6(80))],
    flows: ["4 192.0.2.80:0 > 198.51.100.80:0 1/68", "41 [2001:db8:a:80::1]:0 > [2001:db8:b:80::1]:0 1/108"],
    inside: [
      "udp 10.80.0.1:1000 > 10.80.0.2:2000 1/48",
      "udp [2001:db8:80::1]:1000 > [2001:db8:80::2]:2000 1/68",
    ],
  },
  {
    name: "6in4 and 4in6; the latter behind the option that limits encapsulation",
    frames: [
      outer4(81, 41, user6(81)),
      outer6(81, 4, user4(81)),
      outer6(81, 60, join(u8(4, 0, 4, 1, 4, 1, 1, 0), user4(81))),
    ],
    // 20 + 68; 40 + 48 and 40 + 8 + 48.
    flows: ["41 192.0.2.81:0 > 198.51.100.81:0 1/88", "4 [2001:db8:a:81::1]:0 > [2001:db8:b:81::1]:0 2/184"],
    inside: [
      "udp [2001:db8:81::1]:1000 > [2001:db8:81::2]:2000 1/68",
      "udp 10.81.0.1:1000 > 10.81.0.2:2000 2/96",
    ],
  },
  {
    name: "fragments inside a tunnel belong to the inner flow",
    frames: [
      outer4(
        82,
        4,
        ipv4(
          { source: "10.82.0.1", destination: "10.82.0.2", identification: 82, moreFragments: true },
          udp(5, 6, new Uint8Array(16)),
        ),
      ),
      outer4(
        82,
        4,
        ipv4(
          { source: "10.82.0.1", destination: "10.82.0.2", identification: 82, fragmentOffset: 24 },
          new Uint8Array(8),
        ),
      ),
    ],
    // 20 + 44 and 20 + 28.
    flows: ["4 192.0.2.82:0 > 198.51.100.82:0 2/112"],
    inside: ["udp 10.82.0.1:5 > 10.82.0.2:6 2/72"],
    notAsTshark: "it shows no ports of later fragments",
  },
  {
    name: "fragments of the outer packet stay outside, all of them",
    frames: [
      ethernet(
        ip4,
        ipv4(
          {
            source: "192.0.2.83",
            destination: "198.51.100.83",
            protocol: 47,
            identification: 83,
            moreFragments: true,
          },
          gre(ip4, user4(83)),
        ),
      ),
      ethernet(
        ip4,
        ipv4(
          {
            source: "192.0.2.83",
            destination: "198.51.100.83",
            protocol: 47,
            identification: 83,
            fragmentOffset: 56,
          },
          new Uint8Array(30),
        ),
      ),
      ethernet(
        ip6,
        ipv6(
          { source: "2001:db8:a:83::1", destination: "2001:db8:b:83::1", nextHeader: 44 },
          fragmentHeader(4, 0, true, 83, user4(83)),
        ),
      ),
    ],
    // 20 + 56 - 4 and 20 + 30; 40 + 8 + 48.
    flows: ["47 192.0.2.83:0 > 198.51.100.83:0 2/122", "4 [2001:db8:a:83::1]:0 > [2001:db8:b:83::1]:0 1/96"],
    notAsTshark: "it reads on in the first fragment",
  },
  {
    name: "four tunnels are entered, the fifth is not",
    frames: [outer4(84, 4, nest4(3, user4(84))), outer4(84, 4, nest4(4, user4(84)))],
    // 20 + 3 * 20 + 48 and 20 + 4 * 20 + 48.
    flows: ["4 192.0.2.84:0 > 198.51.100.84:0 2/276"],
    inside: ["udp 10.84.0.1:1000 > 10.84.0.2:2000 1/48", "4 10.99.0.1:0 > 10.99.0.2:0 1/68"],
    notAsTshark: "it reads further",
  },
  {
    name: "snap length: within the inner header, and behind it",
    frames: [cut(outer4(85, 4, user4(85)), 34 + 19), cut(outer4(85, 4, user4(85)), 34 + 20)],
    flows: ["4 192.0.2.85:0 > 198.51.100.85:0 2/136"],
    inside: ["4 192.0.2.85:0 > 198.51.100.85:0 1/68", "udp 10.85.0.1:0 > 10.85.0.2:0 1/48"],
    notAsTshark: "it shows what there is",
  },
  {
    name: "an inner length of 0 or beyond the outer packet is what the outer packet has room for",
    frames: [
      outer4(
        86,
        4,
        ipv4(
          { source: "10.86.0.1", destination: "10.86.0.2", protocol: 6, totalLength: 0 },
          tcp(1, 2, 0x10, new Uint8Array(960)),
        ),
      ),
      outer4(
        86,
        4,
        ipv4(
          { source: "10.86.0.1", destination: "10.86.0.2", protocol: 6, totalLength: 60_000 },
          tcp(1, 2, 0x10),
        ),
      ),
    ],
    // 20 + 1000 and 20 + 40.
    flows: ["4 192.0.2.86:0 > 198.51.100.86:0 2/1080"],
    inside: ["tcp 10.86.0.1:1 > 10.86.0.2:2 2/1040 flags 10"],
    notAsTshark: "it shows the length field of the header",
  },
  {
    name: "an inner packet that contradicts itself is metered by the outer one",
    frames: [outer4(87, 4, ipv4({ headerWords: 3 }, udp(1, 2))), outer4(87, 41, u8(0x60, 0, 0))],
    // 20 + 28 and 20 + 3.
    flows: ["4 192.0.2.87:0 > 198.51.100.87:0 1/48", "41 192.0.2.87:0 > 198.51.100.87:0 1/23"],
    notAsTshark: "it shows what there is",
  },
  {
    name: "a tunnel in a PPPoE session",
    frames: [ethernet(0x8864, pppoe(ppp(0x0021, outerPacket4(88, 4, user4(88)))))],
    flows: ["4 192.0.2.88:0 > 198.51.100.88:0 1/68"],
    inside: ["udp 10.88.0.1:1000 > 10.88.0.2:2000 1/48"],
    outside: [],
  },
];

/** `depth` IPv4 headers, each in the other, around `packet`. */
function nest4(depth: number, packet: Uint8Array): Uint8Array {
  let nested = packet;
  for (let level = 0; level < depth; level++) {
    nested = ipv4({ source: "10.99.0.1", destination: "10.99.0.2", protocol: 4 }, nested);
  }
  return nested;
}

/** ICMP errors quote a packet, which was not sent again and is not metered. */
const quoteCases: readonly FeatureCase[] = [
  {
    name: "the packet that an ICMP error quotes is no tunnel's",
    frames: [
      outer4(89, 1, join(u8(3, 3), u16(0, 0, 0), user4(89).subarray(0, 28))),
      outer6(89, 58, join(u8(1, 4), u16(0, 0, 0), extension(17, 1, u8()))),
    ],
    flows: [
      "icmp 192.0.2.89:0 > 198.51.100.89:771 1/56",
      "icmpv6 [2001:db8:a:89::1]:0 > [2001:db8:b:89::1]:260 1/56",
    ],
    notAsTshark: "it shows the quoted packet",
  },
];

export const tunnelCases: readonly FeatureCase[] = [
  ...greCases,
  ...erspanCases,
  ...ipInIpCases,
  ...quoteCases,
];

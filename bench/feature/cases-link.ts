/** Cases of links and of what lies between link and IP: cooked captures, PPP, HDLC, MPLS, PPPoE. */
import { ethernet, join, u16, u32, u8, vlan } from "../../test/wire/packet/frames.ts";
import { etherTypes, type FeatureCase, user4, user6, userFrame4 } from "./case.ts";
import { mpls, ppp, pppoe } from "./headers.ts";

const eightZeros = new Uint8Array(8);

const links: readonly FeatureCase[] = [
  {
    name: "Linux cooked, versions 1 and 2 apart",
    linkType: 113,
    frames: [join(u16(0, 1, 6), eightZeros, u16(etherTypes.ipv4), user4(30))],
    flows: ["udp 10.30.0.1:1000 > 10.30.0.2:2000 1/48"],
  },
  {
    name: "Linux cooked, version 2",
    linkType: 276,
    frames: [join(u16(etherTypes.ipv6, 0), u32(3), u16(1), u8(4, 6), eightZeros, user6(31))],
    flows: ["udp [2001:db8:31::1]:1000 > [2001:db8:31::2]:2000 1/68"],
  },
  {
    name: "raw IP",
    linkType: 101,
    frames: [user4(32), user6(32)],
    flows: [
      "udp 10.32.0.1:1000 > 10.32.0.2:2000 1/48",
      "udp [2001:db8:32::1]:1000 > [2001:db8:32::2]:2000 1/68",
    ],
  },
  {
    name: "BSD loopback",
    linkType: 0,
    frames: [join(u8(2, 0, 0, 0), user4(33)), join(u8(30, 0, 0, 0), user6(33))],
    flows: [
      "udp 10.33.0.1:1000 > 10.33.0.2:2000 1/48",
      "udp [2001:db8:33::1]:1000 > [2001:db8:33::2]:2000 1/68",
    ],
  },
  {
    name: "NFLOG",
    linkType: 239,
    frames: [join(u8(2, 0, 0, 5), u8(8, 0, 10, 0), eightZeros.subarray(4), u8(52, 0, 9, 0), user4(34))],
    flows: ["udp 10.34.0.1:1000 > 10.34.0.2:2000 1/48"],
  },
  {
    name: "PPP, with address and control, and LCP, which is no IP",
    linkType: 9,
    frames: [
      join(u16(0xff03), ppp(0x0021, user4(35))),
      join(u16(0xff03), ppp(0x0057, user6(35))),
      ppp(0xc021, u8(9, 1, 0, 8, 0, 0, 0, 0)),
    ],
    flows: [
      "udp 10.35.0.1:1000 > 10.35.0.2:2000 1/48",
      "udp [2001:db8:35::1]:1000 > [2001:db8:35::2]:2000 1/68",
    ],
  },
  {
    name: "PPP, without address and control, and with its protocol number left short",
    linkType: 9,
    frames: [ppp(0x0021, user4(36)), join(u8(0x21), user4(36)), join(u16(0xff03), u8(0x57), user6(36))],
    flows: [
      "udp 10.36.0.1:1000 > 10.36.0.2:2000 2/96",
      "udp [2001:db8:36::1]:1000 > [2001:db8:36::2]:2000 1/68",
    ],
  },
  {
    name: "serial lines: PPP and Cisco HDLC",
    linkType: 50,
    frames: [join(u16(0xff03), ppp(0x0021, user4(37))), join(u16(0x0f00, etherTypes.ipv4), user4(37))],
    flows: ["udp 10.37.0.1:1000 > 10.37.0.2:2000 2/96"],
  },
  {
    name: "Cisco HDLC, and its keepalive",
    linkType: 104,
    frames: [
      join(u16(0x0f00, etherTypes.ipv4), user4(38)),
      join(u16(0x0f00, etherTypes.ipv6), user6(38)),
      join(u16(0x8f00, 0x8035), new Uint8Array(18)),
    ],
    flows: [
      "udp 10.38.0.1:1000 > 10.38.0.2:2000 1/48",
      "udp [2001:db8:38::1]:1000 > [2001:db8:38::2]:2000 1/68",
    ],
  },
  {
    name: "PPP with direction",
    linkType: 204,
    frames: [
      join(u8(0), u16(0xff03), ppp(0x0021, user4(39))),
      join(u8(1), u16(0xff03), ppp(0x0021, user4(39))),
    ],
    flows: ["udp 10.39.0.1:1000 > 10.39.0.2:2000 1/48", "udp 10.39.0.1:1000 > 10.39.0.2:2000 1/48"],
    notAsTshark: "it does not tell the two directions apart",
  },
  {
    name: "PPPoE as the link",
    linkType: 51,
    frames: [pppoe(ppp(0x0021, user4(40)))],
    flows: ["udp 10.40.0.1:1000 > 10.40.0.2:2000 1/48"],
  },
  {
    name: "a link type that is not known",
    linkType: 147,
    frames: [user4(41)],
    flows: [],
    otherwise: "unsupportedLink",
  },
];

const labels: readonly FeatureCase[] = [
  {
    name: "MPLS: labels are no octets",
    frames: [
      ethernet(0x8847, mpls([16], user4(45))),
      ethernet(0x8847, mpls([16, 17, 18], user4(45)), 90),
      ethernet(0x8848, mpls([16], user4(45))),
      ethernet(0x8847, mpls([16, 2], user6(45))),
    ],
    flows: [
      "udp 10.45.0.1:1000 > 10.45.0.2:2000 3/144",
      "udp [2001:db8:45::1]:1000 > [2001:db8:45::2]:2000 1/68",
    ],
    outside: [],
  },
  {
    name: "MPLS in a VLAN, and Ethernet in a pseudowire with a VLAN of its own",
    frames: [
      ethernet(0x8100, vlan(50, 0x8847, mpls([16], user4(46)))),
      ethernet(0x8847, mpls([16, 500], join(u32(1), userFrame4(46)))),
      ethernet(0x8847, mpls([16, 500], join(u32(2), ethernet(0x8100, vlan(51, etherTypes.ipv4, user4(46)))))),
    ],
    flows: [
      "udp 10.46.0.1:1000 > 10.46.0.2:2000 1/48 vlan 50",
      "udp 10.46.0.1:1000 > 10.46.0.2:2000 1/48",
      "udp 10.46.0.1:1000 > 10.46.0.2:2000 1/48 vlan 51",
    ],
    outside: [],
  },
  {
    name: "an associated channel of a pseudowire carries no traffic",
    frames: [ethernet(0x8847, mpls([16, 17], join(u32(0x10000021), user4(47))))],
    flows: [],
    notAsTshark: "it reads the packets of a control channel too",
  },
  {
    name: "a label stack without a bottom",
    frames: [
      ethernet(
        0x8847,
        mpls(
          Array.from({ length: 40 }, () => 16),
          user4(48),
        ),
      ),
    ],
    flows: [],
    outside: [],
    otherwise: "malformed",
    notAsTshark: "it reads any number of labels",
  },
];

const sessions: readonly FeatureCase[] = [
  {
    name: "PPPoE: padding is not counted, nor are the session's headers",
    frames: [
      ethernet(0x8864, pppoe(ppp(0x0021, user4(55))), 90),
      ethernet(0x8864, pppoe(ppp(0x0057, user6(55)))),
      ethernet(0x8100, vlan(7, 0x8864, pppoe(ppp(0x0021, user4(55))))),
    ],
    flows: [
      "udp 10.55.0.1:1000 > 10.55.0.2:2000 1/48",
      "udp [2001:db8:55::1]:1000 > [2001:db8:55::2]:2000 1/68",
      "udp 10.55.0.1:1000 > 10.55.0.2:2000 1/48 vlan 7",
    ],
    outside: [],
  },
  {
    name: "PPPoE: discovery, and the session's own control, are no IP",
    frames: [
      ethernet(0x8863, pppoe(u8(1, 1, 0, 0), 9), 60),
      ethernet(0x8864, pppoe(ppp(0xc021, u8(9, 1, 0, 8, 0, 0, 0, 0))), 60),
    ],
    flows: [],
  },
];

export const linkCases: readonly FeatureCase[] = [...links, ...labels, ...sessions];

/** Cases of tunnels over UDP: VXLAN, GENEVE, GTP-U, and what one of them may hold. */
import { ethernet, ipv6, join, u16, u32, u8, udp, vlan } from "../../test/wire/packet/frames.ts";
import {
  cut,
  etherTypes,
  type FeatureCase,
  outer4,
  outer6,
  user4,
  user6,
  userFrame4,
  userFrame6,
} from "./case.ts";
import { geneve, gre, gtpu, udpTo, vxlan } from "./headers.ts";

const { ipv4: ip4, ipv6: ip6 } = etherTypes;
const teb = 0x6558;
/** Sequence number, N-PDU number, and the type of the first extension header. */
const gtpuOptional = (sequence: number, extension: number) => join(u16(sequence), u8(0, extension));

const vxlanCases: readonly FeatureCase[] = [
  {
    name: "VXLAN, on the port of the registry and on Linux's, over both families",
    frames: [
      outer4(100, 17, udpTo(4789, vxlan(userFrame4(100)))),
      outer4(100, 17, udpTo(8472, vxlan(userFrame4(100)))),
      outer6(100, 17, udpTo(4789, vxlan(userFrame6(100)))),
    ],
    // 20 + 8 + 8 + 62, and 40 + 8 + 8 + 82.
    flows: [
      "udp 192.0.2.100:50000 > 198.51.100.100:4789 1/98",
      "udp 192.0.2.100:50000 > 198.51.100.100:8472 1/98",
      "udp [2001:db8:a:100::1]:50000 > [2001:db8:b:100::1]:4789 1/138",
    ],
    inside: [
      "udp 10.100.0.1:1000 > 10.100.0.2:2000 2/96",
      "udp [2001:db8:100::1]:1000 > [2001:db8:100::2]:2000 1/68",
    ],
  },
  {
    name: "VXLAN with group policy, and with a tagged frame inside",
    frames: [
      outer4(101, 17, udpTo(4789, vxlan(userFrame4(101), 0x88))),
      outer4(101, 17, udpTo(4789, vxlan(ethernet(0x8100, vlan(55, ip4, user4(101)))))),
    ],
    // 98 and 102.
    flows: ["udp 192.0.2.101:50000 > 198.51.100.101:4789 2/200"],
    inside: [
      "udp 10.101.0.1:1000 > 10.101.0.2:2000 1/48",
      "udp 10.101.0.1:1000 > 10.101.0.2:2000 1/48 vlan 55",
    ],
  },
  {
    name: "VXLAN stays outside: ARP inside, no valid network, a source port, another port",
    frames: [
      outer4(102, 17, udpTo(4789, vxlan(ethernet(0x0806, new Uint8Array(46))))),
      outer4(102, 17, udpTo(4789, vxlan(userFrame4(102), 0))),
      outer4(102, 17, udp(4789, 50_000, vxlan(userFrame4(102)))),
      outer4(102, 17, udpTo(4788, vxlan(userFrame4(102)))),
    ],
    // 20 + 8 + 8 + 60, then 98 each.
    flows: [
      "udp 192.0.2.102:50000 > 198.51.100.102:4789 2/194",
      "udp 192.0.2.102:4789 > 198.51.100.102:50000 1/98",
      "udp 192.0.2.102:50000 > 198.51.100.102:4788 1/98",
    ],
    notAsTshark: "it reads VXLAN without the flag, and by its source port",
  },
  {
    name: "a UDP header cut by the snap length is no tunnel's, but has its ports",
    frames: [cut(outer4(103, 17, udpTo(4789, vxlan(userFrame4(103)))), 34 + 4)],
    flows: ["udp 192.0.2.103:50000 > 198.51.100.103:4789 1/98"],
    notAsTshark: "it shows what there is",
  },
  {
    name: "VXLAN in GRE in IPv6: the innermost packet",
    frames: [
      outer6(
        104,
        47,
        gre(
          ip6,
          ipv6(
            { source: "2001:db8:c:104::1", destination: "2001:db8:c:104::2" },
            udpTo(4789, vxlan(userFrame4(104))),
          ),
        ),
      ),
    ],
    // 40 + 4 + 40 + 8 + 8 + 62.
    flows: ["47 [2001:db8:a:104::1]:0 > [2001:db8:b:104::1]:0 1/162"],
    inside: ["udp 10.104.0.1:1000 > 10.104.0.2:2000 1/48"],
  },
];

const geneveCases: readonly FeatureCase[] = [
  {
    name: "GENEVE: Ethernet, with options, with as many as there can be, and IP alone",
    frames: [
      outer4(110, 17, udpTo(6081, geneve(teb, userFrame4(110)))),
      outer4(
        110,
        17,
        udpTo(6081, geneve(teb, userFrame4(110), { options: u32(0x01028001, 7), flags: 0x40 })),
      ),
      outer4(110, 17, udpTo(6081, geneve(teb, userFrame4(110), { options: longestOptions() }))),
      outer4(110, 17, udpTo(6081, geneve(ip6, user6(110)))),
    ],
    // 98, 98 + 8, 98 + 252, 20 + 8 + 8 + 68.
    flows: ["udp 192.0.2.110:50000 > 198.51.100.110:6081 4/658"],
    inside: [
      "udp 10.110.0.1:1000 > 10.110.0.2:2000 3/144",
      "udp [2001:db8:110::1]:1000 > [2001:db8:110::2]:2000 1/68",
    ],
  },
  {
    name: "GENEVE stays outside: control, another version, options beyond the packet",
    frames: [
      outer4(111, 17, udpTo(6081, geneve(teb, userFrame4(111), { flags: 0x80 }))),
      outer4(111, 17, udpTo(6081, join(u8(0x40), geneve(teb, userFrame4(111)).subarray(1)))),
      outer4(111, 17, udpTo(6081, join(u8(63), geneve(teb, userFrame4(111)).subarray(1)))),
    ],
    flows: ["udp 192.0.2.111:50000 > 198.51.100.111:6081 3/294"],
    notAsTshark: "it reads control packets and other versions too",
  },
];

/** 252 octets: one option of 124 and its four of header, then another of 120. */
function longestOptions(): Uint8Array {
  return join(u32(0x0102801f), new Uint8Array(124), u32(0x0102811e), new Uint8Array(120));
}

const gtpuCases: readonly FeatureCase[] = [
  {
    name: "GTP-U: plain, with a sequence number, with one extension header and with two",
    frames: [
      outer4(120, 17, udpTo(2152, gtpu(user4(120)))),
      outer4(120, 17, udpTo(2152, gtpu(user4(120), { flags: 2, optional: gtpuOptional(1, 0) }))),
      outer4(
        120,
        17,
        udpTo(2152, gtpu(user4(120), { flags: 4, optional: join(gtpuOptional(0, 0x85), u8(1, 0x10, 9, 0)) })),
      ),
      outer4(
        120,
        17,
        udpTo(
          2152,
          gtpu(user6(120), {
            flags: 4,
            optional: join(gtpuOptional(0, 0xc0), u8(1, 0, 9, 0x85), u8(2, 0x10, 9, 0, 0, 0, 0, 0)),
          }),
        ),
      ),
    ],
    // 20 + 8 + 8 + 48, + 4, + 8; 20 + 8 + 8 + 4 + 4 + 8 + 68.
    flows: ["udp 192.0.2.120:50000 > 198.51.100.120:2152 4/384"],
    inside: [
      "udp 10.120.0.1:1000 > 10.120.0.2:2000 3/144",
      "udp [2001:db8:120::1]:1000 > [2001:db8:120::2]:2000 1/68",
    ],
  },
  {
    name: "GTP-U stays outside: echo, GTP prime, an extension header without length, Ethernet inside",
    frames: [
      outer4(121, 17, udpTo(2152, gtpu(u8(), { type: 1, flags: 2, optional: gtpuOptional(1, 0) }))),
      outer4(121, 17, udpTo(2152, join(u8(0x20), gtpu(user4(121)).subarray(1)))),
      outer4(
        121,
        17,
        udpTo(2152, gtpu(user4(121), { flags: 4, optional: join(gtpuOptional(0, 0x85), u8(0, 0, 0, 0)) })),
      ),
      outer4(121, 17, udpTo(2152, gtpu(userFrame4(121)))),
    ],
    // 20 + 8 + 12, 84, 92, 98.
    flows: ["udp 192.0.2.121:50000 > 198.51.100.121:2152 4/314"],
    notAsTshark: "it reads Ethernet too",
  },
];

export const udpCases: readonly FeatureCase[] = [...vxlanCases, ...geneveCases, ...gtpuCases];

/**
 * Which encapsulations are looked into, and how a tunnel is entered.
 *
 * The metered header is the innermost IP header that can be reached through encapsulations that are
 * switched on. A row is written by every IP header on the way and overwritten by the next; so where what is
 * inside cannot be read, the packet is metered by the header around it, and is never lost.
 * docs/reference/encapsulations.md gives the rule at length, with the reasons of the defaults.
 */
import { etherTypes } from "./ether-type.ts";
import { decodeOutcomes, type DecodeStep } from "./outcome.ts";
import type { PacketDecoder } from "./state.ts";

/** True looks inside. */
export interface EncapsulationSwitches {
  /** 802.1Q, 802.1ad and legacy tags. Off, as with the next two, such frames are not metered: no IP is around them. */
  readonly vlan: boolean;
  readonly mpls: boolean;
  readonly pppoe: boolean;
  /** IP, Ethernet, MPLS and PPP in GRE; off, metered as protocol 47. */
  readonly gre: boolean;
  /** Mirrored frames of ERSPAN types I, II and III, whatever `gre` says. */
  readonly erspan: boolean;
  /** IPv4 in IPv4, and IPv6 in IPv6. */
  readonly ipInIp: boolean;
  /** 6in4, and with it 6to4, 6rd and ISATAP. */
  readonly ipv6InIpv4: boolean;
  /** 4in6, and with it DS-Lite. */
  readonly ipv4InIpv6: boolean;
  readonly vxlan: boolean;
  readonly geneve: boolean;
  readonly gtpu: boolean;
}

/** Inside where there is no other IP header around, and where that header is only a mirror's; else outside. */
export const defaultEncapsulations: EncapsulationSwitches = {
  vlan: true,
  mpls: true,
  pppoe: true,
  gre: false,
  erspan: true,
  ipInIp: false,
  ipv6InIpv4: false,
  ipv4InIpv6: false,
  vxlan: false,
  geneve: false,
  gtpu: false,
};

/**
 * Tunnels entered in one frame at most: what RFC 2473 section 6.6 lets a packet be nested by default. Real
 * nestings have two or three; more is an attack or a loop, and is metered by the header at that depth.
 */
const tunnelsMax = 4;

/** Steps that are no EtherType: the IP protocol whose header stands at `decoder.at`, and may hold a packet. */
export const tunnelSteps = { udp: 17, gre: 47 } as const;

const ipProtocolIpv4 = 4;
const ipProtocolIpv6 = 41;

/** By IP protocol number, the step that enters the tunnel in a packet of `ipVersion`; 0 where there is none. */
export function createTunnelTable(
  ipVersion: 4 | 6,
  switches: EncapsulationSwitches,
): Uint16Array<ArrayBuffer> {
  const table = new Uint16Array(256);
  const { ipInIp, ipv4InIpv6, ipv6InIpv4, vxlan, geneve, gtpu, gre, erspan } = switches;
  if (ipVersion === 4 ? ipInIp : ipv4InIpv6) table[ipProtocolIpv4] = etherTypes.ipv4;
  if (ipVersion === 4 ? ipv6InIpv4 : ipInIp) table[ipProtocolIpv6] = etherTypes.ipv6;
  if (vxlan || geneve || gtpu) table[tunnelSteps.udp] = tunnelSteps.udp;
  if (gre || erspan) table[tunnelSteps.gre] = tunnelSteps.gre;
  return table;
}

/**
 * Goes on behind an IP header, whose payload begins at `at`, was captured up to `end`, and ends on the wire
 * at `wireEnd`: nothing outside the outer packet is taken for the inner one.
 */
export function enterTunnel(
  decoder: PacketDecoder,
  step: DecodeStep,
  at: number,
  end: number,
  wireEnd: number,
): DecodeStep {
  if (decoder.tunnels === tunnelsMax) {
    // Most datagrams are no tunnel's, and nothing is left unread in them.
    return step === tunnelSteps.udp ? decodeOutcomes.packet : decodeOutcomes.malformed;
  }
  decoder.tunnels++;
  decoder.at = at;
  decoder.end = end;
  decoder.wireEnd = wireEnd;
  return step;
}

/** The header at hand is no tunnel's, or one that is switched off: the packet around it is the metered one. */
export function leaveTunnel(decoder: PacketDecoder): DecodeStep {
  decoder.tunnels--;
  return decodeOutcomes.packet;
}

/** Settles the outcome of a frame in which a tunnel was entered: the row of the header around it stands. */
export function settleTunnels(decoder: PacketDecoder, step: DecodeStep): DecodeStep {
  if (step === decodeOutcomes.packet) decoder.decapsulated++;
  else decoder.innerUnread++;
  decoder.tunnels = 0;
  return decodeOutcomes.packet;
}

/** The payload ends `octets` after `start`, if the header around it has not ended it before. */
export function limitPayload(decoder: PacketDecoder, start: number, octets: number): void {
  const wireEnd = start + octets;
  if (wireEnd < decoder.wireEnd) decoder.wireEnd = wireEnd;
  if (wireEnd < decoder.end) decoder.end = wireEnd;
}

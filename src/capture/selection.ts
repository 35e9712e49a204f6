/**
 * Which packets a subject meters. docs/decisions/0004-what-a-gateway-meters.md gives the reasons.
 *
 * An interface meters both of its directions. A gateway meters each packet that crosses the host once:
 *
 * 1. every packet that comes in, where it comes in: forwarded ones and those for the host itself;
 * 2. of those that go out, the ones that the host itself sent: the source is one of its own addresses;
 * 3. while the host forwards, on natInterfaces, only those of 2 that no translated packet can look like: they
 *    have the hop limit that this host gives its packets (a forwarded one has less), the highest there is, or
 *    a multicast destination;
 * 4. on lowest devices only: a bridge, bond or VLAN above metered devices is left out (lowestInterfaces);
 * 5. not on loopback, unless the plan says so.
 *
 * A loopback device shows each packet twice, leaving and coming in; it is metered when it leaves, for both
 * scopes. Frames for another host (promiscuous mode) are metered only on a device that has another above
 * it, for only then do they go somewhere.
 */
import { addressWords, parseAddress } from "../base/mod.ts";
import type { PacketColumns } from "../wire/packet/mod.ts";
import { type AddressSet, hasAddress } from "./own-address.ts";
import type { CaptureSubject, ExcludedExport } from "./plan.ts";
import { packetTypes } from "./ring/layout.ts";

export const selections = { none: 0, interfaceOnly: 1, gatewayToo: 2, excluded: 3 } as const;

/** What selection knows of the interface a packet was seen on. */
export interface SelectionPoint {
  readonly loopback: boolean;
  /** Whether there is a device above: bridge, bond, VLAN, macvlan. */
  readonly hasUpper: boolean;
  /** Whether the interface is a bridge's port: frames of others leave by it with any source. */
  readonly bridged: boolean;
  /**
   * Hop limits that this host gives its own packets on the interface; 0 where nothing of the IP version can
   * have been forwarded and translated, so that an own source is proof enough.
   */
  readonly hopLimitIpv4: number;
  readonly hopLimitIpv6: number;
}

export interface ExcludedTable {
  readonly count: number;
  readonly destinations: Uint32Array<ArrayBuffer>;
  readonly destinationPorts: Uint16Array<ArrayBuffer>;
  /** -1 where any source port is Weir's. */
  readonly sourcePorts: Int32Array<ArrayBuffer>;
}

/** Exports whose address is no IP address are left out: they match no packet. */
export function createExcludedTable(excluded: readonly ExcludedExport[]): ExcludedTable {
  const known = excluded.flatMap((entry) => {
    const parsed = parseAddress(entry.address);
    return parsed.ok ? [{ ...entry, bytes: parsed.value }] : [];
  });
  const destinations = new Uint32Array(known.length * addressWords);
  const bytes = new Uint8Array(destinations.buffer);
  for (const [index, entry] of known.entries()) bytes.set(entry.bytes, index * addressWords * 4);
  return {
    count: known.length,
    destinations,
    destinationPorts: Uint16Array.from(known, (entry) => entry.port),
    sourcePorts: Int32Array.from(known, (entry) => entry.sourcePort ?? -1),
  };
}

const protocolUdp = 17;

/**
 * Judges the decoded packet in `row`. `hopLimit` is looked at where `looksAtHopLimit()` says so; -1 is none.
 */
export function selectPacket(
  point: SelectionPoint,
  own: AddressSet,
  excluded: ExcludedTable,
  packets: PacketColumns,
  row: number,
  packetType: number,
  hopLimit: number,
): number {
  if (packetType === packetTypes.unknown) return selections.gatewayToo;
  if (packetType === packetTypes.outgoing) {
    const fromHost = point.loopback || hasAddress(own, packets.addresses, row * 8);
    if (fromHost && excluded.count > 0 && isExcluded(excluded, packets, row)) return selections.excluded;
    if (point.loopback) return selections.gatewayToo;
    if (!fromHost || (point.bridged && isUnspecified(packets, row))) return selections.interfaceOnly;
    return isOwn(point, packets, row, hopLimit) ? selections.gatewayToo : selections.interfaceOnly;
  }
  if (point.loopback) return selections.none;
  if (packetType === packetTypes.otherHost && !point.hasUpper) return selections.none;
  return selections.gatewayToo;
}

/** Whether any judgement of packets on the interface needs their hop limit. */
export function looksAtHopLimit(point: SelectionPoint): boolean {
  return point.hopLimitIpv4 !== 0 || point.hopLimitIpv6 !== 0;
}

/** No packet that was forwarded leaves with this one: it would have come in with a higher. */
const hopLimitMax = 255;

/** Whether a packet with one of the host's addresses as its source was sent by the host, not translated. */
function isOwn(point: SelectionPoint, packets: PacketColumns, row: number, hopLimit: number): boolean {
  const ownHopLimit = packets.ipVersion[row] === 4 ? point.hopLimitIpv4 : point.hopLimitIpv6;
  if (ownHopLimit === 0 || hopLimit === ownHopLimit || hopLimit === hopLimitMax) return true;
  return isToMany(packets, row);
}

/** Whether the destination is multicast or the limited broadcast; the first octet is the lowest byte of its word. */
function isToMany(packets: PacketColumns, row: number): boolean {
  const at = row * 8 + addressWords;
  if (packets.ipVersion[row] !== 4) return (packets.addresses[at]! & 0xff) === 0xff;
  const last = packets.addresses[at + 3]!;
  return (last & 0xf0) === 0xe0 || last === 0xffff_ffff;
}

function isExcluded(excluded: ExcludedTable, packets: PacketColumns, row: number): boolean {
  if (packets.protocol[row] !== protocolUdp) return false;
  const destinationPort = packets.ports[row]! & 0xffff;
  const sourcePort = packets.ports[row]! >>> 16;
  const address = row * 8 + addressWords;
  for (let entry = 0; entry < excluded.count; entry++) {
    if (excluded.destinationPorts[entry] !== destinationPort) continue;
    if (excluded.sourcePorts[entry] !== -1 && excluded.sourcePorts[entry] !== sourcePort) continue;
    if (sameAddress(excluded.destinations, entry * addressWords, packets.addresses, address)) return true;
  }
  return false;
}

function sameAddress(one: Uint32Array, oneAt: number, other: Uint32Array, otherAt: number): boolean {
  for (let word = 0; word < addressWords; word++) {
    if (one[oneAt + word] !== other[otherAt + word]) return false;
  }
  return true;
}

function isUnspecified(packets: PacketColumns, row: number): boolean {
  const at = row * 8;
  const last = packets.addresses[at + 3];
  // `::` and, IPv4-mapped, 0.0.0.0: all but the prefix is zero in both.
  return last === 0 && packets.addresses[at] === 0 && packets.addresses[at + 1] === 0;
}

const etherTypeVlan = 0x8100;
const etherTypeServiceVlan = 0x88a8;
const ethernetTypeOffset = 12;
const tagsMax = 4;

/**
 * The hop limit (IPv4: time to live) of the frame's IP header; -1 if it was not captured. `ethernet` tells
 * a frame with an Ethernet header from one that begins with IP.
 */
export function hopLimitOf(
  view: DataView,
  offset: number,
  capturedLength: number,
  ethernet: boolean,
): number {
  const end = offset + capturedLength;
  let header = offset;
  if (ethernet) {
    let type = offset + ethernetTypeOffset;
    for (let tags = 0; tags < tagsMax && type + 2 <= end; tags++) {
      const etherType = view.getUint16(type);
      if (etherType !== etherTypeVlan && etherType !== etherTypeServiceVlan) break;
      type += 4;
    }
    header = type + 2;
  }
  if (header + 9 > end) return -1;
  return view.getUint8(header) >>> 4 === 4 ? view.getUint8(header + 8) : view.getUint8(header + 7);
}

/** What lowestInterfaces has to know of a device. */
export interface StackedDevice {
  readonly name: string;
  readonly kind: string;
  readonly lowerNames: readonly string[];
}

/**
 * The interfaces of a subject that are metered, of those that exist. A gateway leaves out loopback (unless
 * asked), ifb devices, and every device one of whose lower devices is metered as well; an interface is
 * metered as it is named.
 */
export function lowestInterfaces<Device extends StackedDevice>(
  subject: Pick<CaptureSubject, "scope" | "interfaceNames">,
  devices: readonly Device[],
  loopback: boolean,
): Device[] {
  const named = devices.filter((device) => subject.interfaceNames.includes(device.name));
  if (subject.scope === "interface") return named;
  const byName = new Map(devices.map((device) => [device.name, device]));
  const metered = new Set(named.map((device) => device.name));
  const standsOnMetered = (device: StackedDevice, depth: number): boolean =>
    device.lowerNames.some((name) => {
      const lower = byName.get(name);
      return metered.has(name) || (lower !== undefined && depth > 0 && standsOnMetered(lower, depth - 1));
    });
  return named.filter(
    (device) =>
      (loopback || device.kind !== "loopback") &&
      device.kind !== "intermediate" &&
      !standsOnMetered(device, stackDepthMax),
  );
}

/** The kernel's own bound on devices stacked on each other (MAX_NEST_DEV). */
const stackDepthMax = 8;

import { describe, expect, it } from "vitest";

import { parseAddress, unwrap } from "../../src/base/mod.ts";
import { ownAddressSet } from "../../src/capture/own-address.ts";
import { packetTypes } from "../../src/capture/ring/layout.ts";
import {
  createExcludedTable,
  hopLimitOf,
  lowestInterfaces,
  type SelectionPoint,
  selections,
  selectPacket,
} from "../../src/capture/selection.ts";
import { createPacketColumns, type PacketColumns } from "../../src/wire/packet/mod.ts";
import { ethernet, etherTypes, ipv4, ipv6, udp } from "../support/frame-builder.ts";

const own = ownAddressSet(["192.0.2.1", "2001:db8::1"].map((text) => unwrap(parseAddress(text))));
const plain: SelectionPoint = {
  loopback: false,
  hasUpper: false,
  bridged: false,
  hopLimitIpv4: 0,
  hopLimitIpv6: 0,
};

function packet(source: string, destination = "198.51.100.1", ports = 0, protocol = 17): PacketColumns {
  const packets = createPacketColumns(1);
  const bytes = new Uint8Array(packets.addresses.buffer);
  bytes.set(unwrap(parseAddress(source)), 0);
  bytes.set(unwrap(parseAddress(destination)), 16);
  packets.ports[0] = ports;
  packets.protocol[0] = protocol;
  packets.ipVersion[0] = source.includes(":") ? 6 : 4;
  return packets;
}

function select(
  packets: PacketColumns,
  packetType: number,
  point: Partial<SelectionPoint> = {},
  hopLimit = -1,
  excluded = createExcludedTable([]),
): number {
  return selectPacket({ ...plain, ...point }, own, excluded, packets, 0, packetType, hopLimit);
}

const { host, broadcast, multicast, otherHost, outgoing, unknown } = packetTypes;
const { none, interfaceOnly, gatewayToo, excluded } = selections;

describe("what a gateway meters", () => {
  it.each([
    ["a packet that comes in", packet("203.0.113.5"), host, {}, gatewayToo],
    ["a broadcast that comes in", packet("203.0.113.5"), broadcast, {}, gatewayToo],
    ["a multicast that comes in", packet("203.0.113.5"), multicast, {}, gatewayToo],
    ["an own IPv4 packet that goes out", packet("192.0.2.1"), outgoing, {}, gatewayToo],
    ["an own IPv6 packet that goes out", packet("2001:db8::1"), outgoing, {}, gatewayToo],
    ["a forwarded packet that goes out", packet("203.0.113.5"), outgoing, {}, interfaceOnly],
    ["a frame for another host", packet("203.0.113.5"), otherHost, {}, none],
    ["a frame that a bridge passes on", packet("203.0.113.5"), otherHost, { hasUpper: true }, gatewayToo],
    ["a DHCP discovery of its own", packet("0.0.0.0"), outgoing, {}, gatewayToo],
    ["another's, flooded by a bridge", packet("0.0.0.0"), outgoing, { bridged: true }, interfaceOnly],
    ["duplicate address detection of its own", packet("::"), outgoing, {}, gatewayToo],
    ["a loopback packet that leaves", packet("127.9.9.9"), outgoing, { loopback: true }, gatewayToo],
    ["the same when it comes in", packet("127.9.9.9"), host, { loopback: true }, none],
    ["a packet of no known direction", packet("203.0.113.5"), unknown, {}, gatewayToo],
  ] as const)("%s", (_, packets, packetType, point, expected) => {
    expect(select(packets, packetType, point)).toBe(expected);
  });

  it("is, where packets may be translated, what cannot have been", () => {
    const point = { hopLimitIpv4: 64, hopLimitIpv6: 64 };
    expect(select(packet("192.0.2.1"), outgoing, point, 64)).toBe(gatewayToo);
    expect(select(packet("192.0.2.1"), outgoing, point, 63)).toBe(interfaceOnly);
    expect(select(packet("192.0.2.1"), outgoing, point, -1)).toBe(interfaceOnly);
    expect(select(packet("192.0.2.1"), outgoing, point, 255)).toBe(gatewayToo);
    expect(select(packet("192.0.2.1", "224.0.0.251"), outgoing, point, 1)).toBe(gatewayToo);
    expect(select(packet("192.0.2.1", "239.255.255.250"), outgoing, point, 4)).toBe(gatewayToo);
    expect(select(packet("192.0.2.1", "255.255.255.255"), outgoing, point, 2)).toBe(gatewayToo);
    expect(select(packet("192.0.2.1", "223.255.255.255"), outgoing, point, 2)).toBe(interfaceOnly);
    expect(select(packet("2001:db8::1"), outgoing, point, 64)).toBe(gatewayToo);
    expect(select(packet("2001:db8::1", "2001:db8::2"), outgoing, point, 63)).toBe(interfaceOnly);
    expect(select(packet("2001:db8::1", "ff02::fb"), outgoing, point, 1)).toBe(gatewayToo);
    expect(select(packet("2001:db8::1"), outgoing, { hopLimitIpv4: 64 }, 63)).toBe(gatewayToo);
  });

  it("is no datagram of Weir's own export, to the port and from the port that is named", () => {
    const table = createExcludedTable([
      { address: "198.51.100.1", port: 9995 },
      { address: "2001:db8::9", port: 4739, sourcePort: 5000 },
      { address: "collector.example", port: 9995 },
    ]);
    const to = (port: number, sourcePort = 40_000): number => sourcePort * 65_536 + port;
    const judged = (packets: PacketColumns, type: number = outgoing): number =>
      select(packets, type, {}, -1, table);
    expect(judged(packet("192.0.2.1", "198.51.100.1", to(9995)))).toBe(excluded);
    expect(judged(packet("192.0.2.1", "198.51.100.1", to(9996)))).toBe(gatewayToo);
    expect(judged(packet("192.0.2.1", "198.51.100.2", to(9995)))).toBe(gatewayToo);
    expect(judged(packet("192.0.2.1", "198.51.100.1", to(9995), 6))).toBe(gatewayToo);
    expect(judged(packet("203.0.113.5", "198.51.100.1", to(9995)))).toBe(interfaceOnly);
    expect(judged(packet("192.0.2.1", "198.51.100.1", to(9995)), host)).toBe(gatewayToo);
    expect(judged(packet("2001:db8::1", "2001:db8::9", to(4739, 5000)))).toBe(excluded);
    expect(judged(packet("2001:db8::1", "2001:db8::9", to(4739, 5001)))).toBe(gatewayToo);
  });
});

describe("a frame's hop limit", () => {
  const payload = udp(1, 2, 0);
  const macs = { source: "02:00:00:00:00:01", destination: "02:00:00:00:00:02" };
  const four = ipv4({ source: "192.0.2.1", destination: "192.0.2.2", protocol: 17, hopLimit: 63 }, payload);
  const six = ipv6(
    { source: "2001:db8::1", destination: "2001:db8::2", nextHeader: 17, hopLimit: 62 },
    payload,
  );
  const read = (frame: Uint8Array<ArrayBuffer>, isEthernet: boolean, captured = frame.length): number =>
    hopLimitOf(new DataView(frame.buffer), 0, captured, isEthernet);

  it("is found behind tags and without an Ethernet header", () => {
    expect(read(ethernet(macs, etherTypes.ipv4, four), true)).toBe(63);
    expect(read(ethernet({ ...macs, tags: [{ id: 1 }] }, etherTypes.ipv6, six), true)).toBe(62);
    expect(
      read(ethernet({ ...macs, tags: [{ type: 0x88a8, id: 1 }, { id: 2 }] }, etherTypes.ipv4, four), true),
    ).toBe(63);
    expect(read(four, false)).toBe(63);
    expect(read(six, false)).toBe(62);
  });

  it("is none in a frame that was cut before it", () => {
    const frame = ethernet({ ...macs, tags: [{ id: 1 }] }, etherTypes.ipv4, four);
    for (let captured = 0; captured < 18 + 9; captured++) expect(read(frame, true, captured)).toBe(-1);
    expect(read(frame, true, 18 + 9)).toBe(63);
  });
});

describe("the devices that are metered", () => {
  const device = (name: string, kind = "physical", ...lowerNames: string[]) => ({ name, kind, lowerNames });
  const devices = [
    device("lo", "loopback"),
    device("eth0"),
    device("eth1"),
    device("ifb0", "intermediate"),
    device("bond0", "bond", "eth0", "eth1"),
    device("bond0.5", "vlan", "bond0"),
    device("br0", "bridge", "bond0.5", "tap0"),
    device("tap0", "tun"),
    device("wg0", "tunnel"),
  ];
  const names = (scope: "gateway" | "interface", interfaceNames: string[], loopback = false): string[] =>
    lowestInterfaces({ scope, interfaceNames }, devices, loopback).map(({ name }) => name);
  const all = devices.map(({ name }) => name);

  it("are a gateway's lowest ones, whatever stands on them", () => {
    expect(names("gateway", all)).toEqual(["eth0", "eth1", "tap0", "wg0"]);
    expect(names("gateway", all, true)).toEqual(["lo", "eth0", "eth1", "tap0", "wg0"]);
    expect(names("gateway", ["eth0", "br0"])).toEqual(["eth0"]);
  });

  it("are upper ones where nothing beneath them is metered", () => {
    expect(names("gateway", ["bond0.5", "wg0"])).toEqual(["bond0.5", "wg0"]);
    expect(names("gateway", ["bond0.5", "br0"])).toEqual(["bond0.5"]);
  });

  it("are an interface's as it is named, if it exists", () => {
    expect(names("interface", ["br0", "lo", "gone0"])).toEqual(["lo", "br0"]);
  });
});

/** Packets and flows as plain objects, for tests that say what goes in and what comes out. */
import { formatAddress, parseAddress } from "../../src/base/mod.ts";
import { addressAt, type FlowBatch } from "../../src/flow/mod.ts";
import { type Meter, meterPackets } from "../../src/meter/mod.ts";
import { createPacketColumns, type PacketColumns } from "../../src/wire/packet/mod.ts";

export interface TestPacket {
  readonly timeUs: number;
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly protocol: number;
  readonly octets: number;
  readonly tcpControlBits: number;
  readonly ipClassOfService: number;
  readonly vlanId: number;
  readonly interfaceIndex: number;
  readonly direction: number;
  readonly verdict: number;
}

export interface TestFlow extends Omit<TestPacket, "timeUs" | "interfaceIndex" | "direction"> {
  readonly startUs: number;
  readonly endUs: number;
  readonly packets: number;
  readonly reason: number;
  readonly ipVersion: number;
  readonly ingressInterface: number;
  readonly egressInterface: number;
  readonly flowDirection: number;
}

export const tcp = { fin: 0x01, syn: 0x02, rst: 0x04, push: 0x08, ack: 0x10 } as const;

/** A TCP packet from 10.0.0.1:1000 to 10.0.0.2:80, with what differs. */
export function packetOf(part: Partial<TestPacket> = {}): TestPacket {
  return {
    timeUs: 0,
    source: "10.0.0.1",
    destination: "10.0.0.2",
    sourcePort: 1000,
    destinationPort: 80,
    protocol: 6,
    octets: 100,
    tcpControlBits: tcp.ack,
    ipClassOfService: 0,
    vlanId: 0,
    interfaceIndex: 0,
    direction: 255,
    verdict: 0,
    ...part,
  };
}

export function columnsOf(packets: readonly TestPacket[]): PacketColumns {
  const columns = createPacketColumns(Math.max(packets.length, 1));
  for (const [row, packet] of packets.entries()) setRow(columns, row, packet);
  columns.count = packets.length;
  return columns;
}

function setRow(columns: PacketColumns, row: number, packet: TestPacket): void {
  const addresses = new Uint8Array(columns.addresses.buffer);
  addresses.set(addressBytesOf(packet.source), row * 32);
  addresses.set(addressBytesOf(packet.destination), row * 32 + 16);
  columns.timestampUs[row] = packet.timeUs;
  columns.octets[row] = packet.octets;
  columns.ports[row] = packet.sourcePort * 65536 + packet.destinationPort;
  columns.protocol[row] = packet.protocol;
  columns.ipVersion[row] = packet.source.includes(":") ? 6 : 4;
  columns.ipClassOfService[row] = packet.ipClassOfService;
  columns.tcpControlBits[row] = packet.tcpControlBits;
  columns.vlanId[row] = packet.vlanId;
  columns.interfaceIndex[row] = packet.interfaceIndex;
  columns.direction[row] = packet.direction;
  columns.verdict[row] = packet.verdict;
}

function addressBytesOf(text: string): Uint8Array {
  const parsed = parseAddress(text);
  if (!parsed.ok) throw new Error(parsed.fault.message);
  return parsed.value;
}

export function meterAll(meter: Meter, packets: readonly TestPacket[]): void {
  meterPackets(meter, columnsOf(packets));
}

export function flowsOf({ columns, count }: FlowBatch): TestFlow[] {
  return Array.from({ length: count }, (_, row) => ({
    startUs: columns.startUs[row]!,
    endUs: columns.endUs[row]!,
    packets: columns.packets[row]!,
    octets: columns.octets[row]!,
    reason: columns.flowEndReason[row]!,
    ipVersion: columns.ipVersion[row]!,
    source: formatAddress(addressAt(columns.sourceAddress, row)),
    destination: formatAddress(addressAt(columns.destinationAddress, row)),
    sourcePort: columns.sourcePort[row]!,
    destinationPort: columns.destinationPort[row]!,
    protocol: columns.protocol[row]!,
    tcpControlBits: columns.tcpControlBits[row]!,
    ipClassOfService: columns.ipClassOfService[row]!,
    vlanId: columns.vlanId[row]!,
    ingressInterface: columns.ingressInterface[row]!,
    egressInterface: columns.egressInterface[row]!,
    flowDirection: columns.flowDirection[row]!,
    verdict: columns.verdict[row]!,
  }));
}

/** The same flows in an order that does not depend on when they were emitted. */
export function inOrder(flows: readonly TestFlow[]): TestFlow[] {
  return [...flows].sort((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));
}

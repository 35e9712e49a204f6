/** Flows with known counts, for tests of whatever exports them. */
import { parseAddress, unwrap } from "../../../src/base/mod.ts";
import { createFlowBatch, type FlowBatch, flowFieldList } from "../../../src/flow/mod.ts";

export interface SampleFlow {
  readonly source: string;
  readonly destination: string;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly protocol?: number;
  readonly packets?: number;
  readonly octets?: number;
  readonly startUs?: number;
  readonly endUs?: number;
  readonly ipClassOfService?: number;
  readonly tcpControlBits?: number;
  readonly ingressInterface?: number;
  readonly egressInterface?: number;
  readonly flowDirection?: number;
  readonly flowEndReason?: number;
  readonly vlanId?: number;
  readonly verdict?: number;
  readonly samplingInterval?: number;
}

/** A batch of the flows; fields not given have the field table's fallback. */
export function batchOf(flows: readonly SampleFlow[]): FlowBatch {
  const batch = createFlowBatch(flows.length);
  batch.count = flows.length;
  for (const field of flowFieldList) batch.columns[field.name].fill(field.fallback);
  for (const [row, { source, destination, ...numbers }] of flows.entries()) {
    setAddress(batch.columns.sourceAddress, row, source);
    setAddress(batch.columns.destinationAddress, row, destination);
    batch.columns.ipVersion[row] = source.includes(":") ? 6 : 4;
    for (const [name, value] of Object.entries(numbers)) {
      batch.columns[name as keyof typeof numbers][row] = value;
    }
  }
  return batch;
}

function setAddress(column: Uint32Array, row: number, text: string): void {
  new Uint8Array(column.buffer, column.byteOffset).set(unwrap(parseAddress(text)), row * 16);
}

/** `count` flows that end by `endMs`: two in three IPv4; TCP, UDP and in each fifth ICMP or ICMPv6. */
export function mixedFlows(count: number, endMs: number): SampleFlow[] {
  return Array.from({ length: count }, (_, index) => {
    const ipv6 = index % 3 === 2;
    const icmp = index % 5 === 4;
    const protocol = icmp ? (ipv6 ? 58 : 1) : index % 2 === 0 ? 6 : 17;
    const startMs = endMs - 60_000 + (index % 50_000);
    return {
      source: ipv6 ? `2001:db8::${(index + 1).toString(16)}` : `10.1.${index >> 8}.${index & 255}`,
      destination: ipv6 ? "2001:db8:ffff::53" : `192.0.2.${index % 250}`,
      sourcePort: icmp ? 0 : 1024 + (index % 60_000),
      destinationPort: icmp ? (ipv6 ? 128 * 256 : 8 * 256) : 443,
      protocol,
      packets: 1 + (index % 997),
      octets: 64 + index * 131,
      startUs: startMs * 1000 + 123,
      endUs: (startMs + (index % 10_000)) * 1000 + 456,
      ipClassOfService: index % 256,
      tcpControlBits: protocol === 6 ? 0x1b : 0,
      ingressInterface: 2,
      egressInterface: 3,
      flowDirection: index % 2,
      flowEndReason: 1 + (index % 5),
    };
  });
}

export interface FlowTotals {
  readonly flows: number;
  readonly packets: number;
  readonly octets: number;
}

export function totalsOf(flows: readonly SampleFlow[]): FlowTotals {
  return {
    flows: flows.length,
    packets: flows.reduce((sum, flow) => sum + (flow.packets ?? 0), 0),
    octets: flows.reduce((sum, flow) => sum + (flow.octets ?? 0), 0),
  };
}

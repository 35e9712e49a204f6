/**
 * Traffic by service port: of a flow's two ports the lower one, which is the server's far more often than
 * not and is the same for both directions. Exact: there are not more than 65,536 a protocol.
 */
import type { FlowBatch } from "../../flow/mod.ts";

export interface ServicePort {
  readonly protocol: number;
  readonly port: number;
  readonly octets: number;
  readonly packets: number;
  readonly flows: number;
}

export interface ServicePortTable {
  add(flows: FlowBatch, row: number): void;
  top(count: number): ServicePort[];
}

/** TCP, UDP and SCTP: what has ports. */
const protocolsWithPorts: readonly number[] = [6, 17, 132];
const portCount = 65_536;

export function createServicePortTable(): ServicePortTable {
  const size = protocolsWithPorts.length * portCount;
  const octets = new Float64Array(size);
  const packets = new Float64Array(size);
  const flowCounts = new Float64Array(size);
  return {
    add: ({ columns }, row) => {
      const table = protocolsWithPorts.indexOf(columns.protocol[row]!);
      if (table < 0) return;
      const at = table * portCount + Math.min(columns.sourcePort[row]!, columns.destinationPort[row]!);
      octets[at]! += columns.octets[row]!;
      packets[at]! += columns.packets[row]!;
      flowCounts[at]! += 1;
    },
    top: (count) => {
      const used: number[] = [];
      for (let at = 0; at < size; at++) if (flowCounts[at]! > 0) used.push(at);
      used.sort((one, other) => octets[other]! - octets[one]!);
      return used.slice(0, count).map((at) => ({
        protocol: protocolsWithPorts[Math.floor(at / portCount)]!,
        port: at % portCount,
        octets: octets[at]!,
        packets: packets[at]!,
        flows: flowCounts[at]!,
      }));
    },
  };
}

/** What is counted of flows as the meter emits them. */
import type { FlowBatch } from "../../flow/mod.ts";
import { createServicePortTable, type ServicePort } from "./service-ports.ts";
import { createTalkerTable, type TopTalkers } from "./talkers.ts";

export interface FlowSummary {
  add(flows: FlowBatch): void;
  totals(): { readonly flows: number; readonly packets: number; readonly octets: number };
  topTalkers(): TopTalkers;
  topPorts(): ServicePort[];
}

/** Talkers and ports are counted only if `top` of them are wanted. */
export function createFlowSummary(top: number): FlowSummary {
  const ranks = top > 0 ? { talkers: createTalkerTable(), ports: createServicePortTable() } : undefined;
  const totals = { flows: 0, packets: 0, octets: 0 };
  return {
    add: (flows) => {
      if (ranks !== undefined) {
        ranks.talkers.add(flows);
        for (let row = 0; row < flows.count; row++) ranks.ports.add(flows, row);
      }
      totals.packets += sumOf(flows.columns.packets, flows.count);
      totals.octets += sumOf(flows.columns.octets, flows.count);
      totals.flows += flows.count;
    },
    totals: () => totals,
    topTalkers: () => ranks?.talkers.top(top) ?? { entries: [], octetsUncertain: 0, addresses: 0 },
    topPorts: () => ranks?.ports.top(top) ?? [],
  };
}

function sumOf(column: Float64Array, count: number): number {
  let sum = 0;
  for (let row = 0; row < count; row++) sum += column[row]!;
  return sum;
}

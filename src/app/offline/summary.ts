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
  const ranks = top > 0;
  const talkers = createTalkerTable();
  const ports = createServicePortTable();
  const totals = { flows: 0, packets: 0, octets: 0 };
  return {
    add: (flows) => {
      const { octets, packets } = flows.columns;
      if (ranks) {
        talkers.add(flows);
        for (let row = 0; row < flows.count; row++) ports.add(flows, row);
      }
      for (let row = 0; row < flows.count; row++) {
        totals.packets += packets[row]!;
        totals.octets += octets[row]!;
      }
      totals.flows += flows.count;
    },
    totals: () => totals,
    topTalkers: () => talkers.top(top),
    topPorts: () => ports.top(top),
  };
}

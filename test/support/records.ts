/** Records of the log service summed per flow, as the truth of the wire is. */
import { flowKey, type Truth } from "./truth.ts";

export function sumRecords(records: readonly Readonly<Record<string, string>>[]): Truth {
  const found: Truth = new Map();
  for (const record of records) {
    const key = flowKey({
      source: record["srcaddr"]!,
      destination: record["dstaddr"]!,
      protocol: record["protocol"]!,
      sourcePort: record["srcport"]!,
      destinationPort: record["dstport"]!,
    });
    const flow = found.get(key) ?? { packets: 0, octets: 0 };
    flow.packets += Number(record["packets"]);
    flow.octets += Number(record["bytes"]);
    found.set(key, flow);
  }
  return found;
}

/** Whether of each flow at least so much is recorded as crossed the wire: one that lasts is recorded in pieces. */
export function isComplete(recorded: Truth, truth: Truth): boolean {
  return [...truth].every(([key, { packets }]) => (recorded.get(key)?.packets ?? 0) >= packets);
}

/** Flows of which more is recorded than crossed the wire: something was counted twice. */
export function excessOf(recorded: Truth, truth: Truth): string[] {
  return [...recorded]
    .filter(([key, { packets, octets }]) => {
      const real = truth.get(key);
      return real === undefined || packets > real.packets || octets > real.octets;
    })
    .map(([key, flow]) => `${key}: ${JSON.stringify(flow)} of ${JSON.stringify(truth.get(key))}`);
}

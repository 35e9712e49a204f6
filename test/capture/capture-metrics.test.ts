import { describe, expect, it } from "vitest";

import { createCaptureMetrics } from "../../src/capture/capture-metrics.ts";
import { emptyLedgerCounts, type LedgerEntry } from "../../src/capture/plan.ts";
import { createMetrics } from "../../src/observe/mod.ts";

function entryOf(interfaceName: string, seen: number): LedgerEntry {
  const counts = { ...emptyLedgerCounts(), seen, metered: seen };
  return { flowLogId: "fl-1", resourceId: "sag-1", interfaceName, ...counts };
}

const status = (ledger: readonly LedgerEntry[]) => ({
  interfaces: [],
  subjects: [],
  ledger,
  check: { checks: 0, errorPackets: 0 },
  batchesAccepted: 0,
  batchesInFlight: 0,
});
const labels = { flow_log: "fl-1", resource: "sag-1", interface: "eth0" };

describe("capture's metrics", () => {
  it("go on from what former processes counted", () => {
    const metrics = createMetrics();
    const captureMetrics = createCaptureMetrics(metrics, "packets");
    captureMetrics.report(status([entryOf("eth0", 7)]));
    captureMetrics.processEnded();
    captureMetrics.report(status([entryOf("eth0", 3)]));
    expect(metrics.value("weir_capture_seen_packets_total", labels)).toBe(10);
  });

  it("forget the interfaces longest gone, never one that is there", () => {
    const metrics = createMetrics();
    const captureMetrics = createCaptureMetrics(metrics, "packets");
    for (let index = 0; index < 2000; index++) {
      captureMetrics.report(status([entryOf("eth0", index), entryOf(`veth${index}`, 1)]));
    }
    const series = metrics.render().match(/^weir_capture_seen_packets_total\{/gmu) ?? [];
    expect(series.length).toBeLessThanOrEqual(514);
    expect(metrics.value("weir_capture_seen_packets_total", labels)).toBe(1999);
  });
});

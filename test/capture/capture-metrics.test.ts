import { describe, expect, it } from "vitest";

import { createCaptureMetrics, createWindowMetrics } from "../../src/capture/capture-metrics.ts";
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

  it("tell each worker's share, and what is said of windows for all of them", () => {
    const metrics = createMetrics();
    const workers = ["0", "1"].map((worker) => createCaptureMetrics(metrics, "packets", worker));
    const counts = { packets: 4, octets: 400, activeFlows: 1, flowsEnded: 2, flowsEvicted: 0 };
    const windows = { ok: 1, noData: 2, skipData: 3 };
    const subject = { flowLogId: "fl-1", resourceId: "sag-1", ...counts, windows };
    for (const worker of workers) worker.report({ ...status([entryOf("eth0", 7)]), subjects: [subject] });
    workers[0]!.processEnded();
    workers[0]!.report({ ...status([entryOf("eth0", 2)]), subjects: [subject] });
    createWindowMetrics(metrics).report([subject]);
    const seen = (worker: string): number =>
      metrics.value("weir_capture_seen_packets_total", { ...labels, worker });
    expect([seen("0"), seen("1")]).toEqual([9, 7]);
    const ofSubject = { flow_log: "fl-1", resource: "sag-1" };
    expect(metrics.value("weir_capture_metered_packets_total", { ...ofSubject, worker: "0" })).toBe(8);
    expect(metrics.value("weir_capture_windows_total", { ...ofSubject, status: "skipData" })).toBe(3);
    expect(metrics.render()).not.toMatch(/^weir_capture_windows_total\{[^}]*worker/mu);
  });
});

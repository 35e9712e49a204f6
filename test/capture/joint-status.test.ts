import { describe, expect, it } from "vitest";

import { fault } from "../../src/base/mod.ts";
import { joinStatus } from "../../src/capture/joint-status.ts";
import { type CaptureStatus, emptyLedgerCounts } from "../../src/capture/plan.ts";

function workerOf(given: Partial<CaptureStatus>): CaptureStatus {
  return {
    state: "running",
    method: "ring",
    processId: 1,
    restarts: 0,
    privileges: null,
    planSinceMs: 5,
    interfaces: [],
    subjects: [],
    ledger: [],
    batchesAccepted: 1,
    batchesInFlight: 2,
    ...given,
  };
}

const name = { flowLogId: "fl-1", resourceId: "eni-1" };
const join = (...workers: CaptureStatus[]): CaptureStatus => joinStatus(workers, () => ({}));

describe("the status of several workers", () => {
  it("is the sum of their shares, and tells each", () => {
    const counts = { ...emptyLedgerCounts(), seen: 10, metered: 7, kernelDrops: 3 };
    const of = (interfaceName: string) => ({ ...name, interfaceName, ...counts });
    const subject = { ...name, packets: 7, octets: 70, activeFlows: 1, flowsEnded: 2, flowsEvicted: 3 };
    const one = workerOf({ ledger: [of("eth0"), of("eth1")], subjects: [subject], restarts: 1 });
    const other = workerOf({ ledger: [of("eth0")], subjects: [subject], processId: 2 });
    const windows = { ok: 1, noData: 0, skipData: 0 };
    const joined = joinStatus([one, other], () => ({ windows, accountedUpToUs: 60 }));
    expect(joined.ledger).toEqual([
      { ...name, interfaceName: "eth0", ...counts, seen: 20, metered: 14, kernelDrops: 6 },
      of("eth1"),
    ]);
    expect(joined.subjects).toEqual([
      {
        ...name,
        packets: 14,
        octets: 140,
        activeFlows: 2,
        flowsEnded: 4,
        flowsEvicted: 6,
        windows,
        accountedUpToUs: 60,
      },
    ]);
    expect(joined).toMatchObject({ restarts: 1, batchesAccepted: 2, batchesInFlight: 4, processId: 1 });
    expect(joined.workers).toMatchObject([{ processId: 1, ledger: one.ledger }, { processId: 2 }]);
  });

  it("is as good as the worst of them", () => {
    expect(join(workerOf({}), workerOf({ state: "restarting" })).state).toBe("restarting");
    const reason = fault("CaptureUnavailable", "none");
    const off = workerOf({ state: "unavailable", method: null, fault: reason });
    expect(join(workerOf({ state: "stopped" }), off)).toMatchObject({
      state: "unavailable",
      method: null,
      fault: reason,
    });
    const on = (state: "armed" | "failed" | "down") =>
      workerOf({ interfaces: [{ name: "eth0", index: 3, state }] });
    expect(join(on("armed"), on("failed"), on("down")).interfaces).toEqual([
      { name: "eth0", index: 3, state: "failed" },
    ]);
  });

  it("has the plan since the last of them has it", () => {
    expect(join(workerOf({}), workerOf({ planSinceMs: 9 })).planSinceMs).toBe(9);
    expect(join(workerOf({}), workerOf({ planSinceMs: null })).planSinceMs).toBeNull();
  });
});

import { describe, expect, it } from "vitest";

import { createIntake } from "../../src/capture/intake.ts";
import { createLedger } from "../../src/capture/ledger.ts";
import { allTraffic, type CaptureSubject, subjectKey } from "../../src/capture/plan.ts";
import { createFedTap } from "../../src/capture/tap.ts";

const point = {
  loopback: false,
  hasUpper: false,
  bridged: false,
  hopLimitIpv4: 0,
  hopLimitIpv6: 0,
};
const subject: CaptureSubject = {
  flowLogId: "fl-1",
  resourceId: "sag-1",
  scope: "gateway",
  interfaceNames: [],
  policy: { kind: "aging", activeTimeoutMs: 300_000, inactiveTimeoutMs: 15_000 },
  filter: allTraffic,
  verdicts: false,
  observationDomain: 1,
  flowsMax: 1000,
};
const keys = new Set([subjectKey(subject)]);

describe("the ledger", () => {
  it("keeps an interface that is gone, and not all that ever were", () => {
    const ledger = createLedger();
    const lasting = createFedTap("eth0", createIntake(1, point));
    ledger.reattach(lasting, [subject]);
    for (let index = 2; index < 3000; index++) {
      const tap = createFedTap(`veth${index}`, createIntake(index, point));
      ledger.reattach(tap, [subject]);
      ledger.detach(tap);
      ledger.forget(keys);
    }
    const names = ledger.entries().map(({ interfaceName }) => interfaceName);
    expect(names).toContain("eth0");
    expect(names).toContain("veth2999");
    expect(names.length).toBeLessThan(300);
  });

  it("keeps the sum of a subject whose accounts it forgets, and nothing of one that is gone", () => {
    const ledger = createLedger();
    const key = subjectKey(subject);
    const count = 1000;
    for (let index = 1; index <= count; index++) {
      const intake = createIntake(index, point);
      const tap = createFedTap(`veth${index}`, intake);
      ledger.reattach(tap, [subject]);
      tap.setDrops(3);
      intake.counts.notIp += 2;
      ledger.detach(tap);
      ledger.forget(keys);
    }
    expect(ledger.entries().length).toBeLessThan(300);
    expect(ledger.totalOf(key)).toMatchObject({ kernelDrops: 3 * count, notSelected: 2 * count });
    expect(ledger.attachmentsOf(key)).toBe(count);
    ledger.forget(new Set());
    expect(ledger.totalOf(key)).toMatchObject({ kernelDrops: 0, notSelected: 0 });
    expect(ledger.attachmentsOf(key)).toBe(0);
  });
});

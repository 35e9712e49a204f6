import { describe, expect, it } from "vitest";

import { createLossWatch, type LossWatch } from "../../../src/capture/child/loss-watch.ts";
import { createOutbox } from "../../../src/capture/child/outbox.ts";
import { createIntake } from "../../../src/capture/intake.ts";
import { createLedger } from "../../../src/capture/ledger.ts";
import { allTraffic, type CaptureSubject, type InterfaceStatus } from "../../../src/capture/plan.ts";
import { createMeteredSubject, type MeteredSubject } from "../../../src/capture/subject.ts";
import { createFedTap, type FedTap } from "../../../src/capture/tap.ts";

const point = { loopback: false, hasUpper: false, bridged: false, hopLimitIpv4: 0, hopLimitIpv6: 0 };
const subject: CaptureSubject = {
  flowLogId: "fl-1",
  resourceId: "eni-1",
  scope: "interface",
  interfaceNames: ["eth0"],
  policy: { kind: "window", windowMs: 60_000 },
  filter: allTraffic,
  verdicts: false,
  observationDomain: 1,
  flowsMax: 10,
};

interface Watched {
  readonly watch: LossWatch;
  readonly tap: FedTap;
  readonly attach: () => void;
  readonly losses: [fromS: number, toS: number][];
  readonly interfaces: InterfaceStatus[];
  /** Looks when the wall clock shows `wallS`, after `passedS` have passed. */
  readonly look: (wallS: number, passedS: number) => void;
}

function watched(delayMs = 0): Watched {
  const ledger = createLedger();
  const losses: [number, number][] = [];
  const interfaces: InterfaceStatus[] = [{ name: "eth0", index: 1, state: "armed" }];
  let monotonicMs = 0;
  const clock = { nowMs: () => 0, monotonicMs: () => monotonicMs };
  const watch = createLossWatch({ ledger, interfaces: () => interfaces, clock, delayMs });
  const origin = { agentId: "a", bootId: "b" };
  const metered: MeteredSubject = createMeteredSubject(
    subject,
    origin,
    createOutbox(() => undefined),
    { meteredBefore: 0 },
  );
  metered.account = {
    recorded: () => undefined,
    lost: (fromUs, toUs) => void losses.push([fromUs / 1e6, toUs / 1e6]),
    isDue: () => false,
    close: () => undefined,
    end: () => undefined,
    hasRecords: () => false,
    closedUpToUs: () => 0,
    counts: () => ({ ok: 0, noData: 0, skipData: 0 }),
  };
  watch.begin(metered, undefined);
  const tapOf = (): FedTap => createFedTap("eth0", createIntake(1, point));
  const tap = tapOf();
  ledger.reattach(tap, [subject]);
  return {
    watch,
    tap,
    attach() {
      ledger.detach(tap);
      ledger.reattach(tapOf(), [subject]);
    },
    losses,
    interfaces,
    look(wallS, passedS) {
      monotonicMs += passedS * 1000;
      watch.look([metered], wallS * 1e6);
    },
  };
}

describe("the watch for losses", () => {
  it("dates what the kernel dropped between two looks, and nothing else", () => {
    const { tap, losses, look } = watched();
    look(100, 0);
    look(101, 1);
    tap.setDrops(5);
    look(102, 1);
    look(103, 1);
    expect(losses).toEqual([[101, 102]]);
  });

  it("goes back by as much as drops are told late", () => {
    const { tap, losses, look } = watched(2000);
    look(100, 0);
    tap.setDrops(5);
    look(101, 1);
    expect(losses).toEqual([[98, 101]]);
  });

  it("sees an interface that was opened again, and one that cannot be", () => {
    const { losses, look, attach, interfaces } = watched();
    look(100, 0);
    attach();
    look(101, 1);
    look(102, 1);
    interfaces[0] = { name: "eth0", index: 1, state: "failed" };
    look(103, 1);
    expect(losses).toEqual([
      [100, 101],
      [102, 103],
    ]);
  });

  it("takes time that did not pass for lost, and none of a clock that is set back or of a long wait", () => {
    const { losses, look } = watched();
    look(100, 0);
    look(130, 30);
    expect(losses).toEqual([]);
    look(730, 1);
    expect(losses).toEqual([[130, 730]]);
    look(100, 1);
    look(101, 1);
    expect(losses).toEqual([[130, 730]]);
  });
});

/**
 * Checks the ledger with every packet read: what the kernel counted must be what was read, what was read must
 * be what became of it, what was selected must be what the meters have, and what they have must be in flows.
 * The terms are counted independently of each other.
 */
import { meterError } from "../../meter/mod.ts";
import type { Ledger } from "../ledger.ts";
import { type LedgerCheckCounts, ledgerError, subjectKey } from "../plan.ts";
import type { MeteredSubject } from "../subject.ts";
import type { TapTable } from "./taps.ts";

export interface LedgerCheck {
  /** Reads all there is and returns by how many packets the accounts do not add up: 0. */
  run(subjects: Iterable<MeteredSubject>): number;
  counts(): LedgerCheckCounts;
}

export function createLedgerCheck(ledger: Ledger, taps: TapTable): LedgerCheck {
  let checks = 0;
  let errorPackets = 0;
  return {
    run(subjects) {
      let error = taps.catchUp();
      for (const entry of ledger.entries())
        error += Math.abs(ledgerError(entry)) + Math.max(0, -entry.unread);
      for (const metered of subjects) error += subjectError(ledger, metered);
      checks++;
      errorPackets += error;
      return error;
    },
    counts: () => ({ checks, errorPackets }),
  };
}

function subjectError(ledger: Ledger, { subject, meter, meteredBefore }: MeteredSubject): number {
  const selected = ledger.totalOf(subjectKey(subject)).metered - meteredBefore;
  return Math.abs(selected - meter.statistics.packets) + Math.abs(meterError(meter));
}

/**
 * Tells the windows' accounts when packets may be missing: the kernel dropped some, an interface could not be
 * read or was found only after it had come, or the clock jumped ahead, so that nobody saw what lay between.
 *
 * A loss is known to lie between two looks, so that a window is blamed for what its neighbour lost only when
 * a look is on both sides of its end.
 */
import type { Clock } from "../../base/mod.ts";
import type { Ledger } from "../ledger.ts";
import { type InterfaceStatus, subjectKey } from "../plan.ts";
import type { MeteredSubject } from "../subject.ts";

export interface LossWatchDeps {
  readonly ledger: Ledger;
  readonly interfaces: () => readonly InterfaceStatus[];
  /** The clock of the packets' timestamps; undefined where they have a time of their own, which does not jump. */
  readonly clock: Clock | undefined;
  /** A loss is known so long after it happened, at most. */
  readonly delayMs: number;
}

export interface LossWatch {
  /**
   * Watches a subject from now on, before it is attached to any tap; what is lost from the last look at the
   * one that it replaces is its own.
   */
  begin(metered: MeteredSubject, former: MeteredSubject | undefined): void;
  /** Looks at what was lost since the last look. `nowUs` is the time of packets that come now. */
  look(subjects: Iterable<MeteredSubject>, nowUs: number): void;
}

/** How far the wall clock may run ahead of the monotonic one between two looks. */
const jumpUsMin = 1_000_000;

interface Known {
  readonly kernelDrops: number;
  readonly attachments: number;
}

export function createLossWatch({ ledger, interfaces, clock, delayMs }: LossWatchDeps): LossWatch {
  const knownOf = new WeakMap<MeteredSubject, Known>();
  let lastUs = Number.NaN;
  let lastMonotonicUs = 0;
  /** Whether the wall clock showed times that did not pass. */
  const jumpedTo = (nowUs: number): boolean => {
    if (clock === undefined) return false;
    const monotonicUs = clock.monotonicMs() * 1000;
    const jumped = nowUs - lastUs - (monotonicUs - lastMonotonicUs) > jumpUsMin;
    lastMonotonicUs = monotonicUs;
    return jumped;
  };
  const kernelDropsOf = ({ subject }: MeteredSubject): number =>
    ledger.totalOf(subjectKey(subject)).kernelDrops;
  return {
    begin(metered, former) {
      const known = former === undefined || former.account === null ? undefined : knownOf.get(former);
      // That it is attached for the first time is no loss.
      knownOf.set(metered, {
        kernelDrops: known?.kernelDrops ?? kernelDropsOf(metered),
        attachments: Infinity,
      });
    },
    look(subjects, nowUs) {
      const jumped = jumpedTo(nowUs);
      const failed = new Set(
        interfaces()
          .filter(({ state }) => state === "failed")
          .map(({ name }) => name),
      );
      for (const metered of subjects) {
        const known = knownOf.get(metered);
        if (metered.account === null || known === undefined) continue;
        const now: Known = {
          kernelDrops: kernelDropsOf(metered),
          attachments: ledger.attachmentsOf(subjectKey(metered.subject)),
        };
        knownOf.set(metered, now);
        const isLoss =
          now.kernelDrops > known.kernelDrops ||
          now.attachments > known.attachments ||
          metered.subject.interfaceNames.some((name) => failed.has(name)) ||
          jumped;
        // Of a first look nothing lies before.
        if (isLoss) metered.account.lost((Number.isNaN(lastUs) ? nowUs : lastUs) - delayMs * 1000, nowUs);
      }
      lastUs = nowUs;
    },
  };
}

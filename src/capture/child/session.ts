/** A capture process at work: the plan's subjects, their taps and meters, and the batches that leave. */
import { createLedger } from "../ledger.ts";
import { advanceMeter, drainMeter } from "../../meter/mod.ts";
import { type CapturePlan, emptyPlan, subjectKey, type SubjectStatus } from "../plan.ts";
import {
  type BatchOrigin,
  createMeteredSubject,
  endFlows,
  type MeteredSubject,
  needsNewMeter,
  subjectStatus,
} from "../subject.ts";
import type { SessionStatus } from "./message.ts";
import { createOutbox, type Outbox, type SendBatch } from "./outbox.ts";
import { createTapTable, type TapTable, type TapTableDeps } from "./taps.ts";

export interface SessionDeps extends Omit<TapTableDeps, "ledger"> {
  readonly origin: BatchOrigin;
  readonly sendBatch: SendBatch;
}

export interface Session {
  readonly outbox: Outbox;
  readonly taps: TapTable;
  /** Takes a new plan at once; resolves when the flows that it ended are accepted. */
  apply(plan: CapturePlan): Promise<void>;
  /** Opens what has appeared and closes what is gone. */
  rearm(): void;
  /** Ends flows whose time is up at `nowUs` of the packets' clock and hands over what is finished. */
  advance(nowUs: number): void;
  /** Ends every flow and hands all over. */
  endFlows(): void;
  /** Reads the taps to their end, ends every flow; resolves when all is accepted. */
  finish(): Promise<void>;
  status(): SessionStatus;
}

export function createSession(deps: SessionDeps): Session {
  const outbox = createOutbox(deps.sendBatch);
  const ledger = createLedger();
  const taps = createTapTable({ ...deps, ledger });
  const subjects = new Map<string, MeteredSubject>();
  /** Subjects that are gone, until their last counts are reported. */
  const gone: SubjectStatus[] = [];
  let plan = emptyPlan;
  return {
    outbox,
    taps,
    apply(next) {
      taps.catchUp();
      gone.push(...changeSubjects(subjects, next, deps.origin, outbox));
      plan = next;
      taps.reconcile(plan, subjects.values());
      return outbox.settled();
    },
    rearm: () => taps.reconcile(plan, subjects.values()),
    advance(nowUs) {
      for (const { meter } of subjects.values()) {
        advanceMeter(meter, nowUs);
        drainMeter(meter);
      }
    },
    endFlows: () => endAll(subjects),
    finish() {
      taps.finish();
      endAll(subjects);
      return outbox.settled();
    },
    status() {
      const entries = ledger.entries();
      ledger.forget(new Set(subjects.keys()));
      return {
        interfaces: taps.statuses(),
        subjects: [...subjects.values()].map(subjectStatus).concat(gone.splice(0)),
        ledger: entries,
        batchesAccepted: outbox.acceptedCount(),
        batchesInFlight: outbox.waiting(),
      };
    },
  };
}

function endAll(subjects: ReadonlyMap<string, MeteredSubject>): void {
  for (const metered of subjects.values()) endFlows(metered);
}

/** Makes `subjects` those of the plan; returns the last counts of those that are gone. */
function changeSubjects(
  subjects: Map<string, MeteredSubject>,
  next: CapturePlan,
  origin: BatchOrigin,
  outbox: Outbox,
): SubjectStatus[] {
  const gone: SubjectStatus[] = [];
  const nextKeys = new Set(next.subjects.map(subjectKey));
  for (const [key, metered] of subjects) {
    if (nextKeys.has(key)) continue;
    endFlows(metered);
    gone.push(subjectStatus(metered));
    subjects.delete(key);
  }
  for (const subject of next.subjects) {
    const key = subjectKey(subject);
    const metered = subjects.get(key);
    if (metered === undefined) subjects.set(key, createMeteredSubject(subject, origin, outbox));
    else if (needsNewMeter(metered.subject, subject)) {
      endFlows(metered);
      subjects.set(key, createMeteredSubject(subject, origin, outbox, subjectStatus(metered)));
    } else metered.subject = subject;
  }
  return gone;
}

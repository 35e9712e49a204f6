/** A capture process at work: the plan's subjects, their taps and meters, and the batches that leave. */
import type { Clock } from "../../base/mod.ts";
import { createLedger, type Ledger } from "../ledger.ts";
import {
  type AccountedSubject,
  type CapturePlan,
  emptyPlan,
  subjectKey,
  type SubjectStatus,
  type WorkerWindow,
} from "../plan.ts";
import {
  advanceSubject,
  type BatchOrigin,
  type CloseWindow,
  closeWindows,
  createMeteredSubject,
  endFlows,
  type MeteredSubject,
  needsNewMeter,
  openAccount,
  subjectStatus,
} from "../subject.ts";
import { createLedgerCheck, type LedgerCheck } from "./ledger-check.ts";
import { createLossWatch, type LossWatch } from "./loss-watch.ts";
import type { SessionStatus } from "./message.ts";
import { createOutbox, type Outbox, type SendBatch } from "./outbox.ts";
import { createTapTable, type TapTable, type TapTableDeps } from "./taps.ts";

export interface SessionDeps extends Omit<TapTableDeps, "ledger"> {
  readonly origin: BatchOrigin;
  readonly sendBatch: SendBatch;
  /**
   * Tells up to where windows are accounted for, as soon as what was said of them is accepted; and where
   * `tellsWindows`, which were closed since the last time, once their records are accepted.
   */
  readonly sendAccounted: (subjects: readonly AccountedSubject[], windows: readonly WorkerWindow[]) => void;
  /** Whether what is to be said of windows is told so, and not handed over as rows. */
  readonly tellsWindows?: boolean;
  /** Processes that share the packets; 1 if absent. */
  readonly workers?: number | undefined;
  /** The clock of the packets' timestamps; undefined where they have a time of their own. */
  readonly clock: Clock | undefined;
  /** How long after they came packets may be read, and losses become known; 0 if absent. */
  readonly lossDelayMs?: number;
}

export interface Session {
  readonly outbox: Outbox;
  readonly taps: TapTable;
  /** Takes a new plan at once; resolves when the flows that it ended are accepted. */
  apply(plan: CapturePlan): Promise<void>;
  /** Opens what has appeared and closes what is gone. */
  rearm(): void;
  /** Ends flows and windows whose time is up: the taps were read up to `readUpToUs` of the packets' clock. */
  advance(readUpToUs: number): void;
  /** Ends every flow and hands all over. */
  endFlows(): void;
  /** Reads the taps to their end, ends every flow; resolves when all is accepted. */
  finish(): Promise<void>;
  status(): SessionStatus;
}

/** Where nothing else asks for a check of the ledger, there is one after this time. */
const checkEveryUs = 60_000_000;

interface State {
  readonly deps: SessionDeps;
  readonly outbox: Outbox;
  readonly ledger: Ledger;
  readonly taps: TapTable;
  readonly check: LedgerCheck;
  readonly watch: LossWatch;
  readonly subjects: Map<string, MeteredSubject>;
  /** Subjects that are gone, until their last counts are reported. */
  readonly gone: SubjectStatus[];
  /** Windows that are closed and not told yet. */
  readonly windows: WorkerWindow[];
  plan: CapturePlan;
  /** Up to where the taps were read last, and when the ledger was checked; of the packets' time. */
  readUpToUs: number;
  checkedUs: number;
}

export function createSession(deps: SessionDeps): Session {
  const state = createState(deps);
  const { outbox, taps, subjects } = state;
  return {
    outbox,
    taps,
    apply: (next) => apply(state, next),
    rearm: () => taps.reconcile(state.plan, subjects.values()),
    advance(readUpToUs) {
      state.readUpToUs = readUpToUs;
      if (isCheckDue(state)) checkLedger(state);
      else look(state);
      endWhatIsDue(state);
    },
    endFlows: () => void endAll(state),
    finish() {
      taps.finish();
      state.readUpToUs = nowUsOf(state);
      checkLedger(state);
      endWhatIsDue(state);
      return endAll(state);
    },
    status: () => statusOf(state),
  };
}

function createState(deps: SessionDeps): State {
  const ledger = createLedger();
  const taps = createTapTable({ ...deps, ledger });
  return {
    deps,
    outbox: createOutbox(deps.sendBatch, deps.workers),
    ledger,
    taps,
    check: createLedgerCheck(ledger, taps),
    watch: createLossWatch({
      ledger,
      interfaces: () => taps.statuses(),
      clock: deps.clock,
      delayMs: deps.lossDelayMs ?? 0,
    }),
    subjects: new Map(),
    gone: [],
    windows: [],
    plan: emptyPlan,
    readUpToUs: 0,
    checkedUs: Number.NEGATIVE_INFINITY,
  };
}

function apply(state: State, next: CapturePlan): Promise<void> {
  const { taps, subjects, outbox, deps } = state;
  taps.catchUp();
  look(state);
  const opened = changeSubjects(state, next);
  state.plan = next;
  taps.reconcile(next, subjects.values());
  const beginUs = deps.clock === undefined ? undefined : nowUsOf(state);
  const closeWindow: CloseWindow | undefined =
    deps.tellsWindows === true
      ? ({ subject: { flowLogId, resourceId } }, window) =>
          state.windows.push({ flowLogId, resourceId, ...window })
      : undefined;
  for (const [metered, former] of opened) openAccount(metered, beginUs, former, closeWindow);
  look(state);
  // Of subjects that are gone or replaced.
  if (state.windows.length > 0) void noteAccounted(state, []);
  return outbox.settled();
}

function statusOf({ subjects, gone, ledger, taps, check, outbox }: State): SessionStatus {
  const entries = ledger.entries();
  ledger.forget(new Set(subjects.keys()));
  return {
    interfaces: taps.statuses(),
    subjects: [...subjects.values()].map(subjectStatus).concat(gone.splice(0)),
    ledger: entries,
    check: check.counts(),
    batchesAccepted: outbox.acceptedCount(),
    batchesInFlight: outbox.waiting(),
  };
}

function look(state: State): void {
  state.watch.look(state.subjects.values(), nowUsOf(state));
}

function checkLedger(state: State): void {
  const { check, subjects, checkedUs, readUpToUs } = state;
  const error = check.run(subjects.values());
  look(state);
  for (const { account } of error === 0 ? [] : subjects.values()) account?.lost(checkedUs, readUpToUs);
  state.checkedUs = readUpToUs;
}

/** Hands over flows and speaks of windows whose time is up. */
function endWhatIsDue(state: State): void {
  const { subjects, taps, readUpToUs } = state;
  const closed: MeteredSubject[] = [];
  for (const metered of subjects.values()) {
    // A ring does not wait until a window of a million flows is handed over.
    advanceSubject(metered, readUpToUs, () => taps.read());
    if (closeWindows(metered, readUpToUs)) closed.push(metered);
  }
  if (closed.length > 0) void noteAccounted(state, closed);
}

/** What the subjects' accounts say holds once it is accepted. */
async function noteAccounted(state: State, subjects: readonly MeteredSubject[]): Promise<void> {
  const { outbox, deps } = state;
  const windows = state.windows.splice(0);
  const upTo = subjects.map(({ account }) => account?.closedUpToUs());
  await outbox.settled();
  for (const [index, metered] of subjects.entries()) metered.accountedUpToUs = upTo[index];
  deps.sendAccounted(
    subjects.flatMap(({ subject: { flowLogId, resourceId }, accountedUpToUs }) =>
      accountedUpToUs === undefined ? [] : [{ flowLogId, resourceId, accountedUpToUs }],
    ),
    windows,
  );
}

/** The time of packets that come now: by the clock, or where they have a time of their own, of the last ones. */
function nowUsOf({ deps, readUpToUs }: State): number {
  return deps.clock === undefined ? readUpToUs : deps.clock.nowMs() * 1000;
}

/** Whether a window is to be closed, or nobody has checked for long. */
function isCheckDue(state: State): boolean {
  const { subjects, readUpToUs } = state;
  for (const { account } of subjects.values()) if (account?.isDue(readUpToUs) === true) return true;
  if (state.checkedUs === Number.NEGATIVE_INFINITY) state.checkedUs = readUpToUs;
  return Math.abs(readUpToUs - state.checkedUs) >= checkEveryUs;
}

function endAll(state: State): Promise<void> {
  const all = [...state.subjects.values()];
  for (const metered of all) endFlows(metered, state.readUpToUs);
  return noteAccounted(state, all);
}

/** Makes the subjects those of the plan; returns the meters that are new, each with the one that it replaces. */
function changeSubjects(state: State, next: CapturePlan): Map<MeteredSubject, MeteredSubject | undefined> {
  const { subjects, gone, outbox, ledger, deps } = state;
  // The taps have just been read, so far as their packets are there.
  const readUpToUs = nowUsOf(state) - (deps.lossDelayMs ?? 0) * 1000;
  const opened = new Map<MeteredSubject, MeteredSubject | undefined>();
  const nextKeys = new Set(next.subjects.map(subjectKey));
  for (const [key, metered] of subjects) {
    if (nextKeys.has(key)) continue;
    endFlows(metered, readUpToUs);
    gone.push(subjectStatus(metered));
    subjects.delete(key);
  }
  for (const subject of next.subjects) {
    const key = subjectKey(subject);
    const former = subjects.get(key);
    if (former !== undefined && !needsNewMeter(former.subject, subject)) {
      former.subject = subject;
      continue;
    }
    if (former !== undefined) endFlows(former, readUpToUs);
    const metered = createMeteredSubject(subject, deps.origin, outbox, {
      ...(former === undefined ? {} : { before: subjectStatus(former) }),
      meteredBefore: ledger.totalOf(key).metered,
    });
    state.watch.begin(metered, former);
    subjects.set(key, metered);
    opened.set(metered, former);
  }
  return opened;
}

/**
 * Windows whose packets several workers share. Each worker tells of every window what it has to say, once its
 * records of it are accepted; when all have got beyond the window, what they come to is told, in one row at most:
 *
 * - SKIPDATA where any of them may be missing packets: that one died, or its kernel dropped some;
 * - NODATA where all say so;
 * - nothing where one has records, or began within the window and did not see the whole of it.
 *
 * A worker that is replaced goes on where its predecessor's word ended, and says SKIPDATA of what lies between.
 */
import { randomText, type Result } from "../base/mod.ts";
import { encodeFlowBatch, logStatuses, windowStatusBatch, type WindowStatus } from "../flow/mod.ts";
import type { Logger, Metrics } from "../observe/mod.ts";
import { offerBatch } from "./acceptance.ts";
import { type AccountedWindows, createAccountedWindows, type WindowMemory } from "./accounted-windows.ts";
import { createWindowMetrics, type WindowMetrics } from "./capture-metrics.ts";
import type { WorkerPlace } from "./capture.ts";
import {
  type AccountedSubject,
  type CapturePlan,
  subjectKey,
  type SubjectStatus,
  type WorkerWindow,
} from "./plan.ts";
import { windowsBehindMax } from "./window-account.ts";

export interface JointWindowsDeps {
  readonly workers: number;
  readonly agentId: string;
  readonly accept: (bytes: Uint8Array) => Promise<Result<unknown>>;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly windowMemory?: WindowMemory | undefined;
}

export interface JointWindows {
  /** The windows of the worker with this number, from 0 on. */
  ofWorker(worker: number): Pick<WorkerPlace, "windows" | "onWindows">;
  /** Takes a new plan, before the workers do. */
  follow(plan: CapturePlan): void;
  /** The workers have said all that they will of subjects that the plan has no more. */
  letGo(): void;
  /** No worker runs any more: waits until what was told is accepted or refused. The next go on behind what was accepted. */
  finish(): Promise<void>;
  statusOf(subject: SubjectName): Pick<SubjectStatus, "windows" | "accountedUpToUs">;
}

type SubjectName = Pick<SubjectStatus, "flowLogId" | "resourceId">;

/** What each worker said of a window, a status of logStatuses; undefined while it has not spoken. */
interface SharedWindow {
  readonly windowUs: number;
  readonly endUs: number;
  readonly said: (number | undefined)[];
}

interface Subject extends SubjectName {
  observationDomain: number;
  windowUs: number;
  /** Windows that some worker has spoken of, and that are not told yet; windowsBehindMax at most. */
  readonly windows: Map<string, SharedWindow>;
  /** Windows that there was no room for: they end after `afterUs`, and not after `upToUs`. */
  lost: { readonly afterUs: number; readonly upToUs: number } | undefined;
  readonly counts: { ok: number; noData: number; skipData: number };
  /** Up to where windows may be told; undefined when that is done. Infinity of a subject that is let go. */
  dueUpToUs: number | undefined;
  /** What is told is accepted one by one: while one batch waits, what is due next is gathered. */
  isTelling: boolean;
  telling: Promise<void>;
}

const reportEveryMs = 1000;

interface State {
  readonly deps: JointWindowsDeps;
  readonly bootId: string;
  readonly joint: AccountedWindows;
  readonly workers: readonly AccountedWindows[];
  readonly subjects: Map<string, Subject>;
  readonly metrics: WindowMetrics;
  wanted: ReadonlySet<string>;
  /** What became accounted for and is not noted yet: the memory writes it in one transaction. */
  readonly accounted: Map<string, AccountedSubject>;
  /** When the counts are reported next; undefined while they are as reported. */
  reporting: NodeJS.Timeout | undefined;
  sequence: number;
  finishing: boolean;
  /** Something was not accepted before the end: what comes after it is not told either. */
  cut: boolean;
}

export function createJointWindows(deps: JointWindowsDeps): JointWindows {
  const { windowMemory } = deps;
  // Each worker begins where all had got to; how far each gets is not remembered beyond this process.
  const begun: WindowMemory = { all: () => windowMemory?.all() ?? new Map(), update: () => undefined };
  const state: State = {
    deps,
    bootId: randomText(12),
    joint: createAccountedWindows("packets", windowMemory),
    workers: Array.from({ length: deps.workers }, () => createAccountedWindows("packets", begun)),
    subjects: new Map(),
    metrics: createWindowMetrics(deps.metrics),
    wanted: new Set(),
    accounted: new Map(),
    reporting: undefined,
    sequence: 0,
    finishing: false,
    cut: false,
  };
  return {
    ofWorker: (worker) => ofWorker(state, worker),
    follow: (plan) => follow(state, plan),
    letGo() {
      for (const [key, subject] of state.subjects) {
        if (state.wanted.has(key)) continue;
        // To the last of them, which is no time that anything is accounted for.
        tell(state, subject, Infinity);
        void subject.telling.then(() => forget(state, key));
      }
    },
    finish: () => finish(state),
    statusOf(name) {
      const subject = state.subjects.get(subjectKey(name));
      if (subject === undefined) return {};
      const accountedUpToUs = state.joint.upToUs(name);
      return {
        windows: { ...subject.counts },
        ...(accountedUpToUs === undefined ? {} : { accountedUpToUs }),
      };
    },
  };
}

/** Its last counts are reported first. */
function forget(state: State, key: string): void {
  reportCounts(state);
  if (!state.wanted.has(key)) state.subjects.delete(key);
}

function reportCounts(state: State): void {
  const { metrics, subjects } = state;
  clearTimeout(state.reporting);
  state.reporting = undefined;
  metrics.report([...subjects.values()].map((subject) => ({ ...subject, windows: subject.counts })));
}

function follow(state: State, plan: CapturePlan): void {
  const { subjects, joint } = state;
  const windowed = plan.subjects.filter(({ policy }) => policy.kind === "window");
  state.wanted = new Set(windowed.map(subjectKey));
  for (const { flowLogId, resourceId, observationDomain, policy } of windowed) {
    const key = subjectKey({ flowLogId, resourceId });
    const windowUs = policy.kind === "window" ? policy.windowMs * 1000 : 0;
    const known = subjects.get(key);
    if (known === undefined) {
      subjects.set(key, newSubject({ flowLogId, resourceId, observationDomain, windowUs }));
    } else {
      known.observationDomain = observationDomain;
      known.windowUs = windowUs;
    }
  }
  joint.follow(plan, undefined);
}

function newSubject(
  known: Pick<Subject, "flowLogId" | "resourceId" | "observationDomain" | "windowUs">,
): Subject {
  return {
    ...known,
    windows: new Map(),
    lost: undefined,
    counts: { ok: 0, noData: 0, skipData: 0 },
    dueUpToUs: undefined,
    isTelling: false,
    telling: Promise.resolve(),
  };
}

function ofWorker(state: State, worker: number): Pick<WorkerPlace, "windows" | "onWindows"> {
  const own = state.workers[worker]!;
  return {
    onWindows: (windows) => hear(state, worker, windows),
    windows: {
      ...own,
      follow(plan, pendingSinceUs) {
        own.follow(plan, pendingSinceUs);
        for (const subject of state.subjects.values()) tellWhatIsSaid(state, subject);
      },
      note(subjects) {
        for (const noted of subjects) {
          const beforeUs = own.upToUs(noted) ?? noted.accountedUpToUs;
          own.note([noted]);
          const subject = state.subjects.get(subjectKey(noted));
          if (subject === undefined) continue;
          if (noted.accountedUpToUs < beforeUs) takeBack(subject, worker, noted.accountedUpToUs);
          else skipOver(subject, worker, beforeUs, noted.accountedUpToUs);
          tellWhatIsSaid(state, subject);
        }
        state.reporting ??= setTimeout(() => reportCounts(state), reportEveryMs).unref();
      },
    },
  };
}

function hear(state: State, worker: number, windows: readonly WorkerWindow[]): void {
  const own = state.workers[worker]!;
  for (const { flowLogId, resourceId, windowUs, endUs, logStatus } of windows) {
    const subject = state.subjects.get(subjectKey({ flowLogId, resourceId }));
    // What it has accounted for may be told already.
    if (subject === undefined || endUs <= (own.upToUs(subject) ?? -Infinity)) continue;
    const name = `${windowUs} ${endUs}`;
    const window = subject.windows.get(name) ?? {
      windowUs,
      endUs,
      said: Array.from({ length: state.deps.workers }, () => undefined),
    };
    if (!subject.windows.has(name) && subject.windows.size >= windowsBehindMax) {
      const { afterUs, upToUs } = subject.lost ?? { afterUs: Infinity, upToUs: -Infinity };
      subject.lost = { afterUs: Math.min(afterUs, endUs - windowUs), upToUs: Math.max(upToUs, endUs) };
      continue;
    }
    subject.windows.set(name, window);
    // It speaks twice of a window in which the flow log's settings changed: for each part.
    window.said[worker] = joined([logStatus, window.said[worker] ?? logStatus]);
  }
}

/** The worker goes on behind windows that it has not spoken of: it was away for longer than it speaks of. */
function skipOver({ windows, windowUs }: Subject, worker: number, fromUs: number, toUs: number): void {
  for (const { windowUs: lengthUs, endUs, said } of windows.values()) {
    // Of windows of a length that the flow log had before, it may have had none to speak of.
    if (lengthUs === windowUs && endUs > fromUs && endUs <= toUs) said[worker] ??= logStatuses.skipData;
  }
}

/** The worker's clock was set back: it will speak of these windows again. */
function takeBack({ windows }: Subject, worker: number, toUs: number): void {
  for (const { endUs, said } of windows.values()) if (endUs > toUs) said[worker] = undefined;
}

/** What parts of one window come to; undefined if that is nothing. */
function joined(said: readonly (number | undefined)[]): number | undefined {
  if (said.includes(logStatuses.skipData)) return logStatuses.skipData;
  if (said.includes(undefined)) return undefined;
  return said.includes(logStatuses.ok) ? logStatuses.ok : logStatuses.noData;
}

/** Tells what all workers have got beyond. */
function tellWhatIsSaid(state: State, subject: Subject): void {
  const upToUs = state.workers.map((windows) => windows.upToUs(subject) ?? Number.NaN);
  const allUs = Math.min(...upToUs);
  if (!Number.isNaN(allUs)) tell(state, subject, allUs);
}

function tell(state: State, subject: Subject, upToUs: number): void {
  subject.dueUpToUs = upToUs;
  if (!subject.isTelling) subject.telling = tellDue(state, subject);
}

/** Tells what is due until nothing more has become due meanwhile. */
async function tellDue(state: State, subject: Subject): Promise<void> {
  const { flowLogId, resourceId, counts } = subject;
  subject.isTelling = true;
  while (subject.dueUpToUs !== undefined && !state.cut) {
    const upToUs = subject.dueUpToUs;
    subject.dueUpToUs = undefined;
    const windows = takeDue(subject, upToUs);
    const rows = windows.flatMap((window) => rowOf(subject, window));
    if (rows.length > 0 && !(await isAccepted(state, subject, rows))) {
      state.cut = true;
      break;
    }
    for (const { said } of windows) {
      const status = joined(said);
      if (status === logStatuses.ok) counts.ok++;
      else if (status === logStatuses.noData) counts.noData++;
      else if (status === logStatuses.skipData) counts.skipData++;
    }
    if (upToUs !== Infinity) account(state, { flowLogId, resourceId, accountedUpToUs: upToUs });
  }
  subject.isTelling = false;
}

/** Takes the windows up to there out, in order; those that there was no room for are SKIPDATA. */
function takeDue(subject: Subject, upToUs: number): SharedWindow[] {
  const { windows, lost, windowUs } = subject;
  const due = new Map([...windows].filter(([, { endUs }]) => endUs <= upToUs));
  for (const name of due.keys()) windows.delete(name);
  if (lost !== undefined && lost.afterUs < upToUs) {
    const lastUs = Math.min(lost.upToUs, upToUs);
    for (let behind = 0; behind < windowsBehindMax; behind++) {
      const endUs = (Math.floor(lastUs / windowUs) - behind) * windowUs;
      if (endUs <= lost.afterUs) break;
      due.set(`${windowUs} ${endUs}`, { windowUs, endUs, said: [logStatuses.skipData] });
    }
    subject.lost = lost.upToUs <= upToUs ? undefined : { ...lost, afterUs: upToUs };
  }
  return [...due.values()].sort((one, other) => one.endUs - other.endUs);
}

/** Notes it when the turn is over, with what else the turn brings. */
function account(state: State, subject: AccountedSubject): void {
  if (state.accounted.size === 0) queueMicrotask(() => noteAccounted(state));
  state.accounted.set(subjectKey(subject), subject);
}

function noteAccounted({ accounted, joint }: State): void {
  joint.note([...accounted.values()]);
  accounted.clear();
}

function rowOf({ observationDomain }: Subject, { windowUs, endUs, said }: SharedWindow): WindowStatus[] {
  const logStatus = joined(said);
  if (logStatus === undefined || logStatus === logStatuses.ok) return [];
  const windowS = Math.ceil(windowUs / 1_000_000);
  return [{ startUs: endUs - windowUs, endUs, windowS, logStatus, observationDomain }];
}

async function isAccepted(
  state: State,
  { flowLogId, resourceId }: SubjectName,
  rows: readonly WindowStatus[],
): Promise<boolean> {
  const { deps, bootId } = state;
  const header = { agentId: deps.agentId, bootId, sequence: ++state.sequence, flowLogId, resourceId };
  return offerBatch(encodeFlowBatch(windowStatusBatch(header, rows)), {
    accept: deps.accept,
    given: () => state.finishing,
    onRefused({ code, message }, retryMs) {
      deps.logger.warn({ code, reason: message, retryMs }, "words on windows are not accepted");
    },
  });
}

async function finish(state: State): Promise<void> {
  const { subjects, workers, joint } = state;
  state.finishing = true;
  await Promise.all([...subjects.values()].map(({ telling }) => telling));
  noteAccounted(state);
  reportCounts(state);
  for (const subject of subjects.values()) {
    const { flowLogId, resourceId } = subject;
    subject.windows.clear();
    subject.lost = undefined;
    subject.dueUpToUs = undefined;
    const accountedUpToUs = joint.upToUs({ flowLogId, resourceId });
    if (accountedUpToUs === undefined) continue;
    for (const own of workers) own.note([{ flowLogId, resourceId, accountedUpToUs }]);
  }
  state.finishing = false;
  state.cut = false;
}

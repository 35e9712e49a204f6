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
import { type CapturePlan, subjectKey, type SubjectStatus, type WorkerWindow } from "./plan.ts";

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
  /** Windows that some worker has spoken of, and that are not told yet. */
  readonly windows: Map<string, SharedWindow>;
  readonly counts: { ok: number; noData: number; skipData: number };
  /** What is told is accepted one by one. */
  telling: Promise<void>;
}

/** As many as a worker speaks of after an outage; those before it are SKIPDATA to the one that was away. */
const windowsMax = 2048;

interface State {
  readonly deps: JointWindowsDeps;
  readonly bootId: string;
  readonly joint: AccountedWindows;
  readonly workers: readonly AccountedWindows[];
  readonly subjects: Map<string, Subject>;
  readonly metrics: WindowMetrics;
  wanted: ReadonlySet<string>;
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

function reportCounts({ metrics, subjects }: State): void {
  metrics.report([...subjects.values()].map((subject) => ({ ...subject, windows: subject.counts })));
}

function follow(state: State, plan: CapturePlan): void {
  const { subjects, joint } = state;
  const windowed = plan.subjects.filter(({ policy }) => policy.kind === "window");
  state.wanted = new Set(windowed.map(subjectKey));
  for (const { flowLogId, resourceId, observationDomain } of windowed) {
    const key = subjectKey({ flowLogId, resourceId });
    const known = subjects.get(key);
    if (known !== undefined) known.observationDomain = observationDomain;
    else {
      subjects.set(key, {
        flowLogId,
        resourceId,
        observationDomain,
        windows: new Map(),
        counts: { ok: 0, noData: 0, skipData: 0 },
        telling: Promise.resolve(),
      });
    }
  }
  joint.follow(plan, undefined);
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
          tellWhatIsSaid(state, subject);
        }
        reportCounts(state);
      },
    },
  };
}

function hear(state: State, worker: number, windows: readonly WorkerWindow[]): void {
  for (const { flowLogId, resourceId, windowUs, endUs, logStatus } of windows) {
    const subject = state.subjects.get(subjectKey({ flowLogId, resourceId }));
    if (subject === undefined) continue;
    const name = `${windowUs} ${endUs}`;
    const window = subject.windows.get(name) ?? {
      windowUs,
      endUs,
      said: Array.from({ length: state.deps.workers }, () => undefined),
    };
    subject.windows.set(name, window);
    // It speaks twice of a window in which the flow log's settings changed: for each part.
    window.said[worker] = joined([logStatus, window.said[worker] ?? logStatus]);
    for (const oldest of subject.windows.keys()) {
      if (subject.windows.size <= windowsMax) break;
      subject.windows.delete(oldest);
    }
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
  const due = [...subject.windows].filter(([, { endUs }]) => endUs <= upToUs);
  if (due.length === 0 && state.joint.upToUs(subject) === upToUs) return;
  for (const [name] of due) subject.windows.delete(name);
  const windows = due.map(([, window]) => window).sort((one, other) => one.endUs - other.endUs);
  subject.telling = subject.telling.then(() => tellNow(state, subject, windows, upToUs));
}

async function tellNow(
  state: State,
  subject: Subject,
  windows: readonly SharedWindow[],
  upToUs: number,
): Promise<void> {
  if (state.cut) return;
  const rows = windows.flatMap((window) => rowOf(subject, window));
  if (!(await isAccepted(state, subject, rows))) {
    state.cut = true;
    return;
  }
  for (const { said } of windows) {
    const status = joined(said);
    if (status === logStatuses.ok) subject.counts.ok++;
    else if (status === logStatuses.noData) subject.counts.noData++;
    else if (status === logStatuses.skipData) subject.counts.skipData++;
  }
  const { flowLogId, resourceId } = subject;
  state.joint.note([{ flowLogId, resourceId, accountedUpToUs: upToUs }]);
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
  if (rows.length === 0) return true;
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
  reportCounts(state);
  for (const { flowLogId, resourceId, windows } of subjects.values()) {
    windows.clear();
    const accountedUpToUs = joint.upToUs({ flowLogId, resourceId });
    if (accountedUpToUs === undefined) continue;
    for (const own of workers) own.note([{ flowLogId, resourceId, accountedUpToUs }]);
  }
  state.finishing = false;
  state.cut = false;
}

/**
 * Capture that knows the firewall's verdicts too: beside the process that reads the rings one that reads the
 * firewall's log, for the subjects whose records tell the verdict.
 *
 * Verdicts are to be had while Weir's table is in the host's firewall and the process may read its log. The
 * table comes and goes by a command of the user's, so it is looked for again and again while verdicts are wanted.
 */
import { type Fault, fault, type Result, toFault } from "../base/mod.ts";
import { type CaptureSource, rememberedUpToUs } from "./accounted-windows.ts";
import { type Capture, type CaptureDeps, createCapture } from "./capture.ts";
import { createWorkerGroup } from "./worker-group.ts";
import type { CaptureConfig } from "./config.ts";
import type { Firewall } from "./nflog/firewall.ts";
import {
  type CapturePlan,
  type CaptureStatus,
  type CaptureSubject,
  subjectKey,
  type VerdictStatus,
} from "./plan.ts";

export interface VerdictCaptureDeps extends CaptureDeps {
  readonly firewall: Pick<Firewall, "state">;
  /** Whether any flow log tells verdicts. */
  readonly wanted: () => boolean;
  /** Verdicts are to be had now, or no more: the plan may have to change. */
  readonly onVerdictsChanged: () => void;
}

const lookEveryMs = 5000;

interface State {
  verdicts: VerdictStatus;
  /** The source of each subject of the last plan; undefined before the first. */
  sources: ReadonlyMap<string, CaptureSource> | undefined;
  /** Since when each suspended subject is, microseconds since 1970. */
  suspendedSinceUs: ReadonlyMap<string, number>;
  timer: NodeJS.Timeout | undefined;
  stopped: boolean;
}

interface Parts {
  readonly ring: Capture;
  readonly log: Capture;
  readonly deps: VerdictCaptureDeps;
  readonly state: State;
}

/** A capture whose subjects with `verdicts` are read from the firewall's log, the others as createWorkerGroup() does. */
export function createVerdictCapture(given: Partial<CaptureConfig>, deps: VerdictCaptureDeps): Capture {
  const parts: Parts = {
    ring: createWorkerGroup(given, deps),
    log: createCapture({ ...given, method: "nflog" }, deps),
    deps,
    state: {
      verdicts: unavailable(fault("CaptureUnavailable", "not looked for yet")),
      sources: undefined,
      suspendedSinceUs: new Map(),
      timer: undefined,
      stopped: false,
    },
  };
  const { ring, log, state } = parts;
  return {
    async start() {
      const started = await ring.start();
      await look(parts);
      watch(parts);
      return started;
    },
    apply: (plan) => apply(parts, plan),
    status: () => statusOf(parts),
    async stop() {
      state.stopped = true;
      clearTimeout(state.timer);
      await Promise.all([ring.stop(), log.stop()]);
    },
  };
}

/**
 * A subject that changes its source is let go by the one before the other takes it. Its window is accounted for
 * by both: the second says SKIPDATA of it, for what passed in between was seen by neither.
 */
async function apply(parts: Parts, plan: CapturePlan): Promise<Result<CaptureStatus>> {
  const { ring, log, state } = parts;
  const subjects = plan.subjects.map((subject) => continued(parts, subject));
  state.suspendedSinceUs = suspendedSinceUs(parts, plan);
  state.sources = new Map(subjects.map((subject) => [subjectKey(subject), sourceOf(subject)]));
  const ofLog = { ...plan, suspended: [], subjects: subjects.filter(({ verdicts }) => verdicts) };
  const ofRing = { ...plan, suspended: [], subjects: subjects.filter(({ verdicts }) => !verdicts) };
  const applyRing = (): Promise<Result<CaptureStatus>> => ring.apply(ofRing);
  const applyLog = async (): Promise<Result<CaptureStatus>> => {
    const applied = log.apply(ofLog);
    // What does not run has let go of everything at once, and need not run for that.
    const isIdle = ofLog.subjects.length === 0 && log.status().state !== "running";
    return isIdle ? { ok: true, value: log.status() } : await applied;
  };
  // Verdicts are there for all or for none: whoever is to lose subjects comes first. Each is told in any case.
  const [first, second] = ofLog.subjects.length === 0 ? [applyLog, applyRing] : [applyRing, applyLog];
  const [one, other] = [await first(), await second()];
  if (!one.ok) return one;
  return other.ok ? { ok: true, value: statusOf(parts) } : other;
}

/** A subject that was suspended before stays so since then. */
function suspendedSinceUs({ state, deps }: Parts, { suspended = [] }: CapturePlan): Map<string, number> {
  const nowUs = deps.clock.nowMs() * 1000;
  const keys = suspended.map(subjectKey);
  return new Map(keys.map((key) => [key, state.suspendedSinceUs.get(key) ?? nowUs]));
}

function sourceOf({ verdicts }: CaptureSubject): CaptureSource {
  return verdicts ? "verdicts" : "packets";
}

/** The subject with what its source has to know where it had the other one or none, be it before Weir's start. */
function continued(parts: Parts, subject: CaptureSubject): CaptureSubject {
  const suspendedUs = parts.state.suspendedSinceUs.get(subjectKey(subject));
  const accountedUpToUs = suspendedUs ?? otherUpToUs(parts, subject);
  return accountedUpToUs === undefined ? subject : { ...subject, accountedUpToUs };
}

/** Up to where the source that the subject had until now accounted for its windows; undefined if it is the same. */
function otherUpToUs({ state, deps }: Parts, subject: CaptureSubject): number | undefined {
  const source = sourceOf(subject);
  const other: CaptureSource = source === "verdicts" ? "packets" : "verdicts";
  if (state.sources !== undefined) {
    return state.sources.get(subjectKey(subject)) === other ? deps.clock.nowMs() * 1000 : undefined;
  }
  const memory = deps.windowMemory;
  if (rememberedUpToUs(memory, source, subject) !== undefined) return undefined;
  return rememberedUpToUs(memory, other, subject);
}

function watch(parts: Parts): void {
  const { state, deps } = parts;
  if (state.stopped) return;
  state.timer = setTimeout(() => {
    const before = state.verdicts.available;
    void look(parts).then(() => {
      if (!state.stopped && state.verdicts.available !== before) deps.onVerdictsChanged();
      watch(parts);
    });
  }, lookEveryMs);
  state.timer.unref();
}

/**
 * Finds out whether verdicts are to be had, and starts the process that reads them. Never rejects. What was found
 * is looked at on, wanted or not: the next flow log that wants it must not trust what is gone.
 */
async function look({ log, deps, state }: Parts): Promise<void> {
  if (!deps.wanted() && !state.verdicts.available) return;
  const before = state.verdicts;
  state.verdicts = await findVerdicts(log, deps.firewall).catch((error: unknown) =>
    unavailable(toFault(error)),
  );
  if (state.stopped) return;
  if (state.verdicts.available === before.available) return;
  const reason = state.verdicts.available ? undefined : state.verdicts.fault.message;
  deps.logger.info({ reason }, state.verdicts.available ? "verdicts are read" : "no verdicts");
}

async function findVerdicts(log: Capture, firewall: Pick<Firewall, "state">): Promise<VerdictStatus> {
  const table = await firewall.state();
  if (!table.ok) return unavailable(table.fault);
  if (table.value !== "applied") return unavailable(tableMissing(table.value));
  const { state, fault: reason } = log.status();
  if (state === "running" || state === "restarting" || state === "starting") return { available: true };
  if (state === "unavailable" && reason?.retryable !== true) {
    return unavailable(reason ?? fault("CaptureUnavailable", state));
  }
  const started = await log.start();
  return started.ok ? { available: true } : unavailable(started.fault);
}

function tableMissing(state: "absent" | "outdated"): Fault {
  const message =
    state === "absent"
      ? "the firewall does not log what it does: Weir's table is not applied"
      : "Weir's table in the firewall is another version's";
  return fault("CaptureUnavailable", message, { remedy: "sudo ./weir firewall apply", retryable: true });
}

function unavailable(reason: Fault): VerdictStatus {
  return { available: false, fault: reason };
}

function statusOf({ ring, log, state }: Parts): CaptureStatus {
  const isLogAsked = [...(state.sources?.values() ?? [])].includes("verdicts");
  return { ...mergeStatus(ring.status(), log.status(), isLogAsked), verdicts: state.verdicts };
}

/** What both say as one; the plan holds when it holds with everyone who is asked for something. */
export function mergeStatus(ring: CaptureStatus, log: CaptureStatus, isLogAsked: boolean): CaptureStatus {
  const known = new Set(ring.interfaces.map(({ name }) => name));
  const asked = isLogAsked ? [ring, log] : [ring];
  const since = asked.flatMap(({ planSinceMs }) => planSinceMs ?? []);
  return {
    ...ring,
    planSinceMs: since.length === asked.length ? Math.max(...since) : null,
    interfaces: [...ring.interfaces, ...log.interfaces.filter(({ name }) => !known.has(name))],
    subjects: [...ring.subjects, ...log.subjects],
    ledger: [...ring.ledger, ...log.ledger],
    batchesAccepted: ring.batchesAccepted + log.batchesAccepted,
    batchesInFlight: ring.batchesInFlight + log.batchesInFlight,
    restarts: ring.restarts + log.restarts,
  };
}

/** One subject's meter, the account of its windows, and the batches that leave it. */
import { encodeFlowBatch, type FlowBatch, logStatuses } from "../flow/mod.ts";
import {
  advanceMeter,
  createMeter,
  drainMeter,
  emitWindowStatus,
  flushMeter,
  type Meter,
  type MeterPolicy,
} from "../meter/mod.ts";
import type { Outbox } from "./child/outbox.ts";
import type { CapturePolicy, CaptureSubject, ClosedWindow, SubjectStatus } from "./plan.ts";
import { trafficClassesOf } from "./traffic-class.ts";
import { createWindowAccount, type WindowAccount, type WindowCounts } from "./window-account.ts";

export interface MeteredSubject {
  subject: CaptureSubject;
  readonly meter: Meter;
  /** What former meters of the same subject, with other settings, metered. */
  readonly before: SubjectStatus;
  /** What the ledger held as metered for the subject when the meter was made. */
  readonly meteredBefore: number;
  /** Null where flows are aged, and until openAccount(). */
  account: WindowAccount | null;
  /** Up to where its windows are accounted for and what was said of them is accepted. */
  accountedUpToUs: number | undefined;
}

export interface BatchOrigin {
  readonly agentId: string;
  readonly bootId: string;
}

export interface SubjectPast {
  readonly before?: SubjectStatus;
  readonly meteredBefore: number;
}

export function createMeteredSubject(
  subject: CaptureSubject,
  origin: BatchOrigin,
  outbox: Outbox,
  { before = emptyStatus(subject), meteredBefore }: SubjectPast,
): MeteredSubject {
  const { flowLogId, resourceId, policy } = subject;
  const emit = (flows: FlowBatch): void => {
    flows.header = { ...origin, sequence: outbox.nextSequence(), flowLogId, resourceId };
    outbox.add(encodeFlowBatch(flows));
    if (policy.kind === "window") noteRecords(metered, flows);
  };
  const meter = createMeter({
    policy: meterPolicyOf(policy),
    flowsMax: subject.flowsMax,
    observationDomain: subject.observationDomain,
    emit,
  });
  const metered: MeteredSubject = {
    subject,
    meter,
    before,
    meteredBefore,
    account: null,
    accountedUpToUs: before.accountedUpToUs,
  };
  return metered;
}

function noteRecords({ account }: MeteredSubject, { columns, count }: FlowBatch): void {
  if (account === null) return;
  for (let row = 0; row < count; row++) {
    if (columns.packets[row]! > 0) account.recorded(columns.startUs[row]!);
  }
}

/** What becomes known when a window of the subject is closed. */
export type CloseWindow = (metered: MeteredSubject, window: ClosedWindow) => void;

/** Hands over a row that says it, where there is something to say. */
function sayWindow({ meter }: MeteredSubject, { endUs, logStatus }: ClosedWindow): void {
  if (logStatus !== logStatuses.ok) emitWindowStatus(meter, endUs, logStatus);
}

/**
 * Begins the account of the subject's windows, once its packets are seen: at `nowUs`, or at the first packet
 * where that is undefined. `former` is the meter that this one replaces.
 */
export function openAccount(
  metered: MeteredSubject,
  nowUs: number | undefined,
  former: MeteredSubject | undefined,
  closeWindow: CloseWindow = sayWindow,
): void {
  const { subject } = metered;
  if (subject.policy.kind !== "window") return;
  const windowUs = subject.policy.windowMs * 1000;
  metered.account = createWindowAccount({
    windowUs,
    sinceUs: former === undefined ? subject.accountedUpToUs : undefined,
    nowUs,
    close: (endUs, logStatus) => closeWindow(metered, { windowUs, endUs, logStatus }),
  });
  metered.accountedUpToUs ??= subject.accountedUpToUs ?? nowUs;
  if (nowUs !== undefined && former?.account?.hasRecords() === true) metered.account.recorded(nowUs);
}

/** Ends the flows whose time is up and hands over what is finished; `between` as of advanceMeter(). */
export function advanceSubject({ meter }: MeteredSubject, readUpToUs: number, between?: () => void): void {
  advanceMeter(meter, readUpToUs, between);
  drainMeter(meter);
}

/** Closes the windows that ended by `readUpToUs`, which advanceSubject() was told before; true if there were any. */
export function closeWindows({ account }: MeteredSubject, readUpToUs: number): boolean {
  if (account?.isDue(readUpToUs) !== true) return false;
  account.close(readUpToUs);
  return true;
}

function meterPolicyOf(policy: CapturePolicy): MeterPolicy {
  if (policy.kind === "window") return { kind: "window", windowUs: policy.windowMs * 1000 };
  const { activeTimeoutMs, inactiveTimeoutMs } = policy;
  return {
    kind: "aging",
    activeTimeoutUs: activeTimeoutMs * 1000,
    inactiveTimeoutUs: inactiveTimeoutMs * 1000,
  };
}

/**
 * Ends every flow of the subject (forced end), hands over all that is finished and ends its account. All that
 * came up to `readUpToUs` has been metered.
 */
export function endFlows(metered: MeteredSubject, readUpToUs: number): void {
  const { meter, account } = metered;
  if (account?.isDue(readUpToUs) === true) {
    advanceSubject(metered, readUpToUs);
    closeWindows(metered, readUpToUs);
  }
  flushMeter(meter);
  drainMeter(meter);
  account?.end(readUpToUs);
}

/** Whether flows metered under one must not go on under the other. */
export function needsNewMeter(one: CaptureSubject, other: CaptureSubject): boolean {
  return (
    !isSamePolicy(one.policy, other.policy) ||
    trafficClassesOf(one) !== trafficClassesOf(other) ||
    one.verdicts !== other.verdicts ||
    one.observationDomain !== other.observationDomain ||
    one.flowsMax !== other.flowsMax ||
    one.revision !== other.revision
  );
}

function isSamePolicy(one: CapturePolicy, other: CapturePolicy): boolean {
  if (one.kind === "window") return other.kind === "window" && one.windowMs === other.windowMs;
  return (
    other.kind === "aging" &&
    one.activeTimeoutMs === other.activeTimeoutMs &&
    one.inactiveTimeoutMs === other.inactiveTimeoutMs
  );
}

export function subjectStatus(metered: MeteredSubject): SubjectStatus {
  const { subject, meter, before, account, accountedUpToUs } = metered;
  const { packets, octets, activeFlows, flowsEmitted, flowsEvicted } = meter.statistics;
  const ended = Object.values(flowsEmitted).reduce((sum, count) => sum + count, 0);
  return {
    flowLogId: subject.flowLogId,
    resourceId: subject.resourceId,
    packets: before.packets + packets,
    octets: before.octets + octets,
    activeFlows,
    flowsEnded: before.flowsEnded + ended,
    flowsEvicted: before.flowsEvicted + flowsEvicted,
    ...(account === null ? {} : { windows: addWindows(before.windows, account.counts()) }),
    ...(account === null || accountedUpToUs === undefined ? {} : { accountedUpToUs }),
  };
}

function addWindows(before: WindowCounts | undefined, now: WindowCounts): WindowCounts {
  if (before === undefined) return now;
  return {
    ok: before.ok + now.ok,
    noData: before.noData + now.noData,
    skipData: before.skipData + now.skipData,
  };
}

function emptyStatus({ flowLogId, resourceId }: CaptureSubject): SubjectStatus {
  return { flowLogId, resourceId, packets: 0, octets: 0, activeFlows: 0, flowsEnded: 0, flowsEvicted: 0 };
}

/** One subject's meter and the batches that leave it. */
import { encodeFlowBatch, type FlowBatch } from "../flow/mod.ts";
import { createMeter, drainMeter, flushMeter, type Meter, type MeterPolicy } from "../meter/mod.ts";
import type { Outbox } from "./child/outbox.ts";
import type { CapturePolicy, CaptureSubject, SubjectStatus } from "./plan.ts";
import { trafficClassesOf } from "./traffic-class.ts";

export interface MeteredSubject {
  subject: CaptureSubject;
  readonly meter: Meter;
  /** What former meters of the same subject, with other settings, metered. */
  readonly before: SubjectStatus;
}

export interface BatchOrigin {
  readonly agentId: string;
  readonly bootId: string;
}

export function createMeteredSubject(
  subject: CaptureSubject,
  origin: BatchOrigin,
  outbox: Outbox,
  before: SubjectStatus = emptyStatus(subject),
): MeteredSubject {
  const { flowLogId, resourceId } = subject;
  const emit = (flows: FlowBatch): void => {
    flows.header = { ...origin, sequence: outbox.nextSequence(), flowLogId, resourceId };
    outbox.add(encodeFlowBatch(flows));
  };
  const meter = createMeter({
    policy: meterPolicyOf(subject.policy),
    flowsMax: subject.flowsMax,
    observationDomain: subject.observationDomain,
    emit,
  });
  return { subject, meter, before };
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

/** Ends every flow of the subject (forced end) and hands over all that is finished. */
export function endFlows({ meter }: MeteredSubject): void {
  flushMeter(meter);
  drainMeter(meter);
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

export function subjectStatus({ subject, meter, before }: MeteredSubject): SubjectStatus {
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
  };
}

function emptyStatus({ flowLogId, resourceId }: CaptureSubject): SubjectStatus {
  return { flowLogId, resourceId, packets: 0, octets: 0, activeFlows: 0, flowsEnded: 0, flowsEvicted: 0 };
}

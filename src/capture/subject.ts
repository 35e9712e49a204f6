/** One subject's meter and the batches that leave it. */
import { encodeFlowBatch, type FlowBatch } from "../flow/mod.ts";
import { createMeter, drainMeter, flushMeter, type Meter } from "../meter/mod.ts";
import type { Outbox } from "./child/outbox.ts";
import type { CaptureSubject, SubjectStatus } from "./plan.ts";

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
    activeTimeoutUs: subject.activeTimeoutMs * 1000,
    inactiveTimeoutUs: subject.inactiveTimeoutMs * 1000,
    flowsMax: subject.flowsMax,
    observationDomain: subject.observationDomain,
    emit,
  });
  return { subject, meter, before };
}

/** Ends every flow of the subject (forced end) and hands over all that is finished. */
export function endFlows({ meter }: MeteredSubject): void {
  flushMeter(meter);
  drainMeter(meter);
}

/** Whether flows metered under one must not go on under the other. */
export function needsNewMeter(one: CaptureSubject, other: CaptureSubject): boolean {
  return (
    one.activeTimeoutMs !== other.activeTimeoutMs ||
    one.inactiveTimeoutMs !== other.inactiveTimeoutMs ||
    one.observationDomain !== other.observationDomain ||
    one.flowsMax !== other.flowsMax ||
    one.scope !== other.scope ||
    one.revision !== other.revision
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

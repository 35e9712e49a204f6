/** Whether capture knows what the firewall decided. */
import type { Capture, CaptureStatus } from "../capture/mod.ts";
import type { FlowLog } from "../control/mod.ts";

export type VerdictAvailability =
  | { readonly available: true }
  | { readonly available: false; readonly reason: string };

export function verdictsOf(capture: Capture): VerdictAvailability {
  const { verdicts } = capture.status();
  if (verdicts === undefined) return { available: false, reason: "nobody looks for them" };
  if (verdicts.available) return verdicts;
  const { message, remedy } = verdicts.fault;
  return { available: false, reason: remedy === undefined ? message : `${message} (${remedy})` };
}

/** Whether the records of any of them tell verdicts. */
export function wantsVerdicts(flowLogs: readonly FlowLog[]): boolean {
  return flowLogs.some(({ target, status }) => target !== undefined && status === "active");
}

/** What is told of verdicts. Why there are none is a fault only while a flow log wants them: else nobody looked. */
export function describeVerdicts(
  status: CaptureStatus["verdicts"],
  flowLogs: readonly FlowLog[],
): Readonly<Record<string, unknown>> {
  const wanted = wantsVerdicts(flowLogs);
  const available = status?.available === true;
  return {
    wanted,
    available,
    ...(wanted && status?.available === false ? { fault: status.fault } : {}),
  };
}

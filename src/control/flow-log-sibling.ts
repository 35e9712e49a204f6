/** What the flow logs of one resource must not have in common. */
import { fail, type Result } from "../base/mod.ts";
import { flowLogBounds, type FlowLogScope, type FlowLogSettings, type FlowLogTarget } from "./flow-log.ts";
import type { FlowLogContext } from "./flow-log-memory.ts";
import { isAloneOnTarget } from "./service.ts";

/**
 * Where a resource may have several, no two of them deliver the same to the same place, and no more than two
 * anything at all there. "Only two flow logs, each with a different filter, can be created for a single resource
 * under the same log group and log topic. Each VPC flow log must be unique." (Open Telekom Cloud, Virtual Private
 * Cloud User Guide, Creating a VPC Flow Log)
 *
 * `itselfId` is that of the flow log that changes, undefined of one that is to be made. Faults: `FlowLogDuplicate`,
 * `FlowLogQuotaExceeded`.
 */
export function siblingFault(
  { memory }: FlowLogContext,
  scope: FlowLogScope,
  target: FlowLogTarget | undefined,
  { filter, outputs: { logService } }: FlowLogSettings,
  itselfId?: string,
): Result<never> | null {
  if (target === undefined || isAloneOnTarget(scope.service)) return null;
  const siblings = memory
    .list(scope)
    .filter(
      (other) =>
        other.id !== itselfId &&
        other.target?.id === target.id &&
        other.outputs.logService.project === logService.project &&
        other.outputs.logService.logstore === logService.logstore,
    );
  const twin = siblings.find((other) => other.filter.trafficType === filter.trafficType);
  if (twin !== undefined) {
    const message = `${twin.id} delivers the same traffic of ${target.id} to the same place`;
    return fail("FlowLogDuplicate", message, { value: twin.id });
  }
  const { siblingsMax } = flowLogBounds;
  if (siblings.length < siblingsMax) return null;
  return fail("FlowLogQuotaExceeded", `${target.id} has ${siblings.length} flow logs to the same place`, {
    field: "target.id",
    value: target.id,
    allowed: `at most ${siblingsMax}, each of other traffic`,
  });
}

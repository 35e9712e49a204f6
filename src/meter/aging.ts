/**
 * Aging: when a flow ends and why. The rules, in full:
 *
 * - Idle (flowEndReason 1): no packet of the flow for `inactiveTimeoutUs`. RFC 7011's registry says of
 *   flowIdleTimeout "a Flow is considered to be timed out if no packets belonging to the Flow have been
 *   observed for the number of seconds specified". A packet that comes exactly the timeout after the last
 *   one finds that the time has passed, so the boundary is: gap >= timeout ends the flow.
 * - Active (2): the flow has lasted `activeTimeoutUs` "even if there is still a continuous flow of packets"
 *   (flowActiveTimeout). A packet at exactly start + timeout opens the next record, so a record's duration is
 *   always shorter than the active timeout.
 * - End of flow (3): a TCP packet with FIN or RST marks the flow as finished. Packets that follow it within
 *   `endOfFlowLingerUs` of one another (the last acknowledgements) belong to it still; after that silence,
 *   or when a SYN follows, it has ended, and what comes next opens a new flow. A flow is one direction of a
 *   conversation, so each direction is finished by its own FIN or RST.
 * - A flow ends by the deadline that passed first; idle wins a tie, because such a flow is no longer active.
 *   The answer does not depend on when anyone looked.
 * - The flow is ended before the packet that ends it is counted: that packet belongs to the next flow.
 * - Small disorder: a late packet counts for the flow of its key that is open, whose start becomes the
 *   earlier, and whose end stays the later time. Time that went backwards is treated as time that went
 *   forwards: `inactiveTimeoutUs` or more before the flow's start is an idle gap, and a packet that would
 *   stretch the record to the active timeout ends it.
 */
import { flowEndReasons } from "../flow/mod.ts";

interface AgingPolicy {
  readonly activeTimeoutUs: number;
  readonly inactiveTimeoutUs: number;
  readonly endOfFlowLingerUs: number;
}

/** The flow has not ended. */
export const notEnded = 0;

/** Why a flow has ended by `timeUs`, seen from the time of a packet of it or of a clock; 0 if it has not. */
export function agingReasonAt(
  policy: AgingPolicy,
  startUs: number,
  endUs: number,
  finished: boolean,
  timeUs: number,
): number {
  const idleReason = finished ? flowEndReasons.endOfFlow : flowEndReasons.idle;
  if (timeUs >= endUs) {
    const idleUs = endUs + (finished ? policy.endOfFlowLingerUs : policy.inactiveTimeoutUs);
    const activeUs = startUs + policy.activeTimeoutUs;
    if (timeUs < idleUs && timeUs < activeUs) return notEnded;
    return idleUs <= activeUs ? idleReason : flowEndReasons.active;
  }
  if (startUs - timeUs >= policy.inactiveTimeoutUs) return idleReason;
  return endUs - timeUs >= policy.activeTimeoutUs ? flowEndReasons.active : notEnded;
}

/** When a flow that hears nothing more will end. */
export function agingDeadlineOf(
  policy: AgingPolicy,
  startUs: number,
  endUs: number,
  finished: boolean,
): number {
  const idleUs = endUs + (finished ? policy.endOfFlowLingerUs : policy.inactiveTimeoutUs);
  const activeUs = startUs + policy.activeTimeoutUs;
  return Math.min(idleUs, activeUs);
}

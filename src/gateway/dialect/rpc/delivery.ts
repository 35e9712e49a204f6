/** Delivery states as lists show them: asked for once a second and flow log, however many lists are read. */
import { type Clock, systemClock } from "../../../base/mod.ts";
import type { DeliveryStatus } from "../../delivery-status.ts";

export type { DeliveryStatus } from "../../delivery-status.ts";

export type DeliveryLookup = (flowLogId: string) => DeliveryStatus | undefined;

const ageMsMax = 1000;

export function rememberDeliveries(lookup: DeliveryLookup, clock: Clock = systemClock): DeliveryLookup {
  const known = new Map<string, DeliveryStatus | undefined>();
  let sinceMs = clock.monotonicMs();
  return (flowLogId) => {
    const nowMs = clock.monotonicMs();
    if (nowMs - sinceMs >= ageMsMax) {
      known.clear();
      sinceMs = nowMs;
    }
    if (!known.has(flowLogId)) known.set(flowLogId, lookup(flowLogId));
    return known.get(flowLogId);
  };
}

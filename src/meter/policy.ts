/** When flows are cut: by their age and silence (aging.ts) or by aligned windows (window.ts). */
import { agingDeadlineOf, agingReasonAt } from "./aging.ts";
import { windowEndOf, windowReasonAt } from "./window.ts";

export interface AgingOptions {
  readonly kind: "aging";
  /** A flow's record covers less than this time. At least 1. */
  readonly activeTimeoutUs: number;
  /** A flow without a packet for this time has ended. At least 1. */
  readonly inactiveTimeoutUs: number;
  /** A finished TCP flow waits this long for the last acknowledgements; at most the inactive timeout. */
  readonly endOfFlowLingerUs?: number;
}

export interface WindowOptions {
  readonly kind: "window";
  /** Length of the windows, which are aligned to 1970; at least 1. */
  readonly windowUs: number;
}

export type MeterPolicy = AgingOptions | WindowOptions;

/** The policy as the numbers that the meter works with. A window's record knows no timeouts: they are Infinity. */
export interface EndPolicy {
  readonly activeTimeoutUs: number;
  readonly inactiveTimeoutUs: number;
  /** Silence after which a finished TCP flow is handed over; never more than the inactive timeout. */
  readonly endOfFlowLingerUs: number;
  /** How often a TCP flow is looked at, which a FIN may have brought near its end; at most the inactive timeout. */
  readonly tcpLookUs: number;
  /** 0 where flows are aged. */
  readonly windowUs: number;
}

/** RFC 9293's retransmission starts at one second and doubles: two retransmitted FINs fit in. */
const endOfFlowLingerUsDefault = 5_000_000;
/**
 * A TCP flow is looked at after the linger time and a little more, so that most short connections are looked at
 * once. By this share of the linger time a finished flow may be handed over late.
 */
const lingerSlack = 0.25;

export function createEndPolicy(policy: MeterPolicy): EndPolicy {
  if (policy.kind === "window") {
    const { windowUs } = policy;
    return {
      activeTimeoutUs: Infinity,
      inactiveTimeoutUs: Infinity,
      endOfFlowLingerUs: Infinity,
      tcpLookUs: Infinity,
      windowUs,
    };
  }
  const { activeTimeoutUs, inactiveTimeoutUs, endOfFlowLingerUs = endOfFlowLingerUsDefault } = policy;
  const lingerUs = Math.min(endOfFlowLingerUs, inactiveTimeoutUs);
  return {
    activeTimeoutUs,
    inactiveTimeoutUs,
    endOfFlowLingerUs: lingerUs,
    tcpLookUs: Math.min(lingerUs * (1 + lingerSlack), inactiveTimeoutUs),
    windowUs: 0,
  };
}

/** The time after which nothing is heard of a flow any more but its end. */
export function reachOf({ windowUs, inactiveTimeoutUs }: EndPolicy): number {
  return windowUs > 0 ? windowUs : inactiveTimeoutUs;
}

/** Why a flow has ended by `timeUs`, seen from the time of a packet of it or of a clock; 0 if it has not. */
export function endReasonAt(
  policy: EndPolicy,
  startUs: number,
  endUs: number,
  finished: boolean,
  timeUs: number,
): number {
  return policy.windowUs > 0
    ? windowReasonAt(policy.windowUs, startUs, finished, timeUs)
    : agingReasonAt(policy, startUs, endUs, finished, timeUs);
}

/** When a flow that hears nothing more will end. */
export function deadlineOf(policy: EndPolicy, startUs: number, endUs: number, finished: boolean): number {
  return policy.windowUs > 0
    ? windowEndOf(policy.windowUs, startUs)
    : agingDeadlineOf(policy, startUs, endUs, finished);
}

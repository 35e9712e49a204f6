/**
 * What selection tells apart: whether a packet is only its interface's or a gateway's too, its verdict and its
 * IP version. Each packet is of one class, so that a subject is the set of classes that it meters, as bits, and
 * its share of an interface's packets is a sum of counts.
 */
import { verdicts } from "../flow/mod.ts";
import type { CaptureSubject, TrafficFilter } from "./plan.ts";

/** Two scopes, three verdicts, two IP versions. */
export const trafficClassCount = 12;
const gatewayClasses = 6;

export function trafficClassOf(gatewayToo: boolean, verdict: number, ipVersion: number): number {
  return (gatewayToo ? gatewayClasses : 0) + verdict * 2 + (ipVersion === 6 ? 1 : 0);
}

/** The classes that the subject meters: bit n stands for class n. */
export function trafficClassesOf({ scope, filter }: Pick<CaptureSubject, "scope" | "filter">): number {
  let classes = 0;
  for (const gatewayToo of scope === "gateway" ? [true] : [false, true]) {
    for (const verdict of verdictsOf(filter)) {
      for (const ipVersion of filter.ipVersions) {
        classes |= 1 << trafficClassOf(gatewayToo, verdict, ipVersion);
      }
    }
  }
  return classes;
}

function verdictsOf({ trafficType }: TrafficFilter): readonly number[] {
  if (trafficType === "accept") return [verdicts.accepted];
  return trafficType === "reject" ? [verdicts.rejected] : Object.values(verdicts);
}

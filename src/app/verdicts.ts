/** Whether capture knows what the firewall decided. */
import type { Capture } from "../capture/mod.ts";

export type VerdictAvailability =
  | { readonly available: true }
  | { readonly available: false; readonly reason: string };

export function verdictsOf(_capture: Capture): VerdictAvailability {
  return { available: false, reason: "this Weir reads no verdicts" };
}

/** Comparison that takes the same time whatever the difference. */
import { timingSafeEqual } from "node:crypto";

/** Whether a digest equals what a stranger claims it is; a claim of another length is simply wrong. */
export function sameDigest(digest: Buffer, claimed: Buffer): boolean {
  return digest.length === claimed.length && timingSafeEqual(digest, claimed);
}

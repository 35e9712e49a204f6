/**
 * Pacing by bytes a second.
 *
 * A collector's receive buffer is 212,992 bytes by default, and Linux charges it about 2,300 for a datagram
 * of 1,400: it holds some 90 of them. What may go out at once stays below that.
 */
import { setImmediate, setTimeout } from "node:timers/promises";

export interface TokenBucket {
  readonly bytesPerSecond: number;
  readonly bytesMax: number;
  bytes: number;
  filledMs: number;
}

/**
 * A timer of one millisecond may take this long. Where the bucket would overflow meanwhile, it is yielded
 * to other work instead.
 */
const timerMs = 1.25;

/** Any higher rate is none; it keeps Infinity out of the arithmetic. */
const bytesPerSecondMax = 1e12;

export function createTokenBucket(bytesPerSecond: number, bytesMax: number): TokenBucket {
  return {
    bytesPerSecond: Math.min(bytesPerSecond, bytesPerSecondMax),
    bytesMax,
    bytes: bytesMax,
    filledMs: performance.now(),
  };
}

/** Resolves when `bytes` may be sent; more than the bucket holds are let through when it is full. */
export async function takeTokens(bucket: TokenBucket, bytes: number): Promise<void> {
  const needed = Math.min(bytes, bucket.bytesMax);
  for (;;) {
    const nowMs = performance.now();
    const earned = ((nowMs - bucket.filledMs) / 1000) * bucket.bytesPerSecond;
    bucket.bytes = Math.min(bucket.bytesMax, bucket.bytes + earned);
    bucket.filledMs = nowMs;
    if (bucket.bytes >= needed) break;
    const waitMs = ((needed - bucket.bytes) / bucket.bytesPerSecond) * 1000;
    const after = bucket.bytes + (timerMs / 1000) * bucket.bytesPerSecond;
    if (waitMs > 1) await setTimeout(waitMs);
    else if (after <= bucket.bytesMax) await setTimeout(1);
    else await setImmediate();
  }
  bucket.bytes -= bytes;
}

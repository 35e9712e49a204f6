/** Timestamps of capture files as whole microseconds, exact without 64-bit integers. */

const microseconds = 1e6;
const highWord = 2 ** 32;

/** Microseconds of a pcapng timestamp: `high` × 2^32 + `low` ticks. */
export function ticksToMicroseconds(high: number, low: number, ticksPerSecond: number): number {
  if (ticksPerSecond === microseconds) return high * highWord + low;
  if (ticksPerSecond > microseconds && ticksPerSecond % microseconds === 0) {
    // Divide word by word: the whole number of ticks may exceed 2^53, the remainders do not.
    const divisor = ticksPerSecond / microseconds;
    const quotient = Math.floor(high / divisor);
    return quotient * highWord + Math.floor(((high % divisor) * highWord + low) / divisor);
  }
  // Powers of two divide without rounding, so a tick of 2^-32 s keeps its whole seconds apart.
  return Math.floor(
    (high * highWord * microseconds) / ticksPerSecond + (low * microseconds) / ticksPerSecond,
  );
}

/** Ticks a second of an if_tsresol octet: 10^n, or 2^n with the highest bit set. */
export function ticksPerSecondOf(resolution: number): number {
  const exponent = resolution & 0x7f;
  return (resolution & 0x80) === 0 ? 10 ** exponent : 2 ** exponent;
}

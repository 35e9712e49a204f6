/** The highest rate without a drop, by trials. */

export interface RateTrial {
  readonly packetsPerSecond: number;
  readonly isClean: boolean;
}

export interface SearchOptions {
  /** Trials after the first. */
  readonly steps: number;
  /** What an earlier search found. */
  readonly near?: number;
}

/** Rates are looked for between this part of the sender's and all of it. */
const lowest = 1 / 24;
/** How far from an earlier result another is looked for. */
const nearby = 1.5;

/**
 * Tries the sender's full speed, given as 0, then rates in between, each half-way by ratio between the
 * highest that was clean and the lowest that was not. Resolves with the clean trial of the highest rate;
 * undefined if none was clean.
 */
export async function searchHighestRate<Trial extends RateTrial>(
  run: (packetsPerSecond: number) => Promise<Trial>,
  { steps, near }: SearchOptions,
): Promise<Trial | undefined> {
  let best: Trial | undefined;
  let low = 0;
  let high = 0;
  if (near === undefined) {
    const first = await run(0);
    if (first.isClean) return first;
    high = first.packetsPerSecond;
    low = high * lowest;
  } else {
    high = near * nearby;
    low = near / nearby;
  }
  for (let step = 0; step < steps; step++) {
    const middle = Math.sqrt(low * high);
    const trial = await run(middle);
    if (trial.isClean) {
      if (best === undefined || trial.packetsPerSecond > best.packetsPerSecond) best = trial;
      low = middle;
    } else high = middle;
  }
  return best;
}

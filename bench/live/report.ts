/** The tables of the live comparison. */
import type { TrialResult } from "./trial.ts";

/** One meter under one load. */
export interface Cell {
  readonly meter: string;
  readonly flows: number;
  /** The fraction of its CPU that the meter could use, for each of its workers. */
  readonly share: number;
  /** The highest rate without a drop in each round; undefined where every trial had drops. */
  readonly found: (TrialResult | undefined)[];
  /** Whether the sender's full speed had no drop in the first round. */
  senderBound: boolean;
}

export function printRates(cells: readonly Cell[]): void {
  print(
    "\n| flows | CPU | meter | highest rate without a drop, packets/s | CPU µs a packet | sender's CPU µs a packet | rounds |",
  );
  print("|---|---|---|---|---|---|---|");
  for (const { meter, flows, share, found, senderBound } of cells) {
    if (found.length === 0) continue;
    const rates = found.map((trial) => trial?.packetsPerSecond ?? 0);
    const medianOf = (of: (trial: TrialResult) => number): string => {
      const values = found.flatMap((trial) => (trial === undefined ? [] : of(trial)));
      return values.length === 0 ? "" : median(values).toFixed(2);
    };
    const range = `${thousands(median(rates))} (${thousands(Math.min(...rates))}–${thousands(Math.max(...rates))})`;
    const row = [
      flows,
      share === 1 ? "whole" : `${share * 100} %`,
      meter,
      senderBound ? `${range}, all that was sent` : range,
      medianOf(({ cpuUs }) => cpuUs),
      medianOf(({ senderCpuUs }) => senderCpuUs),
      found.length,
    ];
    print(`| ${row.join(" | ")} |`);
  }
}

export interface Loss {
  readonly meter: string;
  readonly load: string;
  readonly trial: TrialResult;
}

export function printLosses(losses: readonly Loss[]): void {
  print(
    "\n| load | meter | packets | in exported flows | lost | of these it reports | unexplained | its account's error |",
  );
  print("|---|---|---|---|---|---|---|---|");
  for (const { meter, load, trial } of losses) {
    const lost = trial.arrived - trial.exported;
    const { dropped, error } = trial.own;
    const row = [
      load,
      meter,
      trial.arrived,
      trial.exported,
      lost,
      dropped,
      lost - dropped,
      error ?? "has none",
    ];
    print(`| ${row.join(" | ")} |`);
  }
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((one, other) => one - other);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function thousands(rate: number): string {
  return `${Math.round(rate / 1000)} k`;
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** `weir records --histogram`: how many records, packets and octets there were in each interval of a range. */
import { fail, ok, type Result } from "../base/mod.ts";
import type { Client } from "./client.ts";
import type { Answer } from "./command.ts";
import { counted, formatCount, formatOctets, formatTable } from "./ui/table.ts";

interface Interval {
  readonly fromS: number;
  readonly toS: number;
  readonly records: number;
  readonly packets: number;
  readonly octets: number;
}

interface HistogramAnswer {
  readonly progress: string;
  /** Which of the store's tiers the counts are from, `raw` for the records themselves. */
  readonly tiers: readonly { readonly tier: string; readonly records: number }[];
  readonly intervals: readonly Interval[];
}

const columns = [
  { title: "FROM (UTC)" },
  { title: "TO (UTC)" },
  { title: "RECORDS", align: "right" },
  { title: "PACKETS", align: "right" },
  { title: "BYTES", align: "right" },
] as const;

interface HistogramRange {
  readonly fromS: number;
  readonly toS: number;
  readonly intervalS: number;
}

/** Widths that people count in. Those of a minute and more fit the spans of the rollup tiers. */
const widthsS = [
  1, 5, 10, 30, 60, 300, 600, 1800, 3600, 10_800, 21_600, 43_200, 86_400, 604_800, 2_592_000,
] as const;
const intervalsMax = 60;

/**
 * A range in intervals of `intervalS`, by default the least of the usual widths that makes no more than 60. One that
 * begins a while ago begins at a whole interval: the tiers can tell of no other. Fault: `InputOutOfRange`.
 */
export function histogramRange(
  { fromS, toS }: { readonly fromS: number; readonly toS: number },
  intervalS: number | undefined,
  isAgo: boolean,
): Result<HistogramRange> {
  if (intervalS !== undefined && intervalS < 1) {
    return fail("InputOutOfRange", `--interval is ${intervalS}`, {
      field: "--interval",
      value: `${intervalS}`,
      allowed: "a whole number of seconds from 1",
    });
  }
  // The last second of a range up to now begins an interval more.
  const leastS = (toS - fromS - 1) / intervalsMax;
  const widthS = intervalS ?? widthsS.find((width) => width >= leastS) ?? Math.ceil(leastS);
  return ok({ fromS: isAgo ? fromS - (fromS % widthS) : fromS, toS, intervalS: widthS });
}

/** Asks for the histogram of the range, logstore and search that the body names. */
export async function askHistogram(client: Client, body: object): Promise<Result<Answer>> {
  const answer = await client.call<HistogramAnswer>("POST", "/records/histogram", body);
  if (!answer.ok) return answer;
  const { progress, tiers, intervals } = answer.value;
  if (progress !== "Complete") {
    return fail("Timeout", "the histogram ran out of time", {
      remedy: "narrow the time range with --from and --to",
      retryable: true,
    });
  }
  const total = intervals.reduce((sum, { records }) => sum + records, 0);
  const shares = tiers.map(({ tier, records }) => `${tier} ${formatCount(records)}`).join(", ");
  return ok({
    text: `${histogramTable(intervals)}${counted(total, "record")}; by tier: ${shares}\n`,
    json: { tiers, intervals },
  });
}

function histogramTable(intervals: readonly Interval[]): string {
  const rows = intervals.map(({ fromS, toS, records, packets, octets }) => [
    timeText(fromS),
    timeText(toS),
    formatCount(records),
    formatCount(packets),
    formatOctets(octets),
  ]);
  return formatTable(columns, rows);
}

function timeText(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ");
}

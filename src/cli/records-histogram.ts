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

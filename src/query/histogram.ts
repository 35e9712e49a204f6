/**
 * How many records there are in each interval of a range: from the rollup tiers as far as they can tell, and
 * from the records for the rest.
 *
 * Each tier is asked for its whole spans, together with the records that are not in it yet; a span that an
 * interval's border cuts is asked of the next finer tier, and what the finest cuts, of the records. One
 * statement reads all, and a tier and its mark as of one moment: each record is counted once.
 *
 * Where records have gone but a tier was kept, the finest tier that is left tells no more than its spans: a
 * span that is cut counts in the interval in which it begins.
 */
import { fail, ok, type Result } from "../base/mod.ts";
import { flowsTable, nextPositionSql, receivedDaySql, type Tier } from "../store/mod.ts";
import {
  type AnsweringTier,
  type LogRange,
  prepareRange,
  type QueryStatistics,
  type Reader,
  run,
  statistics,
} from "./log-query.ts";
import type { Parameters } from "./search/sql.ts";
import { chooseTiers, type Intervals, type TierUse } from "./tier-choice.ts";

export interface HistogramsRequest extends LogRange {
  /** Width of a sub-interval; absent, one that makes at most 60 of them. */
  readonly intervalS?: number;
  /** Whether packets and octets are summed too. */
  readonly traffic?: boolean;
}

export interface HistogramBucket {
  readonly fromS: number;
  readonly toS: number;
  readonly count: number;
  /** Where they were asked for; exact to 2^53. */
  readonly traffic?: Traffic;
}

export interface Traffic {
  readonly packets: number;
  /** Layer-3 octets. */
  readonly octets: number;
}

export interface Histograms extends QueryStatistics {
  readonly buckets: readonly HistogramBucket[];
  readonly count: number;
}

export const histogramBucketsMax = 10_000;
const histogramBucketsDefault = 60;

export async function getHistograms(reader: Reader, request: HistogramsRequest): Promise<Result<Histograms>> {
  const prepared = prepareRange(reader, request);
  if (!prepared.ok) return prepared;
  const { query, condition, parameters } = prepared.value;
  const intervals = intervalsOf(request);
  if (!intervals.ok) return intervals;
  const { traffic = false } = request;
  const logstore = parameters.bind("UInt32", request.logstore);
  const uses = chooseTiers(intervals.value, reader.records.format, query.predicate);
  const scope = { intervals: intervals.value, condition, logstore, parameters, traffic };
  const answer = await run(reader, histogramSql(scope, uses), parameters.values);
  if (!answer.ok) return answer;
  const sums = answer.value.rows.map(readSum);
  const tiers = [...uses.map(({ tier }) => tier.name), "raw" as const].map((tier) => ({
    tier,
    records: sums.reduce((total, sum) => (sum.tier === tier ? total + sum.count : total), 0),
  }));
  const buckets = bucketsOf(intervals.value, sums, traffic);
  const count = buckets.reduce((total, each) => total + each.count, 0);
  return ok({ ...statistics(query, answer.value, tiers), buckets, count });
}

function intervalsOf({ fromS, toS, intervalS }: HistogramsRequest): Result<Intervals> {
  const widthS = intervalS ?? Math.max(1, Math.ceil((toS - fromS) / histogramBucketsDefault));
  if (widthS >= 1 && Math.ceil((toS - fromS) / widthS) <= histogramBucketsMax)
    return ok({ fromS, toS, widthS });
  return fail("InputOutOfRange", `the range has more than ${histogramBucketsMax} intervals`, {
    field: "interval",
    value: `${widthS}`,
    allowed: `at least ${Math.ceil((toS - fromS) / histogramBucketsMax)} seconds`,
  });
}

interface Scope {
  readonly intervals: Intervals;
  /** What rows of a tier and of the flow table have to meet alike. */
  readonly condition: string;
  readonly logstore: string;
  readonly parameters: Parameters;
  readonly traffic: boolean;
}

function histogramSql(scope: Scope, uses: readonly TierUse[]): string {
  const finest = uses.at(-1);
  if (finest === undefined) return recordSelect(scope, []);
  const selects = uses.map((use, index) => tierSelect(scope, use, uses[index - 1], uses[index + 1]));
  selects.push(lackedSelect(scope, uses));
  if (finest.cut.length > 0) selects.push(recordSelect(scope, [isCut(scope, finest)]));
  return selects.join(" UNION ALL ");
}

/** What a tier has of its whole spans, within those that the coarser one cannot tell. */
function tierSelect(
  scope: Scope,
  use: TierUse,
  coarser: TierUse | undefined,
  finer: TierUse | undefined,
): string {
  const { tier, cut } = use;
  const within = coarser === undefined ? [] : [isCut(scope, coarser)];
  const isAllThatIsLeft = `received_day < ${firstDaySql(finer?.tier, scope.logstore)}`;
  const counted = cut.length === 0 ? [] : [`(NOT ${isCut(scope, use)} OR ${isAllThatIsLeft})`];
  const sums = `sum(records)${scope.traffic ? ", sum(packets), sum(octets)" : ""}`;
  return selectSql(scope, tier.name, sums, tier.table, [...within, ...counted]);
}

/** The records of whole spans that are not in the tier which is asked for the span. */
function lackedSelect(scope: Scope, uses: readonly TierUse[]): string {
  const marks = uses.map(({ tier }) => nextPositionSql(tier, scope.logstore));
  // A span that even the finest cuts is asked of the records anyway.
  const asked = uses.flatMap((use, index) => {
    const isWhole = use.cut.length === 0 ? "1" : `NOT ${isCut(scope, use)}`;
    return [isWhole, `position >= ${marks[index]!}`];
  });
  // The first condition is one that the index of positions answers.
  return recordSelect(scope, [`position >= least(${marks.join(", ")})`, `multiIf(${asked.join(", ")}, 0)`]);
}

function recordSelect(scope: Scope, conditions: readonly string[]): string {
  const sums = `count()${scope.traffic ? ", sum(packets), sum(octets)" : ""}`;
  return selectSql(scope, "raw", sums, flowsTable.name, conditions);
}

function selectSql(
  { intervals, condition, parameters }: Scope,
  tier: AnsweringTier,
  sums: string,
  table: string,
  conditions: readonly string[],
): string {
  const from = parameters.bind("UInt64", intervals.fromS);
  const width = parameters.bind("UInt64", intervals.widthS);
  const interval = `intDiv(toUInt64(toUnixTimestamp(time)) - ${from}, ${width})`;
  const all = [condition, ...conditions].join(" AND ");
  return `SELECT '${tier}', ${interval} AS bucket, ${sums} FROM ${table} WHERE ${all} GROUP BY bucket`;
}

/** Whether a row, of a tier or a record, is in one of the spans that are cut. */
function isCut({ parameters }: Scope, { tier, cut }: TierUse): string {
  const spans = parameters.bind("Array(UInt32)", `[${cut.join(",")}]`);
  return `(intDiv(toUnixTimestamp(time), ${tier.widthS}) IN ${spans})`;
}

/** The first day of receipt of which a tier, or the flow table, has anything. */
function firstDaySql(tier: Tier | undefined, logstore: string): string {
  const table = tier?.table ?? flowsTable.name;
  const day = tier === undefined ? receivedDaySql("min(received_ms)") : "min(received_day)";
  return `(SELECT if(count() = 0, 4294967295, ${day}) FROM ${table} WHERE logstore = ${logstore})`;
}

interface Sum extends Traffic {
  readonly tier: AnsweringTier;
  readonly interval: number;
  readonly count: number;
}

function readSum([tier, interval, count, packets = 0, octets = 0]: readonly unknown[]): Sum {
  return {
    tier: tier as AnsweringTier,
    interval: Number(interval),
    count: Number(count),
    packets: Number(packets),
    octets: Number(octets),
  };
}

function bucketsOf(
  { fromS, toS, widthS }: Intervals,
  sums: readonly Sum[],
  traffic: boolean,
): HistogramBucket[] {
  const totals = Array.from({ length: Math.ceil((toS - fromS) / widthS) }, () => ({
    count: 0,
    packets: 0,
    octets: 0,
  }));
  for (const { interval, count, packets, octets } of sums) {
    const total = totals[interval]!;
    total.count += count;
    total.packets += packets;
    total.octets += octets;
  }
  return totals.map(({ count, packets, octets }, index) => ({
    fromS: fromS + index * widthS,
    toS: Math.min(fromS + (index + 1) * widthS, toS),
    count,
    ...(traffic && { traffic: { packets, octets } }),
  }));
}

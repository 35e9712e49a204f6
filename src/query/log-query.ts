/** What every read of a logstore does: the range and the search made a condition, and the query run. */
import { fail, ok, type Result } from "../base/mod.ts";
import type { QueryAnswer, Store, TierName } from "../store/mod.ts";
import { compileQuery, type SearchQuery, type SearchTerm } from "./search-query.ts";
import { createParameters, type Parameters, type ParameterType, predicateSql } from "./search/sql.ts";
import { type ServiceFormats, serviceFormats, type ServiceRecords } from "./service-record.ts";

/** What the reader needs of the store. */
export type LogReaderStore = Pick<Store, "query">;

export interface LogReaderConfig {
  /** The records of each service. */
  readonly formats: ServiceFormats;
  /** A query that runs longer is given up and answered `Incomplete`. */
  readonly timeoutMs: number;
}

export const defaultLogReaderConfig: LogReaderConfig = { formats: serviceFormats, timeoutMs: 30_000 };

export interface Reader {
  readonly config: LogReaderConfig;
  readonly records: ServiceRecords;
  readonly store: LogReaderStore;
}

export interface LogRange {
  /** The logstore's number. */
  readonly logstore: number;
  /** [from, to), seconds since 1970. */
  readonly fromS: number;
  readonly toS: number;
  /** A search; empty is everything. */
  readonly query: string;
  /** Only logs of this topic; absent or empty is all. */
  readonly topic?: string;
}

/** `Incomplete`: time ran out; nothing is known of the range, and the same call may succeed later. */
export type QueryProgress = "Complete" | "Incomplete";

/** Where an answer is from: one of the store's rollup tiers, or the records themselves. */
export type AnsweringTier = TierName | "raw";

export interface TierShare {
  readonly tier: AnsweringTier;
  /** How many of the records that the answer is about it knew. */
  readonly records: number;
}

export interface QueryStatistics {
  readonly progress: QueryProgress;
  readonly processedRows: number;
  readonly elapsedMs: number;
  /** The search part of the query as written. */
  readonly search: string;
  readonly terms: readonly SearchTerm[];
  /** Every tier that was asked, the coarsest first. */
  readonly tiers: readonly TierShare[];
}

const secondsMax = 2 ** 32 - 1;

export interface PreparedRange {
  readonly query: SearchQuery;
  readonly condition: string;
  readonly parameters: Parameters;
}

export function prepareRange({ records: { format } }: Reader, request: LogRange): Result<PreparedRange> {
  const { fromS, toS } = request;
  if (!Number.isSafeInteger(fromS) || !Number.isSafeInteger(toS) || fromS < 0 || fromS >= toS) {
    return fail("TimeRangeInvalid", `the time range [${fromS}, ${toS}) is empty or not valid`, {
      field: "from",
      value: `${fromS}`,
      allowed: "from < to, in seconds since 1970",
    });
  }
  const query = compileQuery(request.query, format);
  if (!query.ok) return query;
  const parameters = createParameters();
  const bind = (type: ParameterType, value: string | number): string => parameters.bind(type, value);
  const conditions = [
    `logstore = ${bind("UInt32", request.logstore)}`,
    `time >= toDateTime(${bind("UInt32", Math.min(fromS, secondsMax))})`,
    `time <= toDateTime(${bind("UInt32", Math.min(toS - 1, secondsMax))})`,
  ];
  if (fromS > secondsMax) conditions.push("0");
  if (request.topic !== undefined && request.topic !== "") {
    conditions.push(`${format.topic.expression} = ${bind("String", request.topic)}`);
  }
  conditions.push(predicateSql(query.value.predicate, format, parameters));
  return ok({ query: query.value, condition: conditions.join(" AND "), parameters });
}

export interface Ran extends Pick<QueryAnswer, "rows" | "rowsRead" | "elapsedMs"> {
  readonly progress: QueryProgress;
}

export async function run(
  { config, store }: { readonly config: Pick<LogReaderConfig, "timeoutMs">; readonly store: LogReaderStore },
  sql: string,
  parameters: Record<string, string | number>,
): Promise<Result<Ran>> {
  const answer = await store.query(sql, parameters, { timeoutMs: config.timeoutMs });
  if (answer.ok) return ok({ ...answer.value, progress: "Complete" });
  if (answer.fault.code !== "Timeout") return answer;
  return ok({ rows: [], rowsRead: 0, elapsedMs: config.timeoutMs, progress: "Incomplete" });
}

export function statistics(query: SearchQuery, answer: Ran, tiers: readonly TierShare[]): QueryStatistics {
  return {
    progress: answer.progress,
    processedRows: answer.rowsRead,
    elapsedMs: Math.round(answer.elapsedMs),
    search: query.search,
    terms: query.terms,
    tiers,
  };
}

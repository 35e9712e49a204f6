/**
 * Reads a logstore: GetLogs and GetHistograms of the log service, over the store's flow table.
 *
 * Times are whole seconds since 1970, a range is [from, to). The order of records is total: by time, and
 * within a second by position, so that pages neither overlap nor leave gaps. Both operations run the same
 * condition, so that their counts agree.
 */
import { fail, ok, type Result } from "../base/mod.ts";
import { flowsTable, type QueryAnswer, type Store } from "../store/mod.ts";
import { cellText, type LogRecord, type RecordFormat } from "./record-format.ts";
import { compileQuery, type SearchQuery, type SearchTerm } from "./search-query.ts";
import { createParameters, type ParameterType, predicateSql } from "./search/sql.ts";
import {
  createServiceRecords,
  type ServiceFormats,
  serviceFormats,
  type ServiceRecords,
} from "./service-record.ts";

/** What the reader needs of the store. */
export type LogReaderStore = Pick<Store, "query">;

export interface LogReaderConfig {
  /** The records of each service. */
  readonly formats: ServiceFormats;
  /** A query that runs longer is given up and answered `Incomplete`. */
  readonly timeoutMs: number;
}

export const defaultLogReaderConfig: LogReaderConfig = { formats: serviceFormats, timeoutMs: 30_000 };

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

export interface LogsRequest extends LogRange {
  /** How many records at most. */
  readonly line: number;
  /** How many records of the order to leave out before the first. */
  readonly offset: number;
  /** Newest first. */
  readonly reverse: boolean;
}

export interface HistogramsRequest extends LogRange {
  /** Width of a sub-interval; absent, one that makes at most 60 of them. */
  readonly intervalS?: number;
}

/** `Incomplete`: time ran out; nothing is known of the range, and the same call may succeed later. */
export type QueryProgress = "Complete" | "Incomplete";

export interface QueryStatistics {
  readonly progress: QueryProgress;
  readonly processedRows: number;
  readonly elapsedMs: number;
  /** The search part of the query as written. */
  readonly search: string;
  readonly terms: readonly SearchTerm[];
}

export interface LogPage extends QueryStatistics {
  readonly records: readonly LogRecord[];
}

export interface HistogramBucket {
  readonly fromS: number;
  readonly toS: number;
  readonly count: number;
}

export interface Histograms extends QueryStatistics {
  readonly buckets: readonly HistogramBucket[];
  readonly count: number;
}

/** Records in the order in which they were accepted, for following a logstore. */
export interface TailRequest {
  readonly logstore: number;
  readonly query: string;
  /** Only records past this position, as an earlier tail gave it; absent, the newest `line` records. */
  readonly afterPosition?: string;
  readonly line: number;
}

export interface TailPage extends QueryStatistics {
  readonly records: readonly LogRecord[];
  /** Pass as `afterPosition` to go on; absent while there is no record at all. */
  readonly position?: string;
}

export interface LogReader {
  /** The fields of every service's records: what a search may name. */
  readonly format: RecordFormat;
  /** Faults: `TimeRangeInvalid`, `QuerySyntax`, `QueryTooComplex`, `QueryUnsupported`, those of the store. */
  getLogs(request: LogsRequest): Promise<Result<LogPage>>;
  getHistograms(request: HistogramsRequest): Promise<Result<Histograms>>;
  tail(request: TailRequest): Promise<Result<TailPage>>;
}

export const histogramBucketsMax = 10_000;
const histogramBucketsDefault = 60;
const secondsMax = 2 ** 32 - 1;

interface Reader {
  readonly config: LogReaderConfig;
  readonly records: ServiceRecords;
  readonly store: LogReaderStore;
}

export function createLogReader(
  settings: Partial<LogReaderConfig>,
  deps: { readonly store: LogReaderStore },
): LogReader {
  const config = { ...defaultLogReaderConfig, ...settings };
  const records = createServiceRecords(config.formats);
  const reader: Reader = { config, records, store: deps.store };
  return {
    format: records.format,
    getLogs: (request) => getLogs(reader, request),
    getHistograms: (request) => getHistograms(reader, request),
    tail: (request) => tail(reader, request),
  };
}

async function getLogs(reader: Reader, request: LogsRequest): Promise<Result<LogPage>> {
  const prepared = prepareRange(reader, request);
  if (!prepared.ok) return prepared;
  const { query, condition, parameters } = prepared.value;
  const columns = reader.records.columns.join(", ");
  const direction = request.reverse ? "DESC" : "ASC";
  const line = parameters.bind("UInt64", request.line);
  const offset = parameters.bind("UInt64", request.offset);
  const answer = await run(
    reader,
    `SELECT ${columns} FROM ${flowsTable.name} WHERE ${condition} ` +
      `ORDER BY time ${direction}, position ${direction} LIMIT ${line} OFFSET ${offset}`,
    parameters.values,
  );
  if (!answer.ok) return answer;
  const records = renderRows(reader.records, answer.value.rows);
  return records.ok ? ok({ ...statistics(query, answer.value), records: records.value }) : records;
}

async function getHistograms(reader: Reader, request: HistogramsRequest): Promise<Result<Histograms>> {
  const prepared = prepareRange(reader, request);
  if (!prepared.ok) return prepared;
  const { query, condition, parameters } = prepared.value;
  const { fromS, toS } = request;
  const widthS = request.intervalS ?? Math.max(1, Math.ceil((toS - fromS) / histogramBucketsDefault));
  const bucketCount = Math.ceil((toS - fromS) / widthS);
  if (widthS < 1 || bucketCount > histogramBucketsMax) {
    return fail("InputOutOfRange", `the range has more than ${histogramBucketsMax} intervals`, {
      field: "interval",
      value: `${widthS}`,
      allowed: `at least ${Math.ceil((toS - fromS) / histogramBucketsMax)} seconds`,
    });
  }
  const bucket = `intDiv(toUInt64(toUnixTimestamp(time)) - ${parameters.bind("UInt64", fromS)}, ${parameters.bind("UInt64", widthS)})`;
  const answer = await run(
    reader,
    `SELECT ${bucket} AS bucket, count() FROM ${flowsTable.name} WHERE ${condition} GROUP BY bucket`,
    parameters.values,
  );
  if (!answer.ok) return answer;
  const counts = new Map(answer.value.rows.map(([index, count]) => [Number(index), Number(count)]));
  const buckets = Array.from({ length: bucketCount }, (_, index) => ({
    fromS: fromS + index * widthS,
    toS: Math.min(fromS + (index + 1) * widthS, toS),
    count: counts.get(index) ?? 0,
  }));
  const count = buckets.reduce((sum, each) => sum + each.count, 0);
  return ok({ ...statistics(query, answer.value), buckets, count });
}

async function tail(reader: Reader, request: TailRequest): Promise<Result<TailPage>> {
  const { records: stored } = reader;
  const query = compileQuery(request.query, stored.format);
  if (!query.ok) return query;
  const parameters = createParameters();
  const conditions = [`logstore = ${parameters.bind("UInt32", request.logstore)}`];
  const { afterPosition } = request;
  if (afterPosition !== undefined) conditions.push(`position > ${parameters.bind("UInt64", afterPosition)}`);
  conditions.push(predicateSql(query.value.predicate, stored.format, parameters));
  const answer = await run(
    reader,
    `SELECT ${stored.columns.join(", ")}, toString(position) FROM ${flowsTable.name} ` +
      `WHERE ${conditions.join(" AND ")} ORDER BY position ${afterPosition === undefined ? "DESC" : "ASC"} ` +
      `LIMIT ${parameters.bind("UInt64", request.line)}`,
    parameters.values,
  );
  if (!answer.ok) return answer;
  const rows = afterPosition === undefined ? answer.value.rows.toReversed() : answer.value.rows;
  const records = renderRows(stored, rows);
  if (!records.ok) return records;
  const last = rows.at(-1)?.at(-1);
  const position = last === undefined ? afterPosition : cellText(last);
  const page = { ...statistics(query.value, answer.value), records: records.value };
  return ok(position === undefined ? page : { ...page, position });
}

interface PreparedRange {
  readonly query: SearchQuery;
  readonly condition: string;
  readonly parameters: ReturnType<typeof createParameters>;
}

function prepareRange({ records: { format } }: Reader, request: LogRange): Result<PreparedRange> {
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

interface Ran extends Pick<QueryAnswer, "rows" | "rowsRead" | "elapsedMs"> {
  readonly progress: QueryProgress;
}

async function run(
  { config, store }: Reader,
  sql: string,
  parameters: Record<string, string | number>,
): Promise<Result<Ran>> {
  const answer = await store.query(sql, parameters, { timeoutMs: config.timeoutMs });
  if (answer.ok) return ok({ ...answer.value, progress: "Complete" });
  if (answer.fault.code !== "Timeout") return answer;
  return ok({ rows: [], rowsRead: 0, elapsedMs: config.timeoutMs, progress: "Incomplete" });
}

function statistics(query: SearchQuery, answer: Ran): QueryStatistics {
  return {
    progress: answer.progress,
    processedRows: answer.rowsRead,
    elapsedMs: Math.round(answer.elapsedMs),
    search: query.search,
    terms: query.terms,
  };
}

function renderRows(
  { render }: ServiceRecords,
  rows: readonly (readonly unknown[])[],
): Result<readonly LogRecord[]> {
  const records: LogRecord[] = [];
  for (const row of rows) {
    const record = render(row);
    if (!record.ok) return record;
    records.push(record.value);
  }
  return ok(records);
}

/**
 * Reads a logstore: GetLogs and GetHistograms of the log service, over the store's flow table.
 *
 * Times are whole seconds since 1970, a range is [from, to). The order of records is total: by time, and
 * within a second by position, so that pages neither overlap nor leave gaps. Both operations run the same
 * condition, so that their counts agree.
 */
import { ok, type Result } from "../base/mod.ts";
import { flowsTable } from "../store/mod.ts";
import { getHistograms, type Histograms, type HistogramsRequest } from "./histogram.ts";
import {
  defaultLogReaderConfig,
  type LogRange,
  type LogReaderConfig,
  type LogReaderStore,
  prepareRange,
  type QueryStatistics,
  type Reader,
  run,
  statistics,
  type TierShare,
} from "./log-query.ts";
import { cellText, type LogRecord, type RecordFormat } from "./record-format.ts";
import { compileQuery } from "./search-query.ts";
import { createParameters, predicateSql } from "./search/sql.ts";
import { createServiceRecords, type ServiceRecords } from "./service-record.ts";

export interface LogsRequest extends LogRange {
  /** How many records at most. */
  readonly line: number;
  /** How many records of the order to leave out before the first. */
  readonly offset: number;
  /** Newest first. */
  readonly reverse: boolean;
}

export interface LogPage extends QueryStatistics {
  readonly records: readonly LogRecord[];
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
  return records.ok
    ? ok({ ...statistics(query, answer.value, fromRecords(records.value)), records: records.value })
    : records;
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
  const page = {
    ...statistics(query.value, answer.value, fromRecords(records.value)),
    records: records.value,
  };
  return ok(position === undefined ? page : { ...page, position });
}

function fromRecords(records: readonly LogRecord[]): readonly TierShare[] {
  return [{ tier: "raw", records: records.length }];
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

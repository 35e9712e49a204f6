/**
 * Reads a log stream as lines: content search and histogram of the log service of Huawei Cloud and Open
 * Telekom Cloud.
 *
 * Times are milliseconds since 1970, a range has both of its ends. Lines are in the order of time and, within
 * a second, of arrival; each has a number that says its place there, so that a search can go on from it.
 */
import { fail, ok, type Result } from "../../base/mod.ts";
import { flowsTable } from "../../store/mod.ts";
import { type LogReaderStore, type QueryProgress, run } from "../log-query.ts";
import { cellText } from "../record-format.ts";
import { createParameters, type Parameters, predicateSql } from "../search/sql.ts";
import { createHighlighter } from "./highlight.ts";
import { compileKeywords } from "./keyword.ts";
import { lineColumns, lineFormat, renderLine } from "./line-format.ts";

export interface LineRange {
  /** The stream's logstore. */
  readonly logstore: number;
  readonly fromMs: number;
  readonly toMs: number;
  /** Empty is every line. */
  readonly keywords: string;
}

export interface LineSearch extends LineRange {
  readonly limit: number;
  /** Newest first. */
  readonly descending: boolean;
  /** Where an earlier search is gone on from: past its line in the order asked for, or to the other side of it. */
  readonly cursor?: { readonly lineNumber: string; readonly direction: "forwards" | "backwards" };
  /** Whether the words that were searched for are marked. */
  readonly highlighted: boolean;
  /** Whether all lines that match are counted. */
  readonly counted: boolean;
}

export interface Line {
  readonly content: string;
  /** Ten digits of seconds and sixteen of the place within one; as text in the order of the lines. */
  readonly lineNumber: string;
}

export interface LinePage {
  readonly progress: QueryProgress;
  readonly lines: readonly Line[];
  /** All that match, wherever the page is; absent unless asked for. */
  readonly count?: number;
}

export interface LineHistogram {
  readonly progress: QueryProgress;
  readonly count: number;
  /** The sub-intervals in order; the last may be shorter. */
  readonly buckets: readonly { readonly fromMs: number; readonly toMs: number; readonly count: number }[];
}

export interface LineReader {
  /** Faults: `TimeRangeInvalid`, `InputInvalid` (the line number), `QuerySyntax`, `QueryTooComplex`, the store's. */
  search(search: LineSearch): Promise<Result<LinePage>>;
  /** Faults: those of search, `InputOutOfRange` for more than 10,000 sub-intervals. */
  histogram(range: LineRange, stepMs: number): Promise<Result<LineHistogram>>;
}

export const lineBucketsMax = 10_000;

const secondsMax = 2 ** 32 - 1;
const lineNumberPattern = /^(\d{10})(\d{16})$/u;

export interface LineReaderDeps {
  readonly store: LogReaderStore;
  /** A search that runs longer is given up. */
  readonly timeoutMs?: number;
}

export function createLineReader({ store, timeoutMs = 30_000 }: LineReaderDeps): LineReader {
  const reader: Reader = { store, config: { timeoutMs } };
  return {
    search: (search) => searchLines(reader, search),
    histogram: (range, stepMs) => countLines(reader, range, stepMs),
  };
}

interface Reader {
  readonly store: LogReaderStore;
  readonly config: { readonly timeoutMs: number };
}

async function searchLines(reader: Reader, search: LineSearch): Promise<Result<LinePage>> {
  const prepared = prepare(search);
  if (!prepared.ok) return prepared;
  const { condition, parameters, tokens } = prepared.value;
  const { cursor, descending } = search;
  // Backwards goes from the cursor against the order asked for, and is turned round afterwards.
  const isAgainst = cursor?.direction === "backwards";
  const readsDescending = descending !== isAgainst;
  const past = cursor === undefined ? ok([]) : pastCursor(cursor.lineNumber, readsDescending, parameters);
  if (!past.ok) return past;
  const direction = readsDescending ? "DESC" : "ASC";
  const answer = await run(
    reader,
    `SELECT ${lineColumns.join(", ")}, toUnixTimestamp(time), toString(position) FROM ${flowsTable.name} ` +
      `WHERE ${[condition, ...past.value].join(" AND ")} ` +
      `ORDER BY time ${direction}, position ${direction} LIMIT ${parameters.bind("UInt64", search.limit)}`,
    parameters.values,
  );
  if (!answer.ok) return answer;
  const mark = createHighlighter(search.highlighted ? tokens : []);
  const rows = isAgainst ? answer.value.rows.toReversed() : answer.value.rows;
  const lines = rows.map((row) => ({ content: mark(renderLine(row)), lineNumber: lineNumberOf(row) }));
  const page = { progress: answer.value.progress, lines };
  if (!search.counted) return ok(page);
  const counted = await countAll(reader, search);
  if (!counted.ok) return counted;
  const progress = page.progress === "Complete" ? counted.value.progress : page.progress;
  return ok({ ...page, progress, count: counted.value.count });
}

async function countAll(
  reader: Reader,
  range: LineRange,
): Promise<Result<{ readonly progress: QueryProgress; readonly count: number }>> {
  const prepared = prepare(range);
  if (!prepared.ok) return prepared;
  const { condition, parameters } = prepared.value;
  const sql = `SELECT count() FROM ${flowsTable.name} WHERE ${condition}`;
  const answer = await run(reader, sql, parameters.values);
  if (!answer.ok) return answer;
  return ok({ progress: answer.value.progress, count: Number(answer.value.rows[0]?.[0] ?? 0) });
}

async function countLines(reader: Reader, range: LineRange, stepMs: number): Promise<Result<LineHistogram>> {
  const prepared = prepare(range);
  if (!prepared.ok) return prepared;
  const { condition, parameters } = prepared.value;
  const { fromMs, toMs } = range;
  const bucketCount = Math.max(1, Math.ceil((toMs - fromMs) / stepMs));
  if (!Number.isSafeInteger(stepMs) || stepMs < 1 || bucketCount > lineBucketsMax) {
    return fail("InputOutOfRange", `the range has more than ${lineBucketsMax} intervals`, {
      field: "step_interval",
      value: `${stepMs}`,
      allowed: `at least ${Math.ceil((toMs - fromMs) / lineBucketsMax)} ms`,
    });
  }
  const from = parameters.bind("UInt64", fromMs);
  const last = parameters.bind("UInt64", bucketCount - 1);
  const step = parameters.bind("UInt64", stepMs);
  const bucket = `least(intDiv(toUInt64(toUnixTimestamp(time)) * 1000 - ${from}, ${step}), ${last})`;
  const answer = await run(
    reader,
    `SELECT ${bucket} AS bucket, count() FROM ${flowsTable.name} WHERE ${condition} GROUP BY bucket`,
    parameters.values,
  );
  if (!answer.ok) return answer;
  const counts = new Map(answer.value.rows.map(([index, count]) => [Number(index), Number(count)]));
  const buckets = Array.from({ length: bucketCount }, (_, index) => ({
    fromMs: fromMs + index * stepMs,
    toMs: Math.min(fromMs + (index + 1) * stepMs, toMs),
    count: counts.get(index) ?? 0,
  }));
  const count = buckets.reduce((sum, each) => sum + each.count, 0);
  return ok({ progress: answer.value.progress, count, buckets });
}

interface Prepared {
  readonly condition: string;
  readonly parameters: Parameters;
  readonly tokens: readonly string[];
}

/** A line's time is a whole second. */
function prepare({ logstore, fromMs, toMs, keywords }: LineRange): Result<Prepared> {
  if (!Number.isSafeInteger(fromMs) || !Number.isSafeInteger(toMs) || fromMs < 0 || fromMs > toMs) {
    return fail("TimeRangeInvalid", `the time range [${fromMs}, ${toMs}] is empty or not valid`, {
      field: "start_time",
      value: `${fromMs}`,
      allowed: "start_time <= end_time, in milliseconds since 1970",
    });
  }
  const compiled = compileKeywords(keywords);
  if (!compiled.ok) return compiled;
  const parameters = createParameters();
  const fromS = Math.ceil(fromMs / 1000);
  const conditions = [
    `logstore = ${parameters.bind("UInt32", logstore)}`,
    `time >= toDateTime(${parameters.bind("UInt32", Math.min(fromS, secondsMax))})`,
    `time <= toDateTime(${parameters.bind("UInt32", Math.min(Math.floor(toMs / 1000), secondsMax))})`,
    ...(fromS > secondsMax ? ["0"] : []),
    predicateSql(compiled.value.predicate, lineFormat, parameters),
  ];
  return ok({ condition: conditions.join(" AND "), parameters, tokens: compiled.value.tokens });
}

function pastCursor(
  lineNumber: string,
  isBefore: boolean,
  parameters: Parameters,
): Result<readonly string[]> {
  const place = lineNumberPattern.exec(lineNumber);
  if (place === null) {
    return fail("InputInvalid", "there is no line of that number", {
      field: "line_num",
      value: lineNumber.slice(0, 40),
      allowed: "the line_num of an answer",
    });
  }
  const time = parameters.bind("UInt32", Math.min(Number(place[1]), secondsMax));
  const position = parameters.bind("UInt64", `${BigInt(place[2]!)}`);
  const operator = isBefore ? "<" : ">";
  return ok([`(time, position) ${operator} (toDateTime(${time}), ${position})`]);
}

function lineNumberOf(row: readonly unknown[]): string {
  const [time, position] = row.slice(lineColumns.length).map(cellText);
  return `${time!.padStart(10, "0")}${position!.padStart(16, "0")}`;
}

/**
 * Reads a log stream as lines: content search and histogram of the log service of Huawei Cloud and Open
 * Telekom Cloud.
 *
 * Times are milliseconds since 1970, a range has both of its ends. Lines are in the order of time and then of
 * arrival; each has a number that says its place there, so that a search can go on from it. A stream may have
 * flow records and lines that clients wrote: each is asked of its own table, and the answers are merged.
 */
import { fail, ok, type Result } from "../../base/mod.ts";
import { type LogReaderStore, type QueryProgress, run } from "../log-query.ts";
import { cellText } from "../record-format.ts";
import { createParameters, type Parameters, predicateSql } from "../search/sql.ts";
import { createHighlighter } from "./highlight.ts";
import { compileKeywords, type Keywords } from "./keyword.ts";
import { clientLines, flowLines, type LineSource } from "./line-format.ts";

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
  /** Of a line that a client wrote. */
  readonly labels: Readonly<Record<string, string>>;
  /** Ten digits of seconds, nine of nanoseconds and sixteen of a position; as text in the order of the lines. */
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
const lineNumberPattern = /^(\d{10})(\d{9})(\d{16})$/u;

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
  const { cursor, descending, limit } = search;
  // Backwards goes from the cursor against the order asked for, and is turned round afterwards.
  const isAgainst = cursor?.direction === "backwards";
  const readsDescending = descending !== isAgainst;
  const place = cursor === undefined ? ok(undefined) : placeOf(cursor.lineNumber);
  if (!place.ok) return place;
  const order = { isDescending: readsDescending, limit, past: place.value };
  const pages = await all(prepared.value.sources.map((source) => readLines(reader, source, order)));
  if (!pages.ok) return pages;
  const progress = progressOf(pages.value);
  // Of a source that was given up nothing is known: what follows the other's lines would be passed over.
  const known = progress === "Complete" ? pages.value.flatMap(({ lines }) => lines) : [];
  const sign = readsDescending ? -1 : 1;
  const merged = known.toSorted((a, b) => sign * compareText(a.lineNumber, b.lineNumber)).slice(0, limit);
  const mark = createHighlighter(search.highlighted ? prepared.value.tokens : []);
  const ordered = isAgainst ? merged.toReversed() : merged;
  const lines = ordered.map((line) => ({ ...line, content: mark(line.content) }));
  const page = { progress, lines };
  if (!search.counted) return ok(page);
  const counted = await countAll(reader, search);
  if (!counted.ok) return counted;
  return ok({ ...page, progress: progressOf([page, counted.value]), count: counted.value.count });
}

/** By code units. */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

interface Order {
  readonly isDescending: boolean;
  readonly limit: number;
  /** The place past which is read; undefined from the beginning. */
  readonly past: Place | undefined;
}

async function readLines(
  reader: Reader,
  { source, condition, parameters }: PreparedSource,
  { isDescending, limit, past }: Order,
): Promise<Result<Pick<LinePage, "progress" | "lines">>> {
  const { table, columns, nanosecond } = source;
  const direction = isDescending ? "DESC" : "ASC";
  const conditions =
    past === undefined ? [condition] : [condition, pastSql(past, isDescending, source, parameters)];
  const order = source.order.map((column) => `${column} ${direction}`).join(", ");
  const answer = await run(
    reader,
    `SELECT ${columns.join(", ")}, toUnixTimestamp(time), ${nanosecond}, toString(position) FROM ${table} ` +
      `WHERE ${conditions.join(" AND ")} ORDER BY ${order} LIMIT ${parameters.bind("UInt64", limit)}`,
    parameters.values,
  );
  if (!answer.ok) return answer;
  const lines = answer.value.rows.map((row) => ({
    ...source.render(row),
    lineNumber: lineNumberOf(row.slice(columns.length)),
  }));
  return ok({ progress: answer.value.progress, lines });
}

/** The first fault, if there is one. */
async function all<T>(work: readonly Promise<Result<T>>[]): Promise<Result<readonly T[]>> {
  const values: T[] = [];
  for (const result of await Promise.all(work)) {
    if (!result.ok) return result;
    values.push(result.value);
  }
  return ok(values);
}

function progressOf(parts: readonly { readonly progress: QueryProgress }[]): QueryProgress {
  return parts.every(({ progress }) => progress === "Complete") ? "Complete" : "Incomplete";
}

async function countAll(
  reader: Reader,
  range: LineRange,
): Promise<Result<{ readonly progress: QueryProgress; readonly count: number }>> {
  const counted = await countBy(reader, range, () => "0");
  if (!counted.ok) return counted;
  return ok({ progress: counted.value.progress, count: sumOf(counted.value.counts.values()) });
}

function sumOf(counts: Iterable<number>): number {
  let sum = 0;
  for (const count of counts) sum += count;
  return sum;
}

/** How many lines there are of each value of an expression over their time. */
async function countBy(
  reader: Reader,
  range: LineRange,
  expression: (source: LineSource, parameters: Parameters) => string,
): Promise<Result<{ readonly progress: QueryProgress; readonly counts: ReadonlyMap<number, number> }>> {
  const prepared = prepare(range);
  if (!prepared.ok) return prepared;
  const answers = await all(
    prepared.value.sources.map(({ source, condition, parameters }) =>
      run(
        reader,
        `SELECT ${expression(source, parameters)} AS bucket, count() FROM ${source.table} WHERE ${condition} GROUP BY bucket`,
        parameters.values,
      ),
    ),
  );
  if (!answers.ok) return answers;
  const counts = new Map<number, number>();
  for (const { rows } of answers.value) {
    for (const [bucket, count] of rows) {
      counts.set(Number(bucket), (counts.get(Number(bucket)) ?? 0) + Number(count));
    }
  }
  return ok({ progress: progressOf(answers.value), counts });
}

async function countLines(reader: Reader, range: LineRange, stepMs: number): Promise<Result<LineHistogram>> {
  const { fromMs, toMs } = range;
  const bucketCount = Math.max(1, Math.ceil((toMs - fromMs) / stepMs));
  if (!Number.isSafeInteger(stepMs) || stepMs < 1 || bucketCount > lineBucketsMax) {
    return fail("InputOutOfRange", `the range has more than ${lineBucketsMax} intervals`, {
      field: "step_interval",
      value: `${stepMs}`,
      allowed: `at least ${Math.ceil((toMs - fromMs) / lineBucketsMax)} ms`,
    });
  }
  const counted = await countBy(reader, range, (source, parameters) => {
    const from = parameters.bind("UInt64", fromMs);
    const last = parameters.bind("UInt64", bucketCount - 1);
    const step = parameters.bind("UInt64", stepMs);
    return `least(intDiv(${millisecondSql(source)} - ${from}, ${step}), ${last})`;
  });
  if (!counted.ok) return counted;
  const { progress, counts } = counted.value;
  const buckets = Array.from({ length: bucketCount }, (_, index) => ({
    fromMs: fromMs + index * stepMs,
    toMs: Math.min(fromMs + (index + 1) * stepMs, toMs),
    count: counts.get(index) ?? 0,
  }));
  return ok({ progress, count: sumOf(counts.values()), buckets });
}

interface PreparedSource {
  readonly source: LineSource;
  readonly condition: string;
  readonly parameters: Parameters;
}

interface Prepared {
  readonly sources: readonly PreparedSource[];
  readonly tokens: readonly string[];
}

function prepare(range: LineRange): Result<Prepared> {
  const { fromMs, toMs, keywords } = range;
  if (!Number.isSafeInteger(fromMs) || !Number.isSafeInteger(toMs) || fromMs < 0 || fromMs > toMs) {
    return fail("TimeRangeInvalid", `the time range [${fromMs}, ${toMs}] is empty or not valid`, {
      field: "start_time",
      value: `${fromMs}`,
      allowed: "start_time <= end_time, in milliseconds since 1970",
    });
  }
  const ofFlows = compileKeywords(keywords, flowLines.format);
  if (!ofFlows.ok) return ofFlows;
  // A field of a flow record is none of a client's line: it has no line to give.
  const ofClients = compileKeywords(keywords, clientLines.format);
  const sources = [
    prepareSource(range, flowLines, ofFlows.value),
    ...(ofClients.ok ? [prepareSource(range, clientLines, ofClients.value)] : []),
  ];
  return ok({ sources, tokens: ofFlows.value.tokens });
}

function prepareSource(
  { logstore, fromMs, toMs }: LineRange,
  source: LineSource,
  { predicate }: Keywords,
): PreparedSource {
  const parameters = createParameters();
  const second = (ms: number): string =>
    `toDateTime(${parameters.bind("UInt32", Math.min(Math.floor(ms / 1000), secondsMax))})`;
  const millisecond = millisecondSql(source);
  const conditions = [
    `logstore = ${parameters.bind("UInt32", logstore)}`,
    // Seconds say nothing that milliseconds do not, but the table's index knows them.
    `time >= ${second(fromMs)}`,
    `time <= ${second(toMs)}`,
    `${millisecond} >= ${parameters.bind("UInt64", fromMs)}`,
    `${millisecond} <= ${parameters.bind("UInt64", toMs)}`,
    predicateSql(predicate, source.format, parameters),
  ];
  return { source, condition: conditions.join(" AND "), parameters };
}

/** A line's time in milliseconds since 1970. */
function millisecondSql({ nanosecond }: LineSource): string {
  return `(toUInt64(toUnixTimestamp(time)) * 1000 + intDiv(${nanosecond}, 1000000))`;
}

/** Where a line is in the order of lines. */
interface Place {
  readonly timeS: number;
  readonly nanosecond: number;
  readonly position: string;
}

function placeOf(lineNumber: string): Result<Place> {
  const parts = lineNumberPattern.exec(lineNumber);
  if (parts === null) {
    return fail("InputInvalid", "there is no line of that number", {
      field: "line_num",
      value: lineNumber.slice(0, 40),
      allowed: "the line_num of an answer",
    });
  }
  const [, timeS, nanosecond, position] = parts;
  return ok({
    timeS: Math.min(Number(timeS), secondsMax),
    nanosecond: Number(nanosecond),
    position: `${BigInt(position!)}`,
  });
}

function pastSql(
  { timeS, nanosecond, position }: Place,
  isDescending: boolean,
  source: LineSource,
  parameters: Parameters,
): string {
  const time = `toDateTime(${parameters.bind("UInt32", timeS)})`;
  const place = [time, parameters.bind("UInt32", nanosecond), parameters.bind("UInt64", position)];
  const operator = isDescending ? "<" : ">";
  // The first part says nothing that the second does not, but the table's index knows it.
  return `time ${operator}= ${time} AND (time, ${source.nanosecond}, position) ${operator} (${place.join(", ")})`;
}

function lineNumberOf([time, nanosecond, position]: readonly unknown[]): string {
  const digits = (cell: unknown, count: number): string => cellText(cell).padStart(count, "0");
  return digits(time, 10) + digits(nanosecond, 9) + digits(position, 16);
}

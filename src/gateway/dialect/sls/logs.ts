/** GetLogs in both of its forms, and GetHistograms. */
import type { Histograms, LogPage, LogRange, LogsRequest, QueryStatistics } from "../../../query/mod.ts";
import { answer, type Parsed, parsed, refuse, refuseFault, type SlsAnswer } from "./answer.ts";
import { logstoreOf, type SlsCall } from "./call.ts";
import {
  bodyParameters,
  booleanParameter,
  integerParameter,
  type Parameters,
  textParameter,
} from "./request.ts";

/** The service gives no more records at once, and says nothing where more are asked for. */
const linesMax = 100;
/** Header values are bounded by clients; the words of a long query are left out. */
const queryInfoBytesMax = 4096;
const secondsMax = 2 ** 40;

/** `GET /logstores/{logstore}?type=log`: the records as a bare array, the rest in headers. */
export async function getLogs(call: SlsCall): Promise<SlsAnswer> {
  const ran = await runLogs(call, call.query);
  if (!ran.ok) return ran.answer;
  const { page, request } = ran.value;
  return answer(page.records, {
    ...statisticsHeaders(page, page.records.length),
    "x-log-query-info": queryInfo(page, request.line),
    "x-log-has-sql": "false",
    "x-log-agg-query": "",
    ...whereQueryHeader(page.search),
  });
}

/** `POST /logstores/{logstore}/logs`: the records under `data`, the rest under `meta`. */
export async function postLogs(call: SlsCall): Promise<SlsAnswer> {
  const body = bodyParameters(call.request);
  if (!body.ok) return body.answer;
  const ran = await runLogs(call, body.value);
  if (!ran.ok) return ran.answer;
  const { page, request } = ran.value;
  return answer({
    meta: {
      progress: page.progress,
      count: page.records.length,
      limited: request.line,
      hasSQL: false,
      whereQuery: page.search,
      aggQuery: "",
      processedRows: page.processedRows,
      processedBytes: 0,
      elapsedMillisecond: page.elapsedMs,
      cpuSec: 0,
      cpuCores: 0,
      powerSql: false,
      insertedSQL: "",
      // Spelled so by the service.
      telementryType: "None",
      isAccurate: true,
      mode: 0,
      keys: recordKeys(page),
      columnTypes: [],
      terms: page.terms.map(({ field, word }) => ({ key: field, term: word })),
      highlights: [],
      phraseQueryInfo: null,
      scanBytes: 0,
      shard: 0,
      marker: null,
    },
    data: page.records,
  });
}

/** `GET /logstores/{logstore}?type=histogram`, and the same at `/logstores/{logstore}/index`. */
export async function getHistograms(call: SlsCall): Promise<SlsAnswer> {
  const logstore = logstoreOf(call);
  if (!logstore.ok) return logstore.answer;
  const range = rangeOf(call.query, logstore.value.id);
  if (!range.ok) return range.answer;
  const interval = integerParameter(call.query, "interval", { min: 0, max: secondsMax });
  if (!interval.ok) return interval.answer;
  const intervalS = interval.value ?? 0;
  const histograms = await call.services.logReader.getHistograms({
    ...range.value,
    ...(intervalS === 0 ? {} : { intervalS }),
  });
  if (!histograms.ok) return refuseFault(histograms.fault);
  return answer(histogramBody(histograms.value), statisticsHeaders(histograms.value, histograms.value.count));
}

function histogramBody({ buckets, progress }: Histograms): readonly object[] {
  return buckets.map(({ fromS, toS, count }) => ({ from: fromS, to: toS, count, progress }));
}

interface RanLogs {
  readonly page: LogPage;
  readonly request: LogsRequest;
}

async function runLogs(call: SlsCall, parameters: Parameters): Promise<Parsed<RanLogs>> {
  const logstore = logstoreOf(call);
  if (!logstore.ok) return logstore;
  const range = rangeOf(parameters, logstore.value.id);
  if (!range.ok) return range;
  const max = Number.MAX_SAFE_INTEGER;
  const line = integerParameter(parameters, "line", { min: 0, max, errorCode: "InvalidLine" });
  if (!line.ok) return line;
  const offset = integerParameter(parameters, "offset", { min: 0, max, errorCode: "InvalidOffset" });
  if (!offset.ok) return offset;
  const reverse = booleanParameter(parameters, "reverse", "InvalidReverse");
  if (!reverse.ok) return reverse;
  const request: LogsRequest = {
    ...range.value,
    line: Math.min(line.value ?? linesMax, linesMax),
    offset: offset.value ?? 0,
    reverse: reverse.value ?? false,
  };
  const page = await call.services.logReader.getLogs(request);
  return page.ok ? parsed({ page: page.value, request }) : { ok: false, answer: refuseFault(page.fault) };
}

function rangeOf(parameters: Parameters, logstore: number): Parsed<LogRange> {
  const bounds = { min: 0, max: secondsMax, errorCode: "InvalidTimeRange" };
  const from = integerParameter(parameters, "from", bounds);
  if (!from.ok) return from;
  const to = integerParameter(parameters, "to", bounds);
  if (!to.ok) return to;
  if (from.value === undefined || to.value === undefined) {
    return { ok: false, answer: refuse(400, "InvalidTimeRange", "from and to are needed.") };
  }
  const query = textParameter(parameters, "query");
  if (!query.ok) return query;
  const topic = textParameter(parameters, "topic");
  if (!topic.ok) return topic;
  return parsed({
    logstore,
    fromS: from.value,
    toS: to.value,
    query: query.value ?? "",
    topic: topic.value ?? "",
  });
}

function statisticsHeaders(statistics: QueryStatistics, count: number): Record<string, string> {
  return {
    "x-log-progress": statistics.progress,
    "x-log-count": `${count}`,
    "x-log-processed-rows": `${statistics.processedRows}`,
    "x-log-elapsed-millisecond": `${statistics.elapsedMs}`,
    "x-log-cpu-sec": "0",
    "x-log-cpu-cores": "0",
    // Weir's own: the rollup tiers that answered, the coarsest first, and raw for the records themselves.
    "x-log-weir-tier": statistics.tiers.map(({ tier }) => tier).join(","),
  };
}

/** The keys of the records of a page, each by its first place. */
function recordKeys({ records }: LogPage): string[] {
  return [...new Set(records.flatMap((record) => Object.keys(record)))];
}

/** JSON in a header: what is not printable ASCII is escaped. */
function queryInfo(page: LogPage, line: number): string {
  const info = (shown: readonly (readonly string[])[]): string =>
    JSON.stringify({
      keys: recordKeys(page),
      terms: shown,
      limited: `${line}`,
      mode: 0,
      phraseQueryInfo: {},
      columnTypes: [],
      highlight: [],
    }).replaceAll(/[^\u0020-\u007e]/gu, escaped);
  const text = info(page.terms.map(({ field, word }) => [word, field]));
  return text.length <= queryInfoBytesMax ? text : info([]);
}

/** A character as JSON escapes it, a pair of surrogates beyond U+FFFF. */
function escaped(character: string): string {
  return Array.from(
    { length: character.length },
    (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, "0")}`,
  ).join("");
}

/** The search as it was sent, where a header can hold it. */
function whereQueryHeader(search: string): Record<string, string> {
  const isPrintable = /^[\u0020-\u007e]{1,1024}$/u.test(search);
  return isPrintable ? { "x-log-where-query": search } : {};
}

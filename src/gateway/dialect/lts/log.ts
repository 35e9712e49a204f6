/** Content search and the histogram of keywords. */
import { z } from "zod";

import { fail, ok, type Result } from "../../../base/mod.ts";
import type { LogGroups, LogStream } from "../../../control/mod.ts";
import type { Line, LineReader, LineSearch } from "../../../query/mod.ts";
import { type ApigAnswer, canonicalId, type ProjectCall, readBody } from "../apig/mod.ts";

export interface LogDeps {
  readonly groups: LogGroups;
  readonly lines: LineReader;
}

const limitDefault = 50;
const limitMax = 5000;
const bucketsDefault = 60;

/** The service's own examples send numbers and booleans as text. */
const milliseconds = z
  .union([z.number(), z.string().regex(/^\d{1,16}$/u)])
  .transform(Number)
  .pipe(z.int().min(0));
const flag = z
  .union([z.boolean(), z.string().regex(/^(?:true|false)$/iu)])
  .transform((value) => (typeof value === "string" ? value.toLowerCase() === "true" : value));
const count = z
  .union([z.number(), z.string().regex(/^\d{1,6}$/u)])
  .transform(Number)
  .pipe(z.int().min(1).max(limitMax));

const contentQuery = z.object({
  start_time: milliseconds,
  end_time: milliseconds,
  keywords: z.string().max(10_000).default(""),
  line_num: z.string().default(""),
  is_desc: flag.default(false),
  search_type: z.enum(["init", "forwards", "backwards"]).default("init"),
  limit: count.default(limitDefault),
  highlight: flag.default(true),
  is_count: flag.default(false),
  is_iterative: flag.default(false),
  scroll_id: z.string().default(""),
  is_analysis_query: flag.default(false),
});

const keywordCount = z.object({
  group_id: z.string().transform(canonicalId),
  stream_id: z.string().transform(canonicalId),
  start_time: milliseconds,
  end_time: milliseconds,
  key_word: z.string().max(10_000).default(""),
  step_interval: milliseconds.exactOptional(),
});

/** `POST /v2/{project_id}/groups/{log_group_id}/streams/{log_stream_id}/content/query` */
export async function queryContent(
  { groups, lines }: LogDeps,
  { project, path, request }: ProjectCall,
): Promise<Result<ApigAnswer>> {
  const body = readBody(contentQuery, request);
  if (!body.ok) return body;
  const stream = groups.getStream(project, path("log_group_id"), path("log_stream_id"));
  if (!stream.ok) return stream;
  if (body.value.is_analysis_query) {
    return fail("InputInvalid", "analysis queries are not supported", { field: "is_analysis_query" });
  }
  const found = await lines.search(searchOf(body.value, stream.value));
  if (!found.ok) return found;
  const { count: total, lines: shown, progress } = found.value;
  return ok({
    status: 200,
    body: {
      ...(total === undefined ? {} : { count: total }),
      logs: shown.map((line) => describeLine(line, stream.value)),
      isQueryComplete: progress === "Complete",
      ...scrollOf(body.value, shown),
    },
  });
}

type ContentQuery = z.output<typeof contentQuery>;

/** Where an iterative search goes on, unless its end is reached: past the last line of the page. */
function scrollOf({ is_iterative, limit }: ContentQuery, lines: readonly Line[]): { scrollId?: string } {
  const last = lines.at(-1);
  return is_iterative && last !== undefined && lines.length === limit ? { scrollId: last.lineNumber } : {};
}

/** The line that a search goes on from; undefined for one that begins. */
function cursorOf(query: ContentQuery): LineSearch["cursor"] {
  if (query.is_iterative) {
    const lineNumber = query.scroll_id;
    return lineNumber === "" ? undefined : { lineNumber, direction: "forwards" };
  }
  const { search_type: direction, line_num: lineNumber } = query;
  return direction === "init" || lineNumber === "" ? undefined : { lineNumber, direction };
}

function searchOf(query: ContentQuery, { logstore }: LogStream): LineSearch {
  const cursor = cursorOf(query);
  return {
    logstore,
    fromMs: query.start_time,
    toMs: query.end_time,
    keywords: query.keywords,
    limit: query.limit,
    descending: query.is_desc,
    highlighted: query.highlight,
    counted: query.is_count,
    ...(cursor === undefined ? {} : { cursor }),
  };
}

function describeLine({ content, labels, lineNumber }: Line, { name, groupId, id }: LogStream): object {
  return {
    content,
    labels: { ...labels, category: "LTS", logGroupId: groupId, logStreamId: id, logStreamName: name },
    line_num: lineNumber,
  };
}

const namedStream = keywordCount.pick({ group_id: true, stream_id: true });

/** Which stream a request to count in is about, for the policies; `*` where it does not say. */
export function countedStream({ request }: ProjectCall): string {
  const body = readBody(namedStream, request);
  return body.ok ? `group/${body.value.group_id}/stream/${body.value.stream_id}` : "group/*/stream/*";
}

/** `POST /v2/{project_id}/lts/keyword-count` */
export async function countKeywords(
  { groups, lines }: LogDeps,
  { project, request }: ProjectCall,
): Promise<Result<ApigAnswer>> {
  const body = readBody(keywordCount, request);
  if (!body.ok) return body;
  const query = body.value;
  const stream = groups.getStream(project, query.group_id, query.stream_id);
  if (!stream.ok) return stream;
  const fromMs = query.start_time;
  const toMs = query.end_time;
  const stepMs = query.step_interval ?? Math.max(1, Math.ceil((toMs - fromMs) / bucketsDefault));
  const range = { logstore: stream.value.logstore, fromMs, toMs, keywords: query.key_word };
  const histogram = await lines.histogram(range, stepMs);
  if (!histogram.ok) return histogram;
  const { count: total, buckets, progress } = histogram.value;
  return ok({
    status: 200,
    body: {
      count: total,
      histogram: buckets.map((bucket) => ({
        num: bucket.count,
        startTime: bucket.fromMs,
        endTime: bucket.toMs,
      })),
      isQueryComplete: progress === "Complete",
    },
  });
}

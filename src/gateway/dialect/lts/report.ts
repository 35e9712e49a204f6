/**
 * Logs that clients write themselves: lines of one time, or each with its own to the nanosecond.
 *
 * An answer of success says that the lines are on the disk. What was sent again is there twice: the service has
 * no means to tell.
 */
import { gunzipSync } from "node:zlib";

import { z } from "zod";

import { type Clock, fail, ok, type Result } from "../../../base/mod.ts";
import type { LogGroups } from "../../../control/mod.ts";
import { headerOf } from "../../head.ts";
import { parseInput } from "../../input.ts";
import type { ApigAnswer, ApigRequest, ProjectCall } from "../apig/mod.ts";
import { unpackSnappy } from "./snappy.ts";

/** A line as the store takes it. */
export interface ReportedLine {
  readonly timeS: number;
  readonly nanosecond: number;
  readonly content: string;
}

export interface ReportDeps {
  readonly groups: LogGroups;
  /** Resolves when the lines are on the disk. Faults: those of the store. */
  readonly appendLines: (
    logstore: number,
    lines: readonly ReportedLine[],
    labels: Readonly<Record<string, string>>,
  ) => Promise<Result<void>>;
  readonly clock: Clock;
  /** Told how many lines were left out because their time is too far off. */
  readonly onDropped: (lines: number) => void;
}

/** The service leaves out what is further from its clock. */
const distanceMaxMs = 2 * 86_400_000;
const unpackedBytesMax = 8 * 1024 * 1024;
const linesMax = 10_000;

const nanoseconds = z.string().regex(/^\d{19}$/u);
const labels = z.record(z.string().min(1).max(128), z.string().max(1024));

const plainReport = z.object({
  log_time_ns: nanoseconds,
  contents: z.array(z.string()).min(1).max(linesMax),
  labels,
});

const accurateReport = z.object({
  contents: z
    .array(z.object({ log_time_ns: nanoseconds, log: z.string() }))
    .min(1)
    .max(linesMax),
  labels,
});

const charactersWaitingMax = 64 * 1024 * 1024;

/** Refuses what is more than may be on its way to the store at once. Fault: `StoreUnavailable`. */
export function boundAppends(
  appendLines: ReportDeps["appendLines"],
  charactersMax = charactersWaitingMax,
): ReportDeps["appendLines"] {
  let waiting = 0;
  return async (logstore, lines, given) => {
    const characters = lines.reduce((sum, { content }) => sum + content.length, 0);
    if (waiting > 0 && waiting + characters > charactersMax) {
      return fail("StoreUnavailable", "too many lines wait for the store", { retryable: true });
    }
    waiting += characters;
    try {
      return await appendLines(logstore, lines, given);
    } finally {
      waiting -= characters;
    }
  };
}

/** `POST …/tenant/contents`: the first line has the time that is named, each further one a nanosecond more. */
export async function reportLogs(deps: ReportDeps, call: ProjectCall): Promise<Result<ApigAnswer>> {
  const body = readReport(plainReport, call.request);
  if (!body.ok) return body;
  const { log_time_ns, contents, labels: given } = body.value;
  const lines = contents.map((content, index) => lineAt(BigInt(log_time_ns) + BigInt(index), content));
  return append(deps, call, lines, given);
}

/** `POST …/tenant/contents/high-accuracy` */
export async function reportAccurateLogs(deps: ReportDeps, call: ProjectCall): Promise<Result<ApigAnswer>> {
  const body = readReport(accurateReport, call.request);
  if (!body.ok) return body;
  const { contents, labels: given } = body.value;
  const lines = contents.map(({ log_time_ns, log }) => lineAt(BigInt(log_time_ns), log));
  return append(deps, call, lines, given);
}

function lineAt(timeNs: bigint, content: string): ReportedLine {
  const timeS = Number(timeNs / 1_000_000_000n);
  return { timeS, nanosecond: Number(timeNs % 1_000_000_000n), content: content.replace(/\r?\n$/u, "") };
}

async function append(
  { groups, appendLines, clock, onDropped }: ReportDeps,
  { project, path }: ProjectCall,
  lines: readonly ReportedLine[],
  given: Readonly<Record<string, string>>,
): Promise<Result<ApigAnswer>> {
  const stream = groups.getStream(project, path("log_group_id"), path("log_stream_id"));
  if (!stream.ok) return stream;
  const nowMs = clock.nowMs();
  const near = lines.filter(({ timeS }) => Math.abs(timeS * 1000 - nowMs) <= distanceMaxMs);
  if (near.length < lines.length) onDropped(lines.length - near.length);
  const stored = near.length === 0 ? ok(undefined) : await appendLines(stream.value.logstore, near, given);
  if (!stored.ok) return stored;
  const body = { errorCode: "SVCSTG.ALS.200.200", error_msg: "Report success.", result: null };
  return ok({ status: 200, body });
}

/** Faults: `Malformed`, `InputTooLarge`, `Unsupported` for another compression, those of parseInput. */
function readReport<S extends z.ZodType>(schema: S, request: ApigRequest): Result<z.output<S>> {
  const text = unpackedBody(request);
  if (!text.ok) return text;
  try {
    return parseInput(schema, JSON.parse(text.value, keepDigits));
  } catch {
    return fail("Malformed", "the body is not JSON", { field: "body" });
  }
}

/** A time in nanoseconds has more digits than a number holds: it is taken as it stands in the text. */
function keepDigits(name: string, value: unknown, context?: { readonly source?: string }): unknown {
  return name === "log_time_ns" && typeof value === "number" ? context?.source : value;
}

/** GZIP and SNAPPY, in small letters too, are what the documentation of the service has for Content-Encoding. */
function unpackedBody({ head, body }: ApigRequest): Result<string> {
  const encoding = headerOf(head, "content-encoding")?.toLowerCase() ?? "";
  if (encoding === "" || encoding === "identity") return ok(body.toString("utf8"));
  if (encoding === "gzip") return unpackGzip(body);
  if (encoding === "snappy") {
    const unpacked = unpackSnappy(body, unpackedBytesMax);
    return unpacked.ok ? ok(unpacked.value.toString("utf8")) : unpacked;
  }
  return fail("Unsupported", `the compression ${encoding.slice(0, 40)} is not supported`, {
    allowed: "gzip, snappy",
  });
}

function unpackGzip(body: Buffer): Result<string> {
  try {
    return ok(gunzipSync(body, { maxOutputLength: unpackedBytesMax }).toString("utf8"));
  } catch (error) {
    const isLarge = error instanceof RangeError;
    const message = isLarge ? "the body is too large when it is unpacked" : "the body is not gzip";
    return fail(isLarge ? "InputTooLarge" : "Malformed", message, { field: "body" });
  }
}

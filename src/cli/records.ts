/** `weir records`: search a logstore of the running Weir, or follow it. */
import { buildCommand } from "@stricli/core";

import { fail, fault, type Fault, ok, type Result, toFault } from "../base/mod.ts";
import type { Client } from "./client.ts";
import {
  type AccountFlags,
  accountFlags,
  ask,
  clientOf,
  integerFlag,
  printFault,
  textFlag,
} from "./command.ts";
import { type FlagWords, inFlagWords } from "./flag-words.ts";
import { askHistogram, histogramRange } from "./records-histogram.ts";
import { type LogRecord, recordTable } from "./records-table.ts";
import { isTimeAgo, parseTime } from "./time.ts";
import { counted } from "./ui/table.ts";

interface RecordsFlags extends AccountFlags {
  readonly project: string;
  readonly logstore: string;
  readonly region?: string;
  readonly where?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit?: number;
  readonly follow?: boolean;
  readonly histogram?: boolean;
  readonly interval?: number;
}

/** The server's names of inputs, as they are given here. */
const words: FlagWords = {
  project: "--project",
  logstore: "--logstore",
  regionId: "--region",
  query: "--where",
  from: "--from",
  to: "--to",
  interval: "--interval",
  intervalS: "--interval",
};

const limitDefault = 100;
const limitMax = 10_000;
const followIntervalMs = 500;

export const recordsCommand = buildCommand({
  docs: {
    brief: "Search or follow the records of a logstore",
    fullDescription:
      "Prints the newest records of the time range that match, oldest first. --where takes the search language of the log service: field: value, ranges (bytes > 1000, packets in [1 10]), and, or, not. --follow goes on with new records as they arrive. With --json each record is one line. --histogram prints how many there were in each interval instead, from the rollup tiers where they can tell, and says which answered.",
    customUsage: [
      "--project traffic --logstore flows --from 15m",
      "--project traffic --logstore flows --from 7d --histogram --interval 3600",
      '--project traffic --logstore flows --where "srcaddr: 10.0.0.1 and dstport: 443" --follow',
    ],
  },
  parameters: {
    flags: {
      ...accountFlags,
      project: { kind: "parsed", parse: String, brief: "Project of the logstore", placeholder: "PROJECT" },
      logstore: { kind: "parsed", parse: String, brief: "Name of the logstore", placeholder: "LOGSTORE" },
      region: textFlag("Region of the project; default this host's", "REGION"),
      where: textFlag("Only records that this search matches", "SEARCH"),
      from: textFlag("Begin of the time range; default 1h", "TIME"),
      to: textFlag("End of the time range; default now", "TIME"),
      limit: integerFlag(`Records at most, 1 to ${limitMax}; default ${limitDefault}`, "N"),
      follow: {
        kind: "boolean",
        brief: "Go on with new records, until interrupted",
        optional: true,
        withNegated: false,
      },
      histogram: {
        kind: "boolean",
        brief: "Print counts of records, packets and bytes by time instead",
        optional: true,
        withNegated: false,
      },
      interval: integerFlag(
        "Width of the histogram's intervals, seconds; default one that makes at most 60",
        "S",
      ),
    },
  },
  func: (flags: RecordsFlags) => {
    const misplaced = misplacedFlag(flags);
    if (misplaced !== null) return Promise.resolve(printFault(flags, misplaced));
    if (flags.histogram === true) return histogram(flags);
    return flags.follow === true ? follow(flags) : search(flags);
  },
});

/** What one way of asking takes and the one that is asked for would leave unheard. */
function misplacedFlag({
  histogram: isHistogram,
  follow: isFollowed,
  limit,
  interval,
  from,
  to,
}: RecordsFlags): Fault | null {
  if (isHistogram !== true && interval !== undefined) {
    return fault("InputInvalid", "--interval is of --histogram", { remedy: "add --histogram" });
  }
  if (isHistogram === true && (isFollowed === true || limit !== undefined)) {
    const flag = isFollowed === true ? "--follow" : "--limit";
    return fault("InputInvalid", `--histogram takes no ${flag}`, { remedy: `leave one of them out` });
  }
  if (isFollowed === true && (from !== undefined || to !== undefined)) {
    const flag = from === undefined ? "--to" : "--from";
    return fault("InputInvalid", `--follow takes no ${flag}`, { remedy: `leave one of them out` });
  }
  return null;
}

function search(flags: RecordsFlags): Promise<void> {
  return ask(
    flags,
    async (client) => {
      const body = searchBody(flags);
      if (!body.ok) return body;
      const answer = await client.call<{ records: LogRecord[]; progress: string }>(
        "POST",
        "/records/search",
        body.value,
      );
      if (!answer.ok) return answer;
      if (answer.value.progress !== "Complete") {
        return fail("Timeout", "the search ran out of time", {
          remedy: "narrow the time range with --from and --to",
          retryable: true,
        });
      }
      const records = answer.value.records.toReversed();
      return ok({
        text: `${recordTable(records)}${counted(records.length, "record")}\n`,
        json: records,
        isJsonLines: true,
      });
    },
    words,
  );
}

function histogram(flags: RecordsFlags): Promise<void> {
  return ask(
    flags,
    async (client) => {
      const range = rangeOf(flags);
      if (!range.ok) return range;
      const intervals = histogramRange(range.value, flags.interval, isTimeAgo(flags.from ?? "1h"));
      return intervals.ok ? askHistogram(client, { ...targetOf(flags), ...intervals.value }) : intervals;
    },
    words,
  );
}

function searchBody(flags: RecordsFlags): Result<object> {
  const range = rangeOf(flags);
  if (!range.ok) return range;
  const line = limitOf(flags);
  if (!line.ok) return line;
  return ok({ ...targetOf(flags), ...range.value, line: line.value, reverse: true });
}

function rangeOf(flags: RecordsFlags): Result<{ readonly fromS: number; readonly toS: number }> {
  const nowMs = Date.now();
  const from = parseTime(flags.from ?? "1h", nowMs, "--from");
  if (!from.ok) return from;
  const to = flags.to === undefined ? ok(Math.floor(nowMs / 1000) + 1) : parseTime(flags.to, nowMs, "--to");
  return to.ok ? ok({ fromS: from.value, toS: to.value }) : to;
}

function limitOf({ limit = limitDefault }: RecordsFlags): Result<number> {
  if (limit >= 1 && limit <= limitMax) return ok(limit);
  return fail("InputOutOfRange", `--limit is ${limit}`, {
    field: "--limit",
    value: `${limit}`,
    allowed: `a whole number from 1 to ${limitMax}`,
  });
}

function targetOf(flags: RecordsFlags): object {
  return {
    project: flags.project,
    logstore: flags.logstore,
    ...(flags.region === undefined ? {} : { regionId: flags.region }),
    query: flags.where ?? "",
  };
}

/** The newest records, then every new one. A server that restarts is waited for; any other fault ends it. */
async function follow(flags: RecordsFlags): Promise<void> {
  const client = clientOf(flags);
  const line = limitOf(flags);
  if (!line.ok) return printFault(flags, line.fault);
  let position: string | undefined;
  let titles: string | undefined;
  for (;;) {
    const page = inFlagWords(await tail(client, flags, line.value, position), words);
    if (!page.ok && !(page.fault.retryable && titles !== undefined)) return printFault(flags, page.fault);
    if (page.ok) {
      titles = printRecords(flags, page.value.records, titles);
      position = page.value.position ?? position;
      if (page.value.records.length >= line.value && position !== undefined) continue;
    }
    await new Promise((resume) => setTimeout(resume, followIntervalMs));
  }
}

async function tail(
  client: Client,
  flags: RecordsFlags,
  line: number,
  afterPosition: string | undefined,
): Promise<Result<{ records: LogRecord[]; position?: string }>> {
  try {
    return await client.call("POST", "/records/tail", {
      ...targetOf(flags),
      line,
      ...(afterPosition === undefined ? {} : { afterPosition }),
    });
  } catch (error) {
    return { ok: false, fault: toFault(error) };
  }
}

/** Prints records below the titles that are printed already, or below others where they need them; answers the last. */
function printRecords(
  flags: RecordsFlags,
  records: readonly LogRecord[],
  printed: string | undefined,
): string {
  if (flags.json === true) {
    printJson(records);
    return "";
  }
  const table = recordTable(records);
  const titles = table.slice(0, table.indexOf("\n") + 1);
  if (printed !== undefined && (records.length === 0 || titles === printed)) {
    process.stdout.write(table.slice(titles.length));
    return printed;
  }
  process.stdout.write(table);
  return titles;
}

function printJson(records: readonly LogRecord[]): void {
  process.stdout.write(records.map((record) => `${JSON.stringify(record)}\n`).join(""));
}

/** `weir records`: search a logstore of the running Weir, or follow it. */
import { buildCommand } from "@stricli/core";

import { fail, ok, type Result, toFault } from "../base/mod.ts";
import { type Client, createClient } from "./client.ts";
import { ask, type ClientFlags, clientFlags, integerFlag, printFault, textFlag } from "./command.ts";
import { type FlagWords, inFlagWords } from "./flag-words.ts";
import { askHistogram } from "./records-histogram.ts";
import { parseTime } from "./time.ts";
import { counted, formatTable } from "./ui/table.ts";

interface RecordsFlags extends ClientFlags {
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

type LogRecord = Readonly<Record<string, string>>;

const limitDefault = 100;
const limitMax = 10_000;
const followIntervalMs = 500;

/** What a person looks at first; --json has every field. Least widths keep a followed logstore's lines aligned. */
const columns = [
  { title: "START (UTC)", field: "start", widthMin: 19 },
  { title: "END (UTC)", field: "end", widthMin: 19 },
  { title: "SOURCE", field: "srcaddr", widthMin: 15 },
  { title: "PORT", field: "srcport", align: "right", widthMin: 5 },
  { title: "DESTINATION", field: "dstaddr", widthMin: 15 },
  { title: "PORT", field: "dstport", align: "right", widthMin: 5 },
  { title: "PROTOCOL", field: "protocol", align: "right" },
  { title: "PACKETS", field: "packets", align: "right", widthMin: 9 },
  { title: "BYTES", field: "bytes", align: "right", widthMin: 12 },
] as const;

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
      ...clientFlags,
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
      interval: integerFlag("Width of the histogram's intervals, seconds; default a 60th of the range", "S"),
    },
  },
  func: (flags: RecordsFlags) => {
    if (flags.histogram === true) return histogram(flags);
    return flags.follow === true ? follow(flags) : search(flags);
  },
});

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
      const { interval } = flags;
      const width = interval === undefined ? {} : { intervalS: interval };
      return askHistogram(client, { ...targetOf(flags), ...range.value, ...width });
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
  const client = createClient(flags.data === undefined ? {} : { data: flags.data });
  const line = limitOf(flags);
  if (!line.ok) return printFault(flags, line.fault);
  let position: string | undefined;
  let isFirst = true;
  for (;;) {
    const page = inFlagWords(await tail(client, flags, line.value, position), words);
    if (!page.ok && !(page.fault.retryable && !isFirst)) return printFault(flags, page.fault);
    if (page.ok) {
      printRecords(flags, page.value.records, isFirst);
      position = page.value.position ?? position;
      isFirst = false;
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

function printRecords(flags: RecordsFlags, records: readonly LogRecord[], withTitles: boolean): void {
  if (flags.json === true) return printJson(records);
  const table = recordTable(records);
  process.stdout.write(withTitles ? table : table.slice(table.indexOf("\n") + 1));
}

function printJson(records: readonly LogRecord[]): void {
  process.stdout.write(records.map((record) => `${JSON.stringify(record)}\n`).join(""));
}

function recordTable(records: readonly LogRecord[]): string {
  const rows = records.map((record) => columns.map(({ field }) => cellText(field, record[field])));
  return formatTable(columns, rows);
}

function cellText(field: string, value: string | undefined): string {
  if (value === undefined) return "-";
  if (field !== "start" && field !== "end") return value;
  return new Date(Number(value) * 1000).toISOString().slice(0, 19).replace("T", " ");
}

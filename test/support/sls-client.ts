/**
 * Reads a logstore with Alibaba's own SDK. It dials `<project>.<endpoint>`; this process resolves names
 * below localhost as docs/how-to/read-with-alicloud-log.md tells its readers to.
 */
import dns from "node:dns";
import { createRequire } from "node:module";

interface LogClient {
  getLogs(
    project: string,
    logstore: string,
    from: Date,
    to: Date,
    data: object,
  ): Promise<Record<string, string>[]>;
  getHistograms(
    project: string,
    logstore: string,
    from: Date,
    to: Date,
    data: object,
  ): Promise<{ count: number }[]>;
}

interface Access {
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly accessKeySecret?: string;
}

const require = createRequire(import.meta.url);
const { lookup } = dns;

dns.lookup = ((name: string, ...rest: unknown[]) =>
  (lookup as (...all: unknown[]) => void)(
    name.endsWith(".localhost") ? "127.0.0.1" : name,
    ...rest,
  )) as typeof dns.lookup;

const pageLines = 100;

function clientOf({ endpoint, accessKeyId, accessKeySecret }: Access): LogClient {
  const Client = require("@alicloud/log") as new (config: object) => LogClient;
  const { port } = new URL(endpoint);
  return new Client({ accessKeyId, accessKeySecret, endpoint: `http://localhost:${port}` });
}

/** The last hour and a little of the future: records end at their flow's last packet. */
function range(): [from: Date, to: Date] {
  return [new Date(Date.now() - 3_600_000), new Date(Date.now() + 60_000)];
}

/** Every record that the query finds, page by page. */
export async function readSlsLogs(
  access: Access,
  project: string,
  logstore: string,
  query: string,
): Promise<Record<string, string>[]> {
  const client = clientOf(access);
  const records: Record<string, string>[] = [];
  const [from, to] = range();
  for (;;) {
    const page = await client.getLogs(project, logstore, from, to, {
      query,
      line: pageLines,
      offset: records.length,
    });
    records.push(...page);
    if (page.length < pageLines) return records;
  }
}

/** How many records GetHistograms counts for the query. */
export async function countSlsLogs(
  access: Access,
  project: string,
  logstore: string,
  query: string,
  within: [from: Date, to: Date] = range(),
): Promise<number> {
  const buckets = await clientOf(access).getHistograms(project, logstore, ...within, { query });
  return buckets.reduce((sum, { count }) => sum + count, 0);
}

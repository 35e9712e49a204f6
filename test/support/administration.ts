/** Local administration of a running Weir: the native API on the socket in its data directory, and its metrics. */
import { request } from "node:http";
import { join } from "node:path";

import { eventually } from "./weir.ts";

interface SinkReport {
  readonly name: string;
  readonly cursor: number;
  readonly pending: number;
}

/** What `weir status` shows, as far as the tests look at it. */
export interface StatusReport {
  readonly ready: boolean;
  /** Whether every change has taken effect. */
  readonly inStep: boolean;
  readonly flowLogs: { readonly total: number; readonly active: number };
  readonly spool: {
    readonly entries: number;
    readonly sinks: readonly SinkReport[];
    readonly droppedBatches: number;
  };
  readonly store: { readonly state: string; readonly pid?: number; readonly restarts: number };
  readonly capture: {
    readonly state: string;
    readonly method: string | null;
    readonly processId: number | null;
    readonly restarts: number;
    /** Since when the last plan holds; null while it does not. */
    readonly planSinceMs: number | null;
    readonly fault?: { readonly code: string; readonly remedy?: string };
    readonly interfaces: readonly { readonly name: string; readonly state: string }[];
    readonly subjects: readonly Readonly<Record<string, unknown>>[];
    readonly ledger: readonly Readonly<Record<string, unknown>>[];
  };
}

/** One call below /api/v1; rejects with the answer's text unless its status is a success. */
export function callNative<T>(data: string, method: string, path: string, body?: object): Promise<T> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { "content-type": "application/json" };
    const call = request(
      { socketPath: join(data, "weir.sock"), method, path: `/api/v1${path}`, headers },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
        response.on("end", () => {
          if (response.statusCode! < 300) resolve(JSON.parse(text) as T);
          else reject(new Error(`${response.statusCode} ${text}`));
        });
      },
    );
    call.setTimeout(60_000, () => call.destroy(new Error("no answer within 60 s")));
    call.on("error", reject);
    call.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

export function readStatus(data: string): Promise<StatusReport> {
  return callNative(data, "GET", "/status");
}

/** Waits until no sink has anything left to deliver. */
export async function whenDelivered(data: string): Promise<void> {
  await eventually("nothing waits for delivery", 120_000, async () => {
    const { spool } = await readStatus(data);
    return spool.sinks.every(({ pending }) => pending === 0) ? true : undefined;
  });
}

/** The sum of a metric over its labels; 0 if there is none. */
export async function readMetric(endpoint: string, name: string): Promise<number> {
  const text = await (await fetch(`${endpoint}/metrics`)).text();
  return text
    .split("\n")
    .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}

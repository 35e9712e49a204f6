/**
 * How many signed DescribeFlowLogs calls a second a running Weir answers, with 100 flow logs, distinct
 * nonces and the durable replay store. Starts the program itself, in a directory of its own.
 *
 *     node bench/api/describe-flow-logs.ts [requests] [connections]
 *
 * Where the temporary directory is memory, WEIR_BENCH_DIRECTORY names one on a disk: a commit must be one
 * to a disk.
 */
import { type ChildProcess, fork, spawn } from "node:child_process";
import { createHmac, randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import type { LoadOrder, LoadReport } from "./load.ts";

const requests = Number(process.argv[2] ?? 20_000);
const connections = Number(process.argv[3] ?? 32);
const flowLogCount = 100;
const accessKeyId = "benchmark-key";
const accessKeySecret = "benchmark-secret";
const ticksPerSecond = 100;

interface Ready {
  readonly endpoint: string;
  readonly regionId: string;
}

async function startWeir(directory: string): Promise<{ weir: ChildProcess; ready: Ready }> {
  const main = join(import.meta.dirname, "../../src/main.js");
  const weir = spawn(
    process.execPath,
    [main, "serve", "--data", directory, "--listen", "127.0.0.1:0", "--json"],
    {
      env: { ...process.env, WEIR_ACCESS_KEY_ID: accessKeyId, WEIR_ACCESS_KEY_SECRET: accessKeySecret },
      stdio: ["ignore", "pipe", "ignore"],
    },
  );
  for await (const line of createInterface({ input: weir.stdout })) {
    const told = JSON.parse(line) as Ready & { ready?: boolean };
    if (told.ready === true) return { weir, ready: told };
  }
  throw new Error("weir did not become ready");
}

async function createFlowLog({ endpoint, regionId }: Ready, index: number): Promise<void> {
  const parameters = new URLSearchParams({
    AccessKeyId: accessKeyId,
    Action: "CreateFlowLog",
    Name: `flow-log-${index}`,
    NetflowServerIp: "192.0.2.1",
    OutputType: "netflow",
    RegionId: regionId,
    SignatureMethod: "HMAC-SHA1",
    SignatureNonce: randomUUID(),
    SignatureVersion: "1.0",
    Timestamp: `${new Date().toISOString().slice(0, 19)}Z`,
    Version: "2018-03-13",
  });
  const stringToSign = `POST&%2F&${encodeURIComponent(parameters.toString())}`;
  const signature = createHmac("sha1", `${accessKeySecret}&`).update(stringToSign).digest("base64");
  const response = await fetch(endpoint, {
    method: "POST",
    body: `${parameters.toString()}&Signature=${encodeURIComponent(signature)}`,
    headers: { "content-type": "application/x-www-form-urlencoded" },
  });
  if (!response.ok) throw new Error(await response.text());
}

/** User and system time of the main process, in milliseconds. */
function processorMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond;
}

async function metric({ endpoint }: Ready, name: string): Promise<number> {
  const text = await (await fetch(`${endpoint}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\d+)`, "mu").exec(text)?.[1] ?? 0);
}

const directory = mkdtempSync(join(process.env["WEIR_BENCH_DIRECTORY"] ?? tmpdir(), "weir-bench-api-"));
const { weir, ready } = await startWeir(directory);
const load = fork(join(import.meta.dirname, "load.ts"));

async function round(count: number, pageSize: number): Promise<LoadReport> {
  const port = Number(new URL(ready.endpoint).port);
  const order: LoadOrder = {
    port,
    regionId: ready.regionId,
    accessKeyId,
    accessKeySecret,
    connections,
    requests: count,
    pageSize,
  };
  load.send(order);
  const [report] = (await once(load, "message")) as [LoadReport];
  return report;
}

try {
  for (let index = 0; index < flowLogCount; index++) await createFlowLog(ready, index);
  await round(2000, 10);
  for (const pageSize of [10, 50]) {
    const commitsBefore = await metric(ready, "weir_nonce_commits_total");
    const processorBefore = processorMs(weir.pid!);
    const report = await round(requests, pageSize);
    const processor = processorMs(weir.pid!) - processorBefore;
    const commits = (await metric(ready, "weir_nonce_commits_total")) - commitsBefore;
    const rate = report.requests / report.seconds;
    process.stdout.write(
      `PageSize ${pageSize}: ${rate.toFixed(0)} requests/s over ${connections} connections, ` +
        `p50 ${report.p50Ms.toFixed(1)} ms, p99 ${report.p99Ms.toFixed(1)} ms, ${report.errors} errors, ` +
        `${report.answerBytes} bytes an answer, ${(report.requests / commits).toFixed(1)} requests a commit, ` +
        `${(processor / report.requests).toFixed(3)} ms CPU a request\n`,
    );
  }
} finally {
  load.kill();
  weir.kill();
  await once(weir, "exit");
  rmSync(directory, { recursive: true, force: true });
}

/**
 * How long `./weir serve` takes until it is ready, and how much memory an idle Weir holds:
 *
 *     node bench/start/run.ts [starts]
 *
 * The first start, which fills the compile cache and creates the data directory, is told apart; of the
 * later ones (9 if not given, 7 at least) the median counts. Each is measured from the launcher's start to
 * the ready line, which a user sees. Then an idle Weir is left alone for a while, and the resident (RSS) and
 * proportional (PSS: shared pages divided among those who share them) memory of each process is read from
 * /proc. The rings of the capture are memory that it shares with the kernel; they are subtracted from its
 * figures. Run as root, so that capture is armed.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

const launcher = join(import.meta.dirname, "../../weir");
const starts = Math.max(7, Number(process.argv[2] ?? 9));
const idleMs = 15_000;

interface Processes {
  readonly capture: number | null;
  readonly store: number;
}

interface Memory {
  readonly rss: number;
  readonly pss: number;
  readonly rings: number;
}

async function startWeir(data: string): Promise<{ weir: ChildProcess; readyMs: number }> {
  const startedMs = performance.now();
  const weir = spawn(launcher, ["serve", "--json", "--listen", "127.0.0.1:0", "--data", data], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  for await (const line of createInterface({ input: weir.stdout })) {
    if (line.startsWith('{"ready":true')) return { weir, readyMs: performance.now() - startedMs };
  }
  throw new Error("weir did not become ready");
}

async function stopWeir(weir: ChildProcess): Promise<void> {
  weir.kill("SIGTERM");
  await once(weir, "exit");
}

/** One call of the native API, on the socket in the data directory. */
async function callNative<T>(data: string, method: string, path: string, body?: object): Promise<T> {
  const headers = body === undefined ? {} : { "content-type": "application/json" };
  const call = request({ socketPath: join(data, "weir.sock"), method, path: `/api/v1${path}`, headers });
  call.end(body === undefined ? undefined : JSON.stringify(body));
  const [response] = await once(call, "response");
  let text = "";
  for await (const chunk of response) text += chunk;
  return JSON.parse(text) as T;
}

/** A flow log on the host's gateway, so that what is idle is a Weir that works. */
async function armCapture(data: string): Promise<void> {
  const settings = { outputs: { logService: { enabled: true, project: "bench", logstore: "flows" } } };
  const { id } = await callNative<{ id: string }>(data, "POST", "/flow-logs", { settings });
  const { resources } = await callNative<{ resources: { id: string; type: string }[] }>(
    data,
    "GET",
    "/resources",
  );
  const gateway = resources.find(({ type }) => type === "gateway")!;
  await callNative(data, "PUT", `/flow-logs/${id}/resources/${gateway.id}`);
}

async function processesOf(data: string): Promise<Processes> {
  const { capture, store } = await callNative<{
    capture: { processId: number | null };
    store: { pid: number };
  }>(data, "GET", "/status");
  return { capture: capture.processId, store: store.pid };
}

/** Mappings of packet sockets are the rings. */
function memoryOf(pid: number): Memory {
  const sums = { rss: 0, pss: 0, rings: 0 };
  let isRing = false;
  for (const line of readFileSync(`/proc/${pid}/smaps`, "utf8").split("\n")) {
    if (/^[0-9a-f]+-[0-9a-f]+ /u.test(line)) isRing = line.includes("socket:[");
    const [, name, kilobytes] = /^(Size|Rss|Pss): +(\d+) kB/u.exec(line) ?? [];
    if (name === "Size" && isRing) sums.rings += Number(kilobytes);
    if (name === "Rss" && !isRing) sums.rss += Number(kilobytes);
    if (name === "Pss" && !isRing) sums.pss += Number(kilobytes);
  }
  return sums;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function megabytes(kilobytes: number): string {
  return (kilobytes / 1024).toFixed(1).padStart(8);
}

async function measureStarts(data: string): Promise<void> {
  const times: number[] = [];
  for (let start = 0; start <= starts; start++) {
    const { weir, readyMs } = await startWeir(data);
    times.push(readyMs);
    await stopWeir(weir);
  }
  const [first, ...later] = times;
  console.log(`start to ready, the first      ${first!.toFixed(0)} ms`);
  console.log(
    `start to ready, ${later.length} later ones  median ${median(later).toFixed(0)} ms (${Math.min(...later).toFixed(0)} to ${Math.max(...later).toFixed(0)})`,
  );
}

async function measureMemory(data: string): Promise<void> {
  const { weir } = await startWeir(data);
  await armCapture(data);
  await sleep(idleMs);
  const { capture, store } = await processesOf(data);
  const rows = [
    ["main", memoryOf(weir.pid!)],
    ...(capture === null ? [] : [["capture", memoryOf(capture)] as const]),
    ["store", memoryOf(store)],
  ] as const;
  console.log(`\nidle for ${idleMs / 1000} s, MiB        RSS      PSS  (rings, not counted)`);
  for (const [name, { rss, pss, rings }] of rows) {
    const ringText = rings === 0 ? "" : ` (${megabytes(rings).trim()})`;
    console.log(`${name.padEnd(20)}${megabytes(rss)} ${megabytes(pss)}${ringText}`);
  }
  const together = rows.filter(([name]) => name !== "store").map(([, memory]) => memory);
  const sum = (term: keyof Memory): number => together.reduce((total, memory) => total + memory[term], 0);
  console.log(`${"main and capture".padEnd(20)}${megabytes(sum("rss"))} ${megabytes(sum("pss"))}`);
  await stopWeir(weir);
}

const directory = mkdtempSync(join(tmpdir(), "weir-bench-start-"));
try {
  await measureStarts(join(directory, "data"));
  await measureMemory(join(directory, "data"));
} finally {
  rmSync(directory, { recursive: true, force: true });
}

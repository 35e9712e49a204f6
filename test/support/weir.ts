/** Starts the real program as a user does and stops it again. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

import { childrenOf } from "./processes.ts";

const launcher = resolve(import.meta.dirname, "../../weir");
/** What hangs is told from what a loaded machine makes slow. */
const readyTimeoutMsMax = 90_000;
const runTimeoutMs = 120_000;

export interface ReadyLine {
  readonly ready: boolean;
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly accessKeySecret?: string;
  readonly regionId: string;
  readonly resources: readonly { readonly id: string; readonly type: string; readonly name: string }[];
  readonly warnings?: readonly string[];
}

export interface RunningWeir {
  readonly ready: ReadyLine;
  readonly data: string;
  readonly pid: number;
  /** Milliseconds from the launcher's start to the ready line. */
  readonly startMs: number;
  /** What it wrote to standard error so far. */
  errors(): string;
  /** Process ids of the children whose command line contains `word`. */
  children(word: string): number[];
  /** SIGTERM and wait; resolves with the exit code and how long it took. */
  stop(): Promise<{ code: number | null; elapsedMs: number }>;
  /** SIGKILL of the main process and wait. */
  kill(): Promise<void>;
}

export interface StartOptions {
  readonly data: string;
  readonly args?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly readyTimeoutMs?: number;
  /** Goes before the launcher, such as setpriv and its arguments. */
  readonly prefix?: readonly string[];
  /** Address of the API; 127.0.0.1 if not given. */
  readonly host?: string;
}

export function temporaryDirectory(name: string): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), `weir-${name}-`));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** `./weir serve --json` on a free port; rejects with its standard error if it does not get ready. */
export async function startWeir(options: StartOptions): Promise<RunningWeir> {
  const startedMs = performance.now();
  const args = [
    "serve",
    "--json",
    "--listen",
    `${options.host ?? "127.0.0.1"}:0`,
    "--data",
    options.data,
    ...(options.args ?? []),
  ];
  const [command, ...rest] = [...(options.prefix ?? []), launcher, ...args];
  const child = spawn(command!, rest, {
    env: { ...process.env, ...options.environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  const ready = await readyLine(child, options.readyTimeoutMs ?? readyTimeoutMsMax, () => errors);
  const startMs = performance.now() - startedMs;
  const pid = child.pid!;
  return {
    ready,
    data: options.data,
    pid,
    startMs,
    errors: () => errors,
    children: (word) => childrenOf(pid).filter((id) => commandLine(id).includes(word)),
    stop: async () => {
      const stopMs = performance.now();
      if (child.exitCode === null && child.signalCode === null) {
        child.kill("SIGTERM");
        await once(child, "exit");
      }
      return { code: child.exitCode, elapsedMs: performance.now() - stopMs };
    },
    kill: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

export interface Ending {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Runs `./weir` with any arguments to its end; `prefix` goes before it, such as setpriv and its arguments. */
export async function runWeir(
  args: readonly string[],
  options: {
    readonly environment?: Readonly<Record<string, string>>;
    readonly prefix?: readonly string[];
  } = {},
): Promise<Ending> {
  const [command, ...rest] = [...(options.prefix ?? []), launcher, ...args];
  const child = spawn(command!, rest, {
    env: { ...process.env, ...options.environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  const timer = setTimeout(() => child.kill("SIGKILL"), runTimeoutMs);
  const [code] = (await once(child, "close")) as [number | null];
  clearTimeout(timer);
  return { code, output, errors };
}

async function readyLine(child: ChildProcess, timeoutMs: number, errors: () => string): Promise<ReadyLine> {
  const lines = createInterface({ input: child.stdout! });
  const first = once(lines, "line").then(([line]) => String(line));
  const failure = once(child, "exit").then(([code]) => `exited with ${code}`);
  const timeout = new Promise<string>((done) => {
    setTimeout(() => done(`not ready after ${timeoutMs} ms`), timeoutMs).unref();
  });
  const line = await Promise.race([first, failure, timeout]);
  if (line.startsWith('{"ready":true')) return JSON.parse(line) as ReadyLine;
  child.kill("SIGKILL");
  throw new Error(`weir serve ${line}\n${errors()}`);
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

/** Polls until `probe` gives something other than undefined. */
export async function eventually<T>(
  what: string,
  timeoutMs: number,
  probe: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined) return found;
    if (performance.now() > deadlineMs) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await new Promise((resume) => setTimeout(resume, 100));
  }
}

/**
 * Compares Weir's meter with softflowd, nfpcapd and pmacctd on the same capture file.
 *
 *     node bench/meter/run.ts [--sizes 50k,500k] [--packets 5000000] [--rounds 5] [--quick] [--curve]
 *                             [--tools weir,softflowd,nfpcapd,pmacctd] [--directory DIR]
 *                             [--active-timeout 300] [--inactive-timeout 15]
 *
 * --curve is weir and softflowd from a thousand to five million flows at a time, three rounds.
 *
 * Each tool is a process of its own, from its start to its end, on one CPU; a sink on another CPU counts the
 * NetFlow v9 that it gets. Rounds are interleaved: every tool once, then every tool again, so that a busy
 * minute of the machine hits them alike. Medians are printed, with the least and the most.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, cpus, release, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { tracePresets, type TruthTotals } from "../generate/mod.ts";
import {
  type CurvePoint,
  printCurve,
  printResults,
  printStages,
  type Run,
  type StageFigures,
} from "./report.ts";
import { startSink } from "./sink-process.ts";
import { installedTools, type RunInput, type Tool } from "./tools.ts";

const { values } = parseArgs({
  options: {
    sizes: { type: "string" },
    packets: { type: "string" },
    rounds: { type: "string" },
    quick: { type: "boolean", default: false },
    curve: { type: "boolean", default: false },
    tools: { type: "string" },
    "active-timeout": { type: "string", default: "300" },
    "inactive-timeout": { type: "string", default: "15" },
    directory: { type: "string", default: tmpdir() },
  },
});
const sizes = (values.sizes ?? (values.curve ? "1k,10k,100k,1M,5M" : "50k,500k")).split(",");
const rounds = values.quick ? 2 : Number(values.rounds ?? (values.curve ? 3 : 5));
const wanted = (values.tools ?? (values.curve ? "weir,softflowd" : "")).split(",");
const packets = values.packets ?? (values.quick ? "500000" : undefined);
const activeS = Number(values["active-timeout"]);
const inactiveS = Number(values["inactive-timeout"]);
/** No tool needs as long; one that hangs does not hold the bench up. */
const toolTimeoutMs = 600_000;
/** The tool has a CPU for itself, if there are two. */
const toolCpu = availableParallelism() > 1 ? 1 : 0;

const directory = mkdtempSync(join(values.directory, "weir-bench-"));
process.on("exit", () => rmSync(directory, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));

const sink = await startSink(0);
const tools = installedTools().filter((tool) => wanted[0] === "" || wanted.includes(tool.name));
process.stdout.write(
  `${cpus()[0]?.model.trim()}, ${availableParallelism()} CPUs, Linux ${release()}\n${tools.map((tool) => `${tool.name} ${tool.version}`).join(", ")}\n`,
);
const points: CurvePoint[] = [];
for (const size of sizes) points.push(await compare(size));
if (values.curve) printCurve(points);
sink.stop();

async function compare(size: string): Promise<CurvePoint> {
  if (!(size in tracePresets)) throw new Error(`no size "${size}": ${Object.keys(tracePresets).join(", ")}`);
  const file = join(directory, `${size}.pcap`);
  const truth = generate(size, file);
  const runs = new Map<string, Run[]>(tools.map((tool) => [tool.name, []]));
  // The first one pays for reading the file into the page cache, and for filling the compile cache.
  await runTool(tools[0]!, file);
  for (let round = 0; round < rounds; round++) {
    for (const tool of tools) runs.get(tool.name)!.push(await runTool(tool, file));
  }
  printResults(size, truth, runs);
  const stages: StageFigures[] = [];
  for (let round = 0; round < (values.curve ? 1 : Math.min(rounds, 3)); round++) {
    stages.push(await runStages(file));
  }
  printStages(stages);
  rmSync(file);
  return { size, packets: truth.packets, runs, stages: stages[0]! };
}

function generate(size: string, file: string): TruthTotals {
  const script = join(import.meta.dirname, "../generate/main.ts");
  const options = ["--preset", size, "--output", file, "--linger", "5", ...sizeOptions(size)];
  const timeouts = ["--active-timeout", `${activeS}`, "--inactive-timeout", `${inactiveS}`];
  return JSON.parse(execFileSync(process.execPath, [script, ...options, ...timeouts], { encoding: "utf8" }));
}

/** Fewer packets come from fewer conversations, or there would be none with more than two. */
function sizeOptions(size: string): string[] {
  if (packets === undefined) return [];
  const preset = tracePresets[size as keyof typeof tracePresets];
  const conversations = Math.ceil((preset.conversations * Number(packets)) / preset.packets);
  return ["--packets", packets, "--conversations", `${conversations}`];
}

async function runTool(tool: Tool, file: string): Promise<Run> {
  const own = join(directory, tool.name);
  mkdirSync(own);
  const input: RunInput = { file, port: sink.port, activeS, inactiveS, directory: own };
  await sink.take();
  const { output, errors, usage } = await runPinned(tool.command(input));
  const received = await sink.take();
  rmSync(own, { recursive: true });
  // What a tool does not tell is what the sink got of it.
  const flows = tool.flows(output, errors) ?? received.records;
  return { ...usage, flows, received };
}

async function runStages(file: string): Promise<StageFigures> {
  const script = join(import.meta.dirname, "stages.ts");
  const options = [file, `${sink.port}`, `${activeS}`, `${inactiveS}`];
  const command = [process.execPath, "--disable-warning=ExperimentalWarning", script, ...options];
  return JSON.parse((await runPinned(command)).output);
}

interface Usage {
  readonly wallS: number;
  readonly cpuS: number;
  readonly residentMb: number;
}

interface Finished {
  readonly output: string;
  readonly errors: string;
  readonly usage: Usage;
}

async function runPinned(command: readonly string[]): Promise<Finished> {
  const time = ["/usr/bin/time", "-f", "usage %e %U %S %M"];
  const child = spawn("taskset", ["-c", `${toolCpu}`, ...time, ...command], {
    // The compile cache is on from the start, as src/main.js has it.
    env: { ...process.env, NODE_COMPILE_CACHE: join(directory, "compile-cache") },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: toolTimeoutMs,
  });
  let output = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  const startMs = performance.now();
  const [exitCode] = (await once(child, "close")) as [number | null];
  const wallS = (performance.now() - startMs) / 1000;
  const usage = /usage ([\d.]+) ([\d.]+) ([\d.]+) (\d+)\s*$/u.exec(errors);
  if (usage === null || exitCode !== 0) throw new Error(`${command.join(" ")} failed: ${errors}`);
  const [, , user, system, residentKb] = usage.map(Number);
  return {
    output,
    errors,
    usage: { wallS, cpuS: user! + system!, residentMb: residentKb! / 1024 },
  };
}

/**
 * Compares Weir's live capture with softflowd and pmacctd on one interface.
 *
 *     node bench/live/run.ts [--flows 1000,50000] [--rounds 3] [--duration-ms 2000] [--cpu-share 0.05]
 *                            [--active-timeout 60] [--inactive-timeout 15] [--budget-s 290]
 *                            [--workers 1,2] [--flow-logs 1] [--tools weir,softflowd,pmacctd]
 *                            [--quick]
 *
 * Two network namespaces of its own are joined by a veth pair. The sender has CPU 0, on which the kernel's
 * work for each packet is done too, up to the ring; the meter has CPU 1. Needs root, and sends nowhere else.
 * docs/performance.md says what is measured how. Stops by itself; namespaces, files and processes go with it.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { canMakeNamespaces } from "../../test/support/netns.ts";
import { startSink } from "../meter/sink-process.ts";
import { createCpuShare } from "./cpu-share.ts";
import { installedMeters, type LiveMeter } from "./meters.ts";
import { createLiveNetwork } from "./network.ts";
import { type Cell, type Loss, median, print, printLosses, printRates } from "./report.ts";
import { searchHighestRate } from "./search.ts";
import { startSender } from "./sender-process.ts";
import { runTrial, type TrialBench, type TrialOptions, type TrialResult } from "./trial.ts";

const { values } = parseArgs({
  options: {
    flows: { type: "string" },
    rounds: { type: "string" },
    "duration-ms": { type: "string" },
    "cpu-share": { type: "string", default: "0.05" },
    "active-timeout": { type: "string", default: "60" },
    "inactive-timeout": { type: "string", default: "15" },
    "budget-s": { type: "string" },
    workers: { type: "string", default: "1" },
    "flow-logs": { type: "string", default: "1" },
    tools: { type: "string", default: "weir,softflowd,pmacctd" },
    quick: { type: "boolean", default: false },
  },
});
const { quick } = values;
const flowCounts = (values.flows ?? (quick ? "50000" : "1000,50000")).split(",").map(Number);
const rounds = Number(values.rounds ?? (quick ? 1 : 3));
const durationMs = Number(values["duration-ms"] ?? (quick ? 1000 : 2000));
const share = Number(values["cpu-share"]);
/** No round begins later, so that a machine that is busy with other things does not make it last for ever. */
const deadlineMs = performance.now() + Number(values["budget-s"] ?? (quick ? 30 : 290)) * 1000;
const steps = quick ? 3 : 5;
const laterSteps = 3;

const senderCpu = 0;
const readerCpu = 1;

if (!canMakeNamespaces()) process.exit(1);
if (availableParallelism() < 2) throw new Error("a sender and a reader need a CPU each");
const directory = mkdtempSync(join(tmpdir(), "weir-live-"));
process.env["NODE_COMPILE_CACHE"] = join(directory, "compile-cache");
const network = createLiveNetwork();
const cpuShare = createCpuShare();
process.on("exit", () => {
  network.remove();
  rmSync(directory, { recursive: true, force: true });
  cpuShare?.remove();
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(1));

const sender = await startSender(network, senderCpu);
const sink = await startSink(senderCpu, ["ip", "netns", "exec", network.receiver.name]);
const bench: TrialBench = {
  network,
  sender,
  sink,
  cpuShare,
  readerCpu,
  directory,
  durationMs,
  activeS: Number(values["active-timeout"]),
  inactiveS: Number(values["inactive-timeout"]),
};
const workerCounts = values.workers.split(",").map(Number);
const meters = installedMeters(workerCounts, Number(values["flow-logs"])).filter(({ name }) =>
  values.tools.split(",").some((tool) => name.startsWith(tool)),
);

print(`${cpus()[0]?.model.trim()}, ${availableParallelism()} CPUs, Linux ${release()}, load ${load()}`);
print(meters.map(({ name, version }) => `${name} ${version}`).join(", "));
await printSender();
if (cpuShare === undefined) print("\nNo control groups here: meters have their whole CPU only.");
const cells = cellsOf();
for (let round = 0; round < rounds; round++) {
  for (const [meter, cell] of cells) if (performance.now() < deadlineMs) await measure(meter, cell);
}
printRates(cells.map(([, cell]) => cell));
printLosses(await losses());
print(`\nLoad at the end ${load()}.`);
process.exit(0);

/** What the sender can do while nobody reads. */
async function printSender(): Promise<void> {
  for (const flows of flowCounts) {
    const rates: number[] = [];
    const cpuUs: number[] = [];
    for (let round = 0; round < 3; round++) {
      const sent = await sender.send({ flows, packetsPerSecond: 0, durationMs: durationMs / 2 });
      rates.push((sent.packets / sent.elapsedMs) * 1000);
      cpuUs.push((sent.cpuMs / sent.packets) * 1000);
    }
    const rate = `${Math.round(median(rates) / 1000)} k packets/s`;
    print(`Sender, ${flows} flows, no reader: ${rate}, ${median(cpuUs).toFixed(2)} µs of CPU a packet.`);
  }
}

/** Every meter under every load; the bounded CPU with the most flows only. */
function cellsOf(): [LiveMeter, Cell][] {
  const loads = flowCounts.map((flows) => ({ flows, share: 1 }));
  if (cpuShare !== undefined) loads.push({ flows: flowCounts.at(-1)!, share });
  return loads.flatMap(({ flows, share }) =>
    meters.map((meter): [LiveMeter, Cell] => [
      meter,
      { meter: meter.name, flows, share, found: [], senderBound: false },
    ]),
  );
}

async function measure(meter: LiveMeter, cell: Cell): Promise<void> {
  const { flows, share, found } = cell;
  const earlier = found.flatMap((trial) => trial?.packetsPerSecond ?? []);
  const near = earlier.length === 0 || cell.senderBound ? {} : { near: median(earlier) };
  let trials = 0;
  const run = (packetsPerSecond: number): Promise<TrialResult> =>
    runTrial(bench, meter, { flows, share, packetsPerSecond });
  const best = await searchHighestRate(
    async (packetsPerSecond) => {
      trials++;
      const trial = await run(packetsPerSecond);
      // With the whole CPU, it may have been something else that ran on it: two trials must agree.
      return trial.isClean || share < 1 ? trial : run(packetsPerSecond);
    },
    { steps: found.length === 0 ? steps : laterSteps, ...near },
  );
  if (found.length === 0) cell.senderBound = trials === 1;
  found.push(best);
}

/** The sender's full speed: beyond what the bounded CPU can take, and past a meter that stands still for a while. */
async function losses(): Promise<Loss[]> {
  const flows = flowCounts.at(-1)!;
  const loads: [string, TrialOptions][] = [
    [`stopped for ${durationMs / 2} ms`, { flows, packetsPerSecond: 0, share: 1, stalled: true }],
  ];
  if (cpuShare !== undefined)
    loads.unshift([`${share * 100} % of a CPU`, { flows, packetsPerSecond: 0, share }]);
  const found: Loss[] = [];
  for (const [name, options] of loads) {
    for (const meter of meters)
      found.push({ meter: meter.name, load: name, trial: await runTrial(bench, meter, options) });
  }
  return found;
}

function load(): string {
  return loadavg()
    .map((average) => average.toFixed(1))
    .join(" ");
}

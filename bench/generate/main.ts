/**
 * Writes a trace and, beside it, what is in it.
 *
 *     node bench/generate/main.ts --output trace.pcap [--preset 50k|500k|1k|10k|100k|1M|5M]
 *       [--packets N] [--conversations N]
 *       [--seed N] [--span SECONDS] [--snaplen N] [--active-timeout S] [--inactive-timeout S]
 *       [--linger S] [--flows flows.csv]
 *
 * The truth goes to standard output as JSON; --flows writes one line a uniflow.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import { parseArgs } from "node:util";

import { type TraceOptions, type TracePreset, tracePresets } from "./conversations.ts";
import { generateTrace } from "./generate.ts";
import { createTruth } from "./truth.ts";

const { values } = parseArgs({
  options: {
    output: { type: "string" },
    preset: { type: "string", default: "50k" },
    packets: { type: "string" },
    conversations: { type: "string" },
    seed: { type: "string" },
    span: { type: "string" },
    snaplen: { type: "string" },
    "active-timeout": { type: "string", default: "300" },
    "inactive-timeout": { type: "string", default: "15" },
    linger: { type: "string", default: "Infinity" },
    flows: { type: "string" },
  },
});
const presetName = values.preset;
if (values.output === undefined || !(presetName in tracePresets)) {
  throw new Error(`--output FILE is needed, and --preset is one of ${Object.keys(tracePresets).join(", ")}`);
}
const preset: TraceOptions = tracePresets[presetName as TracePreset];
const options: TraceOptions = {
  ...preset,
  packets: Number(values.packets ?? preset.packets),
  conversations: Number(values.conversations ?? preset.conversations),
  seed: Number(values.seed ?? preset.seed),
  spanS: Number(values.span ?? preset.spanS),
  snapLength: Number(values.snaplen ?? preset.snapLength),
};
const truth = createTruth({
  activeTimeoutUs: Number(values["active-timeout"]) * 1e6,
  inactiveTimeoutUs: Number(values["inactive-timeout"]) * 1e6,
  endOfFlowLingerUs: Number(values.linger) * 1e6,
});

const file = openSync(values.output, "w");
const plan = generateTrace(options, (bytes) => writeWhole(file, bytes), truth.observe);
closeSync(file);
if (values.flows !== undefined) writeFlows(values.flows);
process.stdout.write(`${JSON.stringify({ ...options, ...truth.totals() })}\n`);

function writeFlows(path: string): void {
  const flows = openSync(path, "w");
  let lines: string[] = [
    "sourceAddress,destinationAddress,sourcePort,destinationPort,protocol,packets,octets,records",
  ];
  for (const line of truth.lines(plan)) {
    lines.push(Object.values(line).join(","));
    if (lines.length < 10_000) continue;
    writeWhole(flows, Buffer.from(`${lines.join("\n")}\n`));
    lines = [];
  }
  if (lines.length > 0) writeWhole(flows, Buffer.from(`${lines.join("\n")}\n`));
  closeSync(flows);
}

function writeWhole(descriptor: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
}

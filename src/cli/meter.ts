/** `weir meter`: flows of a capture file, without a server. */
import { buildCommand, numberParser } from "@stricli/core";

import type { StoreConsumer } from "../app/mod.ts";
import type { FlowConsumer, NetflowConsumer, OfflineProgress, OfflineReport } from "../app/offline/mod.ts";
import { fail, type Fault, ok, type Result, toFault } from "../base/mod.ts";
import type { CaptureFile } from "../capture/file/mod.ts";
import {
  type CommonFlags,
  formatFault,
  integerFlag,
  jsonFlag,
  parseHostPort,
  printFault,
  textFlag,
} from "./command.ts";
import { parseEncapsulations } from "./encapsulation-flag.ts";
import { type CutPolicy, cutPolicyOf, type PolicyFlags, policyFlags } from "./meter-policy.ts";
import { meterText } from "./meter-text.ts";
import { createProgress } from "./ui/progress.ts";
import { formatCount, formatOctets } from "./ui/table.ts";

interface MeterFlags extends CommonFlags, PolicyFlags {
  readonly netflow?: string;
  readonly version?: "5" | "9" | "10";
  readonly observationDomain?: number;
  readonly netflowRate?: number;
  readonly output?: string;
  readonly force?: boolean;
  readonly store?: string;
  readonly data?: string;
  readonly top: number;
  readonly flowsMax: number;
  readonly decapsulate?: string;
}

/** The port of NetFlow collectors by habit, and the default of the flow logs' own. */
const netflowPort = 9995;
/** As many as a meter takes. */
const flowsMaxMax = 2 ** 26;
const pipeRestMs = 1000;
/** What shells give a command that SIGINT ended. */
const interruptedExitCode = 130;

export const meterCommand = buildCommand({
  docs: {
    brief: "Meter a pcap or pcapng file into flows, without a server",
    fullDescription:
      "Reads a capture file, meters it as a flow log would, and prints a summary. The file may be pcap or pcapng, plain or compressed (gzip, zstd, xz, lz4, bzip2); - reads standard input. A file that is damaged or cut is metered up to that point; the exit code is then 1.",
    customUsage: [
      "capture.pcap",
      "capture.pcapng.zst --output flows.csv",
      "capture.pcap --netflow 127.0.0.1:9995 --version 10",
      "capture.pcap --window 10m --output flows.csv",
      "capture.pcap --store traffic/flows",
    ],
  },
  parameters: {
    flags: {
      ...policyFlags,
      netflow: textFlag(
        `Send the flows to this collector; port ${netflowPort} if none is given`,
        "HOST:PORT",
      ),
      version: {
        kind: "enum",
        values: ["5", "9", "10"],
        brief: "NetFlow version; 10 is IPFIX. Default 9",
        optional: true,
      },
      observationDomain: integerFlag("Observation domain (source id) of the NetFlow; default 1", "N"),
      netflowRate: integerFlag("MiB of NetFlow sent a second at most; default 64", "MIB"),
      output: textFlag("Write every flow to this file", "FLOWS.jsonl|.csv"),
      force: {
        kind: "boolean",
        brief: "Replace the output file if it exists",
        optional: true,
        withNegated: false,
      },
      store: textFlag(
        "Load every flow into this logstore of the embedded store; no Weir may be running on it",
        "PROJECT/LOGSTORE",
      ),
      data: textFlag("Data directory of that store; default the one of ./weir serve", "DIR"),
      top: {
        kind: "parsed",
        parse: numberParser,
        brief: "Talkers and ports shown",
        placeholder: "N",
        default: "10",
      },
      flowsMax: {
        kind: "parsed",
        parse: numberParser,
        brief: "Flows in memory at most, about 100 bytes each; beyond, the oldest are cut",
        placeholder: "N",
        default: "4000000",
      },
      decapsulate: textFlag("Meter the packets inside these tunnels, such as gre,vxlan; all or none", "LIST"),
      json: { ...jsonFlag, brief: "Print the summary as JSON" },
    },
    positional: {
      kind: "tuple",
      parameters: [{ parse: String, brief: "Capture file, or - for standard input", placeholder: "FILE" }],
    },
  },
  func: runMeter,
});

async function runMeter(flags: MeterFlags, path: string): Promise<void> {
  const result = await meter(flags, path).catch(
    (error: unknown) => ({ ok: false, fault: toFault(error) }) as const,
  );
  if (!result.ok) return printFault(flags, result.fault);
  const { report, netflow, store } = result.value;
  if (flags.json === true) {
    const faults = report.faults.map(withoutCause);
    const sent = netflow === undefined ? {} : { netflow: netflow.statistics() };
    const stored = store === undefined ? {} : { store: store.statistics() };
    process.stdout.write(`${JSON.stringify({ ...report, faults, ...sent, ...stored })}\n`);
  } else {
    const outputs = {
      output: flags.output,
      netflow: netflow?.statistics(),
      store: store?.statistics(),
    };
    process.stdout.write(meterText(report, outputs));
    for (const found of report.faults) process.stderr.write(formatFault(found));
  }
  if (report.faults.length > 0 || !report.conservation.isExact) process.exitCode = 1;
  else if (report.isInterrupted) process.exitCode = interruptedExitCode;
}

interface MeterRun {
  readonly report: OfflineReport;
  readonly netflow: NetflowConsumer | undefined;
  readonly store: StoreConsumer | undefined;
}

async function meter(flags: MeterFlags, path: string): Promise<Result<MeterRun>> {
  const refused = checkFlags(flags);
  if (refused !== undefined) return { ok: false, fault: refused };
  const cut = cutPolicyOf(flags);
  if (!cut.ok) return cut;
  const encapsulations = parseEncapsulations(flags.decapsulate);
  if (!encapsulations.ok) return encapsulations;
  // The capture before the rest, so that what is none leaves no empty output file behind.
  const file = await openCapture(path);
  if (!file.ok) return file;
  const netflow =
    flags.netflow === undefined ? undefined : await createNetflow(flags, flags.netflow, cut.value);
  if (netflow?.ok === false) return netflow;
  const output = flags.output === undefined ? undefined : await createOutput(flags, flags.output);
  if (output?.ok === false) return output;
  const store = flags.store === undefined ? undefined : await createStoreLoad(flags, flags.store);
  if (store?.ok === false) return store;
  const { meterCapture } = await import("../app/offline/mod.ts");
  const progress = createProgress();
  const interruption = listenForInterrupt(path);
  const report = await meterCapture({
    file: file.value,
    policy: cut.value.policy,
    flowsMax: flags.flowsMax,
    encapsulations: encapsulations.value,
    observationDomain: flags.observationDomain ?? 1,
    top: flags.top,
    consumers: [netflow, output, store].flatMap((made) => (made === undefined ? [] : [made.value])),
    signal: interruption.signal,
    onProgress: (done) => progress.show(progressText(done), progressShare(done)),
  });
  progress.clear();
  interruption.forget();
  return ok({ report, netflow: netflow?.value, store: store?.value });
}

/** Of what is no capture there is nothing to sum up, only what it was found to be. */
async function openCapture(path: string): Promise<Result<CaptureFile>> {
  const { identifyCapture, openCaptureFile } = await import("../capture/file/mod.ts");
  const opened = await openCaptureFile(path);
  if (!opened.ok) return opened;
  const found = await identifyCapture(opened.value);
  return found.ok ? found : { ok: false, fault: { ...found.fault, field: "capture file", value: path } };
}

/**
 * The first Ctrl-C ends the reading and shows what there is; a second one ends the process. Of a pipe the
 * rest is waited for a moment: Ctrl-C ends the program that writes it too, which then hands over what it has.
 */
function listenForInterrupt(path: string): { signal: AbortSignal; forget: () => void } {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const interrupt = (): void => {
    timer = setTimeout(() => controller.abort(), path === "-" ? pipeRestMs : 0);
  };
  process.once("SIGINT", interrupt);
  return {
    signal: controller.signal,
    forget: () => {
      process.off("SIGINT", interrupt);
      clearTimeout(timer);
    },
  };
}

function checkFlags(flags: MeterFlags): Fault | undefined {
  const checks: [flag: string, value: number, min: number, max: number][] = [
    ["--top", flags.top, 0, 1000],
    ["--flows-max", flags.flowsMax, 1, flowsMaxMax],
    ["--netflow-rate", flags.netflowRate ?? 1, 1, 1024],
    ["--observation-domain", flags.observationDomain ?? 1, 0, 2 ** 32 - 1],
  ];
  for (const [flag, value, min, max] of checks) {
    if (Number.isInteger(value) && value >= min && value <= max) continue;
    const allowed = `a whole number from ${min} to ${max}`;
    const refused = fail("InputOutOfRange", `${flag} is out of range`, {
      field: flag,
      value: String(value),
      allowed,
    });
    return refused.ok ? undefined : refused.fault;
  }
  return undefined;
}

async function createNetflow(
  flags: MeterFlags,
  target: string,
  { activeTimeoutS, inactiveTimeoutS }: CutPolicy,
): Promise<Result<NetflowConsumer>> {
  const parsed = parseHostPort(target, { flag: "--netflow", portDefault: netflowPort, ipv6: true });
  if (!parsed.ok) return parsed;
  const { createNetflowConsumer } = await import("../app/offline/mod.ts");
  return createNetflowConsumer({
    host: parsed.value.address,
    port: parsed.value.port,
    version: Number(flags.version ?? "9") as 5 | 9 | 10,
    observationDomain: flags.observationDomain ?? 1,
    activeTimeoutS,
    inactiveTimeoutS,
    ...(flags.netflowRate === undefined ? {} : { bytesPerSecond: flags.netflowRate * 2 ** 20 }),
  });
}

async function createOutput(flags: MeterFlags, path: string): Promise<Result<FlowConsumer>> {
  const { createFlowFile } = await import("../sink/file/mod.ts");
  const created = await createFlowFile({ path, overwrite: flags.force ?? false });
  return created.ok ? ok({ name: path, ...created.value }) : created;
}

async function createStoreLoad(flags: MeterFlags, target: string): Promise<Result<StoreConsumer>> {
  const [project, logstore, ...rest] = target.split("/");
  if (
    project === undefined ||
    project === "" ||
    logstore === undefined ||
    logstore === "" ||
    rest.length > 0
  ) {
    return fail("InputInvalid", `"${target}" does not name a logstore`, {
      field: "--store",
      value: target,
      allowed: "PROJECT/LOGSTORE, such as traffic/flows",
    });
  }
  const { createStoreConsumer, loadConfiguration } = await import("../app/mod.ts");
  const data = flags.data === undefined ? [] : [["data", flags.data] as const];
  const loaded = loadConfiguration({ environment: process.env, flags: [["log.level", "warn"], ...data] });
  if (!loaded.ok) return loaded;
  return createStoreConsumer({ configuration: loaded.value.configuration, project, logstore });
}

function progressText({ frames, readBytes }: OfflineProgress): string {
  return `${formatCount(frames)} frames, ${formatOctets(readBytes)} read`;
}

function progressShare({ readBytes, sizeBytes }: OfflineProgress): number | undefined {
  return sizeBytes === undefined || sizeBytes === 0 ? undefined : readBytes / sizeBytes;
}

/** A cause is whatever was thrown: for the log, not for scripts. */
function withoutCause(found: Fault): Omit<Fault, "cause"> {
  const { cause: _, ...told } = found;
  return told;
}

/** The meters that are compared, on a live interface: how each is started, ended, and what it says it lost. */
import { type ChildProcess, execFileSync, fork, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";

import type { WeirAccount } from "./weir.ts";

export interface MeterInput {
  /** The command that starts another one where the interface is, on the reader's CPU. */
  readonly within: readonly string[];
  readonly interfaceName: string;
  /** The collector's, on 127.0.0.1. */
  readonly port: number;
  /** Memory for packets that wait to be read; each of several workers has as much. */
  readonly bufferBytes: number;
  readonly activeS: number;
  readonly inactiveS: number;
  /** An empty directory for the meter's own files. */
  readonly directory: string;
}

/** What a meter says of itself. */
export interface OwnAccount {
  /** Packets that the kernel dropped before the meter read them. */
  readonly dropped: number;
  /** By how many packets its account does not add up, if it has one that could. */
  readonly error?: number;
}

export interface RunningMeter {
  readonly process: ChildProcess;
  /** Lets it end its flows and send them; resolves when it is gone. */
  finish(): Promise<OwnAccount>;
}

export interface LiveMeter {
  readonly name: string;
  readonly version: string;
  /** Processes that read packets side by side. */
  readonly workers: number;
  start(input: MeterInput): Promise<RunningMeter>;
}

/** The meters that are installed; Weir once for each number of workers, with so many flow logs on the interface. */
export function installedMeters(workers: readonly number[], flowLogs: number): LiveMeter[] {
  return [...workers.map((count) => weirOf(count, flowLogs)), softflowd, pmacctd].filter(
    (meter) => meter.version !== "",
  );
}

const flowsMax = 1_000_000;

const weirOf = (workers: number, flowLogs: number): LiveMeter => ({
  name: workers === 1 ? "weir" : `weir-${workers}-workers`,
  version: `Node.js ${process.versions.node}`,
  workers,
  async start({ within, interfaceName, port, bufferBytes, activeS, inactiveS, directory }) {
    const [command, ...args] = [...within, process.execPath];
    const options = [
      interfaceName,
      port,
      directory,
      bufferBytes / workers,
      activeS,
      inactiveS,
      workers,
      flowLogs,
    ];
    const child = fork(join(import.meta.dirname, "weir.ts"), options.map(String), {
      execPath: command,
      execArgv: [...args, "--disable-warning=ExperimentalWarning"],
      serialization: "advanced",
    });
    await once(child, "message");
    return {
      process: child,
      finish: async () => {
        const answer = once(child, "message") as Promise<[WeirAccount]>;
        child.send("finish");
        const [{ kernelDrops, error }] = await answer;
        await ended(child);
        return { dropped: kernelDrops, error };
      },
    };
  },
});

const softflowd: LiveMeter = {
  name: "softflowd",
  version: packageVersion("softflowd"),
  workers: 1,
  async start({ within, interfaceName, port, bufferBytes, activeS, inactiveS, directory }) {
    const socket = join(directory, "control");
    const timeouts = ["udp", "general"].flatMap((name) => ["-t", `${name}=${inactiveS}`]);
    const options =
      `-i ${interfaceName} -v 9 -n 127.0.0.1:${port} -m ${flowsMax} -B ${bufferBytes} -d -c ${socket} -p ${directory}/pid -t maxlife=${activeS} -t expint=1`.split(
        " ",
      );
    const child = start([...within, "softflowd", ...options, ...timeouts]);
    await until(() => existsSync(socket));
    const control = (command: string): string =>
      execFileSync("softflowctl", ["-c", socket, command], { encoding: "utf8" });
    return {
      process: child,
      finish: async () => {
        const dropped = Number(/dropped by libpcap: (\d+)/u.exec(control("statistics"))?.[1]);
        // A signal would end it before it has sent anything.
        control("shutdown");
        await ended(child);
        return { dropped };
      },
    };
  },
};

const pmacctd: LiveMeter = {
  name: "pmacctd",
  version: packageVersion("pmacctd"),
  workers: 1,
  async start({ within, interfaceName, port, bufferBytes, activeS, inactiveS, directory }) {
    const file = join(directory, "pmacctd.conf");
    const settings = {
      daemonize: "false",
      pcap_interface: interfaceName,
      snaplen: 128,
      pmacctd_pipe_size: bufferBytes,
      plugins: "nfprobe",
      aggregate: "src_host, dst_host, src_port, dst_port, proto, tos",
      // Without these, packets are handed to the plugin one by one.
      plugin_pipe_size: bufferBytes,
      plugin_buffer_size: 65_536,
      nfprobe_receiver: `127.0.0.1:${port}`,
      nfprobe_version: 9,
      nfprobe_maxflows: flowsMax,
      nfprobe_timeouts: `udp=${inactiveS}:general=${inactiveS}:maxlife=${activeS}:expint=1`,
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name}: ${value}\n`);
    writeFileSync(file, lines.join(""));
    const child = start([...within, "pmacctd", "-f", file]);
    const said = collect(child);
    await until(() => said().includes("link type is"));
    return {
      process: child,
      finish: async () => {
        child.kill("SIGINT");
        await ended(child);
        return { dropped: Number(/dropped_packets=(\d+)/u.exec(said())?.[1]) };
      },
    };
  },
};

function start(command: readonly string[]): ChildProcess {
  return spawn(command[0]!, command.slice(1), { stdio: ["ignore", "pipe", "pipe"] });
}

/** Everything that the process has said so far, on either output. */
function collect(child: ChildProcess): () => string {
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => (said += text));
  }
  return () => said;
}

async function until(isThere: () => boolean): Promise<void> {
  for (let waits = 0; !isThere(); waits++) {
    if (waits > 500) throw new Error("a meter does not start");
    await setTimeout(10);
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}

function packageVersion(program: string): string {
  const found = spawnSync("which", [program], { encoding: "utf8" });
  if (found.status !== 0) return "";
  const owner = program === "pmacctd" ? "pmacct" : program;
  const asked = spawnSync("dpkg-query", ["-W", "-f", "${Version}", owner], { encoding: "utf8" });
  return asked.status === 0 ? asked.stdout : "installed";
}

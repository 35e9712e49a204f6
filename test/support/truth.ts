/** What really crossed a wire, by tcpdump's capture and tshark's reading of it: the truth that Weir is held against. */
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";

import type { Namespace } from "./netns.ts";
import { eventually } from "./weir.ts";

export interface FlowTruth {
  packets: number;
  octets: number;
}

/** Keyed by `source destination protocol sourcePort destinationPort`, as flowKey() writes it. */
export type Truth = Map<string, FlowTruth>;

export function flowKey(flow: {
  readonly source: string;
  readonly destination: string;
  readonly protocol: number | string;
  readonly sourcePort: number | string;
  readonly destinationPort: number | string;
}): string {
  const { source, destination, protocol, sourcePort, destinationPort } = flow;
  return `${source} ${destination} ${protocol} ${sourcePort} ${destinationPort}`;
}

/** When a flow's first and last packets crossed the wire, milliseconds since 1970. */
export interface Lifetime {
  firstMs: number;
  lastMs: number;
}

export interface Recorder {
  /** Ends the recording and reads it. */
  finish(): Promise<Truth>;
  /** The same flows' lifetimes; empty before finish(). */
  lifetimes(): ReadonlyMap<string, Lifetime>;
}

/** Records the TCP and UDP packets on the peer's interface, or those that the filter passes. */
export async function recordTruth(
  peer: Namespace,
  interfaceName: string,
  folder: string,
  filter = "tcp or udp",
): Promise<Recorder> {
  const file = join(folder, `truth-${Date.now()}-${randomUUID()}.pcap`);
  // Headers alone, and room for a moment in which tcpdump does not run.
  const room = ["-s", "128", "-B", "16384"];
  const args = ["-i", interfaceName, "-U", "-w", file, "-Z", "root", "--immediate-mode", ...room, filter];
  const child = peer.start("tcpdump", args, ["ignore", "ignore", "pipe"]);
  let said = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => (said += text));
  await eventually("tcpdump listens", 60_000, () => (said.includes("listening on") ? true : undefined));
  const lifetimes = new Map<string, Lifetime>();
  return {
    lifetimes: () => lifetimes,
    finish: async () => {
      // It tells its counts when asked: until it has read all that it received, and nothing more comes.
      let counts = "";
      await eventually("tcpdump has read everything", 60_000, async () => {
        const [before, asked] = [counts, said.length];
        child.kill("SIGUSR1");
        await new Promise((resume) => setTimeout(resume, 1000));
        counts = said.slice(asked);
        const [captured, received] = countsIn(counts);
        return captured !== undefined && captured === received && counts === before ? true : undefined;
      });
      const asked = said.length;
      child.kill("SIGTERM");
      await once(child, "close");
      if (!said.slice(asked).includes("\n0 packets dropped by kernel")) {
        throw new Error(`tcpdump has not seen everything: ${said}`);
      }
      return readTruth(file, lifetimes);
    },
  };
}

function countsIn(text: string): (string | undefined)[] {
  return [/(\d+) packets captured/u, /(\d+) packets received/u].map((word) => word.exec(text)?.[1]);
}

function readTruth(file: string, lifetimes: Map<string, Lifetime>): Truth {
  const columns = ["ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "ip.proto", "ipv6.nxt", "ip.len", "ipv6.plen"];
  const ports = ["udp.srcport", "udp.dstport", "tcp.srcport", "tcp.dstport"];
  const fields = [...columns, ...ports, "frame.time_epoch"].flatMap((name) => ["-e", name]);
  const text = execFileSync("tshark", ["-r", file, "-T", "fields", "-E", "occurrence=f", ...fields], {
    encoding: "utf8",
    maxBuffer: 256 << 20,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const truth: Truth = new Map();
  for (const line of text.split("\n").filter(Boolean)) addPacket(truth, lifetimes, line.split("\t"));
  return truth;
}

function addPacket(truth: Truth, lifetimes: Map<string, Lifetime>, cells: readonly string[]): void {
  const [source4, destination4, source6, destination6, protocol4, protocol6, length4, length6] = cells;
  const [udpSource, udpDestination, tcpSource, tcpDestination, time] = cells.slice(8);
  const key = flowKey({
    source: source4 || source6!,
    destination: destination4 || destination6!,
    protocol: protocol4 || protocol6!,
    sourcePort: udpSource || tcpSource!,
    destinationPort: udpDestination || tcpDestination!,
  });
  const flow = truth.get(key) ?? { packets: 0, octets: 0 };
  flow.packets++;
  // An IPv6 payload length leaves out the 40 octets of the header.
  flow.octets += length4 ? Number(length4) : Number(length6) + 40;
  truth.set(key, flow);
  const timeMs = Number(time) * 1000;
  const { firstMs = timeMs } = lifetimes.get(key) ?? {};
  lifetimes.set(key, { firstMs, lastMs: timeMs });
}

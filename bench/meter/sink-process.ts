/** The counting sink as a process of its own, on a CPU of its own. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";

export interface SinkCounts {
  readonly datagrams: number;
  readonly octets: number;
  readonly records: number;
  /** Packets that the records tell of. */
  readonly packets: number;
  /** Datagrams that did not come, by the sequence numbers of those that did. */
  readonly missing: number;
}

export interface Sink {
  readonly port: number;
  /** What came since the last call, once nothing more comes. */
  take(): Promise<SinkCounts>;
  stop(): void;
}

/** Datagrams wait in the receive buffer no longer than this once the sender has ended. */
const settleMs = 100;

/** `prefix` is a command that starts it, such as `ip netns exec` and its arguments. */
export async function startSink(cpu: number, prefix: readonly string[] = []): Promise<Sink> {
  const script = join(import.meta.dirname, "sink.ts");
  const [command, ...args] = [
    ...prefix,
    "taskset",
    "-c",
    `${cpu}`,
    process.execPath,
    "--disable-warning=ExperimentalWarning",
    script,
  ];
  const child = spawn(command, args, {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout });
  const [port] = (await once(lines, "line")) as [string];
  return {
    port: Number(port),
    take: async () => {
      await setTimeout(settleMs);
      const answer = once(lines, "line") as Promise<[string]>;
      child.stdin.write("\n");
      return JSON.parse((await answer)[0]) as SinkCounts;
    },
    stop: () => child.stdin.end(),
  };
}

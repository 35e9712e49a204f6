/** Other people's collectors on the loopback, and a relay that feeds them what an exporter sends. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { freePort } from "../support/ports.ts";
import { childrenOf, threadStates } from "../support/processes.ts";
import type { FlowTotals } from "../wire/export/sample-flows.ts";

export interface CollectorReport extends FlowTotals {
  /** Lines or counts in which the collector complains of a sequence number. */
  readonly sequenceErrors: number;
  /** Lines in which it complains of anything else. */
  readonly complaints: readonly string[];
}

export interface NfcapdReport extends CollectorReport {
  /** Start of the first and end of the last flow, milliseconds since 1970. */
  readonly firstMs: number;
  readonly lastMs: number;
  /** What nfdump calls the interfaces of the first flow. */
  readonly interfaceNames: readonly string[];
}

export interface Collector<Report = CollectorReport> {
  readonly port: number;
  /** Stops the collector and tells what it has read. */
  finish(): Promise<Report>;
}

const timeoutMs = 90_000;
/** For so long nothing is to be done. */
const restMs = 500;

export async function startNfcapd(folder: string): Promise<Collector<NfcapdReport>> {
  const flows = join(folder, "nfcapd");
  mkdirSync(flows);
  const port = await freePort();
  const child = spawn("nfcapd", [
    "-b",
    "127.0.0.1",
    "-p",
    `${port}`,
    "-w",
    flows,
    "-t",
    "3600",
    "-B",
    "4000000",
  ]);
  process.once("exit", () => child.kill("SIGKILL"));
  const output = outputOf(child);
  await until(() => output().includes("Startup nfcapd."), output);
  return {
    port,
    finish: async () => {
      await drained(port, child.pid!);
      child.kill("SIGTERM");
      // Its last words are its counts.
      await once(child, "close");
      const text = execFileSync("nfdump", ["-R", flows, "-I"], { encoding: "utf8" });
      const format = ["-R", flows, "-q", "-c", "1", "-o", "fmt:%inam %onam"];
      const names = execFileSync("nfdump", format, { encoding: "utf8" });
      const number = (name: string) => Number(new RegExp(`^${name}: (\\d+)`, "mu").exec(text)?.[1]);
      const lines = output().split("\n");
      return {
        flows: number("Flows"),
        packets: number("Packets"),
        octets: number("Bytes"),
        sequenceErrors: Number(/Sequence Errors: (\d+)/u.exec(output())?.[1]),
        complaints: lines.filter((line) =>
          line.startsWith("Ident") ? !line.endsWith("Bad Packets: 0") : /error|extra bytes|skip/iu.test(line),
        ),
        firstMs: number("First") * 1000 + number("msec_first"),
        lastMs: number("Last") * 1000 + number("msec_last"),
        interfaceNames: names.split(/\s+/u).filter(Boolean),
      };
    },
  };
}

export async function startNfacctd(folder: string): Promise<Collector> {
  const port = await freePort();
  const [config, log, records] = ["conf", "log", "json"].map((name) => join(folder, `nfacctd.${name}`));
  writeFileSync(
    config!,
    [
      "daemonize: false",
      "nfacctd_ip: 127.0.0.1",
      `nfacctd_port: ${port}`,
      "nfacctd_pipe_size: 4000000",
      "nfacctd_disable_checks: false",
      "plugins: print",
      "aggregate: etype, proto, flows",
      "print_refresh_time: 3600",
      "print_output: json",
      `print_output_file: ${records}`,
      "print_output_file_append: true",
      `logfile: ${log}`,
      "",
    ].join("\n"),
  );
  writeFileSync(records!, "");
  writeFileSync(log!, "");
  const child = spawn("nfacctd", ["-f", config!], { stdio: "ignore" });
  process.once("exit", () => child.kill("SIGKILL"));
  const logged = () => readFileSync(log!, "utf8");
  await until(() => logged().includes("waiting for NetFlow/IPFIX data"), logged);
  await until(() => logged().includes("JSON: setting object handlers"), logged);
  return {
    port,
    finish: async () => {
      await drained(port, child.pid!);
      child.kill("SIGINT");
      await once(child, "exit");
      await until(() => logged().includes("Purging cache - END"), logged);
      const rows = readFileSync(records!, "utf8").trimEnd().split("\n").filter(Boolean);
      const sum = (name: string) => rows.reduce((total, row) => total + Number(JSON.parse(row)[name]), 0);
      const lines = logged().split("\n");
      return {
        flows: sum("flows"),
        packets: sum("packets"),
        octets: sum("bytes"),
        sequenceErrors: lines.filter((line) => line.includes("expecting flow")).length,
        complaints: lines.filter((line) =>
          /malformed|WARN|ERROR|unable|unknown template|Discarded/iu.test(line),
        ),
      };
    },
  };
}

export interface Relay {
  readonly port: number;
  /** Every datagram that came, the dropped one included. */
  readonly received: readonly Uint8Array[];
  readonly forwarded: readonly Uint8Array[];
  close(): void;
}

/** Forwards datagrams to the ports on 127.0.0.1, all but number `dropped` (from 0). */
export async function startRelay(ports: readonly number[], dropped = -1): Promise<Relay> {
  const incoming = createSocket({ type: "udp4", recvBufferSize: 4 << 20 });
  const outgoing = createSocket("udp4");
  const received: Uint8Array[] = [];
  const forwarded: Uint8Array[] = [];
  incoming.on("message", (message) => {
    received.push(message);
    if (received.length - 1 === dropped) return;
    forwarded.push(message);
    for (const port of ports) outgoing.send(message, port, "127.0.0.1");
  });
  await bind(incoming);
  return {
    port: incoming.address().port,
    received,
    forwarded,
    close: () => {
      incoming.close();
      outgoing.close();
    },
  };
}

async function bind(socket: Socket): Promise<void> {
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
}

function outputOf(child: ChildProcess): () => string {
  let text = "";
  child.stdout?.on("data", (chunk) => (text += chunk));
  child.stderr?.on("data", (chunk) => (text += chunk));
  return () => text;
}

/** Waits until the collector has taken everything from its socket, and none of its processes does anything with it. */
async function drained(port: number, processId: number): Promise<void> {
  const entry = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")} `;
  const queued = () =>
    readFileSync("/proc/net/udp", "utf8")
      .split("\n")
      .some((line) => line.includes(entry) && !line.includes(":00000000 00:"));
  const isAtRest = (): boolean =>
    [processId, ...childrenOf(processId)].flatMap(threadStates).every((state) => state === "S") && !queued();
  let since = 0;
  await until(
    () => {
      if (isAtRest()) since ||= Date.now();
      else since = 0;
      return since > 0 && Date.now() - since > restMs;
    },
    () => "the collector does not come to rest",
  );
}

async function until(condition: () => boolean, state: () => string): Promise<void> {
  const deadlineMs = Date.now() + timeoutMs;
  while (!condition()) {
    if (Date.now() > deadlineMs) throw new Error(`timed out; so far: ${state()}`);
    await sleep(20);
  }
}

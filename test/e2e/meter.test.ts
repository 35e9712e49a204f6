/** `./weir meter` as a user runs it, and what a collector makes of what it sends. */
import { spawn } from "node:child_process";
import { createReadStream, existsSync, readFileSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import type { OfflineReport } from "../../src/app/offline/mod.ts";
import { createTrace, smallTrace, type Trace } from "../app/offline/trace.ts";
import { requirePeer } from "../support/peers.ts";
import { freePort } from "../support/ports.ts";
import { threadStates } from "../support/processes.ts";
import { countSlsLogs } from "../support/sls-client.ts";
import { eventually, startWeir, temporaryDirectory } from "../support/weir.ts";
import { startNfcapd } from "./netflow-collectors.ts";

const launcher = resolve(import.meta.dirname, "../../weir");
const folder = temporaryDirectory("meter");
const path = (name: string) => join(folder.path, name);
let trace: Trace;

beforeAll(() => {
  trace = createTrace({ activeTimeoutUs: 300e6, inactiveTimeoutUs: 15e6, endOfFlowLingerUs: 5e6 });
  writeFileSync(path("trace.pcap"), trace.bytes);
});
afterAll(() => folder.remove());

interface Run {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

async function weirMeter(inputs: readonly string[], standardInput?: string): Promise<Run> {
  const child = spawn(launcher, ["meter", ...inputs], { stdio: ["pipe", "pipe", "pipe"] });
  let output = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  if (standardInput === undefined) child.stdin.end();
  else createReadStream(standardInput).pipe(child.stdin);
  const [code] = (await once(child, "close")) as [number | null];
  return { code, output, errors };
}

describe("weir meter", () => {
  it("prints a summary that adds up", async () => {
    const { code, output, errors } = await weirMeter([path("trace.pcap")]);
    expect([code, errors]).toEqual([0, ""]);
    expect(output).toContain("conserved to the unit");
    expect(output).toMatch(/^packets +60,000$/mu);
    expect(output).toContain("Top talkers by octets");
  });

  it("cuts flows by windows instead, and refuses timeouts beside them", async () => {
    const { code } = await weirMeter([path("trace.pcap"), "--window", "1m", "--output", path("windows.csv")]);
    expect(code).toBe(0);
    const [header, ...lines] = readFileSync(path("windows.csv"), "utf8").trim().split("\n");
    const names = header!.split(",");
    const flows = lines.map((line) => {
      const values = line.split(",");
      return (name: string) => Number(values[names.indexOf(name)]);
    });
    expect(flows.reduce((sum, flow) => sum + flow("packets"), 0)).toBe(60_000);
    for (const flow of flows) {
      expect(flow("windowS")).toBe(60);
      expect(Math.floor(flow("startUs") / 60e6)).toBe(Math.floor(flow("endUs") / 60e6));
    }
    const refused = await weirMeter([path("trace.pcap"), "--window", "1m", "--inactive-timeout", "10"]);
    expect(refused.code).toBe(1);
    expect(refused.errors).toContain("by windows or by timeouts");
  });

  it("reads compressed standard input and answers in JSON", async () => {
    writeFileSync(path("trace.pcap.gz"), gzipSync(trace.bytes));
    const { code, output } = await weirMeter(["-", "--json"], path("trace.pcap.gz"));
    expect(code).toBe(0);
    const totals = trace.truth.totals();
    expect(JSON.parse(output)).toMatchObject({
      compression: "gzip",
      packets: totals.packets,
      octets: totals.octets,
      flows: totals.records,
      conservation: { isExact: true },
      faults: [],
    });
  });

  it("writes every flow, and does not replace a file unless forced", async () => {
    const inputs = [path("trace.pcap"), "--output", path("flows.jsonl")];
    expect((await weirMeter(inputs)).code).toBe(0);
    const flows = readFileSync(path("flows.jsonl"), "utf8").trimEnd().split("\n");
    expect(flows.length).toBe(trace.truth.totals().records);
    const refused = await weirMeter(inputs);
    expect(refused.code).toBe(1);
    expect(refused.errors).toContain("--force");
    expect((await weirMeter([...inputs, "--force"])).code).toBe(0);
  });

  it("reports and writes what a cut file holds, says where it is cut, and exits with 1", async () => {
    writeFileSync(path("cut.pcap"), trace.bytes.subarray(0, 1_000_000));
    const { code, output, errors } = await weirMeter([path("cut.pcap"), "--output", path("cut.csv")]);
    expect(code).toBe(1);
    expect(output).toContain("conserved to the unit");
    expect(errors).toMatch(
      /the capture file ends within the record at byte 999\d{3}: \d+ octets needed, \d+ there/u,
    );
    expect(readFileSync(path("cut.csv"), "utf8").split("\n").length).toBeGreaterThan(1000);
  });

  it("says of a file that is no capture only what it found and what it takes", async () => {
    writeFileSync(path("notes.txt"), "not a capture");
    const told = await weirMeter([path("notes.txt")]);
    expect(told).toEqual({
      code: 1,
      output: "",
      errors:
        'error: the file is no capture: it begins with 0x6e6f7420 ("not ")\n' +
        `  capture file: ${path("notes.txt")}\n` +
        "  allowed: a pcap or pcapng file\n",
    });
    const { output } = await weirMeter([path("notes.txt"), "--json", "--output", path("notes.csv")]);
    expect(existsSync(path("notes.csv"))).toBe(false);
    expect(JSON.parse(output)).toMatchObject({ error: { code: "Malformed", field: "capture file" } });
  });

  it("refuses a capture that is not there before it makes anything", async () => {
    const { code, errors } = await weirMeter([path("none.pcap"), "--output", path("none.csv")]);
    expect(code).toBe(1);
    expect(errors).toContain("does not exist");
    expect(errors).toContain("allowed: a pcap or pcapng file");
    expect(existsSync(path("none.csv"))).toBe(false);
  });

  it.each(["--active-timeout=0", "--inactive-timeout=65536", "--top=-1", "--netflow=[::1"])(
    "refuses %s and says what is allowed",
    async (flag) => {
      const { code, errors } = await weirMeter([path("trace.pcap"), flag]);
      expect(code).toBe(1);
      expect(errors).toContain("allowed:");
    },
  );

  it("shows what it has when Ctrl-C ends a pipe that has nothing more to say", async () => {
    const child = spawn(launcher, ["meter", "-", "--json"], { stdio: ["pipe", "pipe", "inherit"] });
    const exit = once(child, "close");
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
    // The write is done when the program has read all but what the pipe holds.
    const begun = trace.bytes.subarray(0, trace.bytes.length / 2);
    await new Promise((resume) => child.stdin.write(begun, resume));
    await eventually("it waits for more", 60_000, () =>
      threadStates(child.pid!).every((state) => state === "S") ? true : undefined,
    );
    child.kill("SIGINT");
    expect((await exit)[0]).toBe(130);
    const report = JSON.parse(output) as OfflineReport;
    expect(report).toMatchObject({ isInterrupted: true, faults: [], conservation: { isExact: true } });
    expect(report.packets).toBeGreaterThan(1000);
  });

  it("says that nobody listens at the collector's address", async () => {
    const port = await freePort();
    const { code, output, errors } = await weirMeter([path("trace.pcap"), "--netflow", `127.0.0.1:${port}`]);
    expect(code).toBe(1);
    const refusal = `error: the collector at 127\\.0\\.0\\.1 port ${port} refused datagrams: \\S+ ECONNREFUSED; `;
    expect(errors).toMatch(new RegExp(refusal, "u"));
    expect(output).toContain("conserved to the unit");
  });
});

describe.skipIf(!requirePeer("nfcapd", "nfdump"))("what weir meter sends", () => {
  it.each(["5", "9", "10"])(
    "is read by nfcapd as NetFlow version %s with the trace's counts",
    async (version) => {
      const options = { ...smallTrace, ipv6Share: version === "5" ? 0 : smallTrace.ipv6Share };
      const timeouts = { activeTimeoutUs: 10e6, inactiveTimeoutUs: 5e6, endOfFlowLingerUs: 5e6 };
      const { bytes, truth } = createTrace(timeouts, options);
      const own = temporaryDirectory(`meter-${version}`);
      writeFileSync(join(own.path, "trace.pcap"), bytes);
      const collector = await startNfcapd(own.path);
      const target = `127.0.0.1:${collector.port}`;
      const aging = ["--active-timeout", "10", "--inactive-timeout", "5"];
      const inputs = [join(own.path, "trace.pcap"), ...aging, "--netflow", target, "--version", version];
      expect(await weirMeter(inputs)).toMatchObject({ code: 0, errors: "" });
      const totals = truth.totals();
      expect(await collector.finish()).toMatchObject({
        flows: totals.records,
        packets: totals.packets,
        octets: totals.octets,
        sequenceErrors: 0,
        complaints: [],
      });
      own.remove();
    },
  );
});

describe("weir meter --store", () => {
  const data = path("data");

  it("loads every flow into the embedded store, where a server then finds it", async () => {
    const loaded = await weirMeter([path("trace.pcap"), "--store", "traffic/flows", "--data", data]);
    expect(loaded).toMatchObject({ code: 0, errors: "" });
    expect(loaded.output).toMatch(/^stored +[\d,]+ flows in traffic\/flows$/mu);
    const weir = await startWeir({ data });
    const { records } = trace.truth.totals();
    const first = new Date(trace.truth.totals().firstUs / 1000 - 1000);
    const range: [Date, Date] = [first, new Date(first.getTime() + 120_000)];
    expect(await countSlsLogs(weir.ready, "traffic", "flows", "*", range)).toBe(records);
    const refused = await weirMeter([
      path("trace.pcap"),
      "--store",
      "traffic/flows",
      "--data",
      data,
      "--json",
    ]);
    expect(refused.code).toBe(1);
    expect(JSON.parse(refused.output)).toMatchObject({ error: { code: "DataDirectoryLocked" } });
    await weir.stop();
    const again = await weirMeter([path("trace.pcap"), "--store", "traffic/more", "--data", data, "--json"]);
    expect(JSON.parse(again.output)).toMatchObject({
      store: { project: "traffic", logstore: "more", flowsStored: records },
    });
  });

  it("refuses what names no logstore", async () => {
    const { code, errors } = await weirMeter([path("trace.pcap"), "--store", "traffic"]);
    expect(code).toBe(1);
    expect(errors).toContain("PROJECT/LOGSTORE");
  });
});

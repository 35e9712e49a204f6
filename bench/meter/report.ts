/** The tables of the comparison. */
import type { TruthTotals } from "../generate/mod.ts";
import type { SinkCounts } from "./sink-process.ts";

export interface Run {
  readonly wallS: number;
  readonly cpuS: number;
  readonly residentMb: number;
  readonly flows: number;
  readonly received: SinkCounts;
}

export interface StageFigures {
  readonly packets: number;
  readonly activeFlowsMax: number;
  readonly tableBytes: number;
  readonly collectedMs: number;
  readonly wallMs: number;
  readonly spent: Readonly<Record<string, number>>;
}

/** What was found with one number of flows. */
export interface CurvePoint {
  readonly size: string;
  readonly packets: number;
  readonly runs: ReadonlyMap<string, readonly Run[]>;
  readonly stages: StageFigures;
}

/** One line a number of flows: how fast each tool is, by how much the first one is faster, and its table. */
export function printCurve(points: readonly CurvePoint[]): void {
  const [first = "", ...others] = points[0]?.runs.keys() ?? [];
  const speeds = [first, ...others].map((name) => `${name}, Mpackets/CPU-s`);
  const ratios = others.map((name) => `faster than ${name} by`);
  print(`\n| flows at a time | ${[...speeds, ...ratios].join(" | ")} | table, bytes a flow |`);
  print(`|${"---|".repeat(speeds.length + ratios.length + 2)}`);
  for (const { packets, runs, stages } of points) {
    const cpuS = (name: string): number => medianOf(runs.get(name)!, "cpuS");
    const cells = [
      `${stages.activeFlowsMax}`,
      ...[first, ...others].map((name) => (packets / cpuS(name) / 1e6).toFixed(2)),
      ...others.map((name) => (cpuS(name) / cpuS(first)).toFixed(1)),
      (stages.tableBytes / stages.activeFlowsMax).toFixed(0),
    ];
    print(`| ${cells.join(" | ")} |`);
  }
}

export function printResults(
  size: string,
  truth: TruthTotals,
  runs: ReadonlyMap<string, readonly Run[]>,
): void {
  const first = runs.values().next().value ?? [];
  const rounds = first.length;
  print(`\n## ${size}: ${truth.packets} packets, ${truth.uniflows} uniflows, ${truth.records} records`);
  print(
    `\n| meter | wall s | user+sys s | Mpackets/CPU-s | weir is faster by, CPU (wall) | RSS MB | records |`,
  );
  print("|---|---|---|---|---|---|---|");
  const weirCpuS = medianOf(first, "cpuS");
  const weirWallS = medianOf(first, "wallS");
  for (const [name, of] of runs) {
    const cpuS = medianOf(of, "cpuS");
    const faster = `${(cpuS / weirCpuS).toFixed(2)} (${(medianOf(of, "wallS") / weirWallS).toFixed(2)})`;
    const cells = [
      name,
      rangeOf(of, "wallS"),
      rangeOf(of, "cpuS"),
      (truth.packets / cpuS / 1e6).toFixed(2),
      name === "weir" ? "" : faster,
      medianOf(of, "residentMb").toFixed(0),
      `${medianOf(of, "flows")}`,
    ];
    print(`| ${cells.join(" | ")} |`);
  }
  print(`\n${rounds} rounds: median (least–most). At the sink, last round:`);
  for (const [name, of] of runs) {
    const received = of.at(-1)?.received;
    if (received !== undefined && received.datagrams > 0) {
      print(
        `${name}: ${received.datagrams} datagrams, ${received.octets} octets, ${received.records} records`,
      );
    }
  }
}

export function printStages(stages: readonly StageFigures[]): void {
  const last = stages.at(-1);
  if (last === undefined) return;
  const names = Object.keys(last.spent);
  const of = (name: string): number => median(stages.map((figures) => figures.spent[name]!));
  const total = names.reduce((sum, name) => sum + of(name), 0);
  print(`\n| weir's time | ms | share | ns/packet |`);
  print("|---|---|---|---|");
  for (const name of names) {
    const ms = of(name);
    const perPacket = ((ms / last.packets) * 1e6).toFixed(0);
    print(`| ${name} | ${ms.toFixed(0)} | ${((ms / total) * 100).toFixed(0)} % | ${perPacket} |`);
  }
  const collected = (median(stages.map((figures) => figures.collectedMs / figures.wallMs)) * 100).toFixed(1);
  print(
    `\nTable: ${last.tableBytes} bytes for ${last.activeFlowsMax} flows at once, ${(last.tableBytes / last.activeFlowsMax).toFixed(0)} bytes a flow. Garbage collection: ${collected} % of the time.`,
  );
}

function rangeOf(runs: readonly Run[], figure: "wallS" | "cpuS"): string {
  const all = runs.map((run) => run[figure]);
  return `${median(all).toFixed(2)} (${Math.min(...all).toFixed(2)}–${Math.max(...all).toFixed(2)})`;
}

function medianOf(runs: readonly Run[], figure: "wallS" | "cpuS" | "residentMb" | "flows"): number {
  return median(runs.map((run) => run[figure]));
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((one, other) => one - other);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

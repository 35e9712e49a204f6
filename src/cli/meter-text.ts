/** The summary of `weir meter` for people. */
import type { Conservation, OfflineReport } from "../app/offline/mod.ts";
import { createStyle } from "./ui/style.ts";
import { formatCount, formatOctets, formatPairs, formatTable } from "./ui/table.ts";

/** What `--store` did: flows that the spool took, and those of them that the store then had. */
interface StoreOutput {
  readonly project: string;
  readonly logstore: string;
  readonly flowsAccepted: number;
  readonly flowsStored: number;
}

export interface MeterOutputs {
  readonly output: string | undefined;
  readonly netflow:
    | { readonly datagramsSent: number; readonly flowsSent: number; readonly flowsSkipped: number }
    | undefined;
  readonly store: StoreOutput | undefined;
}

const protocolNames: Readonly<Record<number, string>> = { 6: "TCP", 17: "UDP", 132: "SCTP" };

const endReasons = {
  idle: "idle",
  active: "active timeout or window",
  endOfFlow: "end of flow",
  forced: "end of capture",
  lackOfResources: "no room",
} as const;

const undecodable = {
  notIp: "not IP",
  truncated: "cut before the IP header",
  malformed: "malformed",
  unsupportedLink: "link type not known",
} as const;

export function meterText(report: OfflineReport, outputs: MeterOutputs): string {
  const style = createStyle(process.stdout);
  const sections = [formatPairs(overview(report, outputs))];
  const { entries, octetsUncertain } = report.topTalkers;
  if (entries.length > 0) {
    const margin = octetsUncertain === 0 ? "" : ` (up to ${formatOctets(octetsUncertain)} more each)`;
    sections.push(`${style.bold(`Top talkers by octets${margin}`)}\n${talkerTable(report)}`);
  }
  if (report.topPorts.length > 0) {
    sections.push(`${style.bold("Top service ports by octets")}\n${portTable(report)}`);
  }
  sections.push(conservationText(report.conservation));
  return sections.join("\n");
}

function overview(report: OfflineReport, outputs: MeterOutputs): [name: string, value: string][] {
  const seconds = report.elapsedMs / 1000;
  const compression = report.compression === "none" ? "" : `, ${report.compression}`;
  const pairs: [name: string, value: string][] = [
    ["capture", `${report.path} (${report.format}${compression})`],
    ["frames", formatCount(report.frames.read)],
    ["packets", formatCount(report.packets)],
    ["octets", `${formatCount(report.octets)} (${formatOctets(report.octets)}, layer 3)`],
    ["flows", withReasons(report.flows, report.flowsByEndReason, endReasons)],
  ];
  if (report.isInterrupted) pairs.push(["interrupted", "the rest of the capture was not read"]);
  const lost = report.frames.read - report.frames.metered;
  pairs.push(["not metered", lost === 0 ? "0" : withReasons(lost, report.frames, undecodable)]);
  if (report.frames.unsupportedLink > 0)
    pairs.push(["link type", `${report.linkType}, which cannot be read`]);
  if (report.fragmentsUnattributed > 0) {
    pairs.push([
      "fragments",
      `${formatCount(report.fragmentsUnattributed)} without their first one, metered with port 0`,
    ]);
  }
  pairs.push(...tunnelPairs(report));
  if (report.startUs !== undefined && report.endUs !== undefined) {
    const lasted = ((report.endUs - report.startUs) / 1e6).toFixed(3);
    pairs.push(["time", `${timeText(report.startUs)} to ${timeText(report.endUs)} (${lasted} s)`]);
  }
  const speed = formatCount(report.frames.read / Math.max(seconds, 1e-3));
  pairs.push(["took", `${seconds.toFixed(2)} s, ${speed} frames/s`]);
  if (outputs.output !== undefined) pairs.push(["written to", outputs.output]);
  if (outputs.netflow !== undefined) pairs.push(["sent", sentText(outputs.netflow)]);
  if (outputs.store !== undefined) pairs.push(["stored", storedText(outputs.store)]);
  return pairs;
}

function tunnelPairs({ packetsDecapsulated, packetsInnerUnread }: OfflineReport): [string, string][] {
  if (packetsDecapsulated + packetsInnerUnread === 0) return [];
  const inside = `${formatCount(packetsDecapsulated)} packets metered by their inner header`;
  const outside = `${formatCount(packetsInnerUnread)} by the outer one, with no IP readable inside`;
  return [["tunnels", packetsInnerUnread === 0 ? inside : `${inside}, ${outside}`]];
}

function sentText({ flowsSent, datagramsSent, flowsSkipped }: NonNullable<MeterOutputs["netflow"]>): string {
  const skipped =
    flowsSkipped === 0
      ? ""
      : `; ${formatCount(flowsSkipped)} IPv6 flows left out, which version 5 cannot tell`;
  return `${formatCount(flowsSent)} flows in ${formatCount(datagramsSent)} datagrams${skipped}`;
}

function storedText({ project, logstore, flowsAccepted, flowsStored }: StoreOutput): string {
  const target = `${project}/${logstore}`;
  if (flowsStored === flowsAccepted) return `${formatCount(flowsStored)} flows in ${target}`;
  return `not all of ${formatCount(flowsAccepted)} flows in ${target}; the next start on this data directory stores the rest`;
}

/** "12 (10 idle, 2 end of flow)" */
function withReasons<Reason extends string>(
  total: number,
  counts: Readonly<Record<NoInfer<Reason>, number>>,
  names: Readonly<Record<Reason, string>>,
): string {
  const parts = (Object.keys(names) as Reason[])
    .filter((reason) => counts[reason] > 0)
    .map((reason) => `${formatCount(counts[reason])} ${names[reason]}`);
  return parts.length === 0 ? formatCount(total) : `${formatCount(total)} (${parts.join(", ")})`;
}

/** ISO 8601 with microseconds; the number itself where a calendar has no such day. */
function timeText(timeUs: number): string {
  const date = new Date(timeUs / 1000);
  if (Number.isNaN(date.getTime())) return `${timeUs} µs`;
  const fraction = String(timeUs % 1e6).padStart(6, "0");
  return `${date.toISOString().slice(0, -5)}.${fraction}Z`;
}

function talkerTable({ topTalkers }: OfflineReport): string {
  const columns = [
    { title: "ADDRESS" },
    { title: "OCTETS", align: "right" },
    { title: "SENT", align: "right" },
    { title: "RECEIVED", align: "right" },
    { title: "PACKETS", align: "right" },
  ] as const;
  const rows = topTalkers.entries.map(({ address, octetsSent, octetsReceived, packets }) => [
    address,
    formatCount(octetsSent + octetsReceived),
    formatCount(octetsSent),
    formatCount(octetsReceived),
    formatCount(packets),
  ]);
  return formatTable(columns, rows);
}

function portTable({ topPorts }: OfflineReport): string {
  const columns = [
    { title: "PORT" },
    { title: "OCTETS", align: "right" },
    { title: "PACKETS", align: "right" },
    { title: "FLOWS", align: "right" },
  ] as const;
  const rows = topPorts.map(({ protocol, port, octets, packets, flows }) => [
    `${protocolNames[protocol] ?? protocol} ${port}`,
    formatCount(octets),
    formatCount(packets),
    formatCount(flows),
  ]);
  return formatTable(columns, rows);
}

function conservationText(sums: Conservation): string {
  const style = createStyle(process.stdout);
  const frames = `${formatCount(sums.framesRead)} frames read = ${formatCount(sums.packetsMetered)} metered + ${formatCount(sums.framesByOutcome - sums.packetsMetered)} not metered`;
  const flows = `flows hold ${formatCount(sums.packetsInFlows)} packets and ${formatCount(sums.octetsInFlows)} octets of ${formatCount(sums.octetsMetered)} metered`;
  const verdict = sums.isExact ? style.good("conserved to the unit") : style.bad("NOT CONSERVED");
  return `${frames}; ${flows}: ${verdict}\n`;
}

/**
 * A meter that is slow and plainly right, written from the rules and not from src/meter.
 *
 * It has no timers: it keeps for each key the packets of the record that is open, and looks at them when the
 * next packet of the key comes or when the traffic ends.
 */
import type { TestFlow, TestPacket } from "./traffic.ts";

export interface ReferenceRules {
  readonly activeUs: number;
  readonly inactiveUs: number;
  readonly lingerUs: number;
}

const finBit = 1;
const synBit = 2;
const rstBit = 4;

/**
 * The flows of `packets`. `end` says how the traffic ends: "silence" lets every flow reach its deadline,
 * "forced" cuts what is open.
 */
export function referenceFlows(
  packets: readonly TestPacket[],
  rules: ReferenceRules,
  end: "silence" | "forced",
): TestFlow[] {
  const open = new Map<string, TestPacket[]>();
  const flows: TestFlow[] = [];
  for (const packet of packets) {
    const key = keyOf(packet);
    const record = open.get(key);
    const reason = record === undefined ? null : reasonBefore(packet, record, rules);
    if (record !== undefined && reason === null) {
      record.push(packet);
    } else {
      if (record !== undefined && reason !== null) flows.push(flowOf(record, reason));
      open.set(key, [packet]);
    }
  }
  for (const record of open.values()) {
    flows.push(
      flowOf(record, end === "silence" ? reasonOfSilence(record, rules) : isFinished(record) ? 3 : 4),
    );
  }
  return flows;
}

/** What a meter is told, in this order: packets, or that its clock shows a time. */
export type WindowEvent = { readonly packet: TestPacket } | { readonly clockUs: number };

/**
 * The records of a meter that cuts by windows of `windowUs`, whose clock turns in steps of `stepUs`. A window is
 * handed over when the clock has come to its end; what comes for it later, with the clock's next step.
 */
export function referenceWindowFlows(
  events: readonly WindowEvent[],
  windowUs: number,
  stepUs: number,
): TestFlow[] {
  const open = new Map<string, TestPacket[]>();
  const flows: TestFlow[] = [];
  const handOver = (clockUs: number): void => {
    for (const [key, record] of open) {
      const endUs = (windowNumber(record[0]!) + 1) * windowUs;
      if (endUs > clockUs) continue;
      flows.push(flowOf(record, isFinished(record) ? 3 : 2));
      open.delete(key);
    }
  };
  const windowNumber = ({ timeUs }: TestPacket): number => (timeUs - (timeUs % windowUs)) / windowUs;
  let stepStartUs = Number.NaN;
  for (const event of events) {
    const timeUs = "packet" in event ? event.packet.timeUs : event.clockUs;
    if (Number.isNaN(stepStartUs)) stepStartUs = timeUs - (timeUs % stepUs);
    if ("packet" in event) {
      const key = `${keyOf(event.packet)} ${windowNumber(event.packet)}`;
      open.set(key, [...(open.get(key) ?? []), event.packet]);
    } else if (timeUs >= stepStartUs + stepUs || timeUs <= stepStartUs - windowUs) {
      const isForward = timeUs > stepStartUs;
      stepStartUs = timeUs - (timeUs % stepUs);
      if (isForward) handOver(timeUs);
    }
  }
  handOver(Infinity);
  return flows;
}

function keyOf(packet: TestPacket): string {
  return [
    packet.source,
    packet.destination,
    packet.sourcePort,
    packet.destinationPort,
    packet.protocol,
    packet.vlanId,
    packet.interfaceIndex,
    packet.direction,
    packet.verdict,
  ].join(" ");
}

function isFinished(record: readonly TestPacket[]): boolean {
  return record.some((packet) => packet.protocol === 6 && (packet.tcpControlBits & (finBit | rstBit)) !== 0);
}

function spanOf(record: readonly TestPacket[]): { startUs: number; endUs: number } {
  const times = record.map((packet) => packet.timeUs);
  return { startUs: Math.min(...times), endUs: Math.max(...times) };
}

/** Which of the two deadlines of a record that hears nothing more comes first, and when. */
function firstDeadline(
  record: readonly TestPacket[],
  rules: ReferenceRules,
): { reason: number; atUs: number } {
  const { startUs, endUs } = spanOf(record);
  const finished = isFinished(record);
  const silence = {
    reason: finished ? 3 : 1,
    atUs: endUs + (finished ? Math.min(rules.lingerUs, rules.inactiveUs) : rules.inactiveUs),
  };
  const age = { reason: 2, atUs: startUs + rules.activeUs };
  return age.atUs < silence.atUs ? age : silence;
}

function reasonOfSilence(record: readonly TestPacket[], rules: ReferenceRules): number {
  return firstDeadline(record, rules).reason;
}

/** Why `record` ends before `packet`; null if the packet belongs to it. */
function reasonBefore(
  packet: TestPacket,
  record: readonly TestPacket[],
  rules: ReferenceRules,
): number | null {
  const { startUs, endUs } = spanOf(record);
  if (packet.timeUs >= endUs) {
    const deadline = firstDeadline(record, rules);
    if (packet.timeUs >= deadline.atUs) return deadline.reason;
  } else {
    if (startUs - packet.timeUs >= rules.inactiveUs) return isFinished(record) ? 3 : 1;
    if (endUs - packet.timeUs >= rules.activeUs) return 2;
  }
  return isFinished(record) && (packet.tcpControlBits & synBit) !== 0 ? 3 : null;
}

function flowOf(record: readonly TestPacket[], reason: number): TestFlow {
  const first = record[0]!;
  return {
    ...spanOf(record),
    packets: record.length,
    octets: record.reduce((sum, packet) => sum + packet.octets, 0),
    reason,
    ipVersion: first.source.includes(":") ? 6 : 4,
    source: first.source,
    destination: first.destination,
    sourcePort: first.sourcePort,
    destinationPort: first.destinationPort,
    protocol: first.protocol,
    tcpControlBits: record.reduce((bits, packet) => bits | packet.tcpControlBits, 0),
    ipClassOfService: first.ipClassOfService,
    vlanId: first.vlanId,
    ingressInterface: first.direction === 1 ? 0 : first.interfaceIndex,
    egressInterface: first.direction === 1 ? first.interfaceIndex : 0,
    flowDirection: first.direction,
    verdict: first.verdict,
  };
}

/** Frames through decoder and meter, and the flows that come out as the feature capture's cases write them. */
import type { FeatureFrame } from "../../../bench/feature/mod.ts";
import { formatAddress } from "../../../src/base/mod.ts";
import type { FlowBatch } from "../../../src/flow/mod.ts";
import { advanceMeter, createMeter, flushMeter, type Meter, meterPackets } from "../../../src/meter/mod.ts";
import {
  createPacketColumns,
  createPacketDecoder,
  decodeFrame,
  decodeOutcomeNames,
  decodeOutcomes,
  defaultEncapsulations,
  type EncapsulationSwitches,
  type PacketDecoder,
} from "../../../src/wire/packet/mod.ts";

function allSwitches(value: boolean): EncapsulationSwitches {
  return Object.fromEntries(
    Object.keys(defaultEncapsulations).map((name) => [name, value]),
  ) as unknown as EncapsulationSwitches;
}

/** The three sets of switches for which a case tells its flows. */
export const switchSets = {
  default: defaultEncapsulations,
  inside: allSwitches(true),
  outside: allSwitches(false),
} as const;

export interface Metered {
  readonly flows: string[];
  /** Frames by the name of their outcome; those that are 0 are left out. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly decoder: PacketDecoder;
  readonly meter: Meter;
  readonly packetsInFlows: number;
  readonly octetsInFlows: number;
  /** What a meter that cuts the same packets by windows found. */
  readonly windowed: { readonly packets: number; readonly octets: number };
}

export interface DecoderRun {
  readonly decoder: PacketDecoder;
  take(frame: FeatureFrame): void;
  finish(): Metered;
}

/** A decoder and two meters, one of windows, one row at a time. */
export function createRun(encapsulations: EncapsulationSwitches): DecoderRun {
  const decoder = createPacketDecoder({ encapsulations, fragmentsMax: 64 });
  const packets = createPacketColumns(1);
  packets.count = 1;
  const flows: string[] = [];
  const totals = { packets: 0, octets: 0 };
  const meter = createMeter({
    policy: { kind: "aging", activeTimeoutUs: 300e6, inactiveTimeoutUs: 15e6 },
    flowsMax: 1000,
    emit: (batch) => {
      for (let row = 0; row < batch.count; row++) {
        flows.push(flowText(batch, row));
        totals.packets += batch.columns.packets[row]!;
        totals.octets += batch.columns.octets[row]!;
      }
    },
  });
  const windowed = { packets: 0, octets: 0 };
  const windowMeter = createMeter({
    policy: { kind: "window", windowUs: 60e6 },
    flowsMax: 1000,
    emit: ({ columns, count }) => {
      for (let row = 0; row < count; row++) {
        windowed.packets += columns.packets[row]!;
        windowed.octets += columns.octets[row]!;
      }
    },
  });
  return {
    decoder,
    take({ bytes, linkType, timestampUs, wireLength }) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      packets.timestampUs[0] = timestampUs;
      const outcome = decodeFrame(decoder, bytes, view, 0, bytes.length, wireLength, linkType, packets, 0);
      if (outcome !== decodeOutcomes.packet) return;
      packets.interfaceIndex[0] = linkType;
      packets.direction[0] = decoder.direction;
      for (const one of [meter, windowMeter]) {
        meterPackets(one, packets);
        advanceMeter(one, timestampUs);
      }
    },
    finish() {
      flushMeter(meter);
      flushMeter(windowMeter);
      const counted = decodeOutcomeNames.map((name, index) => [name, decoder.outcomes[index]!] as const);
      const outcomes = Object.fromEntries(counted.filter(([, count]) => count > 0));
      const sums = { packetsInFlows: totals.packets, octetsInFlows: totals.octets };
      return { flows: flows.toSorted(), outcomes, decoder, meter, windowed, ...sums };
    },
  };
}

const protocolNames: Readonly<Record<number, string>> = {
  1: "icmp",
  6: "tcp",
  17: "udp",
  58: "icmpv6",
  132: "sctp",
};

export interface FlowWords {
  protocol: number;
  source: string;
  sourcePort: number;
  destination: string;
  destinationPort: number;
  packets: number;
  octets: number;
  vlanId: number;
  tos: number;
  flags: number;
}

export function textOf(flow: FlowWords): string {
  const at = (address: string, port: number) =>
    address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
  const words = [
    protocolNames[flow.protocol] ?? `${flow.protocol}`,
    at(flow.source, flow.sourcePort),
    ">",
    at(flow.destination, flow.destinationPort),
    `${flow.packets}/${flow.octets}`,
  ];
  if (flow.vlanId !== 0) words.push(`vlan ${flow.vlanId}`);
  if (flow.tos !== 0) words.push(`tos ${flow.tos.toString(16)}`);
  if (flow.flags !== 0) words.push(`flags ${flow.flags.toString(16)}`);
  return words.join(" ");
}

function flowText({ columns }: FlowBatch, row: number): string {
  return textOf({
    protocol: columns.protocol[row]!,
    source: formatAddress(new Uint8Array(columns.sourceAddress.buffer), row * 16),
    sourcePort: columns.sourcePort[row]!,
    destination: formatAddress(new Uint8Array(columns.destinationAddress.buffer), row * 16),
    destinationPort: columns.destinationPort[row]!,
    packets: columns.packets[row]!,
    octets: columns.octets[row]!,
    vlanId: columns.vlanId[row]!,
    tos: columns.ipClassOfService[row]!,
    flags: columns.tcpControlBits[row]!,
  });
}

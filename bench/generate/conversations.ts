/** The conversations of a trace: who talks to whom, how, when and how much. Planned before a packet is written. */
import { createRandom } from "./random.ts";

export interface TraceOptions {
  readonly seed: number;
  readonly packets: number;
  readonly conversations: number;
  /** Trace time, seconds. */
  readonly spanS: number;
  /** When the trace begins, seconds since 1970. */
  readonly startS: number;
  /** Octets kept of a frame. */
  readonly snapLength: number;
  /** Share of conversations over IPv6. */
  readonly ipv6Share: number;
  /** A conversation lasts between these shares of the span, so they set how many are alive at a time. */
  readonly durationShareMin: number;
  readonly durationShareMax: number;
}

/**
 * `50k` and `500k` have about as many conversations or flows at a time; the others, for a curve, so many flows,
 * each a direction, that last for most of the trace, and four packets of each at least. The start lies ahead
 * because pmacctd expires what is past.
 */
export const tracePresets = {
  "1k": lasting(1000),
  "10k": lasting(10_000),
  "100k": lasting(100_000),
  "1M": lasting(1_000_000),
  "5M": lasting(5_000_000),
  "50k": {
    seed: 1,
    packets: 5_000_000,
    conversations: 60_000,
    spanS: 60,
    startS: 1_800_000_000,
    snapLength: 96,
    ipv6Share: 0.2,
    durationShareMin: 0.75,
    durationShareMax: 1,
  },
  "500k": {
    seed: 2,
    packets: 5_000_000,
    conversations: 1_000_000,
    spanS: 60,
    startS: 1_800_000_000,
    snapLength: 96,
    ipv6Share: 0.24,
    durationShareMin: 0.02,
    durationShareMax: 0.52,
  },
} as const satisfies Record<string, TraceOptions>;

export type TracePreset = keyof typeof tracePresets;

function lasting(flows: number): TraceOptions {
  return {
    seed: 3,
    packets: Math.max(5_000_000, flows * 4),
    conversations: flows / 2,
    spanS: 60,
    startS: 1_800_000_000,
    snapLength: 96,
    ipv6Share: 0.2,
    durationShareMin: 0.75,
    durationShareMax: 1,
  };
}

export const kinds = { tcp: 0, tcpReset: 1, scan: 2, dns: 3, ntp: 4, quic: 5, icmp: 6 } as const;
export const protocolOfKind: readonly (readonly [ipv4: number, ipv6: number])[] = [
  [6, 6],
  [6, 6],
  [6, 6],
  [17, 17],
  [17, 17],
  [17, 17],
  [1, 58],
];
/** The fewest packets that a conversation of the kind has; a TCP one is opened, acknowledged and closed. */
const packetsMinOfKind: readonly number[] = [6, 5, 2, 2, 2, 2, 2];
const kindShares: readonly number[] = [0.4, 0.04, 0.1, 0.28, 0.03, 0.09, 0.06];
const serverPortsOfKind: readonly (readonly number[])[] = [
  [443, 443, 443, 80, 22, 5432, 8080],
  [443, 80],
  [23, 445, 3389, 22],
  [53],
  [123],
  [443],
  [0],
];
const paretoAlpha = 1.15;
const paretoMax = 20_000;
const clients = 65_521;
const servers = 4096;

export interface Conversations {
  readonly count: number;
  readonly kind: Uint8Array;
  readonly isIpv6: Uint8Array;
  /** The host part of the addresses. */
  readonly client: Uint32Array;
  readonly server: Uint32Array;
  readonly clientPort: Uint16Array;
  readonly serverPort: Uint16Array;
  readonly packets: Uint32Array;
  /** Microseconds after the trace's start. */
  readonly startUs: Float64Array;
  /** No packet is later, but for the few that answer one just before it. */
  readonly endUs: Float64Array;
}

/** Plans conversations of exactly `options.packets` packets together; throws if each cannot have its fewest. */
export function planConversations(options: TraceOptions): Conversations {
  const random = createRandom(options.seed);
  const count = options.conversations;
  const plan: Conversations = {
    count,
    kind: new Uint8Array(count),
    isIpv6: new Uint8Array(count),
    client: new Uint32Array(count),
    server: new Uint32Array(count),
    clientPort: new Uint16Array(count),
    serverPort: new Uint16Array(count),
    packets: new Uint32Array(count),
    startUs: new Float64Array(count),
    endUs: new Float64Array(count),
  };
  const sizes = new Float64Array(count);
  for (let index = 0; index < count; index++) {
    planEndpoints(plan, index, options, () => random.fraction());
    sizes[index] = boundedPareto(random.fraction());
  }
  sharePackets(plan, sizes, options.packets);
  const spanUs = options.spanS * 1e6;
  for (let index = 0; index < count; index++) {
    const { durationShareMin, durationShareMax } = options;
    const share = durationShareMin + random.fraction() * (durationShareMax - durationShareMin);
    plan.startUs[index] = Math.floor(random.fraction() * spanUs * (1 - share));
    plan.endUs[index] = plan.startUs[index]! + Math.floor(share * spanUs);
  }
  return plan;
}

/** No two conversations have client and client port, or for ICMP client and server, in common. */
function planEndpoints(
  plan: Conversations,
  index: number,
  options: TraceOptions,
  fraction: () => number,
): void {
  const kind = pickKind(fraction());
  plan.kind[index] = kind;
  plan.isIpv6[index] = fraction() < options.ipv6Share ? 1 : 0;
  plan.client[index] = index % clients;
  plan.clientPort[index] = 32_768 + (Math.floor(index / clients) % 28_000);
  const ports = serverPortsOfKind[kind]!;
  plan.serverPort[index] = ports[Math.floor(fraction() * ports.length)]!;
  // A few servers have most of the clients.
  const popular = Math.floor(servers * fraction() ** 3);
  plan.server[index] = kind === kinds.icmp ? servers + (index % 126_000) : popular;
}

function pickKind(fraction: number): number {
  let sum = 0;
  for (let kind = 0; kind < kindShares.length; kind++) {
    sum += kindShares[kind]!;
    if (fraction < sum) return kind;
  }
  return kinds.dns;
}

function boundedPareto(fraction: number): number {
  const tail = 1 - paretoMax ** -paretoAlpha;
  return (1 - fraction * tail) ** (-1 / paretoAlpha) - 1;
}

function sharePackets(plan: Conversations, sizes: Float64Array, packets: number): void {
  const least = plan.kind.reduce((sum, kind) => sum + packetsMinOfKind[kind]!, 0);
  if (least > packets) {
    throw new Error(`${plan.count} conversations have at least ${least} packets, more than ${packets}`);
  }
  // A scan never grows: it is two packets by nature.
  for (let index = 0; index < plan.count; index++) if (plan.kind[index] === kinds.scan) sizes[index] = 0;
  const scale = (packets - least) / sizes.reduce((sum, size) => sum + size, 0);
  let given = 0;
  let owed = 0;
  let largest = 0;
  for (let index = 0; index < plan.count; index++) {
    // What rounding takes from one conversation the next ones get.
    owed += sizes[index]! * scale;
    const extra = Math.floor(owed * Math.sign(sizes[index]!));
    owed -= extra;
    plan.packets[index] = packetsMinOfKind[plan.kind[index]!]! + extra;
    given += plan.packets[index]!;
    if (sizes[index]! > sizes[largest]!) largest = index;
  }
  plan.packets[largest]! += packets - given;
}

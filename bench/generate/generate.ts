/**
 * Writes a trace: every conversation's packets in order of time, from a heap of the conversations that have
 * packets left. The same options give the same bytes.
 */
import {
  type Conversations,
  kinds,
  planConversations,
  protocolOfKind,
  type TraceOptions,
} from "./conversations.ts";
import { createFrameWriter, type Frame } from "./frame-writer.ts";
import { createRandom, type Random } from "./random.ts";
import { createTimeHeap } from "./time-heap.ts";

export const tcpBits = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16 } as const;

/** Told of every packet as it is written, by conversation and direction, not by what its bytes say. */
export type PacketObserver = (
  conversation: number,
  isReverse: boolean,
  timestampUs: number,
  octets: number,
  tcpControlBits: number,
) => void;

/** Writes the trace and returns the conversations that it is of. */
export function generateTrace(
  options: TraceOptions,
  output: (bytes: Uint8Array) => void,
  observe: PacketObserver,
): Conversations {
  const plan = planConversations(options);
  const random = createRandom(options.seed ^ 0x5eed);
  const writer = createFrameWriter(options.snapLength, output);
  const heap = createTimeHeap(plan.startUs);
  const sent = new Uint32Array(plan.count);
  const startUs = options.startS * 1e6;
  const frame = emptyFrame();
  while (heap.size() > 0) {
    const conversation = heap.first();
    const index = sent[conversation]!++;
    const sinceStartUs = heap.firstTimeUs();
    frame.timestampUs = startUs + sinceStartUs;
    const isReverse = shapePacket(frame, plan, conversation, index, random);
    const octets = writer.write(frame);
    observe(conversation, isReverse, frame.timestampUs, octets, frame.tcpControlBits);
    if (index + 1 === plan.packets[conversation]) heap.removeFirst();
    else heap.moveFirst(sinceStartUs + gapAfter(plan, conversation, index, sinceStartUs, random));
  }
  writer.end();
  return plan;
}

function emptyFrame(): Frame {
  return {
    timestampUs: 0,
    isIpv6: false,
    source: 0,
    destination: 0,
    sourceIsServer: false,
    protocol: 0,
    sourcePort: 0,
    destinationPort: 0,
    tcpControlBits: 0,
    icmpType: 0,
    payloadBytes: 0,
    sequence: 0,
  };
}

/** Fills `frame` with packet `index` of the conversation and says whether the server sends it. */
function shapePacket(
  frame: Frame,
  plan: Conversations,
  conversation: number,
  index: number,
  random: Random,
): boolean {
  const kind = plan.kind[conversation]!;
  frame.isIpv6 = plan.isIpv6[conversation] === 1;
  frame.protocol = protocolOfKind[kind]![frame.isIpv6 ? 1 : 0]!;
  frame.tcpControlBits = 0;
  frame.payloadBytes = 0;
  frame.sequence = index;
  let isReverse = index % 2 === 1;
  switch (kind) {
    case kinds.tcp:
    case kinds.tcpReset:
      isReverse = shapeTcp(frame, plan.packets[conversation]!, kind, index, random);
      break;
    case kinds.scan:
      frame.tcpControlBits = isReverse ? tcpBits.rst | tcpBits.ack : tcpBits.syn;
      break;
    case kinds.quic:
      isReverse = random.fraction() < 0.6;
      frame.payloadBytes = isReverse ? 1200 + random.below(100) : 30 + random.below(300);
      break;
    case kinds.dns:
      frame.payloadBytes = isReverse ? 60 + random.below(400) : 28 + random.below(40);
      break;
    case kinds.ntp:
      frame.payloadBytes = 48;
      break;
    default:
      frame.payloadBytes = 56;
  }
  setEndpoints(frame, plan, conversation, isReverse);
  return isReverse;
}

function shapeTcp(frame: Frame, packets: number, kind: number, index: number, random: Random): boolean {
  const left = packets - 1 - index;
  const finishes = kind === kinds.tcp ? 3 : 1;
  if (index === 0) frame.tcpControlBits = tcpBits.syn;
  else if (index === 1) frame.tcpControlBits = tcpBits.syn | tcpBits.ack;
  else if (index === 2) frame.tcpControlBits = tcpBits.ack;
  else if (left < finishes) {
    if (kind === kinds.tcpReset) frame.tcpControlBits = tcpBits.rst;
    else frame.tcpControlBits = left === 0 ? tcpBits.ack : tcpBits.fin | tcpBits.ack;
    return left === 1;
  } else {
    const isReverse = random.fraction() < 0.6;
    const acknowledges = random.fraction() < (isReverse ? 0.1 : 0.7);
    frame.tcpControlBits = acknowledges ? tcpBits.ack : tcpBits.ack | tcpBits.psh;
    if (!acknowledges)
      frame.payloadBytes = isReverse && random.fraction() < 0.7 ? 1448 : 1 + random.below(1448);
    return isReverse;
  }
  return index === 1;
}

function setEndpoints(frame: Frame, plan: Conversations, conversation: number, isReverse: boolean): void {
  const client = plan.client[conversation]!;
  const server = plan.server[conversation]!;
  const clientPort = plan.clientPort[conversation]!;
  const serverPort = plan.serverPort[conversation]!;
  frame.sourceIsServer = isReverse;
  frame.source = isReverse ? server : client;
  frame.destination = isReverse ? client : server;
  frame.sourcePort = isReverse ? serverPort : clientPort;
  frame.destinationPort = isReverse ? clientPort : serverPort;
  frame.icmpType = icmpType(frame.isIpv6, isReverse);
}

/** Echo request and reply (RFC 792, RFC 4443). */
export function icmpType(isIpv6: boolean, isReverse: boolean): number {
  if (isIpv6) return isReverse ? 129 : 128;
  return isReverse ? 0 : 8;
}

/**
 * An answer comes after a round trip, everything else evenly, more or less, over what is left of the
 * conversation's time. Whole microseconds.
 */
function gapAfter(
  plan: Conversations,
  conversation: number,
  index: number,
  timeUs: number,
  random: Random,
): number {
  const kind = plan.kind[conversation]!;
  const packetsLeft = plan.packets[conversation]! - 1 - index;
  const timeLeftUs = Math.max(0, plan.endUs[conversation]! - timeUs);
  const share = Math.min(1, (random.fraction() * 2) / packetsLeft);
  const ownPaceUs = 1 + Math.floor(share * timeLeftUs);
  const isTcp = kind === kinds.tcp || kind === kinds.tcpReset;
  const handshake = isTcp && (index < 2 || packetsLeft <= 2);
  const isAnswered = !isTcp && kind !== kinds.quic && index % 2 === 0;
  return handshake || isAnswered ? Math.min(ownPaceUs, 200 + random.below(40_000)) : ownPaceUs;
}

/**
 * What a meter must find in a trace: computed while it is written, from the conversations themselves, one
 * plain object a flow and none of the meter's code.
 *
 * A flow is one direction of a conversation. It is cut before a packet that comes `inactiveTimeoutUs` or
 * more after the last one, or `activeTimeoutUs` or more after the first one; a TCP flow that has shown FIN
 * or RST is also cut before a SYN and after `endOfFlowLingerUs` of silence. With `windowUs`, it is cut where a
 * window of that length ends, counted from 1970, and nowhere else.
 */
import { type Conversations, kinds, protocolOfKind } from "./conversations.ts";
import { ipv4Address } from "./frame-writer.ts";
import { icmpType, type PacketObserver, tcpBits } from "./generate.ts";

export interface TruthTimeouts {
  readonly activeTimeoutUs: number;
  readonly inactiveTimeoutUs: number;
  /** Infinity for a meter that knows no end of flow. */
  readonly endOfFlowLingerUs: number;
  readonly windowUs?: number;
}

interface TrueFlow {
  startUs: number;
  endUs: number;
  packets: number;
  octets: number;
  /** Records that the flow was cut into. */
  records: number;
  isFinished: boolean;
}

export interface TruthTotals {
  packets: number;
  octets: number;
  firstUs: number;
  lastUs: number;
  /** Directions of conversations that have packets. */
  uniflows: number;
  /** Records that a meter with these timeouts cuts them into. */
  records: number;
}

/** One direction of a conversation, as a flow's fields. */
export interface TruthLine {
  sourceAddress: string;
  destinationAddress: string;
  sourcePort: number;
  destinationPort: number;
  protocol: number;
  packets: number;
  octets: number;
  records: number;
}

export interface Truth {
  readonly observe: PacketObserver;
  totals(): TruthTotals;
  /** Every uniflow of the trace, in the conversations' order. */
  lines(plan: Conversations): Generator<TruthLine>;
}

export function createTruth(timeouts: TruthTimeouts): Truth {
  const flows: (TrueFlow | undefined)[] = [];
  const totals: TruthTotals = {
    packets: 0,
    octets: 0,
    firstUs: Infinity,
    lastUs: -Infinity,
    uniflows: 0,
    records: 0,
  };
  return {
    observe: (conversation, isReverse, timestampUs, octets, tcpControlBits) => {
      totals.packets++;
      totals.octets += octets;
      totals.firstUs = Math.min(totals.firstUs, timestampUs);
      totals.lastUs = Math.max(totals.lastUs, timestampUs);
      const key = conversation * 2 + (isReverse ? 1 : 0);
      let flow = flows[key];
      if (flow === undefined) {
        flow = { startUs: timestampUs, endUs: 0, packets: 0, octets: 0, records: 1, isFinished: false };
        flows[key] = flow;
        totals.uniflows++;
        totals.records++;
      } else if (isCut(flow, timestampUs, tcpControlBits, timeouts)) {
        flow.records++;
        flow.startUs = timestampUs;
        flow.isFinished = false;
        totals.records++;
      }
      flow.endUs = timestampUs;
      flow.packets++;
      flow.octets += octets;
      if ((tcpControlBits & (tcpBits.fin | tcpBits.rst)) !== 0) flow.isFinished = true;
    },
    totals: () => ({ ...totals }),
    *lines(plan) {
      for (const [key, flow] of flows.entries()) {
        if (flow !== undefined) yield lineOf(plan, key >> 1, (key & 1) === 1, flow);
      }
    },
  };
}

function isCut(
  flow: TrueFlow,
  timestampUs: number,
  tcpControlBits: number,
  timeouts: TruthTimeouts,
): boolean {
  const { windowUs } = timeouts;
  if (windowUs !== undefined) {
    return Math.floor(timestampUs / windowUs) !== Math.floor(flow.endUs / windowUs);
  }
  const silenceUs = timestampUs - flow.endUs;
  if (silenceUs >= timeouts.inactiveTimeoutUs) return true;
  if (timestampUs - flow.startUs >= timeouts.activeTimeoutUs) return true;
  if (!flow.isFinished) return false;
  return (tcpControlBits & tcpBits.syn) !== 0 || silenceUs >= timeouts.endOfFlowLingerUs;
}

function lineOf(plan: Conversations, index: number, isReverse: boolean, flow: TrueFlow): TruthLine {
  const isIpv6 = plan.isIpv6[index] === 1;
  const kind = plan.kind[index]!;
  const ports =
    kind === kinds.icmp
      ? [0, icmpType(isIpv6, isReverse) * 256]
      : [plan.clientPort[index]!, plan.serverPort[index]!];
  if (isReverse && kind !== kinds.icmp) ports.reverse();
  const client = addressText(plan.client[index]!, false, isIpv6);
  const server = addressText(plan.server[index]!, true, isIpv6);
  return {
    sourceAddress: isReverse ? server : client,
    destinationAddress: isReverse ? client : server,
    sourcePort: ports[0]!,
    destinationPort: ports[1]!,
    protocol: protocolOfKind[kind]![isIpv6 ? 1 : 0],
    packets: flow.packets,
    octets: flow.octets,
    records: flow.records,
  };
}

/** RFC 5952 text of the addresses that frame-writer.ts writes. */
function addressText(host: number, isServer: boolean, isIpv6: boolean): string {
  if (!isIpv6) {
    const value = ipv4Address(host, isServer);
    return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255].join(".");
  }
  const groups = [host >>> 16, host & 0xffff].map((group) => group.toString(16));
  const tail = groups[0] === "0" ? groups.slice(1) : groups;
  const prefix = isServer ? "2001:db8:5::" : "2001:db8:c::";
  return tail.length === 1 && tail[0] === "0" ? prefix : prefix + tail.join(":");
}

/** What an offline run found: the figures of its summary, as one JSON value. */
import type { Fault } from "../../base/mod.ts";
import type { ServicePort } from "./service-ports.ts";
import type { TopTalkers } from "./talkers.ts";

/** Every frame read is in exactly one of these. */
export interface FrameCounts {
  readonly read: number;
  readonly metered: number;
  readonly notIp: number;
  readonly truncated: number;
  readonly malformed: number;
  readonly unsupportedLink: number;
}

export interface FlowEndCounts {
  readonly idle: number;
  readonly active: number;
  readonly endOfFlow: number;
  readonly forced: number;
  readonly lackOfResources: number;
}

/** Sums that must agree, each taken where the name says and nowhere else. */
export interface Conservation {
  readonly framesRead: number;
  readonly framesByOutcome: number;
  readonly packetsMetered: number;
  readonly packetsInFlows: number;
  readonly octetsMetered: number;
  readonly octetsInFlows: number;
  readonly isExact: boolean;
}

export interface OfflineReport {
  readonly path: string;
  /** `pcap`, `pcapng`, or `unknown` when the file is neither. */
  readonly format: string;
  readonly compression: string;
  /** LINKTYPE_ number of the last frame. */
  readonly linkType: number;
  readonly frames: FrameCounts;
  readonly packets: number;
  /** Layer-3 octets. */
  readonly octets: number;
  readonly flows: number;
  readonly flowsByEndReason: FlowEndCounts;
  /** The most flows in the meter's table at one time. */
  readonly flowsAtOnce: number;
  /** Later fragments whose first one was not seen: metered with ports 0. */
  readonly fragmentsUnattributed: number;
  /** Packets metered by the IP header inside a tunnel. */
  readonly packetsDecapsulated: number;
  /** Packets of tunnels that were looked into, metered by a header around: inside was no IP, or it could not be read. */
  readonly packetsInnerUnread: number;
  /** The earliest and the latest frame's time, microseconds since 1970; absent without frames. */
  readonly startUs?: number;
  readonly endUs?: number;
  readonly topTalkers: TopTalkers;
  readonly topPorts: readonly ServicePort[];
  readonly conservation: Conservation;
  readonly elapsedMs: number;
  /** The reading was ended before the capture was. */
  readonly isInterrupted: boolean;
  /** What was wrong with the file, and of consumers that gave up; empty when all went well. */
  readonly faults: readonly Fault[];
}

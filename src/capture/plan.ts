/** What capture is asked to do, what it says of itself, and the ledger that both are judged by. */
import type { Fault } from "../base/mod.ts";
import type { WindowCounts } from "./window-account.ts";

/** One flow log on one resource. */
export interface CaptureSubject {
  readonly flowLogId: string;
  readonly resourceId: string;
  /** A gateway counts each packet that crosses the host once; an interface counts both of its directions. */
  readonly scope: "gateway" | "interface";
  readonly interfaceNames: readonly string[];
  readonly policy: CapturePolicy;
  readonly filter: TrafficFilter;
  /** Whether records tell the verdict, which needs a source that knows it. */
  readonly verdicts: boolean;
  readonly observationDomain: number;
  /** Flows that are metered at a time; beyond it the oldest are ended for lack of resources. */
  readonly flowsMax: number;
  /** Changes with the flow log's settings: flows metered under one revision do not go on under the next. */
  readonly revision?: number;
  /**
   * Windows before this time have been spoken of by a former capture process; those since then that ended
   * without capture are SKIPDATA. Absent for a flow log that begins now. Microseconds since 1970.
   */
  readonly accountedUpToUs?: number;
}

/** When flows are cut: by age and silence, or by windows of the packets' time since 1970. */
export type CapturePolicy =
  | { readonly kind: "aging"; readonly activeTimeoutMs: number; readonly inactiveTimeoutMs: number }
  | { readonly kind: "window"; readonly windowMs: number };

/** Which packets of its interfaces a subject meters. The rest is `notSelected`. */
export interface TrafficFilter {
  readonly trafficType: "all" | "accept" | "reject";
  readonly ipVersions: readonly (4 | 6)[];
}

/** Every packet. */
export const allTraffic: TrafficFilter = { trafficType: "all", ipVersions: [4, 6] };

/** A destination of Weir's own datagrams, which are not metered. */
export interface ExcludedExport {
  readonly address: string;
  readonly port: number;
  /** Weir's own port; any if absent. */
  readonly sourcePort?: number;
}

export interface CapturePlan {
  readonly subjects: readonly CaptureSubject[];
  /** What cannot be metered at present, for want of verdicts: its windows are SKIPDATA once it can. */
  readonly suspended?: readonly CaptureSubject[];
  readonly excluded: readonly ExcludedExport[];
  /** Whether gateways meter loopback interfaces too. */
  readonly loopback: boolean;
  /** Interfaces whose egress may be translated to the host's own addresses, while it forwards; see selection.ts. */
  readonly natInterfaces: readonly string[];
}

export const emptyPlan: CapturePlan = { subjects: [], excluded: [], loopback: false, natInterfaces: [] };

/** Names a subject for as long as its flow log stays associated. */
export function subjectKey(subject: { readonly flowLogId: string; readonly resourceId: string }): string {
  return `${subject.flowLogId}/${subject.resourceId}`;
}

/**
 * What became of every packet of one interface, for one subject. At rest, with nothing left in the ring,
 * seen = metered + kernelDrops + undecodable + excluded + notSelected + sampledOut; while packets wait in
 * the ring, `unread` tells how many.
 */
export interface LedgerCounts {
  /** Packets that the kernel offered since the subject was attached, by the kernel's own count. */
  seen: number;
  metered: number;
  kernelDrops: number;
  /** Damaged, cut before the IP header's end, or of a link type that is not known. */
  undecodable: number;
  /** Weir's own export. */
  excluded: number;
  /** Not IP, or not this subject's by the rules of selection.ts or by its filter. */
  notSelected: number;
  sampledOut: number;
  unread: number;
}

export interface LedgerEntry extends LedgerCounts {
  readonly flowLogId: string;
  readonly resourceId: string;
  readonly interfaceName: string;
}

export function emptyLedgerCounts(): LedgerCounts {
  return {
    seen: 0,
    metered: 0,
    kernelDrops: 0,
    undecodable: 0,
    excluded: 0,
    notSelected: 0,
    sampledOut: 0,
    unread: 0,
  };
}

export function addLedgerCounts(total: LedgerCounts, more: LedgerCounts): void {
  for (const term of Object.keys(total) as (keyof LedgerCounts)[]) total[term] += more[term];
}

/** By how many packets the ledger does not add up; 0 always, unless packets were lost unnoticed. */
export function ledgerError(counts: LedgerCounts): number {
  const { metered, kernelDrops, undecodable, excluded, notSelected, sampledOut, unread } = counts;
  return counts.seen - (metered + kernelDrops + undecodable + excluded + notSelected + sampledOut + unread);
}

/** How often the ledger was checked with every packet read, and by how many packets it did not add up. */
export interface LedgerCheckCounts {
  readonly checks: number;
  readonly errorPackets: number;
}

/**
 * `armed` captures; `down` captures as soon as the interface is up; `absent` as soon as there is one of that
 * name; `covered` is left out because its packets are counted elsewhere (selection.ts).
 */
export type InterfaceState = "armed" | "down" | "absent" | "covered" | "failed";

export interface InterfaceStatus {
  readonly name: string;
  readonly index: number;
  readonly state: InterfaceState;
  readonly fault?: Fault;
}

export interface SubjectStatus {
  readonly flowLogId: string;
  readonly resourceId: string;
  /** Sum of what this subject metered since it was attached. */
  readonly packets: number;
  readonly octets: number;
  readonly activeFlows: number;
  readonly flowsEnded: number;
  /** Flows that were ended early because flowsMax was reached. */
  readonly flowsEvicted: number;
  /** What was said of its windows; absent where flows are aged. */
  readonly windows?: WindowCounts;
  /** Up to here every window has been spoken of, and what was said is accepted; microseconds since 1970. */
  readonly accountedUpToUs?: number;
}

/** A window whose packets have been read, and what is to be said of it: a status of logStatuses. */
export interface ClosedWindow {
  readonly windowUs: number;
  /** Exclusive. */
  readonly endUs: number;
  readonly logStatus: number;
}

/** Up to where a subject's windows have been spoken of. */
export interface AccountedSubject {
  readonly flowLogId: string;
  readonly resourceId: string;
  readonly accountedUpToUs: number;
}

/** A window of which a worker that shares its packets with others told what it has to say. */
export interface WorkerWindow extends ClosedWindow {
  readonly flowLogId: string;
  readonly resourceId: string;
}

/** What the capture process says of its own privileges, read from /proc/self/status after the drop. */
export interface PrivilegeReport {
  readonly userId: number;
  readonly groupId: number;
  readonly groups: readonly number[];
  /** Capability masks as the kernel prints them, 16 hexadecimal digits. */
  readonly effective: string;
  readonly permitted: string;
  readonly bounding: string;
  readonly noNewPrivileges: boolean;
  /** Threads of the process that hold another user id, or a capability that is not CAP_NET_RAW, or may gain privileges. */
  readonly threadsDiffering: number;
}

export type CaptureMethod = "ring" | "tcpdump" | "replay" | "nflog";

/** Whether the firewall's verdicts are to be had, or why not. */
export type VerdictStatus =
  | { readonly available: true }
  | { readonly available: false; readonly fault: Fault };

/** One of the processes that share the packets of every interface, and its share. */
export type WorkerStatus = Pick<
  CaptureStatus,
  | "state"
  | "processId"
  | "restarts"
  | "privileges"
  | "interfaces"
  | "ledger"
  | "batchesAccepted"
  | "batchesInFlight"
>;

export interface CaptureStatus {
  /** `unavailable` says why in `fault`; Weir goes on without capture then. */
  readonly state: "stopped" | "starting" | "running" | "restarting" | "stopping" | "unavailable";
  readonly method: CaptureMethod | null;
  readonly fault?: Fault;
  readonly processId: number | null;
  readonly restarts: number;
  readonly privileges: PrivilegeReport | null;
  /** Since when the last plan holds, milliseconds since 1970: packets are metered by it. Null while it does not. */
  readonly planSinceMs: number | null;
  readonly interfaces: readonly InterfaceStatus[];
  /** Of this capture process; one that was taken off the plan is reported once more. */
  readonly subjects: readonly SubjectStatus[];
  /** Ledgers of this capture process; those of former processes are in the metrics only. */
  readonly ledger: readonly LedgerEntry[];
  readonly batchesAccepted: number;
  readonly batchesInFlight: number;
  /** Absent where one process reads all. */
  readonly workers?: readonly WorkerStatus[];
  /** Absent where nobody was to look for them. */
  readonly verdicts?: VerdictStatus;
}

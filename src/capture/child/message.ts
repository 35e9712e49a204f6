/** What the main process and the capture process say to each other, by Node's IPC channel. */
import type { Fault } from "../../base/mod.ts";
import type { LogLevel } from "../../observe/mod.ts";
import type { CaptureConfig } from "../config.ts";
import type {
  AccountedSubject,
  CaptureMethod,
  CapturePlan,
  InterfaceStatus,
  LedgerCheckCounts,
  LedgerEntry,
  PrivilegeReport,
  SubjectStatus,
  WorkerWindow,
} from "../plan.ts";
import type { RingShare } from "../ring/ring.ts";

/** What the capture process reports every second and with every answer. */
export interface SessionStatus {
  readonly interfaces: readonly InterfaceStatus[];
  readonly subjects: readonly SubjectStatus[];
  readonly ledger: readonly LedgerEntry[];
  readonly check: LedgerCheckCounts;
  readonly batchesAccepted: number;
  readonly batchesInFlight: number;
}

/**
 * Batches that a capture process sends before the first of them is accepted; more is a breach of the protocol. Those
 * that share packets share the bound too: the main process holds no more for all of them than for one.
 */
export function batchesUnderWayMax(workers: number): number {
  return Math.floor(32 / workers);
}

export type ToChild =
  | {
      readonly type: "start";
      readonly config: CaptureConfig;
      readonly method: CaptureMethod;
      readonly agentId: string;
      readonly bootId: string;
      /** Where others read the same interfaces: what is said of windows is theirs to say too. */
      readonly share?: RingShare | undefined;
    }
  | { readonly type: "apply"; readonly id: number; readonly plan: CapturePlan }
  | { readonly type: "accepted"; readonly sequence: number }
  /** Output of a tcpdump; `packetType` is what sll_pkttype would be. */
  | {
      readonly type: "chunk";
      readonly interfaceName: string;
      readonly packetType: number;
      readonly bytes: Uint8Array;
    }
  | {
      readonly type: "chunkDrops";
      readonly interfaceName: string;
      readonly packetType: number;
      readonly drops: number;
    }
  | { readonly type: "stop" };

export type FromChild =
  | { readonly type: "ready"; readonly privileges: PrivilegeReport }
  | { readonly type: "failed"; readonly fault: Fault }
  /** The plan holds since `atMs`; what it ended may still wait to be accepted. */
  | { readonly type: "armed"; readonly id: number; readonly atMs: number }
  | { readonly type: "applied"; readonly id: number; readonly status: SessionStatus }
  | { readonly type: "batch"; readonly sequence: number; readonly bytes: Uint8Array }
  | {
      readonly type: "accounted";
      readonly subjects: readonly AccountedSubject[];
      /** What a worker among others has to say of windows, instead of rows; their records are accepted. */
      readonly windows: readonly WorkerWindow[];
    }
  | { readonly type: "chunkTaken"; readonly interfaceName: string; readonly packetType: number }
  | { readonly type: "status"; readonly status: SessionStatus }
  | {
      readonly type: "log";
      readonly level: Exclude<LogLevel, "silent">;
      readonly fields: object;
      readonly message: string;
    }
  | { readonly type: "stopped"; readonly status: SessionStatus };

/** What the main process and the store's child say to each other. */
import type { Fault, Result } from "../base/mod.ts";
import type { RollupOutcome, RollupRequest } from "./rollup.ts";
import type { TierName } from "./tier.ts";

/** Whose flows a batch holds, as it was when the batch was accepted: the target of a route to the store. */
export interface StoreTarget {
  /** Number of the logstore; never used again for another. */
  readonly logstore: number;
  readonly flowLogId: string;
  readonly resourceId: string;
  readonly resourceSerial: string;
  readonly accountId: string;
  readonly regionId: string;
  /** Whose records these are, and where the resource is; "" or absent where that is not known. */
  readonly service?: string;
  readonly vpcId?: string;
  readonly subnetId?: string;
  readonly instanceId?: string;
  readonly projectId?: string;
}

export interface StoreInsert {
  /** The batch's position in the spool; rows get positions within it. */
  readonly position: number;
  /** A FlowBatch in its byte form. */
  readonly batch: Uint8Array;
  readonly target: StoreTarget;
  /** When the batch was accepted; decides the day it is kept under. Now, if not given. */
  readonly receivedMs?: number;
}

/** Lines that a client wrote itself. */
export interface LinesInsert {
  readonly logstore: number;
  readonly lines: readonly StoredLine[];
  /** Of all these lines. */
  readonly labels: Readonly<Record<string, string>>;
  /** When they came; decides the day they are kept under. */
  readonly receivedMs: number;
}

export interface StoredLine {
  /** Seconds since 1970, and the nanoseconds within one. */
  readonly timeS: number;
  readonly nanosecond: number;
  readonly content: string;
}

export interface UndecodableBatch {
  readonly position: number;
  readonly fault: Fault;
}

export interface AppendOutcome {
  /** Rows stored by this call. */
  readonly rows: number;
  /** Rows that were stored already and are not stored again. */
  readonly duplicateRows: number;
  /** Batches that can never be stored; the others were. */
  readonly undecodable: readonly UndecodableBatch[];
}

/** An answer in columns and rows; 64-bit integers are decimal strings, addresses are IPv6 text. */
export interface QueryAnswer {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly unknown[])[];
  readonly rowsRead: number;
  readonly elapsedMs: number;
}

export interface Retention {
  readonly logstore: number;
  /** Flows received longer ago than this many days may go. */
  readonly days: number;
}

export type StoreParameters = Readonly<Record<string, string | number>>;

export interface QueryRequest {
  readonly sql: string;
  readonly parameters: StoreParameters;
  readonly timeoutMs: number;
  readonly rowsMax: number;
}

export interface StoreStatistics {
  readonly rows: number;
  readonly bytesOnDisk: number;
  readonly parts: number;
  /** Of all tiers together. */
  readonly rollupRows: number;
  readonly rollupBytesOnDisk: number;
}

/** Days that each tier is kept at least; never shorter than the flows themselves. */
export type RollupDays = Readonly<Record<TierName, number>>;

/** Each request with the value of its answer. */
export interface StoreCalls {
  append: { request: readonly StoreInsert[]; answer: AppendOutcome };
  appendLines: { request: LinesInsert; answer: undefined };
  /** The answer is JSON text in bytes: cheaper to send, and parsed by whoever wants it. */
  query: { request: QueryRequest; answer: Uint8Array };
  dropLogstore: { request: { readonly logstore: number }; answer: undefined };
  expire: {
    request: {
      readonly retentions: readonly Retention[];
      readonly rollupDays: RollupDays;
      readonly nowMs: number;
    };
    answer: { readonly partitions: number };
  };
  rollUp: { request: RollupRequest; answer: RollupOutcome };
  statistics: { request: undefined; answer: StoreStatistics };
}

export type StoreCall = keyof StoreCalls;

export type ToChild =
  | {
      [Call in StoreCall]: {
        readonly id: number;
        readonly call: Call;
        readonly request: StoreCalls[Call]["request"];
      };
    }[StoreCall]
  | { readonly call: "stop" };

export type FromChild =
  | { readonly kind: "answer"; readonly id: number; readonly result: Result<unknown> }
  | { readonly kind: "ready"; readonly ingest: IngestPath }
  | { readonly kind: "failed"; readonly fault: Fault }
  | { readonly kind: "heartbeat"; readonly residentBytes: number };

/** How rows reach the engine: as Arrow columns in memory, or as text where that hook does not work. */
export type IngestPath = "arrow" | "text";

export interface ChildOptions {
  readonly path: string;
  readonly memoryBytesMax: number;
  readonly readers: number;
  readonly deduplicate: boolean;
  /** Forces the slower path; otherwise a test at start decides. */
  readonly ingest?: IngestPath;
}

export const heartbeatMs = 1000;

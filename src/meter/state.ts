/** The meter's state, which the functions of this room share, and what other rooms see of it. */
import type { FlowBatch } from "../flow/mod.ts";
import type { BucketTable } from "./bucket-table.ts";
import type { EndedFlows } from "./emission.ts";
import type { FlowStore } from "./flow-store.ts";
import type { KeyHash } from "./key-hash.ts";
import type { EndPolicy, MeterPolicy } from "./policy.ts";
import type { AllocateTable } from "./table-memory.ts";
import type { TimerWheel } from "./timer-wheel.ts";
import type { CurrentWindow } from "./window.ts";

export interface MeterOptions {
  readonly policy: MeterPolicy;
  /** Flows in the table at one time, both families together; from 1 to 2^26. */
  readonly flowsMax: number;
  readonly observationDomain?: number;
  /** Makes the hash repeatable, for tests. Leave it out where strangers send the packets. */
  readonly seed?: number;
  /** Where the table's memory comes from; ordinary buffers if left out. */
  readonly allocate?: AllocateTable;
  /** Whether a batch that was handed over is left alone until the next one is: for a receiver that does not copy. */
  readonly lendsBatches?: boolean;
  /**
   * Takes finished flows. The batch is the meter's, which fills it again after the call, unless it lends its
   * batches. It must not call the meter, and must not throw: the flows it is given are still in the table.
   */
  readonly emit: (flows: FlowBatch) => void;
}

export interface MeterStatistics {
  readonly packets: number;
  readonly octets: number;
  readonly flowsCreated: number;
  /** Flows emitted, by flowEndReason. */
  readonly flowsEmitted: {
    readonly idle: number;
    readonly active: number;
    readonly endOfFlow: number;
    readonly forced: number;
    readonly lackOfResources: number;
  };
  readonly flowsEvicted: number;
  /** Packets whose time was before their flow's last one. */
  readonly latePackets: number;
  readonly activeFlows: number;
  /** The most flows the table held at one time. */
  readonly activeFlowsMax: number;
  /** Bytes of the table: flows, buckets and timers. */
  readonly tableBytes: number;
}

/** Rows that are looked up together. */
export const groupRows = 128;

/**
 * The counters' places in their array. In an object, a counter that leaves the 31 bits of V8's small integers
 * changes the object's shape, and all the code that was compiled for it is thrown away.
 */
export const counts = {
  packets: 0,
  octets: 1,
  flowsCreated: 2,
  latePackets: 3,
  activeFlows: 4,
  activeFlowsMax: 5,
  packetsEmitted: 6,
} as const;

export function createCounters(): Float64Array<ArrayBuffer> {
  return new Float64Array(Object.keys(counts).length);
}

/** Only `statistics` is for other rooms; the rest is the state that this room's functions share. */
export interface Meter {
  readonly statistics: MeterStatistics;
  readonly policy: EndPolicy;
  /** Null where flows are aged. */
  readonly window: CurrentWindow | null;
  readonly flowsMax: number;
  readonly emit: (flows: FlowBatch) => void;
  /** The batch that is being filled, and the one that was handed over last. */
  batch: FlowBatch;
  handedOver: FlowBatch;
  readonly hash: KeyHash;
  readonly buckets: BucketTable;
  readonly ipv4: FlowStore;
  readonly ipv6: FlowStore;
  readonly wheel: TimerWheel;
  /** By `counts`. */
  readonly counters: Float64Array<ArrayBuffer>;
  readonly emitted: Float64Array<ArrayBuffer>;
  readonly group: RowGroup;
  readonly due: DueFlows;
  /** Room for one flow that ends by itself. */
  readonly single: EndedFlows;
}

/** What is worked out for a group of rows before any of them is counted. */
export interface RowGroup {
  /** The rows in the order in which they are handled: IPv4, then IPv6. */
  readonly rows: Int32Array<ArrayBuffer>;
  /** Room to put them in order. */
  readonly ipv6Rows: Int32Array<ArrayBuffer>;
  readonly hashes: Int32Array<ArrayBuffer>;
  readonly traits: Uint32Array<ArrayBuffer>;
  /** The flow that is probably the row's; -1 if there is none yet. */
  readonly references: Int32Array<ArrayBuffer>;
  /** Where the row's struct begins in its family's store. */
  readonly structs: Int32Array<ArrayBuffer>;
  /**
   * Receives what was read only to have it in the cache: a read for nothing is optimised away. Such reads are done in
   * loops of their own, so that as many as can be are under way at once.
   */
  readonly touched: Int32Array<ArrayBuffer>;
}

/** One chunk of the wheel, of one family; then, from the first entry on, those of it that have ended. */
export interface DueFlows extends EndedFlows {
  readonly references: Int32Array<ArrayBuffer>;
  readonly hashes: Int32Array<ArrayBuffer>;
}

/** The store of a flow reference: its index × 2, + 1 for IPv6. */
export function storeOf(meter: Meter, reference: number): FlowStore {
  return (reference & 1) === 0 ? meter.ipv4 : meter.ipv6;
}

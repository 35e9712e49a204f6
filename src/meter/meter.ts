/**
 * The meter: packets in, flows out.
 *
 * A flow is one direction: the packets that agree in addresses, ports, protocol, VLAN id, interface and
 * direction of the interface, and in the verdict. When it ends and why is told in aging.ts, and in window.ts
 * for meters that cut by windows. This file holds the state; packets.ts adds packets to it, table.ts opens and
 * removes flows, timers.ts ends what has become silent.
 *
 * Memory is bounded by `flowsMax`: at the bound the flow whose timer is nearest makes room (flowEndReason 5).
 * Nothing is allocated for a packet, and the table only when it grows.
 *
 * Several meters may read the same PacketColumns: packets are decoded once, whoever meters them.
 */
import { createFlowBatch, type FlowBatch, flowEndReasons } from "../flow/mod.ts";
import { clearBuckets, createBucketTable } from "./bucket-table.ts";
import { emitFlows, type EndedFlows, handOver, windowSOf } from "./emission.ts";
import {
  clearStore,
  createFlowStore,
  flagsFinished,
  flowDoubles,
  type FlowStore,
  flowWords,
  ipv4FlowWords,
  ipv6FlowWords,
  vacant,
} from "./flow-store.ts";
import { createKeyHash } from "./key-hash.ts";
import { createEndPolicy, type EndPolicy, reachOf } from "./policy.ts";
import {
  counts,
  createCounters,
  groupRows,
  type Meter,
  type MeterOptions,
  type MeterStatistics,
} from "./state.ts";
import { chunkBytes, chunkEntries, type ReferenceLists } from "./reference-lists.ts";
import { allocateTable } from "./table-memory.ts";
import { clearTimers, createTimerWheel } from "./timer-wheel.ts";
import { createCurrentWindow } from "./window.ts";

const batchRows = 4096;
/** The word offset of the last IPv6 struct still is a positive 32-bit number. */
const flowsLimit = 2 ** 26;

export function createMeter(options: MeterOptions): Meter {
  const policy = createEndPolicy(options.policy);
  const allocate = options.allocate ?? allocateTable;
  const batch = createMeterBatch(options, policy);
  const state: Omit<Meter, "statistics"> = {
    policy,
    window: policy.windowUs > 0 ? createCurrentWindow(policy.windowUs) : null,
    flowsMax: Math.min(Math.max(options.flowsMax, 1), flowsLimit),
    emit: options.emit,
    batch,
    handedOver: options.lendsBatches === true ? createMeterBatch(options, policy) : batch,
    hash: createKeyHash(options.seed),
    buckets: createBucketTable(allocate),
    ipv4: createFlowStore(allocate, ipv4FlowWords),
    ipv6: createFlowStore(allocate, ipv6FlowWords),
    wheel: createTimerWheel(allocate, reachOf(policy)),
    counters: createCounters(),
    emitted: new Float64Array(flowEndReasons.lackOfResources + 1),
    group: {
      rows: new Int32Array(groupRows),
      ipv6Rows: new Int32Array(groupRows),
      hashes: new Int32Array(groupRows),
      traits: new Uint32Array(groupRows),
      references: new Int32Array(groupRows),
      structs: new Int32Array(groupRows),
      touched: new Int32Array(1),
    },
    due: {
      references: new Int32Array(chunkEntries),
      structs: new Int32Array(chunkEntries),
      reasons: new Uint8Array(chunkEntries),
      hashes: new Int32Array(chunkEntries),
    },
    single: { structs: new Int32Array(1), reasons: new Uint8Array(1) },
  };
  // Not a getter in the literal, which V8 keeps as a hash table, nor one for each meter, which gives each a
  // shape of its own: both make the state slow to read in hot loops.
  return Object.setPrototypeOf(state, meterPrototype) as Meter;
}

const meterPrototype = {
  get statistics(): MeterStatistics {
    return statisticsOf(this as unknown as Meter);
  },
};

/** Ends every flow: a finished one by its own end (3), the others by force (4); hands everything over. */
export function flushMeter(meter: Meter): void {
  while (flushBatch(meter));
}

/**
 * Does a part of flushMeter(): hands over one batch and says whether there is more to do. Until there is not,
 * nothing else may be done with the meter.
 */
export function flushBatch(meter: Meter): boolean {
  if (flushStore(meter, meter.ipv4) || flushStore(meter, meter.ipv6)) return true;
  clearStore(meter.ipv4);
  clearStore(meter.ipv6);
  clearBuckets(meter.buckets);
  clearTimers(meter.wheel);
  meter.counters[counts.activeFlows] = 0;
  handOver(meter);
  return false;
}

/** Hands over the ended flows that wait in a partly filled batch. */
export function drainMeter(meter: Meter): void {
  handOver(meter);
}

/**
 * By how many packets the meter does not add up: those that it was given, less those in flows that it handed
 * over and in flows that are open. 0 always; it walks the whole table.
 */
export function meterError({ counters, ipv4, ipv6 }: Meter): number {
  return counters[counts.packets]! - counters[counts.packetsEmitted]! - openPackets(ipv4) - openPackets(ipv6);
}

function openPackets({ words, doubles, used, flushed, structWords }: FlowStore): number {
  let packets = 0;
  for (let at = flushed * structWords; at < used * structWords; at += structWords) {
    if (words[at + flowWords.traits] !== vacant) packets += doubles[(at >>> 1) + flowDoubles.packets]!;
  }
  return packets;
}

/** Ends the store's flows until a batch was handed over; false when there is none left. */
function flushStore(meter: Meter, store: FlowStore): boolean {
  while (store.flushed < store.used) {
    const { batch, due } = meter;
    const room = Math.min(chunkEntries, batch.capacity - batch.count);
    emitFlows(meter, store, due, takeUnflushed(store, due, room));
    if (meter.batch.count === 0) return true;
  }
  return false;
}

/** Puts the next flows of the store that have not been flushed, `room` at most, into `ended`, and says how many. */
function takeUnflushed(store: FlowStore, ended: EndedFlows, room: number): number {
  const { words, structWords } = store;
  let count = 0;
  for (; store.flushed < store.used && count < room; store.flushed++) {
    const at = store.flushed * structWords;
    if (words[at + flowWords.traits] === vacant) continue;
    const finished = (words[at + flowWords.flags]! & flagsFinished) !== 0;
    ended.structs[count] = at;
    ended.reasons[count] = finished ? flowEndReasons.endOfFlow : flowEndReasons.forced;
    count += 1;
  }
  return count;
}

/** A batch whose columns that are the same for every metered flow are filled once for all. */
function createMeterBatch({ observationDomain = 0 }: MeterOptions, { windowUs }: EndPolicy): FlowBatch {
  const batch = createFlowBatch(batchRows);
  batch.columns.samplingInterval.fill(1);
  batch.columns.observationDomain.fill(observationDomain);
  batch.columns.windowS.fill(windowSOf(windowUs));
  return batch;
}

function statisticsOf({
  counters,
  emitted,
  ipv4,
  ipv6,
  buckets,
  wheel,
}: Omit<Meter, "statistics">): MeterStatistics {
  return {
    packets: counters[counts.packets]!,
    octets: counters[counts.octets]!,
    flowsCreated: counters[counts.flowsCreated]!,
    latePackets: counters[counts.latePackets]!,
    activeFlows: counters[counts.activeFlows]!,
    activeFlowsMax: counters[counts.activeFlowsMax]!,
    flowsEmitted: {
      idle: emitted[flowEndReasons.idle]!,
      active: emitted[flowEndReasons.active]!,
      endOfFlow: emitted[flowEndReasons.endOfFlow]!,
      forced: emitted[flowEndReasons.forced]!,
      lackOfResources: emitted[flowEndReasons.lackOfResources]!,
    },
    flowsEvicted: emitted[flowEndReasons.lackOfResources]!,
    tableBytes:
      storeBytes(ipv4) +
      storeBytes(ipv6) +
      buckets.words.byteLength +
      bytesOf(ipv4.vacancies) +
      bytesOf(ipv6.vacancies) +
      bytesOf(wheel.lists),
  };
}

/** What lies beyond has never been written. */
function storeBytes({ usedMax, structWords }: FlowStore): number {
  return usedMax * structWords * 4;
}

function bytesOf({ usedChunksMax, firstChunk, firstFill }: ReferenceLists): number {
  return usedChunksMax * chunkBytes + firstChunk.byteLength + firstFill.byteLength;
}

/**
 * The addresses with the most octets, in bounded memory.
 *
 * Exact while there are at most `entriesMax` addresses. Beyond, whenever the table is full, the smaller half
 * is forgotten and the largest of those remembered as a margin: an address that is shown may have had up to
 * `octetsUncertain` more octets than it is shown with.
 */
import { formatAddress } from "../../base/mod.ts";

export interface Talker {
  readonly address: string;
  readonly octetsSent: number;
  readonly octetsReceived: number;
  readonly packets: number;
}

export interface TopTalkers {
  readonly entries: readonly Talker[];
  /** 0 when every figure is exact. */
  readonly octetsUncertain: number;
  /** Addresses seen; a lower bound once some were forgotten. */
  readonly addresses: number;
}

export interface TalkerTable {
  /** Adds a flow's octets to the address whose four words are at `at`. */
  add(words: Uint32Array, at: number, octets: number, packets: number, isSource: boolean): void;
  top(count: number): TopTalkers;
}

interface Entries {
  readonly buckets: Int32Array;
  readonly addresses: Uint32Array<ArrayBuffer>;
  readonly sent: Float64Array;
  readonly received: Float64Array;
  readonly packets: Float64Array;
}

const empty = -1;

/** A table of at most `entriesMax` addresses, a power of two. Default 2^18: 14 MiB. */
export function createTalkerTable(entriesMax = 2 ** 18): TalkerTable {
  const entries: Entries = {
    buckets: new Int32Array(entriesMax * 2).fill(empty),
    addresses: new Uint32Array(entriesMax * 4),
    sent: new Float64Array(entriesMax),
    received: new Float64Array(entriesMax),
    packets: new Float64Array(entriesMax),
  };
  let count = 0;
  let octetsUncertain = 0;
  return {
    add: (words, at, octets, packets, isSource) => {
      let bucket = bucketOf(entries, words, at);
      let entry = entries.buckets[bucket]!;
      if (entry === empty) {
        if (count === entriesMax) {
          const kept = forgetSmaller(entries, count);
          octetsUncertain += kept.largestForgotten;
          count = kept.count;
          bucket = bucketOf(entries, words, at);
        }
        entry = count++;
        writeEntry(entries, entry, bucket, words, at);
      }
      if (isSource) entries.sent[entry]! += octets;
      else entries.received[entry]! += octets;
      entries.packets[entry]! += packets;
    },
    top: (wanted) => ({
      entries: byOctets(entries, count)
        .slice(0, wanted)
        .map((entry) => talkerOf(entries, entry)),
      octetsUncertain,
      addresses: count,
    }),
  };
}

function writeEntry(entries: Entries, entry: number, bucket: number, words: Uint32Array, at: number): void {
  entries.buckets[bucket] = entry;
  for (let word = 0; word < 4; word++) entries.addresses[entry * 4 + word] = words[at + word]!;
  entries.sent[entry] = 0;
  entries.received[entry] = 0;
  entries.packets[entry] = 0;
}

/** The bucket that holds the address, or the free one where it belongs. The table is never over half full. */
function bucketOf(entries: Entries, words: Uint32Array, at: number): number {
  const { buckets, addresses } = entries;
  const mask = buckets.length - 1;
  let hash = 0;
  for (let word = 0; word < 4; word++) hash = Math.imul(hash ^ words[at + word]!, 0x9e3779b1) ^ (hash >>> 15);
  for (let bucket = (hash ^ (hash >>> 16)) & mask; ; bucket = (bucket + 1) & mask) {
    const entry = buckets[bucket]!;
    if (entry === empty) return bucket;
    let word = 0;
    while (word < 4 && addresses[entry * 4 + word] === words[at + word]) word++;
    if (word === 4) return bucket;
  }
}

function byOctets({ sent, received }: Entries, count: number): number[] {
  const order = Array.from({ length: count }, (_, entry) => entry);
  return order.sort((one, other) => sent[other]! + received[other]! - sent[one]! - received[one]!);
}

function forgetSmaller(entries: Entries, count: number): { count: number; largestForgotten: number } {
  const order = byOctets(entries, count);
  const kept = Uint32Array.from(order.slice(0, count >> 1)).sort();
  const forgotten = order[count >> 1]!;
  const largestForgotten = entries.sent[forgotten]! + entries.received[forgotten]!;
  entries.buckets.fill(empty);
  // Ascending, so that an entry only ever moves to a place that is free already.
  for (const [to, from] of kept.entries()) {
    entries.addresses.copyWithin(to * 4, from * 4, from * 4 + 4);
    entries.sent[to] = entries.sent[from]!;
    entries.received[to] = entries.received[from]!;
    entries.packets[to] = entries.packets[from]!;
    entries.buckets[bucketOf(entries, entries.addresses, to * 4)] = to;
  }
  return { count: kept.length, largestForgotten };
}

function talkerOf(entries: Entries, entry: number): Talker {
  return {
    address: formatAddress(new Uint8Array(entries.addresses.buffer, entry * 16, 16)),
    octetsSent: entries.sent[entry]!,
    octetsReceived: entries.received[entry]!,
    packets: entries.packets[entry]!,
  };
}

/**
 * The addresses with the most octets, in bounded memory.
 *
 * Exact while there are at most `entriesMax` addresses. Beyond, whenever the table is full, the smaller half
 * is forgotten and the largest of those is remembered as a margin: an address that is shown may have had up
 * to `octetsUncertain` more octets than it is shown with.
 *
 * Flows are taken in groups: reading every bucket and entry of a group before any is changed lets their
 * cache misses overlap.
 */
import { formatAddress } from "../../base/mod.ts";
import type { FlowBatch } from "../../flow/mod.ts";

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
  /** Adds every flow of the batch to both of its addresses. */
  add(flows: FlowBatch): void;
  top(count: number): TopTalkers;
}

interface Table {
  /** Of the hash: who wrote the capture must not be able to choose its collisions. */
  readonly seed: number;
  readonly entriesMax: number;
  readonly buckets: Int32Array;
  /** An entry is four words of address, then octets sent, octets received and packets as doubles. */
  readonly words: Uint32Array<ArrayBuffer>;
  readonly doubles: Float64Array<ArrayBuffer>;
  count: number;
  octetsUncertain: number;
  /** Receives what is read only to have it in the cache, so that reading it is not optimised away. */
  touched: number;
}

const empty = -1;
const entryWords = 10;
const entryDoubles = 5;
const sentDouble = 2;
const receivedDouble = 3;
const packetsDouble = 4;
const groupRows = 32;

/** A table of at most `entriesMax` addresses, a power of two. Default 2^18: 12 MiB. */
export function createTalkerTable(entriesMax = 2 ** 18): TalkerTable {
  const words = new Uint32Array(entriesMax * entryWords);
  const table: Table = {
    seed: crypto.getRandomValues(new Int32Array(1))[0]!,
    entriesMax,
    buckets: new Int32Array(entriesMax * 2).fill(empty),
    words,
    doubles: new Float64Array(words.buffer),
    count: 0,
    octetsUncertain: 0,
    touched: 0,
  };
  return {
    add: (flows) => {
      for (let row = 0; row < flows.count; row += groupRows) {
        addGroup(table, flows, row, Math.min(row + groupRows, flows.count));
      }
    },
    top: (wanted) => ({
      entries: largest(table, wanted).map((entry) => talkerOf(table, entry)),
      octetsUncertain: table.octetsUncertain,
      addresses: table.count,
    }),
  };
}

function addGroup(table: Table, { columns }: FlowBatch, from: number, to: number): void {
  const { sourceAddress, destinationAddress, octets, packets } = columns;
  const { buckets, words } = table;
  const mask = buckets.length - 1;
  let touched = 0;
  for (let row = from; row < to; row++) {
    touched ^= buckets[hashOf(table, sourceAddress, row * 4) & mask]!;
    touched ^= buckets[hashOf(table, destinationAddress, row * 4) & mask]!;
  }
  for (let row = from; row < to; row++) {
    // An empty bucket touches entry 0: a read outside the array would be slow for ever after.
    const source = Math.max(0, buckets[hashOf(table, sourceAddress, row * 4) & mask]!);
    const destination = Math.max(0, buckets[hashOf(table, destinationAddress, row * 4) & mask]!);
    touched ^= words[source * entryWords]! ^ words[destination * entryWords]!;
  }
  table.touched = touched;
  for (let row = from; row < to; row++) {
    const source = entryOf(table, sourceAddress, row * 4) * entryDoubles;
    table.doubles[source + sentDouble]! += octets[row]!;
    table.doubles[source + packetsDouble]! += packets[row]!;
    const destination = entryOf(table, destinationAddress, row * 4) * entryDoubles;
    table.doubles[destination + receivedDouble]! += octets[row]!;
    table.doubles[destination + packetsDouble]! += packets[row]!;
  }
}

/** The entry of the address at `at`, made if there is none. */
function entryOf(table: Table, addresses: Uint32Array, at: number): number {
  let bucket = bucketOf(table, addresses, at);
  const known = table.buckets[bucket]!;
  if (known !== empty) return known;
  if (table.count === table.entriesMax) {
    forgetSmaller(table);
    bucket = bucketOf(table, addresses, at);
  }
  const entry = table.count++;
  table.buckets[bucket] = entry;
  for (let word = 0; word < 4; word++) table.words[entry * entryWords + word] = addresses[at + word]!;
  table.doubles.fill(0, entry * entryDoubles + sentDouble, (entry + 1) * entryDoubles);
  return entry;
}

function hashOf({ seed }: Table, addresses: Uint32Array, at: number): number {
  let hash = seed;
  for (let word = 0; word < 4; word++) {
    hash = Math.imul(hash ^ addresses[at + word]!, 0x85ebca6b);
    hash ^= hash >>> 15;
  }
  return hash;
}

/** The bucket that holds the address, or the free one where it belongs. The table is never over half full. */
function bucketOf(table: Table, addresses: Uint32Array, at: number): number {
  const { buckets, words } = table;
  const mask = buckets.length - 1;
  for (let bucket = hashOf(table, addresses, at) & mask; ; bucket = (bucket + 1) & mask) {
    const entry = buckets[bucket]!;
    if (entry === empty) return bucket;
    let word = 0;
    while (word < 4 && words[entry * entryWords + word] === addresses[at + word]) word++;
    if (word === 4) return bucket;
  }
}

function octetsOf({ doubles }: Table, entry: number): number {
  return doubles[entry * entryDoubles + sentDouble]! + doubles[entry * entryDoubles + receivedDouble]!;
}

/** The entries with the most octets, descending, in one pass. */
function largest(table: Table, wanted: number): number[] {
  const found: number[] = [];
  for (let entry = 0; entry < table.count; entry++) {
    const octets = octetsOf(table, entry);
    if (found.length === wanted && !(octets > octetsOf(table, found[wanted - 1] ?? entry))) continue;
    const place = found.findIndex((other) => octetsOf(table, other) < octets);
    found.splice(place < 0 ? found.length : place, 0, entry);
    if (found.length > wanted) found.pop();
  }
  return found;
}

/** Keeps the entries above the median; those equal to it go too, so that at least half the table is free. */
function forgetSmaller(table: Table): void {
  const { count, words } = table;
  const sorted = Float64Array.from({ length: count }, (_, entry) => octetsOf(table, entry)).sort();
  const median = sorted[count >> 1]!;
  table.octetsUncertain += median;
  table.buckets.fill(empty);
  table.count = 0;
  for (let entry = 0; entry < count; entry++) {
    if (octetsOf(table, entry) <= median) continue;
    const to = table.count++;
    words.copyWithin(to * entryWords, entry * entryWords, (entry + 1) * entryWords);
    table.buckets[bucketOf(table, words, to * entryWords)] = to;
  }
}

function talkerOf({ words, doubles }: Table, entry: number): Talker {
  return {
    address: formatAddress(new Uint8Array(words.buffer, entry * entryWords * 4, 16)),
    octetsSent: doubles[entry * entryDoubles + sentDouble]!,
    octetsReceived: doubles[entry * entryDoubles + receivedDouble]!,
    packets: doubles[entry * entryDoubles + packetsDouble]!,
  };
}

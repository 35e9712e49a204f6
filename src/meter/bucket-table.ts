/**
 * From a key's hash to its flow: open addressing with linear probing, at most half full.
 *
 * A bucket is two words, the whole hash and the flow's reference + 1 (0: empty), so that neither growing
 * nor removing has to touch a flow. A hash starts at the bucket of its upper bits: doubling the table then
 * keeps the order of the buckets, and reads and writes memory in sequence.
 */
import { type AllocateTable, createTableWords } from "./table-memory.ts";

export interface BucketTable {
  readonly allocate: AllocateTable;
  words: Int32Array;
  /** 32 − log2 of the number of buckets. */
  shift: number;
  /** Number of buckets − 1. */
  mask: number;
}

const bucketsMin = 1 << 6;

export function createBucketTable(allocate: AllocateTable): BucketTable {
  return {
    allocate,
    words: createTableWords(allocate, bucketsMin * 2),
    shift: Math.clz32(bucketsMin) + 1,
    mask: bucketsMin - 1,
  };
}

/** Adds a flow that is not there. There must be room: see `growBuckets`. */
export function insertBucket(table: BucketTable, hash: number, reference: number): void {
  const { words, mask } = table;
  let position = hash >>> table.shift;
  while (words[(position << 1) | 1] !== 0) position = (position + 1) & mask;
  words[position << 1] = hash;
  words[(position << 1) | 1] = reference + 1;
}

/** Removes a flow that is there, and moves back those behind it that it had pushed on. */
export function removeBucket(table: BucketTable, hash: number, reference: number): void {
  const { words, mask, shift } = table;
  let hole = hash >>> shift;
  while (words[(hole << 1) | 1] !== reference + 1) hole = (hole + 1) & mask;
  for (let next = (hole + 1) & mask; words[(next << 1) | 1] !== 0; next = (next + 1) & mask) {
    const home = words[next << 1]! >>> shift;
    if (((next - home) & mask) < ((next - hole) & mask)) continue;
    words[hole << 1] = words[next << 1]!;
    words[(hole << 1) | 1] = words[(next << 1) | 1]!;
    hole = next;
  }
  words[(hole << 1) | 1] = 0;
}

/** Makes the table large enough for `flows` flows at half load. */
export function growBuckets(table: BucketTable, flows: number): void {
  while (flows * 2 > table.mask + 1) doubleBuckets(table);
}

function doubleBuckets(table: BucketTable): void {
  const old = table.words;
  table.words = createTableWords(table.allocate, old.length * 2);
  table.shift -= 1;
  table.mask = table.mask * 2 + 1;
  for (let at = 0; at < old.length; at += 2) {
    if (old[at + 1] !== 0) insertBucket(table, old[at]!, old[at + 1]! - 1);
  }
}

/** Reads the first bucket of each hash, so that it is in the cache when it is worked on; see RowGroup.touched. */
export function touchBuckets({ words, shift }: BucketTable, hashes: Int32Array, count: number): number {
  let touched = 0;
  for (let index = 0; index < count; index++) touched ^= words[((hashes[index]! >>> shift) << 1) | 1]!;
  return touched;
}

/** Empties the table and keeps its size. */
export function clearBuckets(table: BucketTable): void {
  table.words.fill(0);
}

/**
 * Lists of flow references that share one pool of memory.
 *
 * A list is a chain of chunks, filled one after the other: its references lie side by side, so that the
 * flows behind them can be fetched together. An entry costs four bytes.
 */

import { type AllocateTable, createTableWords } from "./table-memory.ts";

const chunkWords = 128;
/** References of one chunk; word 0 links to the next chunk. */
export const chunkEntries = chunkWords - 1;
export const chunkBytes = chunkWords * 4;
const noChunk = -1;
const chunksMin = 2;

export interface ReferenceLists {
  readonly allocate: AllocateTable;
  /** First chunk of each list, and references in it; further chunks are full. */
  readonly firstChunk: Int32Array<ArrayBuffer>;
  readonly firstFill: Int32Array<ArrayBuffer>;
  pool: Int32Array;
  freeChunk: number;
  /** Chunks of the pool in use or free; those from here on are untouched memory. */
  usedChunks: number;
  /** The most that `usedChunks` has been. */
  usedChunksMax: number;
}

export function createReferenceLists(allocate: AllocateTable, lists: number): ReferenceLists {
  return {
    allocate,
    firstChunk: new Int32Array(lists).fill(noChunk),
    firstFill: new Int32Array(lists),
    pool: createTableWords(allocate, chunkWords * chunksMin),
    freeChunk: noChunk,
    usedChunks: 0,
    usedChunksMax: 0,
  };
}

export function pushReference(lists: ReferenceLists, list: number, reference: number): void {
  let chunk = lists.firstChunk[list]!;
  let fill = lists.firstFill[list]!;
  if (chunk === noChunk || fill === chunkEntries) {
    const fresh = takeChunk(lists);
    lists.pool[fresh * chunkWords] = chunk;
    lists.firstChunk[list] = fresh;
    chunk = fresh;
    fill = 0;
  }
  lists.pool[chunk * chunkWords + 1 + fill] = reference;
  lists.firstFill[list] = fill + 1;
}

/** Takes the reference that was put in last; -1 when the list is empty. */
export function popReference(lists: ReferenceLists, list: number): number {
  const chunk = lists.firstChunk[list]!;
  if (chunk === noChunk) return -1;
  const fill = lists.firstFill[list]! - 1;
  const reference = lists.pool[chunk * chunkWords + 1 + fill]!;
  if (fill === 0) dropChunk(lists, list, chunk);
  else lists.firstFill[list] = fill;
  return reference;
}

/** The reference that will be popped after `ahead` others; -1 beyond the second chunk. */
export function peekReference(lists: ReferenceLists, list: number, ahead: number): number {
  const chunk = lists.firstChunk[list]!;
  const fill = lists.firstFill[list]!;
  if (ahead < fill) return lists.pool[chunk * chunkWords + fill - ahead]!;
  const behind = ahead - fill;
  if (chunk === noChunk || behind >= chunkEntries) return -1;
  const next = lists.pool[chunk * chunkWords]!;
  return next === noChunk ? -1 : lists.pool[(next + 1) * chunkWords - 1 - behind]!;
}

/**
 * Takes one chunk's references out of a list into `into`, which has room for `chunkEntries`, and says how
 * many; 0 when the list is empty.
 */
export function takeReferences(lists: ReferenceLists, list: number, into: Int32Array): number {
  const chunk = lists.firstChunk[list]!;
  if (chunk === noChunk) return 0;
  const count = lists.firstFill[list]!;
  const at = chunk * chunkWords + 1;
  for (let index = 0; index < count; index++) into[index] = lists.pool[at + index]!;
  dropChunk(lists, list, chunk);
  return count;
}

/** Empties every list and keeps the memory. */
export function clearReferences(lists: ReferenceLists): void {
  lists.firstChunk.fill(noChunk);
  lists.firstFill.fill(0);
  lists.freeChunk = noChunk;
  lists.usedChunks = 0;
}

function dropChunk(lists: ReferenceLists, list: number, chunk: number): void {
  const at = chunk * chunkWords;
  const next = lists.pool[at]!;
  lists.firstChunk[list] = next;
  lists.firstFill[list] = next === noChunk ? 0 : chunkEntries;
  lists.pool[at] = lists.freeChunk;
  lists.freeChunk = chunk;
}

function takeChunk(lists: ReferenceLists): number {
  const chunk = lists.freeChunk;
  if (chunk !== noChunk) {
    lists.freeChunk = lists.pool[chunk * chunkWords]!;
    return chunk;
  }
  if ((lists.usedChunks + 1) * chunkWords > lists.pool.length) {
    const pool = createTableWords(lists.allocate, lists.pool.length * 2);
    pool.set(lists.pool);
    lists.pool = pool;
  }
  lists.usedChunks += 1;
  if (lists.usedChunks > lists.usedChunksMax) lists.usedChunksMax = lists.usedChunks;
  return lists.usedChunks - 1;
}

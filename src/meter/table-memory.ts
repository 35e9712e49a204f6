/** Memory of the table: who allocates it, and how it is laid out. */

/**
 * Allocates bytes, all 0. What of them is never written is address space, and takes no memory: the C library maps
 * large pieces so.
 */
export type AllocateTable = (bytes: number) => ArrayBufferLike;

export const allocateTable: AllocateTable = (bytes) => new ArrayBuffer(bytes);

/**
 * For a process that has one meter and ends with it: V8 does not count the bytes of shared buffers among those that
 * make it collect garbage, so that it does not collect each time the table grows. For the same reason it would be
 * long before the table of a meter that was given up is collected: a process with more than one must not use it.
 */
export const allocateUncounted: AllocateTable = (bytes) => new SharedArrayBuffer(bytes);

/** The C library lets a large buffer begin 16 bytes into a page; from here on a cache line begins. */
const lineOffsetBytes = 48;

/** Signed words. */
export function createTableWords(allocate: AllocateTable, words: number): Int32Array {
  return new Int32Array(allocate(words * 4));
}

/** Unsigned words, of which the first begins a cache line, so that a struct of 64 bytes is in one. */
export function createTableStructs(allocate: AllocateTable, words: number): Uint32Array {
  return new Uint32Array(allocate(words * 4 + lineOffsetBytes), lineOffsetBytes, words);
}

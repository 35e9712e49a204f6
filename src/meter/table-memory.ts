/**
 * Memory of the table.
 *
 * Shared buffers, though nobody shares them: V8 counts the bytes of other buffers among those that make it collect
 * garbage, and would collect several times while the table grows, of which nothing is garbage. What has not been
 * written is address space, and takes no memory.
 */

/** The C library lets a large buffer begin 16 bytes into a page; from here on a cache line begins. */
const lineOffsetBytes = 48;

export type TableBuffer = SharedArrayBuffer;

/** Signed words, all 0. */
export function createTableWords(words: number): Int32Array<TableBuffer> {
  return new Int32Array(new SharedArrayBuffer(words * 4));
}

/** Unsigned words, all 0, of which the first begins a cache line, so that a struct of 64 bytes is in one. */
export function createTableStructs(words: number): Uint32Array<TableBuffer> {
  return new Uint32Array(new SharedArrayBuffer(words * 4 + lineOffsetBytes), lineOffsetBytes, words);
}

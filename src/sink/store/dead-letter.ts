/**
 * Where batches go that can never be delivered: a folder with each batch as it was and, beside it, what was
 * wrong with it, so that nothing accepted is thrown away unseen.
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, writeSync } from "node:fs";
import { join } from "node:path";

import type { Fault } from "../../base/mod.ts";
import type { SpoolEntry } from "../../spool/mod.ts";

/** Files kept; a flood of broken batches must not fill the disk. */
const batchesMax = 1000;

export interface DeadLetters {
  hasRoom(): boolean;
  /** Keeps a batch; false if there are too many already. Throws what the file system throws. */
  keep(entry: SpoolEntry, fault: Fault): boolean;
}

export function createDeadLetters(directory: string): DeadLetters {
  const hasRoom = (): boolean => countFiles(directory) < batchesMax * 2;
  return {
    hasRoom,
    keep: (entry, { code, message }) => {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      if (!hasRoom()) return false;
      const { position, batchId, rows, acceptedMs, target } = entry;
      const description = { position, batchId, rows, acceptedMs, target, fault: { code, message } };
      writeDurably(join(directory, `store-${position}.batch`), entry.bytes);
      writeDurably(
        join(directory, `store-${position}.json`),
        new TextEncoder().encode(`${JSON.stringify(description)}\n`),
      );
      return true;
    },
  };
}

function countFiles(directory: string): number {
  return existsSync(directory) ? readdirSync(directory).length : 0;
}

function writeDurably(path: string, bytes: Uint8Array): void {
  const file = openSync(path, "w", 0o600);
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Batches on their way to the main process: each is kept until the main process says that it is accepted. */
import { batchesUnderWayMax } from "./message.ts";

export interface Outbox {
  /** The sequence number that the next batch must bear. */
  readonly nextSequence: () => number;
  /** Takes the batch with `nextSequence` and sends it as soon as its turn comes. */
  add(bytes: Uint8Array<ArrayBuffer>): void;
  accepted(sequence: number): void;
  /** Batches that are not accepted yet. */
  waiting(): number;
  acceptedCount(): number;
  /** Whether something was handed to the channel that it has not written yet. */
  writing(): boolean;
  /** Resolves when every batch that was added before this call is accepted; calls resolve in their order. */
  settled(): Promise<void>;
}

export type SendBatch = (sequence: number, bytes: Uint8Array<ArrayBuffer>, written: () => void) => void;

/** Of a process that is one of so many `workers`. */
export function createOutbox(send: SendBatch, workers = 1): Outbox {
  const underWayMax = batchesUnderWayMax(workers);
  const kept = new Map<number, Uint8Array<ArrayBuffer>>();
  const settling: { readonly upTo: number; readonly resolve: () => void }[] = [];
  let lastAdded = 0;
  let lastSent = 0;
  let underWay = 0;
  let beingWritten = 0;
  let acceptedCount = 0;

  const sendMore = (): void => {
    while (underWay < underWayMax && lastSent < lastAdded) {
      lastSent++;
      underWay++;
      beingWritten++;
      send(lastSent, kept.get(lastSent)!, () => beingWritten--);
    }
  };
  const oldestKept = (): number => kept.keys().next().value ?? lastAdded + 1;
  return {
    nextSequence: () => lastAdded + 1,
    add(bytes) {
      kept.set(++lastAdded, bytes);
      sendMore();
    },
    accepted(sequence) {
      if (!kept.delete(sequence)) return;
      underWay--;
      acceptedCount++;
      const oldest = oldestKept();
      while (settling.length > 0 && settling[0]!.upTo < oldest) settling.shift()!.resolve();
      sendMore();
    },
    waiting: () => kept.size,
    acceptedCount: () => acceptedCount,
    writing: () => beingWritten > 0,
    settled() {
      if (kept.size === 0) return Promise.resolve();
      return new Promise((resolve) => settling.push({ upTo: lastAdded, resolve }));
    },
  };
}

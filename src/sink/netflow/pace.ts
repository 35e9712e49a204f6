/**
 * How fast datagrams may leave for one collector, whatever the number of exporters that send to it: its
 * receive buffer is one.
 */
import { awaitRoom, type ReceiveQueue, receiveQueueOf } from "./receive-queue.ts";
import { createTokenBucket, takeTokens, type TokenBucket } from "./token-bucket.ts";

export interface Pace {
  readonly bucket: TokenBucket;
  /** The collector's, if it is on this host. */
  readonly receiveQueue: ReceiveQueue | undefined;
}

const bucketBytes = 32_768;

/** The pace of the collector at this address and port, `bytesPerSecond` at most. */
export function createPace(address: string, port: number, bytesPerSecond: number): Pace {
  return {
    bucket: createTokenBucket(bytesPerSecond, bucketBytes),
    receiveQueue: receiveQueueOf(address, port),
  };
}

/** Resolves when so many datagrams of so many bytes together may leave. */
export async function keepPace(pace: Pace, datagrams: number, bytes: number): Promise<void> {
  await takeTokens(pace.bucket, bytes);
  if (pace.receiveQueue !== undefined) await awaitRoom(pace.receiveQueue, datagrams);
}

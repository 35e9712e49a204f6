/**
 * How full the receive buffer of a collector on this host is, and waiting while it is too full.
 *
 * No pace is slow enough for a collector that shares a busy processor with its exporter and is not
 * scheduled for some ten milliseconds. Between hosts nothing can be known about that; on the loopback Linux
 * tells it, in /proc/net/udp and /proc/net/udp6, so that an offline run into a local collector is complete.
 */
import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";

export interface ReceiveQueue {
  /** A line of the collector's socket in /proc, and what waits in its queue. */
  readonly line: RegExp;
  /** Bytes that may still be sent before it is looked at again. */
  room: number;
  /** It did not take anything in all the time it was given: no longer waited for until it does. */
  stuck: boolean;
}

/** What the kernel charges the receive buffer for a datagram of 1,400 bytes. */
const datagramCharge = 2304;
/** Up to here the queue is filled; the default buffer is 212,992. */
const queuedBytesMax = 163_840;
const patienceMs = 500;

/** The queue of a collector at a loopback address; undefined for any other. */
export function receiveQueueOf(address: string, port: number): ReceiveQueue | undefined {
  if (!address.startsWith("127.") && address !== "::1") return undefined;
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  // slot: local address:port remote address:port state transmit queue:receive queue
  const line = new RegExp(`: [0-9A-F]+:${hex} [0-9A-F]+:0000 07 [0-9A-F]+:([0-9A-F]+) `, "gu");
  return { line, room: 0, stuck: false };
}

/** Resolves when there is room for so many datagrams, or none can be hoped for. */
export async function awaitRoom(queue: ReceiveQueue, datagrams: number): Promise<void> {
  const needed = datagrams * datagramCharge;
  if (queue.room < needed) await awaitReading(queue, needed);
  queue.room -= needed;
}

async function awaitReading(queue: ReceiveQueue, needed: number): Promise<void> {
  let progressMs = performance.now();
  let most = Number.NEGATIVE_INFINITY;
  for (;;) {
    queue.room = queuedBytesMax - queuedBytes(queue);
    if (queue.room >= needed) break;
    if (queue.room > most) {
      most = queue.room;
      progressMs = performance.now();
    }
    if (queue.stuck || performance.now() - progressMs > patienceMs) {
      queue.stuck = true;
      return;
    }
    await setTimeout(1);
  }
  queue.stuck = false;
}

/** Bytes in the fullest socket of the port; 0 where nobody listens or the kernel does not tell. */
function queuedBytes({ line }: ReceiveQueue): number {
  let most = 0;
  for (const table of ["/proc/net/udp", "/proc/net/udp6"]) {
    for (const [, queued] of readTable(table).matchAll(line)) {
      most = Math.max(most, Number.parseInt(queued!, 16));
    }
  }
  return most;
}

function readTable(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

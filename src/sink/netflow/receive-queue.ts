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
  /** The collector's port, as /proc has it. */
  readonly port: string;
  /** It did not take anything in all the time it was given: no longer waited for until it does. */
  stuck: boolean;
}

/**
 * As the kernel charges it, some 2,300 bytes for a datagram of 1,400; a group of datagrams more stays below
 * the default buffer of 212,992.
 */
const queuedBytesMax = 65_536;
const patienceMs = 500;

/** The queue of a collector at a loopback address; undefined for any other. */
export function receiveQueueOf(address: string, port: number): ReceiveQueue | undefined {
  const loopback = address.startsWith("127.") || address === "::1";
  return loopback ? { port: port.toString(16).toUpperCase().padStart(4, "0"), stuck: false } : undefined;
}

/** Resolves when there is room in the queue, or none can be hoped for. */
export async function awaitRoom(queue: ReceiveQueue): Promise<void> {
  let least = queuedBytes(queue);
  let progressMs = performance.now();
  for (let bytes = least; bytes > queuedBytesMax; bytes = queuedBytes(queue)) {
    if (bytes < least) {
      least = bytes;
      progressMs = performance.now();
    } else if (queue.stuck || performance.now() - progressMs > patienceMs) {
      queue.stuck = true;
      return;
    }
    await setTimeout(1);
  }
  queue.stuck = false;
}

/** Bytes in the fullest socket of the port; 0 where nobody listens or the kernel does not tell. */
function queuedBytes({ port }: ReceiveQueue): number {
  // slot: local address:port remote address:port state transmit queue:receive queue
  const pattern = new RegExp(`: [0-9A-F]+:${port} [0-9A-F]+:0000 07 [0-9A-F]+:([0-9A-F]+) `, "gu");
  let most = 0;
  for (const table of ["/proc/net/udp", "/proc/net/udp6"]) {
    for (const [, queued] of readTable(table).matchAll(pattern)) {
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

/** A UDP socket that keeps what it receives, with the header fields that the tests look at. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

import { onTestFinished } from "vitest";

import { freePort } from "../../support/ports.ts";

export interface UdpCollector {
  readonly address: string;
  readonly port: number;
  readonly datagrams: Uint8Array[];
  /** Waits until that many datagrams came, and answers them. */
  received(count: number): Promise<readonly Uint8Array[]>;
  close(): Promise<void>;
}

export async function openCollector(address = "127.0.0.1", wantedPort?: number): Promise<UdpCollector> {
  const type = address.includes(":") ? "udp6" : "udp4";
  const socket = createSocket({ type, recvBufferSize: 4 << 20 });
  const datagrams: Uint8Array[] = [];
  let open = true;
  const close = async () => {
    if (!open) return;
    open = false;
    socket.close();
    await once(socket, "close");
  };
  socket.on("message", (message) => datagrams.push(Uint8Array.from(message)));
  // One that is closed again stays closed: the kernel gives its port to nobody.
  socket.bind(wantedPort ?? (await freePort()), address);
  await once(socket, "listening");
  onTestFinished(close);
  return {
    address,
    port: socket.address().port,
    datagrams,
    received: async (count) => {
      for (let waitedMs = 0; datagrams.length < count && waitedMs < 10_000; waitedMs += 5) await sleep(5);
      if (datagrams.length < count) throw new Error(`${datagrams.length} of ${count} datagrams came`);
      return datagrams;
    },
    close,
  };
}

export function versionOf(datagram: Uint8Array): number {
  return new DataView(datagram.buffer).getUint16(0);
}

/** NetFlow v9 and v5 count; the records of a datagram. */
export function countOf(datagram: Uint8Array): number {
  return new DataView(datagram.buffer).getUint16(2);
}

export function sequenceOf(datagram: Uint8Array): number {
  const at = { 5: 16, 9: 12, 10: 8 }[versionOf(datagram)]!;
  return new DataView(datagram.buffer).getUint32(at);
}

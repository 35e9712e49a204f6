import { setTimeout as sleep } from "node:timers/promises";

import { describe, expect, it } from "vitest";

import { fail, parseAddress, unwrap } from "../../../src/base/mod.ts";
import { errnos, type Libc, loadLibc } from "../../../src/libc/mod.ts";
import { openSegmentSocket, segmentsMax } from "../../../src/sink/netflow/segment-socket.ts";
import { createUdpSender } from "../../../src/sink/netflow/udp-sender.ts";
import { createExportDatagram, type ExportDatagram } from "../../../src/wire/export/mod.ts";
import { openCollector } from "./udp-collector.ts";

const libc = unwrap(await loadLibc());

/** Datagrams of these lengths, each filled with its own number. */
function datagramsOf(lengths: readonly number[]): ExportDatagram[] {
  return lengths.map((length, index) => {
    const datagram = createExportDatagram();
    datagram.bytes.fill(index + 1, 0, length);
    datagram.length = length;
    return datagram;
  });
}

function expected(lengths: readonly number[]): string[] {
  return lengths.map((length, index) => Buffer.alloc(length, index + 1).toString("hex"));
}

function connect(to: { address: string; port: number }, calls: Libc = libc) {
  const socket = openSegmentSocket(calls, unwrap(parseAddress(to.address)), to.address !== "::1", to.port);
  if (socket instanceof Error) throw socket;
  return socket;
}

/** Sends all, and tells how many went with each call. */
async function sendAll(socket: ReturnType<typeof connect>, datagrams: readonly ExportDatagram[]) {
  const calls: number[] = [];
  for (let from = 0; from < datagrams.length; from += calls.at(-1)!) {
    const { sent, error } = await socket.send(datagrams, from, datagrams.length);
    if (error !== undefined) throw error;
    calls.push(sent);
  }
  return calls;
}

describe("openSegmentSocket()", () => {
  const lengths = [1400, 1400, 1400, 900, 1400, 1400, 1312, 1312, 1312, 1, 1, 1400];

  it("sends what is equally long together, and a shorter one behind it, over IPv4 and IPv6", async () => {
    for (const address of ["127.0.0.1", "::1"]) {
      const collector = await openCollector(address);
      const socket = connect(collector);
      expect(await sendAll(socket, datagramsOf(lengths))).toEqual([4, 3, 3, 1, 1]);
      const received = await collector.received(lengths.length);
      expect(received.map((datagram) => Buffer.from(datagram).toString("hex"))).toEqual(expected(lengths));
      expect(socket.local()).toMatchObject({ address, port: expect.any(Number) });
      await socket.close();
      await collector.close();
    }
  });

  it("sends no more at once than the kernel takes", async () => {
    const collector = await openCollector();
    const socket = connect(collector);
    const many = Array.from({ length: segmentsMax * 2 + 1 }, () => 1400);
    expect(await sendAll(socket, datagramsOf(many))).toEqual([segmentsMax, segmentsMax, 1]);
    const received = await collector.received(many.length);
    expect(received.map((datagram) => Buffer.from(datagram).toString("hex"))).toEqual(expected(many));
    await socket.close();
    await collector.close();
  });

  it("sends what a datagram holds now, not what it held when it was sent before", async () => {
    const collector = await openCollector();
    const socket = connect(collector);
    const datagrams = datagramsOf([1400, 1400]);
    const sent: string[] = [];
    for (const [value, length] of [
      [0xaa, 1400],
      [0xbb, 17],
      [0xcc, 1312],
    ] as const) {
      datagrams.forEach((datagram, index) => {
        datagram.bytes.fill(value + index);
        datagram.length = length;
        sent.push(Buffer.alloc(length, value + index).toString("hex"));
      });
      expect(await sendAll(socket, datagrams)).toEqual([2]);
      // One alone, too, and in another place of the call than before.
      expect(await sendAll(socket, [datagrams[1]!])).toEqual([1]);
      sent.push(sent.at(-1)!);
    }
    const received = await collector.received(sent.length);
    expect(received.map((datagram) => Buffer.from(datagram).toString("hex"))).toEqual(sent);
    await socket.close();
    await collector.close();
  });

  it("sends one by one where the path's device or MTU forbids segments", async () => {
    const collector = await openCollector();
    for (const errno of [errnos.EIO, errnos.EMSGSIZE, errnos.EINVAL]) {
      const refusing: Libc = {
        ...libc,
        sendmsg: (descriptor, message, flags) =>
          new DataView(message.buffer).getUint32(40, true) > 0
            ? { ok: false, error: { call: "sendmsg", errno, name: "refused" } }
            : libc.sendmsg(descriptor, message, flags),
      };
      const socket = connect(collector, refusing);
      expect(await sendAll(socket, datagramsOf([1400, 1400, 1400]))).toEqual([1, 1, 1]);
      await socket.close();
    }
    expect(await collector.received(9)).toHaveLength(9);
    await collector.close();
  });

  it("waits while the kernel's send buffer is full", async () => {
    const collector = await openCollector();
    let full = 3;
    const busy: Libc = {
      ...libc,
      sendmsg: (descriptor, message, flags) =>
        full-- > 0
          ? { ok: false, error: { call: "sendmsg", errno: errnos.EAGAIN, name: "EAGAIN" } }
          : libc.sendmsg(descriptor, message, flags),
    };
    const socket = connect(collector, busy);
    expect(await sendAll(socket, datagramsOf([10, 10]))).toEqual([2]);
    expect(full).toBe(-1);
    await socket.close();
    await collector.close();
  });

  it("makes no call with the number of a closed descriptor", async () => {
    const collector = await openCollector();
    const calls: string[] = [];
    const full: Libc = {
      ...libc,
      sendmsg: () => {
        calls.push("sendmsg");
        return { ok: false, error: { call: "sendmsg", errno: errnos.EAGAIN, name: "EAGAIN" } };
      },
      close: (descriptor) => {
        calls.push("close");
        return libc.close(descriptor);
      },
    };
    const socket = connect(collector, full);
    const waiting = socket.send(datagramsOf([10, 10]), 0, 2);
    await socket.close();
    const closed = { sent: 0, error: new Error("the socket was closed before the kernel took a datagram") };
    expect(await waiting).toEqual(closed);
    expect(await socket.send(datagramsOf([10]), 0, 1)).toEqual(closed);
    await socket.close();
    expect(calls).toEqual(["sendmsg", "close"]);
    await collector.close();
  });

  it("tells that the collector is down, by the name of the error", async () => {
    const collector = await openCollector();
    await collector.close();
    const socket = connect(collector);
    await socket.send(datagramsOf([10]), 0, 1);
    await sleep(20);
    expect((await socket.send(datagramsOf([10]), 0, 1)).error?.message).toBe("sendmsg ECONNREFUSED");
    await socket.close();
  });
});

describe("a UDP sender without the C library", () => {
  const missing = Promise.resolve(fail("KernelFeatureMissing", "no node:ffi"));

  it("sends the same datagrams in the same order", async () => {
    const lengths = [1400, 1400, 700, 1400];
    const collector = await openCollector();
    const sender = unwrap(createUdpSender({ ...collector, pace: undefined, libc: missing }));
    await sender.send(datagramsOf(lengths), lengths.length, () => expect.unreachable());
    const received = await collector.received(lengths.length);
    expect(received.map((datagram) => Buffer.from(datagram).toString("hex"))).toEqual(expected(lengths));
    expect(sender.local()).toMatchObject({ address: "127.0.0.1" });
    await sender.close();
    await collector.close();
  });

  it("tries a datagram again that was not sent for the one before it", async () => {
    const gone = await openCollector();
    await gone.close();
    const sender = unwrap(createUdpSender({ ...gone, pace: undefined, libc: missing }));
    let notSent = 0;
    for (let round = 0; round < 4; round++) {
      await sender.send(datagramsOf([10, 10]), 2, () => notSent++);
      await sleep(10);
    }
    expect(notSent).toBe(0);
    expect(sender.errors()).toBeGreaterThan(0);
    expect(sender.lastError()).toContain("ECONNREFUSED");
    await sender.close();
  });
});

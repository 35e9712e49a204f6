/**
 * Sends UDP packets of many flows through a packet socket, many a system call, at a pace or as fast as it can.
 *
 *     node bench/live/sender.ts INTERFACE DESTINATION_MAC      then by IPC an order, answered when it is done
 *
 * sendmmsg() with PACKET_QDISC_BYPASS was the fastest of what was tried: a PACKET_TX_RING sent 0.85 times as
 * many packets for the same CPU time, and UDP segments that the kernel cuts 1.2 times, but 16 of a flow in a row.
 */
import ffi from "node:ffi";
import { readFileSync } from "node:fs";

import { macBytes } from "../../test/support/frame-builder.ts";

export interface SendOrder {
  /** Flows, whose packets follow each other in turn. */
  readonly flows: number;
  /** 0 is as fast as can be. */
  readonly packetsPerSecond: number;
  readonly durationMs: number;
}

export interface Sent {
  /** Packets that the kernel took. */
  readonly packets: number;
  readonly elapsedMs: number;
  /** User and system time, in which the kernel's work at the other end of the pair is too. */
  readonly cpuMs: number;
}

const { functions: libc } = ffi.dlopen(null, {
  socket: { arguments: ["i32", "i32", "i32"], return: "i32" },
  bind: { arguments: ["i32", "pointer", "u32"], return: "i32" },
  setsockopt: { arguments: ["i32", "i32", "i32", "pointer", "u32"], return: "i32" },
  sendmmsg: { arguments: ["i32", "pointer", "u32", "i32"], return: "i32" },
} as const);

const familyPacket = 17;
const typeRaw = 3;
const levelPacket = 263;
const optionQueueBypass = 20;
/** The smallest Ethernet frame, without its check sequence. */
const frameBytes = 60;
const frameStride = 64;
/** struct mmsghdr of a 64-bit system: a struct msghdr of 56 octets, the length sent, padding. */
const messageBytes = 64;
const vectorBytes = 16;
const packetsAtOnce = 64;
/** A sender that was kept from running does not make up for more than this: that would be another pace. */
const behindPacketsMax = 4 * packetsAtOnce;

function openSocket(interfaceName: string): number {
  const address = new DataView(new ArrayBuffer(20));
  address.setUint16(0, familyPacket, true);
  address.setInt32(4, Number(readFileSync(`/sys/class/net/${interfaceName}/ifindex`, "utf8")), true);
  const descriptor = libc.socket(familyPacket, typeRaw, 0);
  if (descriptor < 0 || libc.bind(descriptor, address, 20) !== 0) throw new Error("no packet socket");
  libc.setsockopt(descriptor, levelPacket, optionQueueBypass, Uint32Array.of(1), 4);
  return descriptor;
}

/** What sendmmsg() is given; the addresses in it are of the memory beside it. */
interface Messages {
  readonly flows: number;
  /** The address of each group of `packetsAtOnce` messages. */
  readonly groups: readonly bigint[];
  readonly memory: readonly Uint8Array[];
}

/** One message a flow; the last group is filled up with the first flows. */
function messagesOf(flows: number, destination: readonly number[]): Messages {
  const count = Math.ceil(flows / packetsAtOnce) * packetsAtOnce;
  const frames = new Uint8Array(count * frameStride);
  const vectors = new BigUint64Array((count * vectorBytes) / 8);
  const headers = new BigUint64Array((count * messageBytes) / 8);
  const framesAt = ffi.getRawPointer(frames);
  const vectorsAt = ffi.getRawPointer(vectors);
  const headersAt = ffi.getRawPointer(headers);
  for (let message = 0; message < count; message++) {
    writeFrame(new DataView(frames.buffer, message * frameStride, frameStride), message % flows, destination);
    vectors[message * 2] = framesAt + BigInt(message * frameStride);
    vectors[message * 2 + 1] = BigInt(frameBytes);
    headers[message * 8 + 2] = vectorsAt + BigInt(message * vectorBytes);
    headers[message * 8 + 3] = 1n;
  }
  const groups = Array.from(
    { length: count / packetsAtOnce },
    (_, group) => headersAt + BigInt(group * packetsAtOnce * messageBytes),
  );
  const memory = [frames, new Uint8Array(vectors.buffer), new Uint8Array(headers.buffer)];
  return { flows, groups, memory };
}

/** UDP from an address and a port of the flow's own to port 53 of one of 65,536 others, all in 10.0.0.0/8. */
function writeFrame(view: DataView, flow: number, destination: readonly number[]): void {
  for (const [at, octet] of destination.entries()) view.setUint8(at, octet);
  for (let at = 6; at < 12; at++) view.setUint8(at, 2);
  view.setUint16(12, 0x0800);
  view.setUint8(14, 0x45);
  view.setUint16(16, frameBytes - 14);
  view.setUint8(22, 64);
  view.setUint8(23, 17);
  view.setUint32(26, 0x0a400000 + flow);
  view.setUint32(30, 0x0a800000 + (Math.imul(flow, 0x9e3779b1) >>> 16));
  view.setUint16(34, 1024 + (flow % 60_000));
  view.setUint16(36, 53);
  view.setUint16(38, frameBytes - 34);
}

const [interfaceName = "", macAddress = ""] = process.argv.slice(2);
const descriptor = openSocket(interfaceName);
/** Kept for the next order of as many flows, and because the kernel reads it. */
let messages: Messages = { flows: 0, groups: [], memory: [] };

function send({ flows, packetsPerSecond, durationMs }: SendOrder): Sent {
  if (messages.flows !== flows) messages = messagesOf(flows, macBytes(macAddress));
  const { groups } = messages;
  const cpuBefore = process.cpuUsage();
  const startMs = performance.now();
  let packets = 0;
  let group = 0;
  /** From when on, and after how many packets, the pace is kept. */
  let pacedFromMs = startMs;
  let pacedFromPackets = 0;
  for (let nowMs = startMs; nowMs - startMs < durationMs; nowMs = performance.now()) {
    if (packetsPerSecond > 0) {
      const due = ((nowMs - pacedFromMs) * packetsPerSecond) / 1000 - (packets - pacedFromPackets);
      if (due < packetsAtOnce) continue;
      if (due > behindPacketsMax) {
        pacedFromMs = nowMs;
        pacedFromPackets = packets;
      }
    }
    const taken = libc.sendmmsg(descriptor, groups[group]!, packetsAtOnce, 0);
    if (taken > 0) packets += taken;
    group = (group + 1) % groups.length;
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  return { packets, elapsedMs: performance.now() - startMs, cpuMs: (user + system) / 1000 };
}

process.on("message", (order: SendOrder) => process.send?.(send(order)));
process.on("disconnect", () => process.exit(0));
process.send?.("ready");

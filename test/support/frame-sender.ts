/**
 * Sends frames through a packet socket as they are, 64 of them a system call:
 * `frame-sender.ts <interface>`, then by IPC a list of frames, each with how often it is sent. Answers when the
 * kernel has taken all of them. It has its own calls of the C library: what it proves is not what it uses.
 */
import ffi from "node:ffi";
import { readFileSync } from "node:fs";

export interface FrameOrder {
  readonly frame: Uint8Array;
  readonly times: number;
}

const familyPacket = 17;
const typeRaw = 3;
const messagesAtOnce = 64;
/** An interface that has just come up takes nothing for a moment. */
const refusalsMax = 5000;
const refusalWaitMs = 2;
/** struct mmsghdr of a 64-bit system: a struct msghdr of 56 octets, the length sent, padding. */
const messageBytes = 64;

const { functions: libc } = ffi.dlopen(null, {
  socket: { arguments: ["i32", "i32", "i32"], return: "i32" },
  bind: { arguments: ["i32", "pointer", "u32"], return: "i32" },
  sendmmsg: { arguments: ["i32", "pointer", "u32", "i32"], return: "i32" },
} as const);

function openSocket(interfaceName: string): number {
  const index = Number(readFileSync(`/sys/class/net/${interfaceName}/ifindex`, "utf8"));
  const address = new DataView(new ArrayBuffer(20));
  address.setUint16(0, familyPacket, true);
  address.setInt32(4, index, true);
  const descriptor = libc.socket(familyPacket, typeRaw, 0);
  if (descriptor < 0 || libc.bind(descriptor, address, 20) !== 0) throw new Error("no packet socket");
  return descriptor;
}

/** Messages that all send the same frame; the vector lies behind them in one buffer. */
function messagesOf(frame: Uint8Array): Uint8Array {
  const vectorAt = messagesAtOnce * messageBytes;
  const messages = new Uint8Array(vectorAt + 16);
  const view = new DataView(messages.buffer);
  const address = ffi.getRawPointer(messages);
  view.setBigUint64(vectorAt, ffi.getRawPointer(frame), true);
  view.setBigUint64(vectorAt + 8, BigInt(frame.length), true);
  for (let message = 0; message < messagesAtOnce; message++) {
    view.setBigUint64(message * messageBytes + 16, address + BigInt(vectorAt), true);
    view.setBigUint64(message * messageBytes + 24, 1n, true);
  }
  return messages;
}

const descriptor = openSocket(process.argv[2]!);
/** Everything whose address the kernel is told stays here. */
const referenced: Uint8Array[] = [];
const pause = new Int32Array(new SharedArrayBuffer(4));

function send({ frame, times }: FrameOrder): void {
  const messages = messagesOf(frame);
  referenced.splice(0, referenced.length, frame, messages);
  let sent = 0;
  let refusals = 0;
  while (sent < times) {
    const count = libc.sendmmsg(descriptor, messages, Math.min(messagesAtOnce, times - sent), 0);
    if (count > 0) sent += count;
    else if (++refusals === refusalsMax) throw new Error(`the kernel takes no frame on ${process.argv[2]}`);
    else Atomics.wait(pause, 0, 0, refusalWaitMs);
  }
}

process.on("message", (orders: FrameOrder[]) => {
  for (const order of orders) send(order);
  process.send?.("sent");
});
process.on("disconnect", () => process.exit(0));
process.send?.("ready");

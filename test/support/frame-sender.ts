/**
 * Sends frames through a packet socket as they are, 64 of them a system call:
 * `frame-sender.ts <interface>`, then by IPC a list of frames, each with how often it is sent. Answers with
 * how many frames the kernel took. It has its own calls of the C library: what it proves is not what it uses.
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

function send({ frame, times }: FrameOrder): { sent: number; refused: number } {
  const messages = messagesOf(frame);
  referenced.splice(0, referenced.length, frame, messages);
  let sent = 0;
  let refused = 0;
  while (sent + refused < times) {
    const count = libc.sendmmsg(descriptor, messages, Math.min(messagesAtOnce, times - sent - refused), 0);
    if (count > 0) sent += count;
    else refused++;
  }
  return { sent, refused };
}

process.on("message", (orders: FrameOrder[]) => {
  let frames = 0;
  let refused = 0;
  for (const order of orders) {
    const done = send(order);
    frames += done.sent;
    refused += done.refused;
  }
  process.send?.({ frames, refused });
});
process.on("disconnect", () => process.exit(0));
process.send?.({ frames: 0, refused: 0 });

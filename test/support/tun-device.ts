/**
 * A tun device, whose packets have no link header: `tun-device.ts <name>` makes it in the namespace that it runs in.
 * By IPC it takes IP packets that come in by the device, and destinations to which it sends a datagram each that goes
 * out by it; it answers when that is done. The device is there for as long as this process.
 */
import { createSocket } from "node:dgram";
import ffi from "node:ffi";
import { createReadStream, openSync, writeSync } from "node:fs";

export interface TunOrder {
  readonly incoming: readonly Uint8Array[];
  readonly outgoing: readonly { readonly address: string; readonly port: number }[];
}

/** TUNSETIFF of linux/if_tun.h. */
const setInterface = 0x400454can;
const flagTun = 0x0001;
const flagNoPacketInformation = 0x1000;

const { functions: libc } = ffi.dlopen(null, {
  ioctl: { arguments: ["i32", "u64", "pointer"], return: "i32" },
} as const);

function openTun(name: string): number {
  const descriptor = openSync("/dev/net/tun", "r+");
  // struct ifreq: the name, then the flags.
  const request = new Uint8Array(40);
  request.set(Buffer.from(name));
  new DataView(request.buffer).setUint16(16, flagTun | flagNoPacketInformation, true);
  if (libc.ioctl(descriptor, setInterface, request) !== 0) throw new Error(`no tun device ${name}`);
  return descriptor;
}

const descriptor = openTun(process.argv[2]!);
// What goes out has to be taken, or the device holds it back.
createReadStream("", { fd: descriptor, autoClose: false }).resume();
const socket = createSocket("udp4");
socket.bind(1000, () => process.send?.("ready"));

async function take({ incoming, outgoing }: TunOrder): Promise<void> {
  for (const packet of incoming) writeSync(descriptor, packet);
  for (const { address, port } of outgoing) {
    await new Promise<void>((resolve, reject) => {
      socket.send(new Uint8Array(20), port, address, (error) => (error === null ? resolve() : reject(error)));
    });
  }
}

process.on("message", (order: TunOrder) => void take(order).then(() => process.send?.("done")));
// An exit would wait for the read that is under way.
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));

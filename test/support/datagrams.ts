/** One-way UDP traffic out of a test's namespace. */
import type { Namespace } from "./netns.ts";

/**
 * Sends `count` datagrams of 72 octets of payload to a port, by Node's own sockets, as programs do; returns when
 * the kernel has taken them. Those that are refused on the way are no error.
 */
export function sendDatagrams(from: Namespace, address: string, port: number, count: number): void {
  const script = `
    const socket = require("node:dgram").createSocket("${address.includes(":") ? "udp6" : "udp4"}");
    let left = ${count};
    const next = () => left-- === 0 ? socket.close() : socket.send(Buffer.alloc(72), ${port}, "${address}", next);
    next();`;
  from.run(process.execPath, "-e", script);
}

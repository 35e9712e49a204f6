/**
 * Ports for the test's own sockets. They lie below those that the kernel gives away by itself
 * (net.ipv4.ip_local_port_range), so that nobody has one by chance, and none is given twice: by its port a
 * conversation is told from all others.
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";

const first = 12_000;
const count = 16_000;
let given = 0;

/** A port that nobody listens on, by UDP or TCP. */
export async function freePort(): Promise<number> {
  for (;;) {
    // Another test process begins elsewhere.
    const port = first + ((process.pid * 101 + given++) % count);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const socket = createSocket("udp4");
  const server = createServer();
  try {
    socket.bind(port, "0.0.0.0");
    await once(socket, "listening");
    server.listen(port, "0.0.0.0");
    await once(server, "listening");
    return true;
  } catch {
    return false;
  } finally {
    socket.close();
    server.close();
  }
}

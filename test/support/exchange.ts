/** Exchanges between a peer's namespace and echo servers of this process, and a stream of short connections. */
import { type ChildProcess } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";

import type { Namespace } from "./netns.ts";
import { freePort } from "./ports.ts";

const trafficProgram = join(import.meta.dirname, "traffic.ts");

export interface Echo {
  readonly protocol: "udp" | "tcp";
  readonly address: string;
  readonly port: number;
  readonly close: () => void;
}

export async function echoDatagrams(type: "udp4" | "udp6", address: string): Promise<Echo> {
  const socket = createSocket(type);
  socket.on("message", (message, from) => socket.send(message, from.port, from.address));
  socket.bind(await freePort(), address);
  await once(socket, "listening");
  return { protocol: "udp", address, port: socket.address().port, close: () => void socket.close() };
}

export async function echoSegments(address: string): Promise<Echo> {
  const server = createServer({ noDelay: true }, (socket) => {
    // A client that is killed resets its connection.
    socket.on("error", () => socket.destroy());
    socket.pipe(socket);
  });
  server.listen(await freePort(), address);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { protocol: "tcp", address, port, close: () => void server.close() };
}

/** Some messages from the peer to the echo and back, waited for without blocking this process, which answers. */
export async function exchangeMessages(
  peer: Namespace,
  echo: Echo,
  messages: number,
  bytes: number,
): Promise<void> {
  const args = [trafficProgram, echo.protocol, echo.address, `${echo.port}`, `${messages}`, `${bytes}`];
  const child = peer.start(process.execPath, args, "ignore");
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) throw new Error(`${args.join(" ")} exited with ${code}`);
}

/** One TCP connection after another from the peer to the echo, `perSecond` a second, until it is stopped. */
export function streamConnections(
  peer: Namespace,
  { address, port }: Echo,
  perSecond: number,
): { stop: () => Promise<void> } {
  const child: ChildProcess = peer.start(
    process.execPath,
    [trafficProgram, "stream", address, `${port}`, "2", "200", `${perSecond}`],
    "ignore",
  );
  const exited = once(child, "exit");
  return {
    stop: async () => {
      child.kill("SIGTERM");
      await exited;
    },
  };
}

/**
 * Traffic from a test's namespace to an echo server of the test's own:
 * `traffic.ts udp|tcp <address> <port> <messages> <bytes>` sends messages one after another, each when the
 * one before has come back, then exits.
 *
 * `traffic.ts stream <address> <port> <messages> <bytes> <perSecond>` does the same over TCP in one new
 * connection after another, at that pace, until SIGTERM; then it ends those that are open.
 */
import { createSocket } from "node:dgram";
import { connect, isIPv6, type Socket } from "node:net";

const [protocol, address, port, messages, bytes, perSecond] = process.argv.slice(2);
const payload = Buffer.alloc(Number(bytes), "w");
const lifetimeMs = protocol === "stream" ? 900_000 : 60_000;
// A lost answer must not hang the test, and one that was cut off must leave nothing running.
setTimeout(() => process.exit(1), lifetimeMs).unref();
if (protocol === "udp") exchangeDatagrams();
else if (protocol === "stream") streamConnections();
else exchangeSegments();

function streamConnections(): void {
  const timer = setInterval(() => exchangeSegments().on("error", () => undefined), 1000 / Number(perSecond));
  process.once("SIGTERM", () => clearInterval(timer));
}

function exchangeDatagrams(): void {
  const socket = createSocket(isIPv6(address!) ? "udp6" : "udp4");
  let answered = 0;
  socket.on("message", () => {
    answered++;
    if (answered === Number(messages)) socket.close();
    else socket.send(payload, Number(port), address);
  });
  socket.send(payload, Number(port), address);
}

function exchangeSegments(): Socket {
  const socket = connect({ host: address!, port: Number(port), noDelay: true });
  let answered = 0;
  socket.on("connect", () => socket.write(payload));
  socket.on("data", (data) => {
    const before = Math.floor(answered / payload.length);
    answered += data.length;
    const now = Math.floor(answered / payload.length);
    if (now >= Number(messages)) socket.end();
    else if (now > before) socket.write(payload);
  });
  return socket;
}

/**
 * Traffic from a test's namespace to an echo server of the test's own:
 * `traffic.ts udp|tcp <address> <port> <messages> <bytes>` sends messages one after another, each when the
 * one before has come back, then exits.
 */
import { createSocket } from "node:dgram";
import { connect, isIPv6 } from "node:net";

const [protocol, address, port, messages, bytes] = process.argv.slice(2);
const payload = Buffer.alloc(Number(bytes), "w");
// A lost answer must not hang the test.
setTimeout(() => process.exit(1), 10_000).unref();
if (protocol === "udp") exchangeDatagrams();
else exchangeSegments();

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

function exchangeSegments(): void {
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
}

/**
 * A stream of short TCP connections to an echo server: `connections.ts <address> <port> <perSecond>` opens
 * them at that pace, each with two messages that come back, until SIGTERM; then it closes what is open.
 */
import { connect } from "node:net";

const [address, port, perSecond] = process.argv.slice(2);
const payload = Buffer.alloc(200, "w");
const messages = 2;
const lifetimeMs = 300_000;

function openOne(): void {
  const socket = connect({ host: address!, port: Number(port), noDelay: true });
  let answered = 0;
  socket.on("connect", () => socket.write(payload));
  socket.on("error", () => socket.destroy());
  socket.on("data", (data) => {
    const before = Math.floor(answered / payload.length);
    answered += data.length;
    const now = Math.floor(answered / payload.length);
    if (now >= messages) socket.end();
    else if (now > before) socket.write(payload);
  });
}

const timer = setInterval(openOne, 1000 / Number(perSecond));
process.once("SIGTERM", () => clearInterval(timer));
// A test that was cut off must leave nothing running.
setTimeout(() => process.exit(1), lifetimeMs).unref();

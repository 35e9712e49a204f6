/**
 * A NetFlow collector that counts: datagrams, octets, and for v9 the flow records by the templates sent.
 *
 *     node bench/meter/sink.ts      prints its port, then, for each line on standard input, the counts since
 *                                   the last one as JSON
 */
import { createSocket } from "node:dgram";
import { createInterface } from "node:readline";

const headerBytes = 20;
const templateSet = 0;
const firstDataSet = 256;

interface Counts {
  datagrams: number;
  octets: number;
  records: number;
}

let counts: Counts = { datagrams: 0, octets: 0, records: 0 };
/** Record length by template id; options templates are left out, so that their records do not count. */
const recordBytes = new Map<number, number>();

const socket = createSocket({ type: "udp4", recvBufferSize: 32 << 20 });
socket.on("message", (message) => {
  counts.datagrams++;
  counts.octets += message.length;
  if (message.length >= headerBytes && message.readUInt16BE(0) === 9) countRecords(message);
});
socket.bind(0, "127.0.0.1", () => process.stdout.write(`${socket.address().port}\n`));

const lines = createInterface({ input: process.stdin });
lines.on("line", () => {
  process.stdout.write(`${JSON.stringify(counts)}\n`);
  counts = { datagrams: 0, octets: 0, records: 0 };
});
lines.on("close", () => socket.close());

function countRecords(message: Buffer): void {
  for (let at = headerBytes; at + 4 <= message.length;) {
    const id = message.readUInt16BE(at);
    const length = message.readUInt16BE(at + 2);
    if (length < 4 || at + length > message.length) return;
    if (id === templateSet) learnTemplates(message, at + 4, at + length);
    else if (id >= firstDataSet)
      counts.records += Math.floor((length - 4) / (recordBytes.get(id) ?? Infinity));
    at += length;
  }
}

function learnTemplates(message: Buffer, from: number, end: number): void {
  for (let at = from; at + 4 <= end;) {
    const id = message.readUInt16BE(at);
    const fields = message.readUInt16BE(at + 2);
    if (id < firstDataSet || at + 4 + fields * 4 > end) return;
    let bytes = 0;
    for (let field = 0; field < fields; field++) bytes += message.readUInt16BE(at + 4 + field * 4 + 2);
    recordBytes.set(id, bytes);
    at += 4 + fields * 4;
  }
}

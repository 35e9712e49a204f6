/**
 * A NetFlow collector that counts: datagrams, octets, and for v9 the flow records by the templates sent, the
 * packets that they tell of, and the datagrams that are missing by their sequence numbers.
 *
 *     node bench/meter/sink.ts      prints its port, then, for each line on standard input, the counts since
 *                                   the last one as JSON
 */
import { createSocket } from "node:dgram";
import { createInterface } from "node:readline";

import { loadLibc } from "../../src/libc/mod.ts";

const headerBytes = 20;
const templateSet = 0;
const firstDataSet = 256;
/** The field that counts a flow's packets: IN_PKTS, packetDeltaCount. */
const packetsField = 2;

interface Counts {
  datagrams: number;
  octets: number;
  records: number;
  packets: number;
  missing: number;
}

/** Where a record's packets are; options templates are left out, so that their records do not count. */
interface Template {
  readonly recordBytes: number;
  readonly packetsAt: number;
  readonly packetsBytes: number;
}

let counts = noCounts();
const templates = new Map<number, Template>();
/** The sequence number that the next datagram of a source id must have. */
const expected = new Map<number, number>();

/** Room for what a meter sends while the sink's CPU is another's; root may have more than the system's bound. */
const receiveBufferBytes = 64 << 20;
const socket = createSocket("udp4");
socket.on("message", (message) => {
  counts.datagrams++;
  counts.octets += message.length;
  if (message.length < headerBytes || message.readUInt16BE(0) !== 9) return;
  followSequence(message.readUInt32BE(16), message.readUInt32BE(12));
  countRecords(message);
});
const descriptor = await openDescriptor();
const ready = (): void => void process.stdout.write(`${socket.address().port}\n`);
if (descriptor === undefined) socket.bind(0, "127.0.0.1", ready);
else socket.bind({ fd: descriptor }, ready);

const lines = createInterface({ input: process.stdin });
lines.on("line", () => {
  process.stdout.write(`${JSON.stringify(counts)}\n`);
  counts = noCounts();
  // The next datagram may be another exporter's.
  expected.clear();
});
lines.on("close", () => socket.close());

/** A socket bound to 127.0.0.1 with that buffer; undefined where it may not be had. */
async function openDescriptor(): Promise<number | undefined> {
  const [familyIpv4, datagrams, levelSocket, receiveBufferForce] = [2, 2, 1, 33];
  const libc = await loadLibc();
  if (!libc.ok) return undefined;
  const opened = libc.value.socket(familyIpv4, datagrams, 0);
  if (!opened.ok) return undefined;
  const address = new Uint8Array(16);
  address.set([familyIpv4, 0, 0, 0, 127, 0, 0, 1]);
  libc.value.setsockopt(opened.value, levelSocket, receiveBufferForce, Int32Array.of(receiveBufferBytes));
  return libc.value.bind(opened.value, address).ok ? opened.value : undefined;
}

function noCounts(): Counts {
  return { datagrams: 0, octets: 0, records: 0, packets: 0, missing: 0 };
}

function followSequence(sourceId: number, sequence: number): void {
  const gap = sequence - (expected.get(sourceId) ?? sequence);
  if (gap > 0) counts.missing += gap;
  expected.set(sourceId, sequence + 1);
}

function countRecords(message: Buffer): void {
  for (let at = headerBytes; at + 4 <= message.length;) {
    const id = message.readUInt16BE(at);
    const length = message.readUInt16BE(at + 2);
    if (length < 4 || at + length > message.length) return;
    if (id === templateSet) learnTemplates(message, at + 4, at + length);
    else if (id >= firstDataSet) countDataSet(message, templates.get(id), at + 4, at + length);
    at += length;
  }
}

function countDataSet(message: Buffer, template: Template | undefined, from: number, end: number): void {
  if (template === undefined) return;
  const { recordBytes, packetsAt, packetsBytes } = template;
  for (let at = from; at + recordBytes <= end; at += recordBytes) {
    counts.records++;
    if (packetsBytes === 4) counts.packets += message.readUInt32BE(at + packetsAt);
    else if (packetsBytes === 8) counts.packets += Number(message.readBigUInt64BE(at + packetsAt));
  }
}

function learnTemplates(message: Buffer, from: number, end: number): void {
  for (let at = from; at + 4 <= end;) {
    const id = message.readUInt16BE(at);
    const fields = message.readUInt16BE(at + 2);
    if (id < firstDataSet || at + 4 + fields * 4 > end) return;
    let recordBytes = 0;
    let packetsAt = 0;
    let packetsBytes = 0;
    for (let field = at + 4; field < at + 4 + fields * 4; field += 4) {
      const bytes = message.readUInt16BE(field + 2);
      if (message.readUInt16BE(field) === packetsField) {
        packetsAt = recordBytes;
        packetsBytes = bytes;
      }
      recordBytes += bytes;
    }
    if (recordBytes > 0) templates.set(id, { recordBytes, packetsAt, packetsBytes });
    at += 4 + fields * 4;
  }
}

/**
 * Where Weir's time goes, and the memory of its table.
 *
 *     node bench/meter/stages.ts FILE PORT ACTIVE_S INACTIVE_S
 *
 * The same parts as the pipeline of `weir meter`, driven with a clock around each: read, decode (records and
 * headers), table (packets into flows), expiry (timers and the flush), encode, send.
 */
import { createSocket } from "node:dgram";
import { PerformanceObserver } from "node:perf_hooks";

import { createPacketSource, fillPackets, openCaptureFile, readMore } from "../../src/capture/file/mod.ts";
import type { FlowBatch } from "../../src/flow/mod.ts";
import { advanceMeter, createMeter, flushMeter, meterPackets } from "../../src/meter/mod.ts";
import { beginBatch, createExportDatagram, nextDatagram } from "../../src/wire/export/mod.ts";
import { createNetflow9Encoder } from "../../src/wire/netflow9/mod.ts";

let collectedMs = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) collectedMs += entry.duration;
}).observe({ entryTypes: ["gc"] });

const [path = "", port = "", activeS = "300", inactiveS = "15"] = process.argv.slice(2);
const spent = { read: 0, decode: 0, table: 0, expiry: 0, encode: 0, send: 0 };
const encoder = createNetflow9Encoder({
  observationDomain: 1,
  activeTimeoutS: Number(activeS),
  inactiveTimeoutS: Number(inactiveS),
});
const datagram = createExportDatagram();
const datagrams: Buffer[] = [];

const meter = createMeter({
  policy: {
    kind: "aging",
    activeTimeoutUs: Number(activeS) * 1e6,
    inactiveTimeoutUs: Number(inactiveS) * 1e6,
  },
  flowsMax: 8_000_000,
  emit: encode,
});
let encodeMs = 0;

const startedMs = performance.now();
const file = await openCaptureFile(path);
if (!file.ok) throw new Error(file.fault.message);
const source = createPacketSource(file.value);
const socket = createSocket("udp4");
await new Promise<void>((resolve) => socket.connect(Number(port), "127.0.0.1", resolve));

for (;;) {
  const status = timed("decode", () => fillPackets(source));
  const { packets } = source;
  if (packets.count > 0) {
    timed("table", () => meterPackets(meter, packets));
    timed("expiry", () => advanceMeter(meter, packets.timestampUs[packets.count - 1]!));
    if (datagrams.length > 0) await send();
  }
  if (status === "rows") continue;
  const startMs = performance.now();
  const more = await readMore(source);
  spent.read += performance.now() - startMs;
  if (!more) break;
}
const { activeFlowsMax, tableBytes } = meter.statistics;
timed("expiry", () => flushMeter(meter));
await send();
socket.close();
await file.value.close();
const wallMs = performance.now() - startedMs;
// The observer is told of collections by a task of its own.
await new Promise((resolve) => setImmediate(resolve));
const { packets, flowsCreated } = meter.statistics;
process.stdout.write(
  JSON.stringify({ packets, flows: flowsCreated, activeFlowsMax, tableBytes, collectedMs, wallMs, spent }),
);

/** Adds the time of `work` to a stage, without that of the encoding which the meter calls within it. */
function timed<T>(stage: keyof typeof spent, work: () => T): T {
  encodeMs = 0;
  const startMs = performance.now();
  const result = work();
  spent[stage] += performance.now() - startMs - encodeMs;
  spent.encode += encodeMs;
  return result;
}

function encode(batch: FlowBatch): void {
  const startMs = performance.now();
  beginBatch(encoder, batch, Date.now());
  while (nextDatagram(encoder, datagram))
    datagrams.push(Buffer.from(datagram.bytes.subarray(0, datagram.length)));
  encodeMs += performance.now() - startMs;
}

async function send(): Promise<void> {
  const startMs = performance.now();
  for (let from = 0; from < datagrams.length; from += 32) {
    const group = datagrams.slice(from, from + 32);
    await Promise.all(
      group.map((bytes) => new Promise<void>((resolve) => socket.send(bytes, () => resolve()))),
    );
  }
  datagrams.length = 0;
  spent.send += performance.now() - startMs;
}

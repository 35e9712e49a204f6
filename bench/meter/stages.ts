/**
 * Where Weir's time goes, and the memory of its table.
 *
 *     node bench/meter/stages.ts FILE PORT ACTIVE_S INACTIVE_S
 *
 * The same parts as the pipeline of `weir meter`, driven with a clock around each: read, decode (records and
 * headers), table (packets into flows), expiry (timers and the flush), encode, send.
 */
import { PerformanceObserver } from "node:perf_hooks";

import { createPacketSource, fillPackets, openCaptureFile, readMore } from "../../src/capture/file/mod.ts";
import type { FlowBatch } from "../../src/flow/mod.ts";
import {
  advanceMeter,
  allocateUncounted,
  createMeter,
  flushBatch,
  meterPackets,
} from "../../src/meter/mod.ts";
import { createUdpSender } from "../../src/sink/netflow/udp-sender.ts";
import {
  beginBatch,
  createExportDatagram,
  type ExportDatagram,
  nextDatagram,
} from "../../src/wire/export/mod.ts";
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
/** Those in use, then those that were. */
const datagrams: ExportDatagram[] = [];
let waiting = 0;

const meter = createMeter({
  policy: {
    kind: "aging",
    activeTimeoutUs: Number(activeS) * 1e6,
    inactiveTimeoutUs: Number(inactiveS) * 1e6,
  },
  flowsMax: 8_000_000,
  allocate: allocateUncounted,
  lendsBatches: true,
  emit: encode,
});
let encodeMs = 0;

const startedMs = performance.now();
const file = await openCaptureFile(path);
if (!file.ok) throw new Error(file.fault.message);
const source = createPacketSource(file.value);
const sender = createUdpSender({ address: "127.0.0.1", port: Number(port), pace: undefined });
if (!sender.ok) throw new Error(sender.fault.message);
const { value: udp } = sender;
await udp.open();

for (;;) {
  const status = timed("decode", () => fillPackets(source));
  const { packets } = source;
  if (packets.count > 0) {
    timed("table", () => meterPackets(meter, packets));
    timed("expiry", () => advanceMeter(meter, packets.timestampUs[packets.count - 1]!));
    if (waiting > 0) await send();
  }
  if (status === "rows") continue;
  const startMs = performance.now();
  const more = await readMore(source);
  spent.read += performance.now() - startMs;
  if (!more) break;
}
const { activeFlowsMax, tableBytes } = meter.statistics;
while (timed("expiry", () => flushBatch(meter))) await send();
await send();
await udp.close();
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
  while (nextDatagram(encoder, (datagrams[waiting] ??= createExportDatagram()))) waiting++;
  encodeMs += performance.now() - startMs;
}

async function send(): Promise<void> {
  const startMs = performance.now();
  await udp.send(datagrams, waiting, () => undefined);
  waiting = 0;
  spent.send += performance.now() - startMs;
}

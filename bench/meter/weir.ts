/**
 * Weir's side of the comparison: the pipeline of `weir meter`, with the flows sent as NetFlow v9.
 *
 *     node bench/meter/weir.ts FILE PORT ACTIVE_S INACTIVE_S
 *
 * The exporter's pace, and its look at a local collector's queue, are left off, because softflowd has neither:
 * what a collector can take is not the question. The report's talkers and ports, which no other tool makes, too.
 */
import { createNetflowConsumer, meterCapture } from "../../src/app/offline/mod.ts";
import { openCaptureFile } from "../../src/capture/file/mod.ts";

const [path = "", port = "", activeS = "300", inactiveS = "15"] = process.argv.slice(2);
const consumer = await createNetflowConsumer({
  host: "127.0.0.1",
  port: Number(port),
  version: 9,
  observationDomain: 1,
  activeTimeoutS: Number(activeS),
  inactiveTimeoutS: Number(inactiveS),
  bytesPerSecond: Infinity,
});
if (!consumer.ok) throw new Error(consumer.fault.message);
const file = await openCaptureFile(path);
if (!file.ok) throw new Error(file.fault.message);
const { flows, conservation, faults } = await meterCapture({
  file: file.value,
  policy: {
    kind: "aging",
    activeTimeoutUs: Number(activeS) * 1e6,
    inactiveTimeoutUs: Number(inactiveS) * 1e6,
  },
  flowsMax: 8_000_000,
  top: 0,
  consumers: [consumer.value],
});
if (!conservation.isExact || faults.length > 0) throw new Error(JSON.stringify({ conservation, faults }));
process.stdout.write(JSON.stringify({ flows, ...consumer.value.statistics() }));

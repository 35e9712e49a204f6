/**
 * How many flows a second the encoders make into datagrams, and the exporter hands to the kernel.
 *
 *     node bench/encode/encode-flows.ts [seconds for each measurement, default 2]
 *
 * Two thirds of the flows are IPv4, a fifth ICMP. The exporter sends, without a pace but waiting for room in
 * the receive buffer, to a process of this host that reads and forgets.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";

import { unwrap } from "../../src/base/mod.ts";
import { createNetflowExporter, type NetflowVersion } from "../../src/sink/netflow/mod.ts";
import {
  beginBatch,
  createExportDatagram,
  nextDatagram,
  type TemplateEncoder,
} from "../../src/wire/export/mod.ts";
import { createIpfixEncoder } from "../../src/wire/ipfix/mod.ts";
import {
  beginNetflow5Batch,
  createNetflow5Encoder,
  nextNetflow5Datagram,
} from "../../src/wire/netflow5/mod.ts";
import { createNetflow9Encoder } from "../../src/wire/netflow9/mod.ts";
import { batchOf, mixedFlows } from "../../test/wire/export/sample-flows.ts";

const seconds = Number(process.argv[2] ?? 2);
const nowMs = Date.now();
const batch = batchOf(mixedFlows(4096, nowMs));
const datagram = createExportDatagram();
const options = { observationDomain: 1, activeTimeoutS: 300, inactiveTimeoutS: 15 };

interface Work {
  flows: number;
  octets: number;
}

function encodeWith(encoder: TemplateEncoder): Work {
  const work = { flows: 0, octets: 0 };
  beginBatch(encoder, batch, nowMs);
  while (nextDatagram(encoder, datagram)) {
    work.flows += datagram.flows;
    work.octets += datagram.length;
  }
  return work;
}

function encodeNetflow5(encoder: ReturnType<typeof createNetflow5Encoder>): Work {
  const work = { flows: 0, octets: 0 };
  beginNetflow5Batch(encoder, batch, nowMs);
  while (nextNetflow5Datagram(encoder, datagram)) {
    work.flows += datagram.flows;
    work.octets += datagram.length;
  }
  return work;
}

async function measure(name: string, work: () => Work | Promise<Work>): Promise<void> {
  for (let round = 0; round < 50; round++) await work();
  const total = { flows: 0, octets: 0 };
  const startMs = performance.now();
  const startCpu = process.cpuUsage();
  while (performance.now() - startMs < seconds * 1000) {
    const { flows, octets } = await work();
    total.flows += flows;
    total.octets += octets;
  }
  const { user, system } = process.cpuUsage(startCpu);
  const tookS = (performance.now() - startMs) / 1000;
  const perS = (total.flows / tookS / 1e6).toFixed(2);
  const perCpuS = (total.flows / (user + system)).toFixed(2);
  const bytes = (total.octets / total.flows).toFixed(1);
  process.stdout.write(`${name.padEnd(18)}${perS} M flows/s, ${perCpuS} M/CPU-s, ${bytes} bytes a flow\n`);
}

const netflow5 = createNetflow5Encoder(options);
const netflow9 = createNetflow9Encoder(options);
const ipfix = createIpfixEncoder(options);
await measure("encode NetFlow v5", () => encodeNetflow5(netflow5));
await measure("encode NetFlow v9", () => encodeWith(netflow9));
await measure("encode IPFIX", () => encodeWith(ipfix));

const reader = spawn(process.execPath, [
  "-e",
  `const socket = require("node:dgram").createSocket("udp4");
   socket.on("message", () => undefined);
   socket.bind(0, "127.0.0.1", () => console.log(socket.address().port));`,
]);
const [printed] = (await once(reader.stdout, "data")) as [Buffer];
const port = Number(printed.toString());
for (const version of [5, 9, 10] as const satisfies readonly NetflowVersion[]) {
  const exporter = unwrap(
    createNetflowExporter({ ...options, address: "127.0.0.1", port, version, bytesPerSecond: 1e12 }),
  );
  let before = exporter.statistics();
  await measure(`send version ${version}`, async () => {
    await exporter.send(batch);
    const after = exporter.statistics();
    const work = {
      flows: after.flowsSent - before.flowsSent,
      octets: after.octetsSent - before.octetsSent,
    };
    before = after;
    return work;
  });
  await exporter.close();
}
reader.kill();

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

import { describe, expect, it, onTestFinished } from "vitest";

import { unwrap } from "../../../src/base/mod.ts";
import { createNetflowExporter, type NetflowExporter } from "../../../src/sink/netflow/mod.ts";
import { receiveQueueOf } from "../../../src/sink/netflow/receive-queue.ts";
import { batchOf, mixedFlows } from "../../wire/export/sample-flows.ts";

/** Says its port, reads nothing for a while, then says how many datagrams it has every 20 ms. */
const sleepyCollector = `
  const socket = require("node:dgram").createSocket("udp4");
  let count = 0;
  socket.on("message", () => count++);
  socket.bind(0, "127.0.0.1", () => {
    require("node:fs").writeSync(1, socket.address().port + "\\n");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(process.argv[1]));
    setInterval(() => console.log(count), 20);
  });
`;

async function startSleepy(sleepMs: number): Promise<{ port: number; received: () => number }> {
  const child = spawn(process.execPath, ["-e", sleepyCollector, String(sleepMs)]);
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines = createInterface(child.stdout);
  let last = 0;
  const [port] = (await once(lines, "line")) as [string];
  lines.on("line", (line) => (last = Number(line)));
  return { port: Number(port), received: () => last };
}

function exporterTo(port: number): NetflowExporter {
  return unwrap(
    createNetflowExporter({
      address: "127.0.0.1",
      port,
      version: 9,
      observationDomain: 1,
      activeTimeoutS: 300,
      inactiveTimeoutS: 15,
      bytesPerSecond: 1e9,
    }),
  );
}

describe("a collector on this host", () => {
  it("loses nothing while it is not scheduled", async () => {
    const { port, received } = await startSleepy(100);
    const exporter = exporterTo(port);
    await exporter.send(batchOf(mixedFlows(5000, Date.now())));
    const { datagramsSent } = exporter.statistics();
    for (let waitedMs = 0; received() < datagramsSent && waitedMs < 20_000; waitedMs += 20) await sleep(20);
    expect(datagramsSent).toBeGreaterThan(250);
    expect(received()).toBe(datagramsSent);
    await exporter.close();
  });

  it("is not waited for when it reads nothing at all", async () => {
    const { port } = await startSleepy(60_000);
    const exporter = exporterTo(port);
    const startMs = performance.now();
    for (let round = 0; round < 3; round++) await exporter.send(batchOf(mixedFlows(5000, Date.now())));
    expect(performance.now() - startMs).toBeLessThan(10_000);
    expect(exporter.statistics()).toMatchObject({ flowsSent: 15_000, sendErrors: 0 });
    await exporter.close();
  });

  it("is one at a loopback address", () => {
    const known = ["127.0.0.1", "127.8.9.10", "::1"].map((address) => receiveQueueOf(address, 2055));
    expect(known.map((queue) => queue?.line.source.includes(":0807 "))).toEqual([true, true, true]);
    expect(receiveQueueOf("192.0.2.1", 2055)).toBeUndefined();
    expect(receiveQueueOf("2001:db8::1", 2055)).toBeUndefined();
  });
});

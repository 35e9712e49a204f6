import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { systemClock, unwrap } from "../../../src/base/mod.ts";
import { batchId, encodeFlowBatch, type FlowBatchHeader, logStatuses } from "../../../src/flow/mod.ts";
import { createMetrics, silentLogger } from "../../../src/observe/mod.ts";
import {
  createNetflowSink,
  type NetflowSink,
  type NetflowSinkConfig,
  type NetflowTarget,
} from "../../../src/sink/netflow/mod.ts";
import { type JsonValue, openSpool, type Spool } from "../../../src/spool/mod.ts";
import { batchOf, mixedFlows } from "../../wire/export/sample-flows.ts";
import { openCollector, sequenceOf, type UdpCollector } from "./udp-collector.ts";

let folder = "";
let spool: Spool;
let metrics = createMetrics();
let sequence = 0;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "weir-netflow-"));
  spool = reopen();
  metrics = createMetrics();
  sequence = 0;
});

afterEach(() => {
  spool.close();
  rmSync(folder, { recursive: true });
});

function reopen(): Spool {
  const options = { path: join(folder, "spool.sqlite"), bytesMax: 1 << 26, sinks: ["netflow"] };
  return unwrap(openSpool(options, { clock: systemClock, logger: silentLogger, metrics: createMetrics() }));
}

function sinkOf(config: NetflowSinkConfig = {}): NetflowSink {
  return createNetflowSink(config, { spool, logger: silentLogger, metrics, clock: systemClock });
}

function targetOf(collector: UdpCollector, more: Partial<NetflowTarget> = {}): NetflowTarget {
  const { address, port } = collector;
  return {
    flowLogId: "fl-1",
    address,
    port,
    version: 9,
    observationDomain: 1,
    activeTimeoutS: 300,
    inactiveTimeoutS: 15,
    ...more,
  };
}

async function accept(target: JsonValue, rows: number, bytes?: Uint8Array): Promise<void> {
  sequence++;
  const header: FlowBatchHeader = { agentId: "a", bootId: "b", sequence, flowLogId: "", resourceId: "" };
  const batch = batchOf(mixedFlows(rows, Date.now()));
  batch.header = header;
  const routes = [{ sink: "netflow", target }];
  const accepted = await spool.append({
    batchId: batchId(header),
    bytes: bytes ?? encodeFlowBatch(batch),
    rows,
    routes,
  });
  expect(accepted).toEqual({ ok: true, value: "accepted" });
}

async function until(condition: () => boolean): Promise<void> {
  for (let waitedMs = 0; !condition(); waitedMs += 5) {
    if (waitedMs > 10_000) throw new Error("timed out");
    await sleep(5);
  }
}

const pending = () => spool.status().sinks.find(({ name }) => name === "netflow")?.pending;

describe("the NetFlow sink", () => {
  it("delivers each flow log's batches to its collector and acknowledges them", async () => {
    const [first, second] = [await openCollector(), await openCollector("::1")];
    const sink = sinkOf();
    await accept({ ...targetOf(first) }, 100);
    sink.start();
    await accept({ ...targetOf(second, { flowLogId: "fl-2", version: 5, observationDomain: 2 }) }, 90);
    await accept({ ...targetOf(first) }, 50);
    sink.wake();
    await until(() => pending() === 0);
    expect(sink.status("fl-1")).toMatchObject({ flowsSent: 150, flowsSkipped: 0, sendErrors: 0 });
    expect(sink.status("fl-2")).toMatchObject({ flowsSent: 60, flowsSkipped: 30, sendErrors: 0 });
    expect(sink.status("fl-3")).toBeUndefined();
    expect(metrics.value("weir_netflow_flows_total")).toBe(210);
    const sequences = (await first.received(sink.status("fl-1")!.datagramsSent)).map(sequenceOf);
    expect(sequences).toEqual(sequences.map((_, index) => index));
    await second.received(sink.status("fl-2")!.datagramsSent);
    await sink.stop();
  });

  it("leaves out words on windows, counted, and sends the flows beside them", async () => {
    const collector = await openCollector();
    const sink = sinkOf();
    const mixed = batchOf(mixedFlows(10, Date.now()));
    mixed.columns.logStatus.set([logStatuses.noData, 0, logStatuses.skipData]);
    await accept({ ...targetOf(collector) }, 10, encodeFlowBatch(mixed));
    const words = batchOf(mixedFlows(2, Date.now()));
    words.columns.logStatus.fill(logStatuses.noData);
    await accept({ ...targetOf(collector) }, 2, encodeFlowBatch(words));
    sink.start();
    await until(() => pending() === 0);
    expect(sink.status("fl-1")).toMatchObject({ flowsSent: 8, flowsNotSent: 0 });
    expect(metrics.value("weir_netflow_window_statuses_skipped_total")).toBe(4);
    await sink.stop();
  });

  it("continues its sequence numbers after a restart", async () => {
    const collector = await openCollector();
    for (let round = 0; round < 3; round++) {
      const sink = sinkOf();
      await accept({ ...targetOf(collector) }, 100);
      sink.start();
      await until(() => pending() === 0);
      await sink.stop();
      spool.close();
      spool = reopen();
    }
    const sequences = (await collector.received(15)).map(sequenceOf);
    expect(sequences).toEqual(sequences.map((_, index) => index));
  });

  it("is not held up by a collector that is down", async () => {
    const [down, up] = [await openCollector(), await openCollector()];
    await down.close();
    const sink = sinkOf();
    sink.start();
    for (let round = 0; round < 5; round++) {
      await accept({ ...targetOf(down) }, 500);
      await accept({ ...targetOf(up, { flowLogId: "fl-2", observationDomain: 2 }) }, 500);
      sink.wake();
      await sleep(10);
    }
    await until(() => pending() === 0);
    expect(sink.status("fl-1")?.sendErrors).toBeGreaterThan(0);
    expect(sink.status("fl-1")?.lastError).toContain("ECONNREFUSED");
    expect(sink.status("fl-2")).toMatchObject({ flowsSent: 2500, sendErrors: 0 });
    expect(metrics.value("weir_netflow_send_errors_total")).toBe(sink.status("fl-1")?.sendErrors);
    await sink.stop();
  });

  it("leaves out a batch that cannot be read or addressed, counted, and goes on", async () => {
    const collector = await openCollector();
    const sink = sinkOf();
    await accept({ ...targetOf(collector) }, 7, Uint8Array.of(1, 2, 3));
    await accept({ flowLogId: "fl-1" }, 8);
    await accept({ ...targetOf(collector), address: "nowhere" }, 9);
    await accept({ ...targetOf(collector) }, 10);
    sink.start();
    await until(() => pending() === 0);
    expect(sink.status("fl-1")?.flowsSent).toBe(10);
    expect(metrics.value("weir_netflow_flows_refused_total")).toBe(7 + 8 + 9);
    await sink.stop();
  });

  it("repeats templates by its timer, though no flow is sent, and saves the numbers used", async () => {
    const collector = await openCollector();
    const sink = sinkOf({ refreshMs: 50 });
    await sink.prepare([targetOf(collector)]);
    sink.start();
    const datagrams = await collector.received(6);
    expect(datagrams.map(sequenceOf).slice(0, 6)).toEqual([0, 1, 2, 3, 4, 5]);
    await sink.stop();
    const saved = spool.sinkState("netflow") as { streams: Record<string, { sequence: number }> };
    const { sequence: sent } = Object.values(saved.streams)[0]!;
    expect((await collector.received(sent)).length).toBe(sent);
  });

  it("forgets what it delivered for flow logs that are gone, also when their last batches come late", async () => {
    const collector = await openCollector();
    const existing = new Set(["fl-1"]);
    const sink = createNetflowSink(
      { refreshMs: 30 },
      {
        spool,
        logger: silentLogger,
        metrics,
        clock: systemClock,
        flowLogExists: (flowLogId) => existing.has(flowLogId),
      },
    );
    for (const flowLogId of ["fl-1", "fl-gone"]) await accept({ ...targetOf(collector, { flowLogId }) }, 10);
    sink.start();
    await until(() => pending() === 0 && sink.status("fl-gone") === undefined);
    expect(sink.status("fl-1")).toMatchObject({ flowsSent: 10 });
    expect(metrics.value("weir_netflow_flows_total")).toBe(20);
    await sink.stop();
  });

  it("tells source ports before the first datagram, and closes what is no longer wanted", async () => {
    const [first, second] = [await openCollector(), await openCollector()];
    const sink = sinkOf();
    const other = targetOf(second, { flowLogId: "fl-2", observationDomain: 2 });
    await sink.prepare([targetOf(first), other]);
    const endpoints = sink.localPorts();
    expect(endpoints.map(({ flowLogId, port }) => [flowLogId, port])).toEqual([
      ["fl-1", first.port],
      ["fl-2", second.port],
    ]);
    expect(new Set(endpoints.map(({ sourcePort }) => sourcePort)).size).toBe(2);
    await sink.prepare([other]);
    expect(sink.localPorts().map(({ flowLogId }) => flowLogId)).toEqual(["fl-2"]);
    await sink.stop();
    expect(sink.localPorts()).toEqual([]);
  });

  it("tells the collector of changed timeouts at once, from the same port", async () => {
    const collector = await openCollector();
    const sink = sinkOf();
    await sink.prepare([targetOf(collector)]);
    const [endpoint] = sink.localPorts();
    sink.start();
    await accept({ ...targetOf(collector) }, 1);
    await accept({ ...targetOf(collector, { activeTimeoutS: 60 }) }, 1);
    sink.wake();
    const datagrams = await collector.received(4);
    // flowActiveTimeout and flowIdleTimeout of the options data in the first and third datagram
    expect([0, 2].map((index) => datagrams[index]!.toHex().includes("012c000f"))).toEqual([true, false]);
    expect(datagrams[2]!.toHex()).toContain("003c000f");
    expect(datagrams.map(sequenceOf)).toEqual([0, 1, 2, 3]);
    expect(sink.localPorts()).toEqual([endpoint]);
    await sink.stop();
  });

  it("sends nothing twice while the spool cannot take its acknowledgements, and catches up later", async () => {
    const collector = await openCollector();
    let broken = true;
    const acknowledge: Spool["acknowledge"] = (...parameters) => {
      if (broken) throw new Error("disk I/O error");
      spool.acknowledge(...parameters);
    };
    const failing = { ...spool, acknowledge };
    const sink = createNetflowSink(
      { retryMs: 20 },
      { spool: failing, logger: silentLogger, metrics, clock: systemClock },
    );
    sink.start();
    for (let round = 0; round < 5; round++) {
      await accept({ ...targetOf(collector) }, 100);
      sink.wake();
      await sleep(20);
    }
    expect(pending()).toBe(5);
    broken = false;
    await until(() => pending() === 0);
    await sink.stop();
    expect(sink.status("fl-1")?.flowsSent).toBe(500);
  });

  it("goes on when the spool can be read again", async () => {
    const collector = await openCollector();
    let broken = true;
    const read: Spool["read"] = (...parameters) => {
      if (broken) throw new Error("disk I/O error");
      return spool.read(...parameters);
    };
    const sink = createNetflowSink(
      { retryMs: 20 },
      { spool: { ...spool, read }, logger: silentLogger, metrics, clock: systemClock },
    );
    await accept({ ...targetOf(collector) }, 100);
    sink.start();
    await sleep(50);
    broken = false;
    await until(() => pending() === 0);
    expect(sink.status("fl-1")?.flowsSent).toBe(100);
    await sink.stop();
  });

  it("survives that the host's interfaces cannot be listed, and sends flows all the same", async () => {
    const collector = await openCollector();
    const interfaceNames = (): never => {
      throw new Error("getifaddrs: too many open files");
    };
    const sink = createNetflowSink(
      { refreshMs: 20 },
      { spool, logger: silentLogger, metrics, clock: systemClock, interfaceNames },
    );
    sink.start();
    await accept({ ...targetOf(collector) }, 100);
    sink.wake();
    await until(() => pending() === 0);
    await sleep(50);
    expect(sink.status("fl-1")?.flowsSent).toBe(100);
    await sink.stop();
  });

  it("names a collector without its source port while it cannot be connected to", async () => {
    const collector = await openCollector();
    const sink = sinkOf();
    await sink.prepare([{ ...targetOf(collector), address: "255.255.255.255" }]);
    expect(sink.localPorts()).toEqual([
      { flowLogId: "fl-1", address: "255.255.255.255", port: collector.port },
    ]);
    await sink.stop();
  });

  it("tells when a source port has changed, so that capture can leave it out", async () => {
    const collector = await openCollector();
    let changes = 0;
    const sink = createNetflowSink(
      {},
      {
        spool,
        logger: silentLogger,
        metrics,
        clock: systemClock,
        onEndpointsChanged: () => changes++,
      },
    );
    await sink.prepare([targetOf(collector)]);
    sink.start();
    await accept({ ...targetOf(collector) }, 10);
    sink.wake();
    await until(() => pending() === 0);
    expect(changes).toBe(0);
    // A stream that nobody prepared, such as one of batches left from before a restart.
    await accept({ ...targetOf(collector, { flowLogId: "fl-2", observationDomain: 2 }) }, 10);
    sink.wake();
    await until(() => pending() === 0);
    expect(changes).toBe(1);
    expect(sink.localPorts()).toHaveLength(2);
    await sink.stop();
  });

  it("lets a change in between, however slow the pace and long the backlog", async () => {
    const collector = await openCollector();
    const sink = sinkOf({ bytesPerSecond: 100_000 });
    for (let round = 0; round < 40; round++) await accept({ ...targetOf(collector) }, 500);
    sink.start();
    await sleep(100);
    await sink.prepare([targetOf(collector)]);
    // It would take twelve seconds until nothing is left.
    expect(pending()).toBeGreaterThan(10);
    await sink.stop();
  });

  it("keeps all flow logs of one collector to its rate together", async () => {
    const collector = await openCollector();
    const bytesPerSecond = 200_000;
    const sink = sinkOf({ bytesPerSecond });
    for (let domain = 1; domain <= 4; domain++)
      await accept({ ...targetOf(collector, { observationDomain: domain }) }, 500);
    const startMs = performance.now();
    sink.start();
    await until(() => pending() === 0);
    const elapsedS = (performance.now() - startMs) / 1000;
    const octets = collector.datagrams.reduce((sum, { length }) => sum + length, 0);
    // Up to one full bucket of 32,768 bytes goes at once.
    expect((octets - 32_768) / elapsedS).toBeLessThan(bytesPerSecond * 1.1);
    await sink.stop();
  });
});

import { setTimeout as sleep } from "node:timers/promises";

import { describe, expect, it } from "vitest";

import { unwrap } from "../../../src/base/mod.ts";
import {
  createNetflowExporter,
  type NetflowExporter,
  type NetflowExporterOptions,
} from "../../../src/sink/netflow/mod.ts";
import { batchOf, mixedFlows } from "../../wire/export/sample-flows.ts";
import { countOf, openCollector, sequenceOf, versionOf } from "./udp-collector.ts";

const options = {
  version: 9,
  observationDomain: 7,
  activeTimeoutS: 300,
  inactiveTimeoutS: 15,
  bytesPerSecond: 20e6,
} as const;

function open(
  target: { address: string; port: number },
  more: Partial<NetflowExporterOptions> = {},
): NetflowExporter {
  const { address, port } = target;
  return unwrap(createNetflowExporter({ ...options, address, port, ...more }));
}

describe("createNetflowExporter()", () => {
  it("refuses what is no address and no port", () => {
    const refused = (address: string, port: number) => {
      const created = createNetflowExporter({ ...options, address, port });
      return created.ok ? undefined : created.fault.code;
    };
    expect(refused("collector.example", 2055)).toBe("InputInvalid");
    expect(refused("127.0.0.1", 0)).toBe("InputOutOfRange");
    expect(refused("127.0.0.1", 65_536)).toBe("InputOutOfRange");
  });

  it("sends every version to IPv4 and IPv6 collectors", async () => {
    for (const address of ["127.0.0.1", "::1"]) {
      for (const version of [5, 9, 10] as const) {
        const collector = await openCollector(address);
        const exporter = open(collector, { version });
        await exporter.send(batchOf(mixedFlows(300, Date.now())));
        const { datagramsSent, flowsSent, flowsSkipped, sendErrors } = exporter.statistics();
        const datagrams = await collector.received(datagramsSent);
        expect(datagrams.every((datagram) => versionOf(datagram) === version)).toBe(true);
        expect([flowsSent, flowsSkipped, sendErrors]).toEqual(version === 5 ? [200, 100, 0] : [300, 0, 0]);
        expect(exporter.local()?.port).toBeGreaterThan(0);
        await exporter.close();
        expect(exporter.local()).toBeUndefined();
      }
    }
  });

  it("continues from the state of another", async () => {
    const collector = await openCollector();
    const first = open(collector);
    await first.send(batchOf(mixedFlows(300, Date.now())));
    await first.close();
    const second = open(collector, { initialState: first.state() });
    await second.send(batchOf(mixedFlows(300, Date.now())));
    await second.close();
    const sent = first.statistics().datagramsSent + second.statistics().datagramsSent;
    const sequences = (await collector.received(sent)).map(sequenceOf);
    expect(sequences).toEqual(sequences.map((_, index) => index));
  });

  it("counts refusals of a collector that is down, and goes on without delay", async () => {
    const collector = await openCollector();
    await collector.close();
    const exporter = open(collector);
    const flows = batchOf(mixedFlows(2000, Date.now()));
    const startMs = performance.now();
    await exporter.send(flows);
    await sleep(20);
    await exporter.send(flows);
    expect(performance.now() - startMs).toBeLessThan(2000);
    const statistics = exporter.statistics();
    expect(statistics.sendErrors).toBeGreaterThan(0);
    expect(statistics.lastError).toContain("ECONNREFUSED");
    expect(statistics.flowsSent + statistics.flowsNotSent).toBe(4000);
    await exporter.close();
  });

  it("loses no datagram and keeps their order when the collector comes up again", async () => {
    const gone = await openCollector();
    await gone.close();
    const exporter = open(gone);
    await exporter.send(batchOf(mixedFlows(500, Date.now())));
    await sleep(20);
    const collector = await openCollector("127.0.0.1", gone.port);
    const { sequence } = exporter.state();
    const before = exporter.statistics();
    await exporter.send(batchOf(mixedFlows(1500, Date.now())));
    const after = exporter.statistics();
    expect(after.flowsSent - before.flowsSent).toBe(1500);
    const sequences = (await collector.received(after.datagramsSent - before.datagramsSent)).map(sequenceOf);
    expect(sequences).toEqual(sequences.map((_, index) => sequence + index));
    await exporter.close();
  });

  it("keeps to its pace", async () => {
    const collector = await openCollector();
    const exporter = open(collector, { bytesPerSecond: 400_000 });
    const startMs = performance.now();
    await exporter.send(batchOf(mixedFlows(2000, Date.now())));
    const tookMs = performance.now() - startMs;
    const { octetsSent } = exporter.statistics();
    // The bucket starts full with 32 KiB.
    expect(tookMs).toBeGreaterThan(((octetsSent - 32_768) / 400_000) * 1000 - 5);
    await exporter.close();
  });

  it("repeats templates and options on demand, between batches", async () => {
    const collector = await openCollector();
    const exporter = open(collector);
    const flows = batchOf(mixedFlows(200, Date.now()));
    await Promise.all([exporter.send(flows), exporter.refresh(), exporter.send(flows)]);
    const { datagramsSent, flowsSent } = exporter.statistics();
    const datagrams = await collector.received(datagramsSent);
    expect(flowsSent).toBe(400);
    expect(datagrams.map(sequenceOf)).toEqual(datagrams.map((_, index) => index));
    // Four options templates and two records of options data; then eight templates without a flow.
    expect(datagrams.map(countOf).join()).toMatch(/,6,8,/u);
    await exporter.close();
  });
});

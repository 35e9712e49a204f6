import { describe, expect, it } from "vitest";

import type { TruthLine } from "../../../bench/generate/mod.ts";
import type { FlowConsumer } from "../../../src/app/offline/mod.ts";
import { FaultError, fault, formatAddress } from "../../../src/base/mod.ts";
import { addressAt, type FlowBatch } from "../../../src/flow/mod.ts";
import { ethernet, icmp, ipv4, ipv6, tcp, udp } from "../../wire/packet/frames.ts";
import { classicHeader, classicRecord, concat } from "../../wire/pcap/files.ts";
import { createTrace, meterBytes, smallTrace } from "./trace.ts";

const timeouts = { activeTimeoutUs: 300e6, inactiveTimeoutUs: 15e6, endOfFlowLingerUs: 5e6 };

/** Sums of every uniflow, by its key. */
function createSummer(): FlowConsumer & { readonly lines: Map<string, TruthLine> } {
  const lines = new Map<string, TruthLine>();
  return {
    name: "summer",
    lines,
    accept: ({ columns, count }: FlowBatch) => {
      for (let row = 0; row < count; row++) {
        const flow: TruthLine = {
          sourceAddress: formatAddress(addressAt(columns.sourceAddress, row)),
          destinationAddress: formatAddress(addressAt(columns.destinationAddress, row)),
          sourcePort: columns.sourcePort[row]!,
          destinationPort: columns.destinationPort[row]!,
          protocol: columns.protocol[row]!,
          packets: columns.packets[row]!,
          octets: columns.octets[row]!,
          records: 1,
        };
        const key = keyOf(flow);
        const known = lines.get(key);
        if (known === undefined) lines.set(key, flow);
        else {
          known.packets += flow.packets;
          known.octets += flow.octets;
          known.records++;
        }
      }
    },
    close: () => undefined,
  };
}

function keyOf(line: TruthLine): string {
  const { sourceAddress, destinationAddress, sourcePort, destinationPort, protocol } = line;
  return [sourceAddress, sourcePort, destinationAddress, destinationPort, protocol].join(" ");
}

describe("meterCapture()", () => {
  it.each([60e6, 300e6, 7_654_321])(
    "finds the generator's flows in windows of %i µs, each cut where its window ends",
    async (windowUs) => {
      const { bytes, truth, plan } = createTrace({ ...timeouts, windowUs });
      const summer = createSummer();
      const report = await meterBytes(bytes, { policy: { kind: "window", windowUs }, consumers: [summer] });
      const { packets, octets, records: flows } = truth.totals();
      expect(report).toMatchObject({ packets, octets, flows, conservation: { isExact: true } });
      const { active, endOfFlow, forced } = report.flowsByEndReason;
      expect(active + endOfFlow + forced).toBe(flows);
      for (const line of truth.lines(plan)) expect(summer.lines.get(keyOf(line))).toEqual(line);
    },
  );

  it.each([
    [300e6, 15e6],
    [10e6, 2e6],
    [60e6, 1e6],
  ])(
    "finds the generator's flows, to the packet and the octet, with timeouts of %i and %i µs",
    async (active, inactive) => {
      const aging = {
        activeTimeoutUs: active,
        inactiveTimeoutUs: inactive,
        endOfFlowLingerUs: Math.min(5e6, inactive),
      };
      const { bytes, truth, plan } = createTrace(aging);
      const summer = createSummer();
      const report = await meterBytes(bytes, { timeouts: aging, consumers: [summer] });
      const expected = truth.totals();
      expect(report).toMatchObject({
        packets: expected.packets,
        octets: expected.octets,
        flows: expected.records,
        startUs: expected.firstUs,
        endUs: expected.lastUs,
        faults: [],
        conservation: { isExact: true },
      });
      const lines = [...truth.lines(plan)];
      expect(summer.lines.size).toBe(lines.length);
      for (const line of lines) expect(summer.lines.get(keyOf(line))).toEqual(line);
    },
  );

  it("counts what it cannot meter, by reason, and adds up", async () => {
    const options = { littleEndian: true };
    const frames = [
      ethernet(0x0800, ipv4({}, udp(1, 2)), 60),
      ethernet(0x0806, new Uint8Array(46)),
      ethernet(0x0800, ipv4({ version: 5 }, udp(1, 2))),
      ethernet(0x86dd, ipv6({ nextHeader: 58 }, icmp(128, 0))),
    ];
    const records = frames.map((frame) => classicRecord(options, 1, 0, frame));
    const cut = classicRecord(options, 2, 0, frames[0]!.subarray(0, 20), 60);
    const report = await meterBytes(concat(classicHeader(options), ...records, cut));
    expect(report.frames).toEqual({
      read: 5,
      metered: 2,
      notIp: 1,
      malformed: 1,
      truncated: 1,
      unsupportedLink: 0,
    });
    expect(report).toMatchObject({ flows: 2, octets: 28 + 48, conservation: { isExact: true } });
  });

  it("reports every truncation of a file with the flows of what came before", async () => {
    const options = { littleEndian: true };
    const frame = ethernet(0x0800, ipv4({ protocol: 6 }, tcp(1, 2, 2)));
    const record = classicRecord(options, 1, 0, frame);
    const file = concat(classicHeader(options), record, record);
    for (let length = 0; length < file.length; length++) {
      const summer = createSummer();
      const report = await meterBytes(file.subarray(0, length), { consumers: [summer] });
      const whole = length < 24 ? 0 : Math.floor((length - 24) / record.length);
      expect(report.packets, `${length}`).toBe(whole);
      expect([...summer.lines.values()].reduce((sum, { packets }) => sum + packets, 0)).toBe(whole);
      const isClean = length >= 24 && (length - 24) % record.length === 0;
      expect(report.faults.map(({ code }) => code)).toEqual(isClean ? [] : ["Truncated"]);
      expect(report.conservation.isExact).toBe(true);
    }
  });

  it("stays exact when the table is full and flows have to make room", async () => {
    const { bytes, truth } = createTrace(timeouts);
    const report = await meterBytes(bytes, { flowsMax: 500 });
    expect(report.flowsByEndReason.lackOfResources).toBeGreaterThan(1000);
    expect(report.flowsAtOnce).toBeLessThanOrEqual(500);
    expect(report).toMatchObject({ octets: truth.totals().octets, conservation: { isExact: true } });
  });

  it("waits for a slow consumer, whose flows do not change meanwhile", async () => {
    const { bytes, truth } = createTrace({ ...timeouts, inactiveTimeoutUs: 1e6, endOfFlowLingerUs: 1e6 });
    let busy = 0;
    let packets = 0;
    const sum = ({ columns, count }: FlowBatch): number =>
      columns.packets.subarray(0, count).reduce((total, value) => total + value, 0);
    const slow: FlowConsumer = {
      name: "slow",
      accept: async (flows) => {
        expect(++busy).toBe(1);
        const before = sum(flows);
        await new Promise((resume) => setTimeout(resume, 5));
        expect(sum(flows)).toBe(before);
        packets += before;
        busy--;
      },
      close: () => undefined,
    };
    await meterBytes(bytes, { timeouts: { ...timeouts, inactiveTimeoutUs: 1e6 }, consumers: [slow] });
    expect(packets).toBe(truth.totals().packets);
  });

  it("goes on without a consumer that fails, and reports it", async () => {
    const { bytes, truth } = createTrace(timeouts);
    let calls = 0;
    const full: FlowConsumer = {
      name: "full",
      accept: () => {
        calls++;
        throw new FaultError(fault("DiskFull", "no room"));
      },
      close: () => undefined,
    };
    const summer = createSummer();
    const report = await meterBytes(bytes, { consumers: [full, summer] });
    expect(calls).toBe(1);
    expect(report.faults).toMatchObject([{ code: "DiskFull" }]);
    expect([...summer.lines.values()].reduce((sum, line) => sum + line.octets, 0)).toBe(
      truth.totals().octets,
    );
  });

  it("names the talkers and the service ports with the most octets", async () => {
    const options = { littleEndian: true };
    const packets = [
      ipv4(
        { source: "10.0.0.1", destination: "10.0.0.2", protocol: 6 },
        tcp(5000, 443, 2, new Uint8Array(60)),
      ),
      ipv4(
        { source: "10.0.0.2", destination: "10.0.0.1", protocol: 6 },
        tcp(443, 5000, 2, new Uint8Array(160)),
      ),
      ipv4({ source: "10.0.0.1", destination: "10.0.0.3" }, udp(53, 53, new Uint8Array(12))),
    ];
    const records = packets.map((packet) => classicRecord(options, 1, 0, ethernet(0x0800, packet)));
    const report = await meterBytes(concat(classicHeader(options), ...records), { top: 2 });
    expect(report.topTalkers).toEqual({
      entries: [
        { address: "10.0.0.1", octetsSent: 140, octetsReceived: 200, packets: 3 },
        { address: "10.0.0.2", octetsSent: 200, octetsReceived: 100, packets: 2 },
      ],
      octetsUncertain: 0,
      addresses: 3,
    });
    expect(report.topPorts).toEqual([
      { protocol: 6, port: 443, octets: 300, packets: 2, flows: 2 },
      { protocol: 17, port: 53, octets: 40, packets: 1, flows: 1 },
    ]);
  });
});

describe("the generator", () => {
  it("writes the same file for the same options, and another for another seed", () => {
    const { hash } = createTrace(timeouts);
    expect(createTrace(timeouts).hash).toBe(hash);
    expect(createTrace(timeouts, { ...smallTrace, seed: 7 }).hash).not.toBe(hash);
  });
});

import { describe, expect, it } from "vitest";

import { advanceMeter, createMeter, drainMeter, flushMeter, meterPackets } from "../../src/meter/mod.ts";
import { createPacketColumns } from "../../src/wire/packet/mod.ts";
import { columnsOf, flowsOf, meterAll, packetOf, tcp, type TestFlow } from "./traffic.ts";

const second = 1_000_000;
const policy = {
  kind: "aging",
  activeTimeoutUs: 300 * second,
  inactiveTimeoutUs: 15 * second,
} as const;

describe("createMeter()", () => {
  it("emits what the key and the first packet say, with the sums of the others", () => {
    const flows: TestFlow[] = [];
    const meter = createMeter({
      policy,
      flowsMax: 10,
      emit: (batch) => void flows.push(...flowsOf(batch)),
    });
    const shape = {
      source: "2001:db8::1",
      destination: "2001:db8:ffff::2",
      sourcePort: 65535,
      destinationPort: 443,
      vlanId: 4094,
      interfaceIndex: 4294967295,
      direction: 1,
      verdict: 2,
    };
    meterAll(meter, [
      packetOf({ ...shape, timeUs: 7, octets: 4294967295, ipClassOfService: 0xb8, tcpControlBits: tcp.syn }),
      packetOf({
        ...shape,
        timeUs: 9,
        octets: 4294967295,
        ipClassOfService: 0x00,
        tcpControlBits: tcp.ack | 0x100,
      }),
    ]);
    flushMeter(meter);
    const { interfaceIndex, direction, ...key } = shape;
    expect(flows).toEqual([
      {
        ...key,
        ipVersion: 6,
        protocol: 6,
        startUs: 7,
        endUs: 9,
        packets: 2,
        octets: 2 * 4294967295,
        ipClassOfService: 0xb8,
        tcpControlBits: tcp.syn | tcp.ack | 0x100,
        flowDirection: direction,
        ingressInterface: 0,
        egressInterface: interfaceIndex,
        reason: 4,
      },
    ]);
  });

  it("keeps packets apart that differ in one field of the key, and only those", () => {
    const differences = [
      { source: "10.0.0.3" },
      { destination: "10.0.0.3" },
      { sourcePort: 1 },
      { destinationPort: 1 },
      { protocol: 17 },
      { vlanId: 1 },
      { interfaceIndex: 1 },
      { direction: 0 },
      { direction: 1 },
      { verdict: 1 },
      { verdict: 2 },
    ];
    let flows = 0;
    const meter = createMeter({ policy, flowsMax: 100, emit: (batch) => void (flows += batch.count) });
    meterAll(meter, [packetOf(), packetOf({ octets: 9, ipClassOfService: 4, tcpControlBits: tcp.push })]);
    for (const difference of differences) meterAll(meter, [packetOf(difference)]);
    flushMeter(meter);
    expect(flows).toBe(differences.length + 1);
  });

  it("fills the observation domain, and the columns that are the same for every metered flow", () => {
    const seen: unknown[] = [];
    const meter = createMeter({
      policy,
      flowsMax: 10,
      observationDomain: 77,
      emit: ({ columns }) =>
        void seen.push(columns.observationDomain[0], columns.samplingInterval[0], columns.samplingOrigin[0]),
    });
    meterAll(meter, [packetOf()]);
    flushMeter(meter);
    expect(seen).toEqual([77, 1, 0]);
  });

  it("counts octets and packets beyond 32 bits", () => {
    let octets = 0;
    const meter = createMeter({
      policy,
      flowsMax: 10,
      emit: ({ columns }) => void (octets += columns.octets[0]!),
    });
    const packets = columnsOf(Array.from({ length: 32 }, () => packetOf({ octets: 4294967295 })));
    for (let round = 0; round < 1000; round++) meterPackets(meter, packets);
    flushMeter(meter);
    expect(octets).toBe(32_000 * 4294967295);
    expect(meter.statistics.octets).toBe(octets);
  });

  it("lets several meters read the same packets", () => {
    const packets = columnsOf([packetOf(), packetOf({ timeUs: 20 * second })]);
    const counts = [15, 60].map((inactiveS) => {
      let flows = 0;
      const meter = createMeter({
        policy: { ...policy, inactiveTimeoutUs: inactiveS * second },
        flowsMax: 10,
        emit: (batch) => void (flows += batch.count),
      });
      meterPackets(meter, packets);
      flushMeter(meter);
      return flows;
    });
    expect(counts).toEqual([2, 1]);
  });
});

describe("the table", () => {
  it("grows from nothing to its bound and keeps every flow", () => {
    const count = 50_000;
    const packetsOfPort = new Map<string, number>();
    const meter = createMeter({
      policy,
      flowsMax: count,
      emit: (batch) => {
        for (const flow of flowsOf(batch))
          packetsOfPort.set(`${flow.source}:${flow.sourcePort}`, flow.packets);
      },
    });
    const all = Array.from({ length: count }, (_, index) =>
      packetOf({ source: index % 2 === 0 ? "10.1.1.1" : "2001:db8::9", sourcePort: index, timeUs: index }),
    );
    const packets = columnsOf(all);
    meterPackets(meter, packets);
    meterPackets(meter, packets);
    expect(meter.statistics).toMatchObject({ activeFlows: count, flowsEvicted: 0, flowsCreated: count });
    // 64 or 96 bytes of fields, two to four buckets of 8 and a timer of 4, in lists that double.
    expect(meter.statistics.tableBytes / count).toBeGreaterThan(80 + 16 + 4);
    expect(meter.statistics.tableBytes / count).toBeLessThan(80 + 32 + 8 + 4);
    flushMeter(meter);
    expect(packetsOfPort.size).toBe(count);
    expect([...packetsOfPort.values()].every((packets) => packets === 2)).toBe(true);
  });

  it("is empty after a flush and can be used again", () => {
    const flows: TestFlow[] = [];
    const meter = createMeter({
      policy,
      flowsMax: 100,
      emit: (batch) => void flows.push(...flowsOf(batch)),
    });
    for (let round = 0; round < 3; round++) {
      meterAll(meter, [
        packetOf({ timeUs: round }),
        packetOf({ timeUs: round, source: "::1", destination: "::2" }),
      ]);
      flushMeter(meter);
      advanceMeter(meter, 100 * second);
    }
    expect(flows.map((flow) => flow.packets)).toEqual([1, 1, 1, 1, 1, 1]);
  });

  it("at its bound ends the flow whose timer is nearest, and counts it", () => {
    const flows: TestFlow[] = [];
    const meter = createMeter({ policy, flowsMax: 4, emit: (batch) => void flows.push(...flowsOf(batch)) });
    for (let port = 1; port <= 4; port++)
      meterAll(meter, [packetOf({ sourcePort: port, timeUs: port * second })]);
    // Port 1 is the oldest, but not idle.
    meterAll(meter, [packetOf({ sourcePort: 1, timeUs: 5 * second })]);
    meterAll(meter, [packetOf({ sourcePort: 5, timeUs: 6 * second })]);
    drainMeter(meter);
    expect(flows).toMatchObject([{ sourcePort: 2, reason: 5 }]);
    expect(meter.statistics).toMatchObject({ activeFlows: 4, flowsEvicted: 1 });
    expect(meter.statistics.flowsEmitted.lackOfResources).toBe(1);
    flushMeter(meter);
    expect(new Set(flows.map((flow) => flow.sourcePort))).toEqual(new Set([1, 2, 3, 4, 5]));
    expect(flows).toHaveLength(5);
  });

  it("holds one flow when it is to hold none", () => {
    const flows: TestFlow[] = [];
    const meter = createMeter({ policy, flowsMax: 0, emit: (batch) => void flows.push(...flowsOf(batch)) });
    for (let port = 1; port <= 3; port++) meterAll(meter, [packetOf({ sourcePort: port })]);
    flushMeter(meter);
    expect(flows.map((flow) => flow.reason)).toEqual([5, 5, 4]);
  });

  it("stays within its bound, and conserves, when a flood of flows comes", () => {
    let packets = 0;
    let octets = 0;
    const meter = createMeter({
      policy,
      flowsMax: 1000,
      emit: ({ count, columns }) => {
        for (let row = 0; row < count; row++) {
          packets += columns.packets[row]!;
          octets += columns.octets[row]!;
        }
      },
    });
    const flood = Array.from({ length: 20_000 }, (_, index) =>
      packetOf({
        source: index % 3 === 0 ? "2001:db8::1" : "10.0.0.1",
        sourcePort: (index * 7919) % 65536,
        timeUs: index * 100,
        tcpControlBits: index % 2 === 0 ? tcp.fin : tcp.syn,
      }),
    );
    meterAll(meter, flood);
    expect(meter.statistics.activeFlows).toBe(1000);
    expect(meter.statistics.activeFlowsMax).toBe(1000);
    const { tableBytes } = meter.statistics;
    // A thousand of each family, at most, with buckets and timers.
    expect(tableBytes).toBeGreaterThan(1000 * 96);
    expect(tableBytes).toBeLessThan(400_000);
    flushMeter(meter);
    expect([packets, octets]).toEqual([20_000, 2_000_000]);
    expect(meter.statistics.tableBytes).toBe(tableBytes);
  });
});

describe("meterPackets()", () => {
  it(
    "conserves every packet and octet of a million and a half, with timers, evictions and disorder",
    { timeout: 60_000 },
    () => {
      let packets = 0;
      let octets = 0;
      let flows = 0;
      const meter = createMeter({
        policy: {
          kind: "aging",
          activeTimeoutUs: 4 * second,
          inactiveTimeoutUs: second,
          endOfFlowLingerUs: second / 4,
        },
        flowsMax: 20_000,
        emit: ({ count, columns }) => {
          flows += count;
          for (let row = 0; row < count; row++) {
            packets += columns.packets[row]!;
            octets += columns.octets[row]!;
          }
        },
      });
      const columns = createPacketColumns(32);
      columns.direction.fill(255);
      const random = randomOf(42);
      let sentOctets = 0;
      for (let group = 0; group < 46_875; group++) {
        for (let row = 0; row < 32; row++) {
          const flow = Math.floor(random() * random() * (group < 20_000 ? 60_000 : 10_000));
          columns.timestampUs[row] = 1e15 + group * 200 + Math.floor(random() * 1000);
          columns.octets[row] = 20 + Math.floor(random() * 65_000);
          columns.addresses[row * 8 + 3] = flow;
          columns.ipVersion[row] = flow % 4 === 0 ? 6 : 4;
          columns.protocol[row] = flow % 3 === 0 ? 17 : 6;
          columns.tcpControlBits[row] = flow % 3 === 0 ? 0 : random() < 0.1 ? tcp.fin : tcp.ack;
          sentOctets += columns.octets[row]!;
        }
        columns.count = 32;
        meterPackets(meter, columns);
        if (group % 16 === 0) advanceMeter(meter, columns.timestampUs[31]!);
      }
      flushMeter(meter);
      const { statistics } = meter;
      expect([packets, octets]).toEqual([1_500_000, sentOctets]);
      expect(statistics).toMatchObject({
        packets: 1_500_000,
        octets: sentOctets,
        activeFlows: 0,
        flowsCreated: flows,
      });
      const { idle, active, endOfFlow, forced, lackOfResources } = statistics.flowsEmitted;
      expect(idle + active + endOfFlow + forced + lackOfResources).toBe(flows);
      for (const count of [idle, endOfFlow, lackOfResources, statistics.latePackets])
        expect(count).toBeGreaterThan(0);
    },
  );
});

function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 0) / 2 ** 32;
  };
}

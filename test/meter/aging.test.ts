import { describe, expect, it } from "vitest";

import { advanceMeter, createMeter, drainMeter, flushMeter, type Meter } from "../../src/meter/mod.ts";
import { flowsOf, inOrder, meterAll, packetOf, tcp, type TestFlow, type TestPacket } from "./traffic.ts";

const second = 1_000_000;
const bits = (value: number): Partial<TestPacket> => ({ tcpControlBits: value });

function collecting(options: { activeS?: number; inactiveS?: number } = {}): {
  meter: Meter;
  flows: TestFlow[];
} {
  const flows: TestFlow[] = [];
  const meter = createMeter({
    policy: {
      kind: "aging",
      activeTimeoutUs: (options.activeS ?? 300) * second,
      inactiveTimeoutUs: (options.inactiveS ?? 15) * second,
    },
    flowsMax: 1000,
    emit: (batch) => void flows.push(...flowsOf(batch)),
  });
  return { meter, flows };
}

/** What becomes of packets of one flow: "packets:reason" for each record, in order of start. */
function recordsOf(packets: readonly Partial<TestPacket>[], options = {}): string[] {
  const { meter, flows } = collecting(options);
  for (const packet of packets) meterAll(meter, [packetOf(packet)]);
  flushMeter(meter);
  return flows
    .sort((one, other) => one.startUs - other.startUs)
    .map((flow) => `${flow.packets}:${flow.reason}`);
}

const every = (stepS: number, count: number): Partial<TestPacket>[] =>
  Array.from({ length: count }, (_, index) => ({ timeUs: index * stepS * second }));

describe("a flow ends before the packet that", () => {
  const cases: readonly [what: string, packets: Partial<TestPacket>[], records: string[]][] = [
    [
      "comes just before the inactive timeout: it does not",
      [{ timeUs: 0 }, { timeUs: 15 * second - 1 }],
      ["2:4"],
    ],
    ["comes at the inactive timeout", [{ timeUs: 0 }, { timeUs: 15 * second }], ["1:1", "1:4"]],
    ["comes long after the inactive timeout", [{ timeUs: 0 }, { timeUs: 4000 * second }], ["1:1", "1:4"]],
    [
      "comes just before the active timeout: it does not",
      [...every(10, 30), { timeUs: 300 * second - 1 }],
      ["31:4"],
    ],
    ["comes at the active timeout", [...every(10, 30), { timeUs: 300 * second }], ["30:2", "1:4"]],
    ["is the first after every active timeout", every(5, 141), ["60:2", "60:2", "21:4"]],
    [
      "comes after both, idle before active",
      [...every(10, 28), { timeUs: 284 * second }, { timeUs: 306 * second }],
      ["29:1", "1:4"],
    ],
    ["comes after both, active before idle", [...every(10, 30), { timeUs: 306 * second }], ["30:2", "1:4"]],
    [
      "comes after both at once: idle, for it was no longer active",
      [...every(10, 29), { timeUs: 285 * second }, { timeUs: 300 * second }],
      ["30:1", "1:4"],
    ],
    ["is a SYN after a FIN", [bits(tcp.syn), bits(tcp.fin | tcp.ack), bits(tcp.syn)], ["2:3", "1:4"]],
    ["is a SYN after an RST", [bits(tcp.syn), bits(tcp.rst), bits(tcp.syn), bits(tcp.rst)], ["2:3", "2:3"]],
    [
      "acknowledges after a FIN: it does not",
      [bits(tcp.fin | tcp.ack), { ...bits(tcp.ack), timeUs: second }],
      ["2:3"],
    ],
    [
      "comes five seconds after the last of a finished flow",
      [bits(tcp.fin), { timeUs: 4 * second }, { timeUs: 9 * second - 1 }, { timeUs: 14 * second - 1 }],
      ["3:3", "1:4"],
    ],
    [
      "is a SYN that was sent again: it does not",
      [bits(tcp.syn), { ...bits(tcp.syn), timeUs: second }],
      ["2:4"],
    ],
    ["is a SYN with FIN after another", [bits(tcp.syn | tcp.fin), bits(tcp.syn | tcp.fin)], ["1:3", "1:3"]],
    [
      "has no TCP, whatever its bits: it does not",
      [
        { protocol: 17, tcpControlBits: tcp.fin },
        { protocol: 17, tcpControlBits: tcp.syn },
      ],
      ["2:4"],
    ],
    ["is a little late: it does not", [{ timeUs: 20 * second }, { timeUs: 18 * second }], ["2:4"]],
    ["is late by the inactive timeout", [{ timeUs: 20 * second }, { timeUs: 5 * second }], ["1:4", "1:1"]],
    [
      "is late and would stretch the record to the active timeout",
      [
        { timeUs: 100 * second },
        ...every(10, 30).map((packet) => ({ timeUs: packet.timeUs! + 100 * second })),
        { timeUs: 90 * second },
      ],
      ["1:4", "31:2"],
    ],
  ];
  for (const [what, packets, records] of cases) {
    it(what, () => {
      expect(recordsOf(packets)).toEqual(records);
    });
  }
});

describe("advanceMeter()", () => {
  it("ends a silent flow within a 64th of the inactive timeout after its deadline, and never before", () => {
    const { meter, flows } = collecting();
    meterAll(meter, [packetOf({ timeUs: 100 * second })]);
    advanceMeter(meter, 115 * second - 1);
    drainMeter(meter);
    expect(flows).toEqual([]);
    advanceMeter(meter, 115 * second + (15 * second) / 64 + 1);
    drainMeter(meter);
    expect(flows).toMatchObject([{ startUs: 100 * second, endUs: 100 * second, packets: 1, reason: 1 }]);
    expect(meter.statistics.activeFlows).toBe(0);
  });

  it("ends a flow at the active timeout though it is not silent", () => {
    const { meter, flows } = collecting();
    for (const packet of every(10, 30)) meterAll(meter, [packetOf(packet)]);
    advanceMeter(meter, 301 * second);
    drainMeter(meter);
    expect(flows).toMatchObject([{ startUs: 0, endUs: 290 * second, packets: 30, reason: 2 }]);
  });

  it("ends a finished TCP flow five seconds after its last packet, long before an inactive timeout of minutes", () => {
    const { meter, flows } = collecting({ inactiveS: 600, activeS: 6000 });
    meterAll(meter, [packetOf({ timeUs: 0 }), packetOf({ timeUs: second, tcpControlBits: tcp.fin })]);
    advanceMeter(meter, 5 * second);
    drainMeter(meter);
    expect(flows).toEqual([]);
    advanceMeter(meter, 7.5 * second);
    drainMeter(meter);
    expect(flows).toMatchObject([{ packets: 2, reason: 3 }]);
  });

  it("hands a flow over once, however often its timer was moved", () => {
    const { meter, flows } = collecting({ inactiveS: 600, activeS: 6000 });
    for (let round = 0; round < 50; round++) {
      meterAll(meter, [packetOf({ timeUs: round * second, tcpControlBits: tcp.syn })]);
      meterAll(meter, [packetOf({ timeUs: round * second, tcpControlBits: tcp.fin })]);
      advanceMeter(meter, round * second);
    }
    advanceMeter(meter, 5000 * second);
    drainMeter(meter);
    expect(flows.map((flow) => flow.packets)).toEqual(Array.from({ length: 50 }, () => 2));
    expect(flows.every((flow) => flow.reason === 3)).toBe(true);
  });

  it("ends everything after a jump of a century, at once", () => {
    const { meter, flows } = collecting();
    meterAll(
      meter,
      Array.from({ length: 500 }, (_, index) => packetOf({ sourcePort: index, timeUs: index })),
    );
    advanceMeter(meter, 3.2e15);
    drainMeter(meter);
    expect(flows).toHaveLength(500);
    meterAll(meter, [packetOf({ timeUs: 3.2e15 })]);
    advanceMeter(meter, 3.2e15 + 16 * second);
    drainMeter(meter);
    expect(flows).toHaveLength(501);
  });

  it("ends the flows of a time that was set back within one turn of the wheel, and goes on", () => {
    const { meter, flows } = collecting();
    const future = 4e15;
    meterAll(meter, [packetOf({ timeUs: future, sourcePort: 1 })]);
    advanceMeter(meter, future);
    meterAll(meter, [packetOf({ timeUs: second, sourcePort: 2 })]);
    advanceMeter(meter, second);
    for (let timeUs = second; timeUs < 40 * second; timeUs += second / 4) advanceMeter(meter, timeUs);
    drainMeter(meter);
    expect(inOrder(flows)).toMatchObject([
      { endUs: second, reason: 1 },
      { endUs: future, reason: 1 },
    ]);
  });

  it("may be called before the first packet", () => {
    const { meter, flows } = collecting();
    advanceMeter(meter, 50 * second);
    meterAll(meter, [packetOf({ timeUs: 60 * second })]);
    flushMeter(meter);
    expect(flows).toHaveLength(1);
  });
});

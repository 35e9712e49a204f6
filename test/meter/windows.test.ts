import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { addressAt, type FlowBatch, logStatuses } from "../../src/flow/mod.ts";
import {
  advanceMeter,
  createMeter,
  drainMeter,
  emitWindowStatus,
  flushMeter,
  type Meter,
  meterError,
  meterPackets,
} from "../../src/meter/mod.ts";
import { referenceWindowFlows, type WindowEvent } from "./reference-meter.ts";
import { columnsOf, flowsOf, inOrder, meterAll, packetOf, tcp, type TestFlow } from "./traffic.ts";

const second = 1_000_000;
const minute = 60 * second;

function collecting(windowUs: number, flowsMax = 1000): { meter: Meter; flows: TestFlow[] } {
  const flows: TestFlow[] = [];
  const meter = createMeter({
    policy: { kind: "window", windowUs },
    flowsMax,
    emit: (batch) => void flows.push(...flowsOf(batch)),
  });
  return { meter, flows };
}

function advance(meter: Meter, nowUs: number): void {
  advanceMeter(meter, nowUs);
  drainMeter(meter);
}

describe("a meter that cuts by windows", () => {
  it("gives one record for each flow and window, whatever the silence, FIN and SYN in between", () => {
    const { meter, flows } = collecting(minute);
    const start = 1000 * minute;
    meterAll(meter, [
      packetOf({ timeUs: start, tcpControlBits: tcp.syn }),
      packetOf({ timeUs: start + second, tcpControlBits: tcp.fin }),
      packetOf({ timeUs: start + 50 * second, tcpControlBits: tcp.syn }),
      packetOf({ timeUs: start + minute - 1 }),
      packetOf({ timeUs: start + minute }),
      packetOf({ timeUs: start + 3 * minute, tcpControlBits: tcp.rst }),
    ]);
    advance(meter, start + 4 * minute);
    expect(inOrder(flows)).toMatchObject([
      { startUs: start, endUs: start + minute - 1, packets: 4, reason: 3 },
      { startUs: start + minute, endUs: start + minute, packets: 1, reason: 2 },
      { startUs: start + 3 * minute, endUs: start + 3 * minute, packets: 1, reason: 3 },
    ]);
  });

  it.each([1, 2, 60, 300, 600])("hands a window of %i s over just when it is over", (windowS) => {
    const windowUs = windowS * second;
    const { meter, flows } = collecting(windowUs);
    const end = Math.ceil(1.8e15 / windowUs) * windowUs;
    meterAll(meter, [packetOf({ timeUs: end - windowUs + 1 })]);
    for (let step = 97; step > 0; step--) advance(meter, end - step * Math.floor(windowUs / 100));
    advance(meter, end - 1);
    expect(flows).toEqual([]);
    advance(meter, end);
    expect(flows).toMatchObject([{ packets: 1, reason: 2 }]);
    expect(meter.statistics.activeFlows).toBe(0);
  });

  it("counts what is late in its own window: the open one, or a further record of one that was handed over", () => {
    const { meter, flows } = collecting(minute);
    const packetAt = (timeUs: number): void => meterAll(meter, [packetOf({ timeUs })]);
    packetAt(59 * second);
    packetAt(61 * second);
    packetAt(58 * second);
    advance(meter, minute);
    packetAt(57 * second);
    packetAt(62 * second);
    advance(meter, minute + second);
    advance(meter, 2 * minute);
    expect(flows).toMatchObject([
      { startUs: 58 * second, endUs: 59 * second, packets: 2 },
      { startUs: 57 * second, endUs: 57 * second, packets: 1 },
      { startUs: 61 * second, endUs: 62 * second, packets: 2 },
    ]);
  });

  it("tells the window's length in every record, and nothing is left open or lost at a forced end", () => {
    const rows: (number | undefined)[][] = [];
    const meter = createMeter({
      policy: { kind: "window", windowUs: 5 * minute },
      flowsMax: 10,
      emit: ({ columns, count }) => {
        for (let row = 0; row < count; row++)
          rows.push([columns.windowS[row], columns.logStatus[row], columns.flowEndReason[row]]);
      },
    });
    meterAll(meter, [
      packetOf({ timeUs: 1 }),
      packetOf({ timeUs: 2, sourcePort: 2, tcpControlBits: tcp.rst }),
    ]);
    flushMeter(meter);
    expect(rows).toEqual([
      [300, logStatuses.ok, 4],
      [300, logStatuses.ok, 3],
    ]);
    expect(meterError(meter)).toBe(0);
  });

  it("makes room by ending the flow that is silent for longest among the nearest, and spares the busy one", () => {
    const { meter, flows } = collecting(minute, 100);
    for (let index = 0; index < 5000; index++) {
      meterAll(meter, [
        packetOf({ timeUs: index * 1000, sourcePort: 1 + (index % 60_000), destinationPort: 1 }),
        packetOf({ timeUs: index * 1000, sourcePort: 7, destinationPort: 7 }),
      ]);
    }
    flushMeter(meter);
    const busy = flows.filter(({ destinationPort }) => destinationPort === 7);
    expect(busy.reduce((sum, { packets }) => sum + packets, 0)).toBe(5000);
    expect(busy.length).toBeLessThan(5);
    expect(flows.filter(({ reason }) => reason === 5).length).toBe(meter.statistics.flowsEvicted);
  });

  it("counts a packet in its own window though the flow that was found for it is ended by one of the same piece", () => {
    const { meter, flows } = collecting(minute, 1);
    meterAll(meter, [packetOf({ timeUs: 61 * second })]);
    meterPackets(meter, columnsOf([packetOf({ timeUs: 59 * second }), packetOf({ timeUs: 63 * second })]));
    flushMeter(meter);
    expect(flows.map(({ startUs, endUs }) => [startUs / second, endUs / second])).toEqual([
      [61, 61],
      [59, 59],
      [63, 63],
    ]);
  });

  it.each([
    ["IPv6", "10.0.0.1", "2001:db8::1"],
    ["IPv4", "2001:db8::1", "10.0.0.1"],
  ])("keeps its flows when a flood of %s, the other family, takes all the room", (_, steady, flooding) => {
    const { meter, flows } = collecting(minute, 1000);
    let port = 0;
    for (let round = 0; round < 40; round++) {
      const timeUs = round * second;
      const steadyPackets = Array.from({ length: 500 }, (__, index) =>
        packetOf({ source: steady, sourcePort: index, protocol: 17, timeUs }),
      );
      const flood = Array.from({ length: 500 }, () =>
        packetOf({ source: flooding, sourcePort: port++, protocol: 17, timeUs }),
      );
      meterAll(meter, steadyPackets);
      meterAll(meter, flood);
    }
    flushMeter(meter);
    expect(flows.filter(({ source }) => source === flooding).length).toBe(20_000);
    expect(flows.filter(({ source }) => source === steady).length).toBe(500);
  });

  it("goes on metering while a window of many flows is handed over", () => {
    const windowFlows = 50_000;
    const { meter, flows } = collecting(minute, 100_000);
    const columns = columnsOf(Array.from({ length: 32 }, () => packetOf()));
    const meterRows = (window: number, group: number): void => {
      for (let row = 0; row < 32; row++) {
        columns.timestampUs[row] = window * minute + group;
        columns.ports[row] = group * 32 + row;
      }
      meterPackets(meter, columns);
    };
    for (let group = 0; group < windowFlows / 32; group++) meterRows(1000, group);
    let calls = 0;
    // Flows of the next window, and late ones of the one that is being handed over.
    advanceMeter(meter, 1001 * minute, () => {
      meterRows(1001, calls);
      meterRows(1000, 10_000 + calls);
      calls++;
    });
    expect(calls).toBeGreaterThan(10);
    advance(meter, 1001 * minute + second);
    advance(meter, 1002 * minute);
    const inWindow = (window: number): TestFlow[] =>
      flows.filter(({ startUs }) => Math.floor(startUs / minute) === window);
    const packets = Math.ceil(windowFlows / 32) * 32 + calls * 32;
    expect(inWindow(1000).reduce((sum, flow) => sum + flow.packets, 0)).toBe(packets);
    expect(inWindow(1000).length).toBe(packets);
    expect(inWindow(1001).length).toBe(calls * 32);
    expect(meterError(meter)).toBe(0);
  });

  it("says a word on a window as a row of its own, which changes nothing of the flows after it", () => {
    const batches: FlowBatch[] = [];
    const meter = createMeter({
      policy: { kind: "window", windowUs: minute },
      flowsMax: 10,
      observationDomain: 7,
      emit: (batch) => void batches.push(structuredClone(batch)),
    });
    meterAll(meter, [packetOf({ timeUs: 1 })]);
    emitWindowStatus(meter, 3 * minute, logStatuses.noData);
    flushMeter(meter);
    const [status, flow] = batches;
    const statusColumns = status!.columns;
    expect([status!.count, statusColumns.startUs[0], statusColumns.endUs[0]]).toEqual([
      1,
      2 * minute,
      3 * minute,
    ]);
    expect([statusColumns.logStatus[0], statusColumns.windowS[0], statusColumns.packets[0]]).toEqual([
      1, 60, 0,
    ]);
    expect([statusColumns.ipVersion[0], statusColumns.observationDomain[0]]).toEqual([4, 7]);
    expect([...addressAt(statusColumns.sourceAddress, 0)]).toEqual(Array.from({ length: 16 }, () => 0));
    expect([flow!.count, flow!.columns.logStatus[0], flow!.columns.packets[0]]).toEqual([1, 0, 1]);
  });

  it("reads the same packets as a meter that ages, each by its own rules", () => {
    const packets = columnsOf([
      packetOf(),
      packetOf({ timeUs: 20 * second }),
      packetOf({ timeUs: 61 * second }),
    ]);
    const policies = [
      { kind: "aging", activeTimeoutUs: 300 * second, inactiveTimeoutUs: 15 * second },
      { kind: "window", windowUs: minute },
    ] as const;
    const counts = policies.map((policy) => {
      const flows: TestFlow[] = [];
      const meter = createMeter({
        policy,
        flowsMax: 10,
        emit: (batch) => void flows.push(...flowsOf(batch)),
      });
      meterPackets(meter, packets);
      flushMeter(meter);
      return flows.map((flow) => flow.packets);
    });
    expect(counts).toEqual([
      [1, 1, 1],
      [2, 1],
    ]);
  });
});

/** Times around the ends of windows: 1970, the present, 2038, 2106, and a clock that is set to and fro. */
function eventsArbitrary(windowUs: number): fc.Arbitrary<WindowEvent[]> {
  const stepUs = Math.max(windowUs / 64, 1);
  const steps = [0, 0, 1, stepUs, windowUs / 2, windowUs - 1, windowUs, windowUs + 1, 3 * windowUs];
  const disorder = [
    -1,
    -stepUs,
    -windowUs / 2,
    -windowUs,
    -windowUs - stepUs,
    -200 * windowUs,
    200 * windowUs,
  ];
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...steps) },
    { weight: 1, arbitrary: fc.constantFrom(...disorder) },
  );
  const shape = fc.record({
    sourcePort: fc.constantFrom(1, 2),
    source: fc.constantFrom("10.0.0.1", "2001:db8::1"),
    protocol: fc.constantFrom(6, 17),
    tcpControlBits: fc.constantFrom(tcp.ack, tcp.syn, tcp.fin, tcp.rst),
    octets: fc.constantFrom(20, 4294967295),
    verdict: fc.constantFrom(0, 1),
  });
  return fc
    .tuple(
      fc.constantFrom(0, 1.8e15, 2_147_483_647e6, 4_294_967_295e6),
      fc.array(fc.tuple(step, fc.option(shape, { freq: 3 })), { minLength: 1, maxLength: 200 }),
    )
    .map(([startUs, moves]) => {
      let timeUs: number = startUs;
      return moves.map(([move, packet]) => {
        timeUs = Math.max(timeUs + Math.floor(move), 0);
        if (packet === null) return { clockUs: timeUs };
        const destination = packet.source.includes(":") ? "2001:db8::2" : "10.0.0.2";
        const tcpControlBits = packet.protocol === 6 ? packet.tcpControlBits : 0;
        return { packet: packetOf({ ...packet, destination, tcpControlBits, timeUs }) };
      });
    });
}

/** Plays the events; packets that follow each other are metered in pieces of the given sizes. */
function playEvents(meter: Meter, events: readonly WindowEvent[], pieces: readonly number[]): void {
  let piece = 0;
  for (let from = 0; from < events.length;) {
    const event = events[from]!;
    if ("clockUs" in event) {
      advanceMeter(meter, event.clockUs);
      from++;
      continue;
    }
    const packets = [];
    const most = pieces[piece++ % pieces.length]!;
    for (; from < events.length && packets.length < most; from++) {
      const next = events[from]!;
      if (!("packet" in next)) break;
      packets.push(next.packet);
    }
    meterPackets(meter, columnsOf(packets));
    expect(meterError(meter)).toBe(0);
  }
}

function meteredFlows(
  events: readonly WindowEvent[],
  windowUs: number,
  pieces: readonly number[],
): TestFlow[] {
  const { meter, flows } = collecting(windowUs);
  playEvents(meter, events, pieces);
  const times = events.map((event) => ("packet" in event ? event.packet.timeUs : event.clockUs));
  const endUs = Math.max(...times) + 300 * windowUs;
  // The last two turns of a clock that may have been set back: everything is due in them.
  advance(meter, endUs);
  advance(meter, endUs + 300 * windowUs);
  expect(meter.statistics.activeFlows).toBe(0);
  expect(meterError(meter)).toBe(0);
  return flows;
}

describe("windows and the reference meter", () => {
  const pieces = fc.array(fc.constantFrom(1, 2, 31, 32, 33, 100), { minLength: 1, maxLength: 10 });
  const windows = fc.constantFrom(64, 640, second, minute, 10 * minute);

  it("agree on every record, whatever the batches, the clock and the order of packets", () => {
    fc.assert(
      fc.property(
        windows.chain((windowUs) => fc.tuple(fc.constant(windowUs), eventsArbitrary(windowUs))),
        pieces,
        ([windowUs, events], sizes) => {
          const stepUs = Math.min(Math.ceil(windowUs / 64), second);
          const expected = referenceWindowFlows(events, windowUs, stepUs);
          expect(inOrder(meteredFlows(events, windowUs, sizes))).toEqual(inOrder(expected));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("give no record that reaches into two windows, and lose no packet, with windows of any length and room for few", () => {
    fc.assert(
      fc.property(
        fc
          .constantFrom(1, 7, 1000, 1_500_000)
          .chain((windowUs) => fc.tuple(fc.constant(windowUs), eventsArbitrary(windowUs))),
        fc.constantFrom(1, 2, 5),
        pieces,
        ([windowUs, events], flowsMax, sizes) => {
          const { meter, flows } = collecting(windowUs, flowsMax);
          playEvents(meter, events, sizes);
          const packets = events.filter((event) => "packet" in event).length;
          flushMeter(meter);
          for (const { startUs, endUs } of flows) {
            expect(Math.floor(startUs / windowUs)).toBe(Math.floor(endUs / windowUs));
            expect(endUs).toBeGreaterThanOrEqual(startUs);
          }
          expect(flows.reduce((sum, flow) => sum + flow.packets, 0)).toBe(packets);
        },
      ),
      { numRuns: 500 },
    );
  });
});

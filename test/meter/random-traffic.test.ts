import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { advanceMeter, createMeter, drainMeter, flushMeter, meterPackets } from "../../src/meter/mod.ts";
import { type ReferenceRules, referenceFlows } from "./reference-meter.ts";
import { columnsOf, flowsOf, inOrder, packetOf, tcp, type TestFlow, type TestPacket } from "./traffic.ts";

const hosts = ["10.0.0.1", "10.0.0.2", "2001:db8::1", "2001:db8::2"] as const;

const rulesArbitrary = fc.record({
  activeUs: fc.constantFrom(1, 60, 100, 1000, 300_000_000),
  inactiveUs: fc.constantFrom(1, 10, 64, 100, 15_000_000),
  lingerUs: fc.constantFrom(0, 1, 5, 5_000_000),
});

/** Steps in time around every boundary of the rules; negative ones are disorder and clocks set back. */
function stepArbitrary(
  { activeUs, inactiveUs, lingerUs }: ReferenceRules,
  disorder: boolean,
): fc.Arbitrary<number> {
  const around = [activeUs, inactiveUs, Math.min(lingerUs, inactiveUs)].flatMap((us) => [us - 1, us, us + 1]);
  const steps = [0, 0, 0, 1, Math.ceil(inactiveUs / 3), Math.ceil(activeUs / 7), ...around];
  const signed = disorder ? steps.flatMap((step) => [step, step, -step]) : steps.map(Math.abs);
  return fc.constantFrom(...signed);
}

const shapeArbitrary = fc.record({
  pair: fc.constantFrom(
    ...[0, 2].flatMap((base) => [
      { source: hosts[base]!, destination: hosts[base + 1]! },
      { source: hosts[base + 1]!, destination: hosts[base]! },
    ]),
  ),
  sourcePort: fc.constantFrom(0, 1000, 65535),
  protocol: fc.constantFrom(6, 6, 6, 17),
  octets: fc.constantFrom(20, 1500, 4294967295),
  tcpControlBits: fc.constantFrom(tcp.ack, tcp.ack, tcp.syn, tcp.fin | tcp.ack, tcp.rst, tcp.syn | tcp.fin),
  ipClassOfService: fc.constantFrom(0, 184, 255),
  vlanId: fc.constantFrom(0, 0, 4095),
  interfaceIndex: fc.constantFrom(0, 0, 4294967295),
  direction: fc.constantFrom(255, 255, 0, 1),
  verdict: fc.constantFrom(0, 0, 1, 2),
});

function trafficArbitrary(disorder: boolean): fc.Arbitrary<{ rules: ReferenceRules; packets: TestPacket[] }> {
  return rulesArbitrary.chain((rules) =>
    fc
      .tuple(
        // 1970, the present, 2038 + 1 s, 2106 + 1 s
        fc.constantFrom(1e9, 1.8e15, 2_147_483_649e6, 4_294_967_297e6),
        fc.array(fc.tuple(stepArbitrary(rules, disorder), shapeArbitrary), { minLength: 1, maxLength: 200 }),
      )
      .map(([startUs, steps]) => {
        let timeUs: number = startUs;
        const packets = steps.map(([step, { pair, ...shape }]) => {
          timeUs = Math.max(timeUs + step, 0);
          const bits = shape.protocol === 6 ? shape.tcpControlBits : 0;
          return packetOf({ ...shape, ...pair, timeUs, tcpControlBits: bits });
        });
        return { rules, packets };
      }),
  );
}

/** Meters `packets` in pieces of the given sizes, with a call of the timers after each piece if wanted. */
function meteredFlows(
  { rules, packets }: { rules: ReferenceRules; packets: readonly TestPacket[] },
  pieces: readonly number[],
  timers: boolean,
  end: "silence" | "forced",
): TestFlow[] {
  const flows: TestFlow[] = [];
  const meter = createMeter({
    policy: {
      kind: "aging",
      activeTimeoutUs: rules.activeUs,
      inactiveTimeoutUs: rules.inactiveUs,
      endOfFlowLingerUs: rules.lingerUs,
    },
    flowsMax: 1000,
    seed: 1,
    emit: (batch) => void flows.push(...flowsOf(batch)),
  });
  for (let from = 0, piece = 0; from < packets.length; piece++) {
    const to = from + pieces[piece % pieces.length]!;
    meterPackets(meter, columnsOf(packets.slice(from, to)));
    from = to;
    const later = packets.slice(to).map((packet) => packet.timeUs);
    if (timers && later.length > 0) advanceMeter(meter, Math.min(...later));
  }
  if (end === "silence") {
    const latest = Math.max(...packets.map((packet) => packet.timeUs));
    advanceMeter(meter, latest + 2 * Math.max(rules.activeUs, rules.inactiveUs));
    drainMeter(meter);
    expect(meter.statistics.activeFlows).toBe(0);
  }
  flushMeter(meter);
  expect(meter.statistics.flowsCreated).toBe(flows.length);
  return flows;
}

const piecesArbitrary = fc.array(fc.constantFrom(1, 2, 31, 32, 33, 100), { minLength: 1, maxLength: 10 });

describe("meterPackets() and the reference meter", () => {
  it("agree on every flow of ordered traffic, whatever the batches and whenever the timers are called", () => {
    fc.assert(
      fc.property(trafficArbitrary(false), piecesArbitrary, fc.boolean(), (traffic, pieces, timers) => {
        const expected = referenceFlows(traffic.packets, traffic.rules, "silence");
        expect(inOrder(meteredFlows(traffic, pieces, timers, "silence"))).toEqual(inOrder(expected));
      }),
      { numRuns: 1500 },
    );
  });

  it("agree on every flow of disordered traffic whose clock jumps, whatever the batches", () => {
    fc.assert(
      fc.property(trafficArbitrary(true), piecesArbitrary, (traffic, pieces) => {
        const expected = referenceFlows(traffic.packets, traffic.rules, "silence");
        expect(inOrder(meteredFlows(traffic, pieces, false, "silence"))).toEqual(inOrder(expected));
      }),
      { numRuns: 1500 },
    );
  });

  it("agree on what is cut by force", () => {
    fc.assert(
      fc.property(trafficArbitrary(true), piecesArbitrary, (traffic, pieces) => {
        const expected = referenceFlows(traffic.packets, traffic.rules, "forced");
        expect(inOrder(meteredFlows(traffic, pieces, false, "forced"))).toEqual(inOrder(expected));
      }),
      { numRuns: 500 },
    );
  });

  it("give records that are shorter than the active timeout and never end before they start", () => {
    fc.assert(
      fc.property(trafficArbitrary(true), fc.array(fc.nat(4), { maxLength: 50 }), (traffic, jumps) => {
        const flows: TestFlow[] = [];
        const { rules, packets } = traffic;
        const meter = createMeter({
          policy: {
            kind: "aging",
            activeTimeoutUs: rules.activeUs,
            inactiveTimeoutUs: rules.inactiveUs,
          },
          flowsMax: 4,
          emit: (batch) => void flows.push(...flowsOf(batch)),
        });
        for (const [index, packet] of packets.entries()) {
          meterPackets(meter, columnsOf([packet]));
          advanceMeter(meter, Math.max(packet.timeUs + ((jumps[index] ?? 2) - 2) * rules.inactiveUs, 0));
        }
        flushMeter(meter);
        for (const flow of flows) {
          expect(flow.endUs - flow.startUs).toBeGreaterThanOrEqual(0);
          expect(flow.endUs - flow.startUs).toBeLessThan(rules.activeUs);
        }
        expect(flows.reduce((sum, flow) => sum + flow.packets, 0)).toBe(packets.length);
        expect(flows.reduce((sum, flow) => sum + flow.octets, 0)).toBe(meter.statistics.octets);
      }),
      { numRuns: 500 },
    );
  });
});

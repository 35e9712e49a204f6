/** Ten million packets, decoded once and metered by timeouts and by windows at once: every one is found again. */
import { describe, expect, it } from "vitest";

import { createTruth, generateTrace, tracePresets, type TruthTotals } from "../../bench/generate/mod.ts";
import { createPacketSource, fillPackets } from "../../src/capture/file/mod.ts";
import type { FlowBatch } from "../../src/flow/mod.ts";
import {
  advanceMeter,
  createMeter,
  flushMeter,
  type Meter,
  meterError,
  meterPackets,
  type MeterPolicy,
} from "../../src/meter/mod.ts";
import { decodeOutcomes } from "../../src/wire/packet/mod.ts";
import { inputSpace, inputWritten } from "../../src/wire/pcap/mod.ts";

const packetsWanted = 10_000_000;
const windowUs = 60_000_000;

interface Metered {
  readonly meter: Meter;
  readonly sums: { flows: number; packets: number; octets: number; acrossWindows: number };
}

function metered(policy: MeterPolicy): Metered {
  const sums = { flows: 0, packets: 0, octets: 0, acrossWindows: 0 };
  const emit = ({ columns, count }: FlowBatch): void => {
    sums.flows += count;
    for (let row = 0; row < count; row++) {
      sums.packets += columns.packets[row]!;
      sums.octets += columns.octets[row]!;
      const [from, to] = [columns.startUs[row]!, columns.endUs[row]!];
      if (Math.floor(from / windowUs) !== Math.floor(to / windowUs)) sums.acrossWindows++;
    }
  };
  return { meter: createMeter({ policy, flowsMax: 8_000_000, emit }), sums };
}

function expectTruth({ meter, sums }: Metered, truth: TruthTotals): void {
  const { packets, octets, records: flows } = truth;
  expect(sums).toMatchObject({ flows, packets, octets });
  expect(meter.statistics).toMatchObject({ packets, octets, flowsEvicted: 0 });
  expect(meterError(meter)).toBe(0);
}

describe("conservation", () => {
  it("holds over 10 M packets by timeouts and by windows", { timeout: 300_000 }, () => {
    const timeouts = { activeTimeoutUs: 60e6, inactiveTimeoutUs: 5e6, endOfFlowLingerUs: 5e6 };
    const truths = [createTruth(timeouts), createTruth({ ...timeouts, windowUs })] as const;
    const aged = metered({ kind: "aging", ...timeouts });
    const windowed = metered({ kind: "window", windowUs });
    const file = {
      path: "generated",
      compression: "none",
      sizeBytes: undefined,
      readBytes: () => 0,
      read: () => Promise.reject(new Error("the trace is given in pieces")),
      close: () => Promise.resolve(),
    } as const;
    const source = createPacketSource(file);
    const { packets, reader, decoder } = source;
    const meterPiece = (): void => {
      for (let status = fillPackets(source); ; status = fillPackets(source)) {
        if (packets.count > 0) {
          for (const { meter } of [aged, windowed]) {
            meterPackets(meter, packets);
            advanceMeter(meter, packets.timestampUs[packets.count - 1]!);
          }
        }
        if (status === "input") return;
      }
    };
    const options = { ...tracePresets["50k"], packets: packetsWanted, spanS: 130 };
    generateTrace(
      options,
      (bytes) => {
        for (let at = 0; at < bytes.length;) {
          const space = inputSpace(reader);
          const piece = bytes.subarray(at, at + space.length);
          space.set(piece);
          inputWritten(reader, piece.length);
          at += piece.length;
          meterPiece();
        }
      },
      (...packet) => {
        for (const { observe } of truths) observe(...packet);
      },
    );
    for (const { meter } of [aged, windowed]) flushMeter(meter);

    expect(reader.fault).toBeUndefined();
    expect(reader.packets).toBe(packetsWanted);
    // Decoded once, whoever meters.
    expect(decoder.outcomes[decodeOutcomes.packet]).toBe(packetsWanted);
    expectTruth(aged, truths[0].totals());
    expectTruth(windowed, truths[1].totals());
    expect(windowed.sums.acrossWindows).toBe(0);
    expect(aged.sums.acrossWindows).toBeGreaterThan(0);
  });
});

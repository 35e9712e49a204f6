/** The feature capture: the flows of every case are those that its table says, whatever is done to the bytes. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  captureOf,
  type FeatureCase,
  featureCases,
  type FeatureFrame,
  featureFrames,
} from "../../../bench/feature/mod.ts";
import {
  createPcapFrames,
  createPcapReader,
  finishInput,
  giveInput,
  readFrames,
  readStatuses,
} from "../../../src/wire/pcap/mod.ts";
import { createRun, type DecoderRun, type Metered, switchSets } from "./feature-flows.ts";

const setNames = ["default", "inside", "outside"] as const;
type SetName = (typeof setNames)[number];
const allFrames = featureFrames(featureCases);
const capture = captureOf(allFrames);

function expectedFlows({ flows, inside, outside }: FeatureCase, set: SetName): readonly string[] {
  if (set === "inside") return inside ?? flows;
  // What is a tunnel is metered outside by default too; ERSPAN and what has no outer IP header is told apart.
  return set === "outside" ? (outside ?? flows) : flows;
}

function packetsOf(flows: readonly string[]): number {
  return flows.reduce((sum, flow) => sum + Number(/ (\d+)\//u.exec(flow)![1]), 0);
}

function meter(frames: readonly FeatureFrame[], set: SetName): Metered {
  const run = createRun(switchSets[set]);
  for (const frame of frames) run.take(frame);
  return run.finish();
}

/** Every frame is in one outcome, every packet in one flow, every octet with it. */
function expectConserved(metered: Metered, frames: number): void {
  const { decoder, meter, packetsInFlows, octetsInFlows, windowed } = metered;
  const sum = decoder.outcomes.reduce((total, count) => total + count, 0);
  expect(sum).toBe(frames);
  expect(meter.statistics.packets).toBe(decoder.outcomes[0]);
  expect(packetsInFlows).toBe(decoder.outcomes[0]);
  expect(octetsInFlows).toBe(meter.statistics.octets);
  expect(windowed).toEqual({ packets: packetsInFlows, octets: octetsInFlows });
  expect(decoder.decapsulated + decoder.innerUnread).toBeLessThanOrEqual(packetsInFlows);
}

/** The frames of a capture file, or of what there is of it. */
function takeFile(file: Uint8Array, run: DecoderRun): number {
  const reader = createPcapReader({ bufferBytes: 32 * 1024 });
  const frames = createPcapFrames(64);
  let given = 0;
  for (;;) {
    const status = readFrames(reader, frames);
    for (let row = 0; row < frames.count; row++) {
      const offset = frames.offset[row]!;
      run.take({
        bytes: reader.bytes.subarray(offset, offset + frames.capturedLength[row]!),
        linkType: frames.linkType[row]!,
        timestampUs: frames.timestampUs[row]!,
        wireLength: frames.wireLength[row]!,
      });
    }
    if (status === readStatuses.more) continue;
    if (status === readStatuses.faulted || given === file.length) break;
    given += giveInput(reader, file.subarray(given));
  }
  finishInput(reader);
  return reader.packets;
}

describe("the flows of the feature capture", () => {
  for (const featureCase of featureCases) {
    it(featureCase.name, () => {
      const frames = featureFrames([featureCase]);
      for (const set of setNames) {
        const metered = meter(frames, set);
        const expected = expectedFlows(featureCase, set);
        expect(metered.flows, set).toEqual(expected.toSorted());
        const others = frames.length - packetsOf(expected);
        const isOtherwise = set !== "outside" && others > 0;
        if (isOtherwise) expect(metered.outcomes[featureCase.otherwise ?? "notIp"], set).toBe(others);
        expectConserved(metered, frames.length);
      }
    });
  }

  it.each(setNames)("are all there when the file is read as a whole (%s)", (set) => {
    const run = createRun(switchSets[set]);
    expect(takeFile(capture, run)).toBe(allFrames.length);
    const metered = run.finish();
    expect(metered.flows).toEqual(featureCases.flatMap((one) => expectedFlows(one, set)).toSorted());
    expectConserved(metered, allFrames.length);
  });

  it("tell how many were found inside, and how many could not be", () => {
    const { decoder } = meter(allFrames, "outside");
    expect([decoder.decapsulated, decoder.innerUnread]).toEqual([0, 0]);
    const countsOf = (words: string): number[] => {
      const found = featureCases.filter(({ name }) => name.includes(words));
      expect(found.length).toBe(1);
      const { decoder } = meter(featureFrames(found), "inside");
      return [decoder.decapsulated, decoder.innerUnread];
    };
    expect(countsOf("contradicts itself is metered by the outer one")).toEqual([0, 2]);
    expect(countsOf("four tunnels are entered")).toEqual([1, 1]);
    expect(countsOf("VXLAN stays outside")).toEqual([0, 2]);
    expect(countsOf("UDP over IPv6")).toEqual([0, 0]);
  });
});

describe("damaged versions of the feature capture", () => {
  it.each(setNames)("cut after every octet of every frame, are conserved (%s)", (set) => {
    const run = createRun(switchSets[set]);
    let frames = 0;
    for (const frame of allFrames) {
      for (let length = 0; length < frame.bytes.length; length++) {
        const bytes = frame.bytes.subarray(0, length);
        // Cut by the capture, and cut on the wire.
        run.take({ ...frame, bytes });
        run.take({ ...frame, bytes, wireLength: length });
        frames += 2;
      }
    }
    expectConserved(run.finish(), frames);
  });

  it("cut anywhere in the file, are read up to the last whole frame", () => {
    const run = createRun(switchSets.inside);
    let frames = 0;
    // Blocks are of fours, so that steps of five end at every place of every field.
    for (let length = 0; length < capture.length; length += 5) {
      const read = takeFile(capture.subarray(0, length), run);
      expect(read).toBeLessThan(allFrames.length);
      frames += read;
    }
    expectConserved(run.finish(), frames);
  });

  it("with octets changed, are conserved, and no packet has more octets than its frame", () => {
    const edits = fc.array(fc.tuple(fc.nat(160), fc.integer({ min: 0, max: 255 })), {
      minLength: 1,
      maxLength: 8,
    });
    const runs = setNames.map((set) => createRun(switchSets[set]));
    let frames = 0;
    let octetsMax = 0;
    fc.assert(
      fc.property(fc.constantFrom(...allFrames), edits, fc.nat(200), (frame, changes, cutAt) => {
        const bytes = frame.bytes.slice(0, frame.bytes.length - (cutAt < 100 ? cutAt : 0));
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
        for (const run of runs) run.take({ ...frame, bytes });
        frames++;
        // A frame that a mirror or NFLOG cut may have been as long as IP allows.
        octetsMax += Math.max(frame.wireLength, 65_575);
      }),
      { numRuns: 30_000 },
    );
    for (const run of runs) {
      const metered = run.finish();
      expectConserved(metered, frames);
      expect(metered.octetsInFlows).toBeLessThanOrEqual(octetsMax);
    }
  });

  it("with the octets of the file changed, are read without a throw", () => {
    const edits = fc.array(fc.tuple(fc.nat(capture.length - 1), fc.nat(255)), {
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(edits, (changes) => {
        const file = capture.slice();
        for (const [at, value] of changes) file[at] = value;
        const run = createRun(switchSets.inside);
        const frames = takeFile(file, run);
        expectConserved(run.finish(), frames);
      }),
      { numRuns: 500 },
    );
  });
});

/**
 * A capture file in an interface's stead, for tests and demonstrations: packets arrive at the pace of their
 * own timestamps or faster, and the file's time is the time of the meters' clocks.
 */
import { openSync, readSync } from "node:fs";

import { fail, type Fault, ok, type Result, toFault } from "../../base/mod.ts";
import type { ReplayConfig } from "../config.ts";
import type { HostInterface } from "../interface.ts";
import { packetTypes } from "../ring/layout.ts";
import type { FedTap } from "../tap.ts";
import { createPcapFeed, type PcapFeed } from "./pcap-feed.ts";

export interface Replay {
  /** The interface that the file stands for. */
  readonly device: HostInterface;
  /** Takes the packets that are due; returns the file's time in microseconds, or null at its end. */
  advance(tap: FedTap): number | null;
  /** Why the file's end is none: it is damaged or cut. */
  fault(): Fault | undefined;
}

/** Opens the file, which is best done while the process may still read it; faults if it cannot be read. */
export function openReplay(config: ReplayConfig): Result<Replay> {
  let descriptor: number;
  try {
    descriptor = openSync(config.path, "r");
  } catch (error) {
    return fail("CaptureUnavailable", `cannot read the capture file: ${toFault(error).message}`, {
      field: "capture.replay.path",
      value: config.path,
    });
  }
  return ok(createReplay(config, descriptor));
}

/** Frames of one turn, so that messages have theirs. */
const batchesAtOnce = 64;

function createReplay(config: ReplayConfig, descriptor: number): Replay {
  const feed = createPcapFeed();
  let startedMs = -1;
  let firstUs = -1;
  const limitUs = (): number => {
    if (config.speed <= 0) return Infinity;
    if (firstUs < 0) return -Infinity;
    return firstUs + (performance.now() - startedMs) * 1000 * config.speed;
  };
  const begin = (): void => {
    if (firstUs >= 0 || feed.timestampUs() === 0) return;
    firstUs = feed.timestampUs();
    startedMs = performance.now();
  };
  return {
    device: {
      name: config.interfaceName,
      index: 1,
      macAddress: "",
      addresses: [],
      kind: "physical",
      up: true,
      lowerNames: [],
      upperNames: [],
    },
    advance(tap) {
      for (let batch = 0; batch < batchesAtOnce; batch++) {
        const state = feed.take(tap, packetTypes.unknown, limitUs());
        begin();
        if (state === "faulted" || (state === "needInput" && !readMore(descriptor, feed))) return null;
        if (state === "later" && limitUs() < feed.timestampUs()) break;
      }
      return config.speed > 0 && firstUs >= 0 ? limitUs() : feed.timestampUs();
    },
    fault: () => feed.finish(),
  };
}

/** Reads the next piece; false at the end of the file. */
function readMore(descriptor: number, feed: PcapFeed): boolean {
  const octets = readSync(descriptor, feed.space());
  feed.written(octets);
  return octets > 0;
}

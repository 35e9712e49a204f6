/** Frames out of a pcap or pcapng stream, in batches, into a tap. */
import type { Fault } from "../../base/mod.ts";
import {
  createPcapFrames,
  createPcapReader,
  finishInput,
  giveInput,
  inputSpace,
  inputWritten,
  readFrames,
  readStatuses,
} from "../../wire/pcap/mod.ts";
import { createFrameColumns, vlanInFrame } from "../frames.ts";
import type { FedTap } from "../tap.ts";

export interface PcapFeed {
  /** Room for input; call take() until it answers `needInput` first. */
  space(): Uint8Array<ArrayBuffer>;
  written(octets: number): void;
  /** Gives the tap the packets up to `limitUs`, a batch at most, and says what is next. */
  take(tap: FedTap, packetType: number, limitUs: number): FeedState;
  /** Gives the tap all packets of `input` and of what was left before. */
  takeAll(tap: FedTap, packetType: number, input: Uint8Array): FeedState;
  /** Timestamp of the packet that waits or was read last; 0 before the first. */
  timestampUs(): number;
  fault(): Fault | undefined;
  /** The input ends here: the fault of a stream that ends inside a record, or the one found before. */
  finish(): Fault | undefined;
}

/** `later`: the next packet is beyond the limit. `more`: call again. */
export type FeedState = "more" | "later" | "needInput" | "faulted";

const framesAtOnce = 256;
const bufferBytes = 256 * 1024;

export function createPcapFeed(): PcapFeed {
  const reader = createPcapReader({ bufferBytes });
  /** Frames read, of which those from `next` on were not taken yet. */
  const read = createPcapFrames(framesAtOnce);
  let next = 0;
  const frames = createFrameColumns(framesAtOnce);

  const take = (tap: FedTap, packetType: number, limitUs: number): FeedState => {
    if (next === read.count) {
      const status = readFrames(reader, read);
      next = 0;
      if (read.count === 0) return status === readStatuses.faulted ? "faulted" : "needInput";
    }
    frames.count = 0;
    for (; next < read.count && read.timestampUs[next]! <= limitUs; next++) {
      const row = frames.count++;
      frames.offset[row] = read.offset[next]!;
      frames.capturedLength[row] = read.capturedLength[next]!;
      frames.wireLength[row] = read.wireLength[next]!;
      frames.linkType[row] = read.linkType[next]!;
      frames.timestampUs[row] = read.timestampUs[next]!;
      frames.packetType[row] = packetType;
      frames.vlanId[row] = vlanInFrame;
    }
    if (frames.count > 0) tap.take(reader.bytes, reader.view, frames);
    return next < read.count ? "later" : "more";
  };
  return {
    space: () => inputSpace(reader),
    written: (octets) => inputWritten(reader, octets),
    take,
    takeAll(tap, packetType, input) {
      let rest = input;
      for (;;) {
        const state = take(tap, packetType, Infinity);
        if (state === "faulted" || (state === "needInput" && rest.length === 0)) return state;
        if (state === "needInput") rest = rest.subarray(giveInput(reader, rest));
      }
    },
    timestampUs: () => (next < read.count ? read.timestampUs[next]! : reader.timestampUs),
    fault: () => reader.fault,
    finish: () => finishInput(reader),
  };
}

/** Frames out of a pcap or pcapng stream, in batches, into a tap. */
import { createFrameColumns, vlanInFrame } from "../frames.ts";
import type { Fault } from "../../base/mod.ts";
import {
  createPcapReader,
  finishInput,
  giveInput,
  inputSpace,
  inputWritten,
  readPacket,
  readStatuses,
} from "../../wire/pcap/mod.ts";
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
  const frames = createFrameColumns(framesAtOnce);
  /** Whether the reader stands on a packet that was not taken, being beyond the limit. */
  let waits = false;

  const take = (tap: FedTap, packetType: number, limitUs: number): FeedState => {
    frames.count = 0;
    let state: FeedState = "more";
    while (state === "more" && frames.count < frames.capacity) {
      const status = waits ? readStatuses.packet : readPacket(reader);
      waits = false;
      if (status === readStatuses.needInput) state = "needInput";
      else if (status === readStatuses.faulted) state = "faulted";
      else if (reader.timestampUs > limitUs) {
        waits = true;
        state = "later";
      } else {
        const row = frames.count++;
        frames.offset[row] = reader.packetOffset;
        frames.capturedLength[row] = reader.capturedLength;
        frames.wireLength[row] = reader.wireLength;
        frames.linkType[row] = reader.linkType;
        frames.timestampUs[row] = reader.timestampUs;
        frames.packetType[row] = packetType;
        frames.vlanId[row] = vlanInFrame;
      }
    }
    if (frames.count > 0) tap.take(reader.bytes, reader.view, frames);
    return state;
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
    timestampUs: () => reader.timestampUs,
    fault: () => reader.fault,
    finish: () => finishInput(reader),
  };
}

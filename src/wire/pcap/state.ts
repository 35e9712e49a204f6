/** What the reader of a capture file holds between packets. */
import type { Fault } from "../../base/mod.ts";

export interface PcapReaderOptions {
  /** The reader's buffer, octets; it grows to hold one record or block that is larger. Default 2 MiB. */
  readonly bufferBytes?: number;
  /** The largest record or block that is believed, octets. Default 16 MiB, as Wireshark's. */
  readonly recordBytesMax?: number;
}

export type PcapFormat = "unknown" | "pcap" | "pcapng";

/** An interface of the pcapng section being read, or the one of a classic file. */
export interface PcapInterface {
  readonly linkType: number;
  /** Octets kept of a packet at most; 0 is no limit. */
  readonly snapLength: number;
  /** Ticks of a timestamp in a second: 10^n or 2^n. */
  readonly ticksPerSecond: number;
  /** Whole seconds added to every timestamp. */
  readonly offsetSeconds: number;
}

export interface PcapReader {
  /** The buffer that frames lie in, and a view of the same memory. */
  bytes: Uint8Array<ArrayBuffer>;
  view: DataView;
  /** Of the last frame read; 0 before the first. */
  linkType: number;
  timestampUs: number;

  format: PcapFormat;
  littleEndian: boolean;
  /** The interfaces of the current section. */
  interfaces: PcapInterface[];
  /** Frames handed out. */
  packets: number;
  /** Set once the input is found wrong; nothing more is read then. */
  fault: Fault | undefined;

  /** Where the next record begins, and where the input ends, in `bytes`. */
  at: number;
  filled: number;
  /** The offset in the file of `bytes[0]`. */
  base: number;
  /** Octets that the next record needs in the buffer before it can be read. */
  needed: number;
  readonly recordBytesMax: number;
}

export const readStatuses = {
  /** The buffer holds no further whole record: give input, or finish. */
  needInput: 0,
  /** There may be more, for which there was no room. */
  more: 1,
  /** `reader.fault` says what is wrong and where. */
  faulted: 2,
} as const;

export type ReadStatus = (typeof readStatuses)[keyof typeof readStatuses];

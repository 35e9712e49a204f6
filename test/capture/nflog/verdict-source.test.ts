/** What is made of the firewall's log where it is more than there is room for. */
import { describe, expect, it } from "vitest";

import { createIntake } from "../../../src/capture/intake.ts";
import { hooks } from "../../../src/capture/nflog/layout.ts";
import type { LogSocket } from "../../../src/capture/nflog/log-socket.ts";
import { createVerdictSource } from "../../../src/capture/nflog/verdict-source.ts";
import type { Tap } from "../../../src/capture/tap.ts";
import type { Libc } from "../../../src/libc/mod.ts";

/** A message of Linux 6.18: a UDP packet, logged before the output filter; its sequence number and identification are set. */
const recorded = Buffer.from(
  "7000000000040000000000000000000002000bcd080001000800030010000a0077656972206265666f72650008000500000000030" +
    "8000b000000000008000e000000000008000c00000000002400090045000020c07f4000401166390a0900010a0900029587000900" +
    "0c143277656972",
  "hex",
);
const sequenceAt = recorded.indexOf(Buffer.from("08000c0000000000", "hex")) + 4;
const identificationAt = recorded.indexOf(Buffer.from("45000020c07f", "hex")) + 4;

const point = { loopback: false, hasUpper: false, bridged: false, hopLimitIpv4: 0, hopLimitIpv6: 0 };
const interfaceIndex = 3;
const packetsMax = 64;

interface Log {
  readonly tap: Tap;
  /** Logs one packet for each sequence number, all in one datagram, and reads it. */
  readonly take: (sequences: readonly number[]) => void;
  readonly wait: (ms: number) => void;
  /** Lets the time pass at the next look at the log, which finds nothing more. */
  readonly stall: (ms: number) => void;
  /** The kernel says that it had no room (ENOBUFS). */
  readonly overrun: () => void;
}

function logOf(): Log {
  const bytes = new Uint8Array(256 * 1024);
  const datagrams: (Buffer | "overrun")[] = [];
  let nowUs = 1_700_000_000_000_000;
  let stallUs = 0;
  const socket: LogSocket = {
    descriptor: -1,
    bytes,
    view: new DataView(bytes.buffer),
    read(cursor) {
      const next = datagrams.shift();
      if (next === undefined) {
        nowUs += stallUs;
        stallUs = 0;
        return "empty";
      }
      if (next === "overrun") return next;
      bytes.set(next);
      cursor.at = 0;
      cursor.end = next.length;
      return "datagram";
    },
    close: () => undefined,
  };
  const libc = { poll: () => ({ ok: true, value: 0 }) } as unknown as Libc;
  const options = { libc, snapshotBytes: 128, waitMs: 500, packetsMax, nowUs: () => nowUs };
  const tap = createVerdictSource(socket, options).openTap("eth0", createIntake(interfaceIndex, point));
  return {
    tap,
    take(sequences) {
      const messages = sequences.map((sequence) => {
        const message = Buffer.from(recorded);
        message.writeUInt32BE(sequence, sequenceAt);
        message.writeUInt16BE(sequence, identificationAt);
        return message;
      });
      datagrams.push(Buffer.concat(messages));
      tap.read();
    },
    overrun() {
      datagrams.push("overrun");
      tap.read();
    },
    wait(ms) {
      nowUs += ms * 1000;
      tap.read();
    },
    stall: (ms) => void (stallUs = ms * 1000),
  };
}

const numbers = (from: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => from + index);

describe("the firewall's log", () => {
  it("is of packets that left by the interface, one message each", () => {
    expect(recorded.readUInt8(recorded.length - 32)).toBe(0x45);
    expect(hooks.output).toBe(3);
    const { tap, take, wait } = logOf();
    take(numbers(0, 3));
    wait(600);
    expect([tap.packetsRead(), tap.counts().drops]).toEqual([3, 0]);
  });

  it("is looked at once more where time has passed since the look, before a packet is called rejected", () => {
    const { tap, take, wait, stall } = logOf();
    stall(600);
    take(numbers(0, 3));
    expect(tap.packetsRead()).toBe(0);
    wait(0);
    expect([tap.packetsRead(), tap.counts().drops]).toEqual([3, 0]);
  });

  it("is read on after a loss that came when as many packets waited as can, and every packet is accounted for", () => {
    const { tap, take, wait } = logOf();
    take(numbers(0, packetsMax));
    // Two are missing, and what follows is in the same datagram.
    take([...numbers(packetsMax, 3), ...numbers(packetsMax + 5, packetsMax + 2)]);
    wait(600);
    const logged = packetsMax + 3 + packetsMax + 2;
    expect(tap.counts().packets).toBe(logged + 2);
    // What waited at the loss is undecided; two more had to make room.
    expect(tap.packetsRead()).toBe(packetsMax);
    expect(tap.counts().drops).toBe(logged + 2 - packetsMax);
  });

  it("that ran over counts a loss at once, and the whole of it when the next message tells", () => {
    const { tap, take, wait, overrun } = logOf();
    take(numbers(0, 2));
    overrun();
    overrun();
    // Both wait, and neither may be called rejected: they are undecided.
    wait(600);
    expect([tap.packetsRead(), tap.counts().drops]).toEqual([0, 3]);
    take([7]);
    wait(600);
    expect([tap.packetsRead(), tap.counts().drops]).toEqual([1, 7]);
  });
});

/** Datagrams as the kernel makes them (linux/netfilter/nfnetlink_log.h), and as no kernel would. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { hooks } from "../../../src/capture/nflog/layout.ts";
import {
  acknowledgedErrno,
  createLoggedPackets,
  logGroupRequests,
  readLoggedPackets,
  stages,
} from "../../../src/capture/nflog/message.ts";

/**
 * One datagram of Linux 6.18, copied from the socket: a UDP packet to 10.9.0.2 port 9 of 32 octets that left by
 * the device with index 3, logged before and behind the output filter, and the end of the list.
 */
const before =
  "7000000000040000000000000000000002000bcd080001000800030010000a0077656972206265666f72650008000500000000030" +
  "8000b000000000008000e000000000008000c00000000002400090045000020c07f4000401166390a0900010a0900029587000900" +
  "0c143277656972";
const after =
  "7000000000040000000000000000000002000bcd08000100080003000f000a007765697220616674657200000800050000000003" +
  "08000b000000000008000e000000000008000c00000000012400090045000020c07f4000401166390a0900010a09000295870009" +
  "000c143277656972";
const done = "1400000003000000000000000000000000000bcd";
const recorded = before + after + done;

function bytesOf(hexadecimal: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(hexadecimal.replaceAll(/\s/gu, ""), "hex"));
}

function read(bytes: Uint8Array<ArrayBuffer>) {
  const packets = createLoggedPackets(4);
  const cursor = { at: 0, end: bytes.length, malformed: 0 };
  readLoggedPackets(new DataView(bytes.buffer), cursor, packets);
  return { packets, cursor };
}

describe("a logged packet", () => {
  it("is read with its stage, hook, interfaces and sequence number", () => {
    const bytes = bytesOf(recorded);
    const { packets, cursor } = read(bytes);
    expect(cursor).toEqual({ at: 244, end: 244, malformed: 0 });
    expect(packets.count).toBe(2);
    expect([...packets.stage.subarray(0, 2)]).toEqual([stages.before, stages.after]);
    expect([...packets.hook.subarray(0, 2)]).toEqual([hooks.output, hooks.output]);
    expect([...packets.sequence.subarray(0, 2)]).toEqual([0, 1]);
    for (let row = 0; row < 2; row++) {
      expect(packets.ingressInterface[row]).toBe(0);
      expect(packets.egressInterface[row]).toBe(3);
      // The kernel stamps packets when they come in, not when they leave.
      expect(packets.timestampUs[row]).toBe(0);
      const offset = packets.payloadOffset[row]!;
      expect(packets.payloadLength[row]).toBe(32);
      expect(Buffer.from(bytes.subarray(offset, offset + 4)).toString("hex")).toBe("45000020");
      expect(Buffer.from(bytes.subarray(offset + 28, offset + 32)).toString()).toBe("weir");
    }
  });

  it("has the time that the kernel gave it", () => {
    // NFULA_TIMESTAMP in the place of NFULA_UID and NFULA_GID: struct nfulnl_msg_packet_timestamp, 4 octets left over.
    const stamped = bytesOf(
      before
        .replace("08000b000000000008000e0000000000", "14000300000000006543210f00000000000f423f")
        .replace("70000000", "74000000"),
    );
    expect(read(stamped).packets.timestampUs[0]).toBe(0x6543210f * 1_000_000 + 999_999);
  });

  it("of another's rule is foreign", () => {
    const bytes = bytesOf(before.replace("77656972206265666f7265", "6d696e65206265666f7265"));
    expect(read(bytes).packets.stage[0]).toBe(stages.foreign);
  });
});

describe("a datagram", () => {
  it("with more packets than there is room for is read on from where it was left", () => {
    const one = bytesOf(before);
    const bytes = new Uint8Array(one.length * 6);
    for (let index = 0; index < 6; index++) bytes.set(one, index * one.length);
    const packets = createLoggedPackets(4);
    const cursor = { at: 0, end: bytes.length, malformed: 0 };
    const counts = [];
    for (let turn = 0; turn < 3; turn++) {
      readLoggedPackets(new DataView(bytes.buffer), cursor, packets);
      counts.push(packets.count);
    }
    expect(counts).toEqual([4, 2, 0]);
  });

  it("that is cut anywhere yields no packet and no throw", () => {
    const bytes = bytesOf(before);
    for (let length = 1; length < bytes.length; length++) {
      const { packets, cursor } = read(bytes.slice(0, length));
      expect(packets.count).toBe(0);
      expect(cursor.malformed).toBe(1);
      expect(cursor.at).toBe(length);
    }
  });

  it("of any octets is read to its end, and nothing beyond it is", () => {
    const mutated = fc
      .array(fc.tuple(fc.nat(243), fc.nat(255)), { minLength: 1, maxLength: 8 })
      .map((changes) => {
        const bytes = bytesOf(recorded);
        for (const [at, value] of changes) bytes[at] = value;
        return bytes;
      });
    const octets = fc.uint8Array({ maxLength: 300 }).map((bytes) => new Uint8Array(bytes));
    fc.assert(
      fc.property(fc.oneof(mutated, octets), (bytes) => {
        const { packets, cursor } = read(bytes);
        expect(cursor.at).toBeGreaterThanOrEqual(cursor.end);
        for (let row = 0; row < packets.count; row++) {
          if (packets.payloadLength[row] === 0) continue;
          expect(packets.payloadOffset[row]! + packets.payloadLength[row]!).toBeLessThanOrEqual(bytes.length);
        }
      }),
      { numRuns: 20_000 },
    );
  });
});

describe("the requests for a log group", () => {
  it("are those of linux/netfilter/nfnetlink_log.h", () => {
    const requests = logGroupRequests({
      group: 3021,
      snapshotBytes: 128,
      bufferBytes: 131_072,
      threshold: 200,
      timeoutMs: 50,
    }).map((request) => Buffer.from(request).toString("hex"));
    const header = (length: string, sequence: string) =>
      `${length}000000 01040500 ${sequence}000000 00000000 00000bcd`.replaceAll(" ", "");
    expect(requests).toEqual([
      `${header("1c", "01")}0500010001000000`,
      `${header("20", "02")}0a0002000000008002000000`,
      `${header("1c", "03")}0800030000020000`,
      `${header("1c", "04")}08000500000000c8`,
      `${header("1c", "05")}0800040000000005`,
      `${header("1c", "06")}0600060000010000`,
    ]);
  });

  it("are answered by an errno", () => {
    const answer = bytesOf(
      "24000000 02000000 01000000 00000000 ffffffff 1c000000 01040500 01000000 00000000",
    );
    expect(acknowledgedErrno(new DataView(answer.buffer), answer.length)).toBe(1);
    const packet = bytesOf(recorded);
    expect(acknowledgedErrno(new DataView(packet.buffer), packet.length)).toBeNull();
  });
});

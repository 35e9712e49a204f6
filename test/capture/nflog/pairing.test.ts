import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { createLoggedPackets, stages } from "../../../src/capture/nflog/message.ts";
import {
  abandonWaiting,
  createPairing,
  decisions,
  expireWaiting,
  type Pairing,
  releaseDecided,
  takeLogged,
} from "../../../src/capture/nflog/pairing.ts";

const snapshotBytes = 64;
const waitUs = 500_000;

function pairingOf(packetsMax = 16): Pairing {
  return createPairing({ packetsMax, snapshotBytes, waitUs, seed: 7 });
}

/** An IPv4 UDP packet that only its identification tells from others. */
function packetOf(identification: number): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from(
    Buffer.from("4500001c00010000401166cd0a0100020a01000103e903e900080000", "hex"),
  );
  new DataView(bytes.buffer).setUint16(4, identification);
  return bytes;
}

interface Log {
  readonly stage: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly hook?: number;
  readonly egress?: number;
}

/** Logs one packet; what is decided by it, as "first octets of identification: decision". */
function log(pairing: Pairing, { stage, bytes, hook = 2, egress = 9 }: Log, nowUs: number): string[] {
  const packets = createLoggedPackets(1);
  packets.count = 1;
  packets.stage[0] = stage;
  packets.hook[0] = hook;
  packets.ingressInterface[0] = 7;
  packets.egressInterface[0] = egress;
  packets.payloadLength[0] = bytes.length;
  takeLogged(pairing, packets, 0, bytes, new DataView(bytes.buffer), nowUs);
  return decided(pairing);
}

function decided(pairing: Pairing): string[] {
  const names = ["undecided", "accepted", "rejected"];
  const said: string[] = [];
  for (let index = 0; index < pairing.decidedCount; index++) {
    const at = pairing.decided[index]! * snapshotBytes;
    said.push(`${pairing.view.getUint16(at + 4)} ${names[pairing.decision[index]!]}`);
  }
  releaseDecided(pairing);
  return said;
}

const before = (identification: number): Log => ({ stage: stages.before, bytes: packetOf(identification) });
const after = (identification: number): Log => ({ stage: stages.after, bytes: packetOf(identification) });

describe("a packet", () => {
  it("that is seen before and behind the filter is accepted", () => {
    const pairing = pairingOf();
    expect(log(pairing, before(1), 0)).toEqual([]);
    expect(log(pairing, after(1), 1)).toEqual(["1 accepted"]);
    expireWaiting(pairing, waitUs * 2, decisions.rejected);
    expect(decided(pairing)).toEqual([]);
  });

  it("that is not seen behind it within the wait is rejected, not a microsecond earlier", () => {
    const pairing = pairingOf();
    log(pairing, before(1), 100);
    expireWaiting(pairing, 100 + waitUs - 1, decisions.rejected);
    expect(decided(pairing)).toEqual([]);
    expireWaiting(pairing, 100 + waitUs, decisions.rejected);
    expect(decided(pairing)).toEqual(["1 rejected"]);
  });

  it("is known again whatever the filter wrote into hop limit, class of service and checksum", () => {
    const pairing = pairingOf();
    log(pairing, before(1), 0);
    const changed = packetOf(1);
    changed.set([0xb8], 1);
    changed.set([3], 8);
    changed.set([0xab, 0xcd], 10);
    expect(log(pairing, { stage: stages.after, bytes: changed }, 1)).toEqual(["1 accepted"]);
  });

  it("is not taken for another of another hook, device or content", () => {
    const pairing = pairingOf();
    log(pairing, before(1), 0);
    expect(log(pairing, { ...after(1), hook: 1 }, 1)).toEqual(["1 accepted"]);
    expect(log(pairing, { ...after(1), egress: 8 }, 1)).toEqual(["1 accepted"]);
    expect(log(pairing, after(2), 1)).toEqual(["2 accepted"]);
    expireWaiting(pairing, waitUs, decisions.rejected);
    expect(decided(pairing)).toEqual(["1 rejected"]);
  });

  it("whose first message was lost is accepted all the same", () => {
    expect(log(pairingOf(), after(5), 0)).toEqual(["5 accepted"]);
  });

  it("that waits while messages are lost is undecided", () => {
    const pairing = pairingOf();
    log(pairing, before(1), 0);
    log(pairing, before(2), 0);
    abandonWaiting(pairing);
    expect(decided(pairing)).toEqual(["1 undecided", "2 undecided"]);
  });

  it("does not wait for ever when the clock is set back", () => {
    const pairing = pairingOf();
    log(pairing, before(1), 10 * waitUs);
    expireWaiting(pairing, 0, decisions.undecided);
    expect(decided(pairing)).toEqual(["1 undecided"]);
  });
});

it("more packets than there are slots cost the oldest, and are counted", () => {
  const pairing = pairingOf(4);
  for (let identification = 1; identification <= 6; identification++) {
    log(pairing, before(identification), identification);
  }
  expect(pairing.overflowed).toBe(2);
  expireWaiting(pairing, waitUs * 2, decisions.rejected);
  expect(decided(pairing)).toEqual(["3 rejected", "4 rejected", "5 rejected", "6 rejected"]);
});

it("decides every packet once, as a list that is searched does", () => {
  const event = fc.record({
    isAfter: fc.boolean(),
    identification: fc.integer({ min: 1, max: 6 }),
    pauseUs: fc.constantFrom(0, 1, 100_000, 300_000),
  });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      const pairing = pairingOf(64);
      const waiting: { identification: number; atUs: number }[] = [];
      let nowUs = 0;
      for (const { isAfter, identification, pauseUs } of events) {
        nowUs += pauseUs;
        const expired = waiting.filter(({ atUs }) => nowUs - atUs >= waitUs);
        waiting.splice(0, expired.length);
        expireWaiting(pairing, nowUs, decisions.rejected);
        expect(decided(pairing)).toEqual(expired.map((gone) => `${gone.identification} rejected`));
        const said = log(pairing, isAfter ? after(identification) : before(identification), nowUs);
        if (!isAfter) {
          waiting.push({ identification, atUs: nowUs });
          expect(said).toEqual([]);
          continue;
        }
        expect(said).toEqual([`${identification} accepted`]);
        // Equal packets cannot be told apart: the newest that waits is taken.
        const found = waiting.findLastIndex((entry) => entry.identification === identification);
        if (found >= 0) waiting.splice(found, 1);
      }
      expect(pairing.overflowed).toBe(0);
    }),
    { numRuns: 3000 },
  );
});

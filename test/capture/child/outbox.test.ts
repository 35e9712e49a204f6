import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { createOutbox } from "../../../src/capture/child/outbox.ts";

const bytes = new Uint8Array(1);

describe("the outbox", () => {
  it("sends batches in order, a bounded number at a time, each once", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 400 }), (additions) => {
        const sent: number[] = [];
        const outbox = createOutbox((sequence, _, written) => {
          sent.push(sequence);
          written();
        });
        let added = 0;
        let accepted = 0;
        for (const addition of additions) {
          if (addition) {
            expect(outbox.nextSequence()).toBe(++added);
            outbox.add(bytes);
          } else if (accepted < sent.length) outbox.accepted(++accepted);
          expect(outbox.waiting()).toBe(added - accepted);
          expect(sent.length - accepted).toBe(Math.min(32, added - accepted));
        }
        expect(sent).toEqual(Array.from(sent, (_, index) => index + 1));
        expect(outbox.acceptedCount()).toBe(accepted);
      }),
    );
  });

  it("has a share of that number where several processes share the packets", () => {
    const sent: number[] = [];
    const outbox = createOutbox((sequence) => void sent.push(sequence), 16);
    for (let batch = 0; batch < 5; batch++) outbox.add(bytes);
    expect(sent).toEqual([1, 2]);
  });

  it("is settled when everything that was there is accepted, in any order", async () => {
    const outbox = createOutbox((_, __, written) => written());
    await outbox.settled();
    outbox.add(bytes);
    outbox.add(bytes);
    let settled = false;
    const waiting = outbox.settled().then(() => (settled = true));
    outbox.add(bytes);
    outbox.accepted(2);
    outbox.accepted(2);
    await Promise.resolve();
    expect(settled).toBe(false);
    outbox.accepted(1);
    await waiting;
    expect(outbox.waiting()).toBe(1);
  });

  it("tells whether the channel has something to write", () => {
    const written: (() => void)[] = [];
    const outbox = createOutbox((_, __, done) => written.push(done));
    outbox.add(bytes);
    expect(outbox.writing()).toBe(true);
    written[0]!();
    expect(outbox.writing()).toBe(false);
  });
});

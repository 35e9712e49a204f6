import { join } from "node:path";

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { type Clock, unwrap } from "../../../src/base/mod.ts";
import { createDigestSet } from "../../../src/gateway/auth/digest-set.ts";
import { type NonceOptions, openNonceStore } from "../../../src/gateway/auth/nonces.ts";
import { createMetrics } from "../../../src/observe/mod.ts";
import { scratchFolder } from "../../support/scratch.ts";

const minuteMs = 60_000;

function handClock(): Clock & { ms: number; wallMs: number } {
  return {
    ms: 0,
    wallMs: Date.UTC(2026, 0, 1),
    nowMs() {
      return this.wallMs + this.ms;
    },
    monotonicMs() {
      return this.ms;
    },
  };
}

function newPath(): string {
  return join(scratchFolder("nonces"), "nonces.sqlite");
}

function open(options: Partial<NonceOptions> = {}, clock = handClock()) {
  const metrics = createMetrics();
  const path = options.path ?? newPath();
  return { store: unwrap(openNonceStore({ ...options, path }, { clock, metrics })), metrics, clock, path };
}

const reused = { ok: false, fault: { code: "NonceReused" } };

describe("replay protection", () => {
  it("lets each nonce of each key through once", async () => {
    const { store } = open();
    expect(await store.remember("key1", "nonce")).toEqual({ ok: true, value: undefined });
    expect(await store.remember("key1", "nonce")).toMatchObject(reused);
    expect(await store.remember("key2", "nonce")).toMatchObject({ ok: true });
    store.close();
  });

  it("refuses the second of two that race", async () => {
    const { store } = open();
    const [first, second] = await Promise.all([store.remember("key", "n"), store.remember("key", "n")]);
    expect([first.ok, second.ok]).toEqual([true, false]);
    store.close();
  });

  it("remembers across a restart", async () => {
    const { store, path, clock } = open();
    await Promise.all(Array.from({ length: 1000 }, (_, index) => store.remember("key", `n${index}`)));
    store.close();
    clock.ms += 20 * minuteMs;
    const again = open({ path }, clock).store;
    for (const index of [0, 1, 500, 999]) {
      expect(await again.remember("key", `n${index}`)).toMatchObject(reused);
    }
    expect(await again.remember("key", "n1000")).toMatchObject({ ok: true });
    again.close();
  });

  it("remembers across a restart whose wall clock has jumped ahead, for when that is set right", async () => {
    const { store, path, clock } = open();
    await store.remember("key", "n");
    store.close();
    clock.wallMs += 24 * 60 * minuteMs;
    const ahead = open({ path }, clock).store;
    ahead.close();
    clock.wallMs -= 24 * 60 * minuteMs;
    const again = open({ path }, clock).store;
    expect(await again.remember("key", "n")).toMatchObject(reused);
    again.close();
  });

  it("commits all that arrive in one turn together", async () => {
    const { store, metrics } = open();
    await Promise.all(Array.from({ length: 500 }, (_, index) => store.remember("key", `n${index}`)));
    expect(metrics.value("weir_nonce_commits_total")).toBe(1);
    expect(metrics.value("weir_nonces")).toBe(500);
    store.close();
  });

  it("forgets a nonce, in memory and on disk, only after its time", async () => {
    const { store, clock, path, metrics } = open({ retentionMs: 30 * minuteMs, eldersMin: 1 });
    await store.remember("key", "early");
    clock.ms += 29 * minuteMs;
    expect(await store.remember("key", "early")).toMatchObject(reused);
    clock.ms += 3 * minuteMs;
    expect(await store.remember("key", "elder")).toMatchObject({ ok: true });
    clock.ms += 32 * minuteMs;
    expect(await store.remember("key", "late")).toMatchObject({ ok: true });
    expect(metrics.value("weir_nonces")).toBe(1);
    store.close();
    const again = open({ path }, clock);
    expect(await again.store.remember("key", "early")).toMatchObject({ ok: true });
    expect(await again.store.remember("key", "late")).toMatchObject(reused);
    again.store.close();
  });

  it("keeps the newest whatever their age, so that a clock set back lets none of them in again", async () => {
    const eldersMin = 100;
    const { store, clock, path } = open({ retentionMs: 30 * minuteMs, eldersMin });
    const perMinute = 30;
    const minutes = 60;
    for (let minute = 0; minute < minutes; minute++) {
      for (let index = 0; index < perMinute; index++) await store.remember("key", `${minute}/${index}`);
      clock.ms += minuteMs;
    }
    // An hour later, of which the clock then knows nothing more.
    clock.ms += 60 * minuteMs;
    await store.remember("key", "now");
    clock.wallMs -= 60 * minuteMs;
    const firstElder = minutes - Math.floor(eldersMin / perMinute);
    const expectReused = async (remembering: typeof store): Promise<void> => {
      for (let minute = firstElder; minute < minutes; minute++) {
        for (let index = 0; index < perMinute; index++) {
          expect(await remembering.remember("key", `${minute}/${index}`)).toMatchObject(reused);
        }
      }
    };
    await expectReused(store);
    expect(await store.remember("key", "0/0")).toMatchObject({ ok: true });
    store.close();
    const again = open({ path, eldersMin }, clock).store;
    await expectReused(again);
    again.close();
  });

  it("makes elders of a burst at once", async () => {
    const { store, clock } = open({ eldersMin: 10 });
    const names = Array.from({ length: 25 }, (_, index) => `burst${index}`);
    await Promise.all(names.map((name) => store.remember("key", name)));
    clock.ms += 40 * minuteMs;
    await store.remember("key", "one");
    clock.ms += 40 * minuteMs;
    await store.remember("key", "two");
    for (const name of [...names, "one"]) expect(await store.remember("key", name)).toMatchObject(reused);
    store.close();
  });

  it("opens no window when the wall clock is set back or forth", async () => {
    const { store, clock } = open();
    await store.remember("key", "n");
    for (const jumpMs of [-60 * minuteMs, 120 * minuteMs, -90 * minuteMs]) {
      clock.wallMs += jumpMs;
      expect(await store.remember("key", "n")).toMatchObject(reused);
    }
    store.close();
  });

  it("refuses requests rather than let replays in when its memory is used up, until nonces expire", async () => {
    const { store, clock } = open({ countMax: 3, retentionMs: 2 * minuteMs });
    for (const nonce of ["a", "b", "c"])
      expect(await store.remember("key", nonce)).toMatchObject({ ok: true });
    expect(await store.remember("key", "d")).toMatchObject({
      fault: { code: "TooManyRequests", retryable: true },
    });
    expect(await store.remember("key", "a")).toMatchObject(reused);
    clock.ms += 4 * minuteMs;
    expect(await store.remember("key", "d")).toMatchObject({ ok: true });
    store.close();
  });

  it("answers those who wait when it is closed", async () => {
    const { store, path } = open();
    const waiting = store.remember("key", "last");
    store.close();
    expect(await waiting).toMatchObject({ ok: true });
    const again = open({ path }).store;
    expect(await again.remember("key", "last")).toMatchObject(reused);
    again.close();
  });
});

describe("the digest set", () => {
  it("holds exactly what was added, through growth and collisions", () => {
    const word = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 0xffff_ffff }));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(word, fc.integer({ min: 1, max: 0xffff_ffff })), { maxLength: 3000 }),
        (digests) => {
          const set = createDigestSet();
          const expected = new Set<string>();
          for (const [high, low] of digests) {
            expect(set.add(high, low)).toBe(!expected.has(`${high}/${low}`));
            expected.add(`${high}/${low}`);
          }
          expect(set.size).toBe(expected.size);
          for (const [high, low] of digests) {
            expect(set.has(high, low)).toBe(true);
            const other = (high ^ 1) >>> 0;
            expect(set.has(other, low)).toBe(expected.has(`${other}/${low}`));
          }
        },
      ),
      { numRuns: 50 },
    );
  });
});

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { openSteadyClock } from "../../src/app/steady-clock.ts";
import { silentLogger } from "../../src/observe/mod.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const yearMs = 365 * dayMs;
const noon = Date.parse("2026-06-01T12:00:00Z");

let directory: string;
let path: string;
let wallMs: number;
let monotonicMs: number;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "weir-steady-"));
  path = join(directory, "clock.json");
  wallMs = noon;
  monotonicMs = 5000;
});
afterEach(() => rmSync(directory, { recursive: true }));

const open = () =>
  openSteadyClock(path, {
    clock: { nowMs: () => wallMs, monotonicMs: () => monotonicMs },
    logger: silentLogger,
  });

function pass(timeMs: number): void {
  wallMs += timeMs;
  monotonicMs += timeMs;
}

describe("steady time", () => {
  it("is the wall clock's while that goes as time does", () => {
    const { receipt, retention } = open();
    for (const stepMs of [0, 1, 1000, hourMs, 100 * dayMs]) {
      pass(stepMs);
      expect([receipt.nowMs(), retention.nowMs()]).toEqual([wallMs, wallMs]);
    }
  });

  it("follows a clock that jumped ahead by a day in an hour, so that nothing young expires", () => {
    const { receipt, retention } = open();
    wallMs += yearMs;
    expect(retention.nowMs()).toBe(noon);
    pass(hourMs);
    expect(retention.nowMs()).toBe(noon + dayMs);
    expect(receipt.nowMs()).toBe(wallMs);
    wallMs -= yearMs;
    expect(retention.nowMs()).toBe(wallMs);
    pass(hourMs);
    expect(receipt.nowMs()).toBe(wallMs);
  });

  it("stamps what is received under a clock that was set back with the time before", () => {
    const { receipt, retention } = open();
    wallMs -= yearMs;
    expect(receipt.nowMs()).toBe(noon);
    expect(retention.nowMs()).toBe(wallMs);
    pass(hourMs);
    expect(receipt.nowMs()).toBe(noon - dayMs);
  });

  it("goes on after a restart from where it was, whatever the clock says then", () => {
    open().save();
    wallMs += 10 * yearMs;
    monotonicMs = 1;
    const { retention } = open();
    expect(retention.nowMs()).toBe(noon);
    pass(hourMs);
    expect(retention.nowMs()).toBe(noon + dayMs);
  });

  it("does not begin in a past that no clock was ever set to", () => {
    wallMs = 1000;
    const { receipt } = open();
    expect(new Date(receipt.nowMs()).getUTCFullYear()).toBe(2026);
  });

  it.each(["", "{", '{"steadyMs":null}', "[]"])("begins anew where the file says %j", (text) => {
    writeFileSync(path, text);
    const clock = open();
    expect(clock.retention.nowMs()).toBe(noon);
    clock.save();
    expect(JSON.parse(readFileSync(path, "utf8"))).toEqual({ steadyMs: noon });
    expect(readdirSync(directory)).toEqual(["clock.json"]);
  });

  it("lets nothing expire before a 24th of its retention has passed, whatever the clock does", () => {
    const step = fc.record({
      passMs: fc.nat(2 * dayMs),
      jumpMs: fc.oneof(fc.constant(0), fc.integer({ min: -yearMs, max: yearMs })),
      restart: fc.boolean(),
    });
    const retentionMs = 30 * dayMs;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        rmSync(path, { force: true });
        wallMs = noon;
        monotonicMs = 0;
        let livedMs = 0;
        let clock = open();
        const kept: { receivedMs: number; atMs: number }[] = [];
        for (const { passMs, jumpMs, restart } of steps) {
          kept.push({ receivedMs: clock.receipt.nowMs(), atMs: livedMs });
          pass(passMs);
          livedMs += passMs;
          wallMs += jumpMs;
          const nowMs = clock.retention.nowMs();
          const expired = kept.filter(({ receivedMs }) => nowMs - receivedMs >= retentionMs);
          for (const { atMs } of expired) expect(livedMs - atMs).toBeGreaterThanOrEqual(retentionMs / 24);
          if (!restart) continue;
          clock.save();
          monotonicMs = 0;
          clock = open();
        }
      }),
    );
  });
});

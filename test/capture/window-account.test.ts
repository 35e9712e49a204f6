import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { createWindowAccount, type WindowAccount } from "../../src/capture/window-account.ts";
import { logStatuses } from "../../src/flow/mod.ts";

const windowUs = 60_000_000;
const day = 1440 * windowUs;
const minute = (count: number): number => 29_000_000 * windowUs + count * windowUs;

/** An account, and what it said: the number of each window's minute and N or S. */
function accountOf(options: { sinceUs?: number | undefined; nowUs?: number | undefined }): {
  account: WindowAccount;
  said: string[];
} {
  const said: string[] = [];
  const close = (endUs: number, logStatus: number): void => {
    if (logStatus === logStatuses.ok) return;
    const number = (endUs - minute(0)) / windowUs - 1;
    said.push(`${number}${logStatus === logStatuses.noData ? "N" : "S"}`);
  };
  return { account: createWindowAccount({ windowUs, nowUs: minute(0) + 7, close, ...options }), said };
}

describe("the account of windows", () => {
  it("says nothing of a window with records, and NODATA of one without, once each", () => {
    const { account, said } = accountOf({});
    account.recorded(minute(0) + 8);
    account.recorded(minute(2));
    expect(account.isDue(minute(1) - 1)).toBe(false);
    expect(account.isDue(minute(1))).toBe(true);
    account.close(minute(1));
    account.close(minute(2) + 5);
    account.close(minute(3));
    account.close(minute(4) - 1);
    expect(said).toEqual(["1N"]);
    expect(account.counts()).toEqual({ ok: 2, noData: 1, skipData: 0 });
    expect(account.closedUpToUs()).toBe(minute(3));
  });

  it("says SKIPDATA of each window that a loss touches, with records or without", () => {
    const { account, said } = accountOf({});
    account.recorded(minute(1));
    account.lost(minute(2) - 1, minute(3));
    account.lost(minute(5), minute(5) + 1);
    account.recorded(minute(4));
    account.close(minute(7));
    expect(said).toEqual(["0N", "1S", "2S", "3S", "5S", "6N"]);
  });

  it("says SKIPDATA of the windows that a former process did not see to their end, and of the one it began in", () => {
    const { account, said } = accountOf({ sinceUs: minute(-2), nowUs: minute(1) + 5 });
    account.close(minute(3));
    expect(said).toEqual(["-2S", "-1S", "0S", "1S", "2N"]);
  });

  it("is not silent about a gap within one window", () => {
    const { account, said } = accountOf({ sinceUs: minute(1) + 1, nowUs: minute(1) + 2 });
    account.recorded(minute(1) + 3);
    account.close(minute(2));
    expect(said).toEqual(["1S"]);
  });

  it("does not speak again of a window that a former process ended early", () => {
    const former = accountOf({ nowUs: minute(1) });
    former.account.lost(minute(1), minute(1) + 1);
    former.account.end(minute(1) + 2);
    expect(former.said).toEqual(["1S"]);
    const { account, said } = accountOf({ sinceUs: former.account.closedUpToUs(), nowUs: minute(1) + 3 });
    account.close(minute(3));
    expect(said).toEqual(["2N"]);
  });

  it("has nothing to say of the part of a window that ends with nothing lost", () => {
    const { account, said } = accountOf({});
    account.recorded(minute(0) + 8);
    expect(account.hasRecords()).toBe(true);
    account.end(minute(0) + 9);
    expect([said, account.closedUpToUs()]).toEqual([[], minute(0) + 9]);
  });

  it("begins with the first packet where no clock tells", () => {
    const { account, said } = accountOf({ nowUs: undefined });
    account.recorded(minute(5));
    account.recorded(minute(3) + 4);
    account.close(minute(7));
    expect(said).toEqual(["4N", "6N"]);
  });

  it("speaks of a day of windows at most after years without capture", () => {
    const { account, said } = accountOf({ sinceUs: minute(0) - 800 * day, nowUs: minute(0) });
    account.close(minute(1));
    expect(said.length).toBe(1441);
    expect(new Set(said.map((text) => text.at(-1)))).toEqual(new Set(["S"]));
  });

  it("waits until a clock that was set back comes again to where it was", () => {
    const { account, said } = accountOf({});
    account.close(minute(3));
    account.close(minute(1));
    account.recorded(minute(1));
    account.close(minute(4));
    expect(said).toEqual(["0N", "1N", "2N", "3N"]);
  });

  it("begins anew when a clock is set back by more than a day of windows", () => {
    const { account, said } = accountOf({ nowUs: minute(0) + 3 * day });
    account.close(minute(5));
    account.close(minute(6));
    expect(said).toEqual(["5N"]);
  });

  it("spares no window whose loss comes while the clock is set back, or after it was", () => {
    const { account, said } = accountOf({});
    account.lost(minute(0) + 9, minute(0) + 10);
    account.close(minute(5));
    // Within the open window: from 50 seconds back to 40.
    account.lost(minute(5) + 50_000_000, minute(5) + 40_000_000);
    account.close(minute(6));
    // A loss is dated ahead of the clock; those that come when the clock is right are others.
    account.lost(minute(9), minute(9) + 1);
    account.lost(minute(7), minute(7) + 1);
    account.close(minute(10));
    expect(said).toEqual(["0S", "1N", "2N", "3N", "4N", "5S", "6N", "7S", "8N", "9S"]);
  });

  it("blames what was lost for no window of the time to come when it begins anew", () => {
    const { account, said } = accountOf({ nowUs: minute(0) + 3 * day });
    account.lost(minute(0) + 3 * day, minute(5));
    account.close(minute(5));
    account.lost(minute(5) + 7, minute(5) + 8);
    account.close(minute(8));
    expect(said).toEqual(["5S", "6N", "7N"]);
    account.close(minute(0) + 4 * day);
    expect(said.filter((text) => text.endsWith("S"))).toEqual(["5S"]);
  });

  it("speaks of every window once, in order, and never NODATA of one that was lost or has records", () => {
    const eventArbitrary = fc.oneof(
      fc.record({ kind: fc.constant("recorded"), step: fc.nat(3 * windowUs) }),
      fc.record({ kind: fc.constant("lost"), step: fc.nat(3 * windowUs) }),
      fc.record({ kind: fc.constant("close"), step: fc.nat(3 * windowUs) }),
    );
    fc.assert(
      fc.property(fc.array(eventArbitrary, { maxLength: 60 }), (events) => {
        const { account, said } = accountOf({});
        const recorded = new Set<number>();
        const lost = new Set<number>();
        const indexOf = (timeUs: number): number => Math.floor((timeUs - minute(0)) / windowUs);
        let nowUs = minute(0) + 7;
        for (const { kind, step } of events) {
          const beforeUs = nowUs;
          nowUs += step;
          if (kind === "recorded") {
            account.recorded(nowUs);
            recorded.add(indexOf(nowUs));
          } else if (kind === "lost") {
            account.lost(beforeUs, nowUs);
            for (let index = indexOf(beforeUs); index <= indexOf(nowUs); index++) lost.add(index);
          } else account.close(nowUs);
        }
        account.close(nowUs);
        const expected = Array.from({ length: indexOf(nowUs) }, (_, index) => {
          if (lost.has(index)) return `${index}S`;
          return recorded.has(index) ? "" : `${index}N`;
        }).filter((text) => text !== "");
        expect(said).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });
});

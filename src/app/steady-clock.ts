/**
 * A clock for what is kept and let go by days: it follows the wall clock, at no more than 24 times the pace of
 * time.
 *
 * A wall clock that jumps a year ahead would otherwise have every record expire at once, and one that jumps back
 * would have what comes in meanwhile expire when it is set right. By this one a record is kept for at least a 24th
 * of its retention, whatever the wall clock does, a restart included; and an error of the wall clock that is set
 * right is gone after a 24th of its size. After a long pause records stay somewhat longer than they need to.
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";

import { type Clock, toFault } from "../base/mod.ts";
import type { Logger } from "../observe/mod.ts";

export interface SteadyClock {
  /** When something is received: by the wall clock, and never before steady time. */
  readonly receipt: Clock;
  /** What retention goes by: the wall clock, and never past steady time. */
  readonly retention: Clock;
  /** Writes steady time down, for the next start to go on from. */
  save(): void;
}

const paceMax = 24;
/** No clock that was ever set is before this: a host without a battery has 1970 until it is told better. */
const earliestMs = Date.parse("2026-01-01T00:00:00Z");

/** Goes on from the time in the file at `path`; from the wall clock's if there is none. */
export function openSteadyClock(
  path: string,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): SteadyClock {
  let steadyMs = readTime(path, logger) ?? Math.max(clock.nowMs(), earliestMs);
  let askedMs = clock.monotonicMs();
  const steadyTime = (wallMs: number): number => {
    const monotonicMs = clock.monotonicMs();
    const reachMs = (monotonicMs - askedMs) * paceMax;
    askedMs = monotonicMs;
    steadyMs = Math.min(Math.max(wallMs, steadyMs - reachMs), steadyMs + reachMs);
    return steadyMs;
  };
  const withTime = (choose: (wallMs: number, steadyMs: number) => number): Clock => ({
    nowMs: () => {
      const wallMs = clock.nowMs();
      return Math.floor(choose(wallMs, steadyTime(wallMs)));
    },
    monotonicMs: () => clock.monotonicMs(),
  });
  return {
    receipt: withTime(Math.max),
    retention: withTime(Math.min),
    save: () => {
      try {
        // A kill or a power cut leaves the file of before, or this one.
        writeFileSync(`${path}.new`, JSON.stringify({ steadyMs: steadyTime(clock.nowMs()) }), {
          mode: 0o600,
          flush: true,
        });
        renameSync(`${path}.new`, path);
      } catch (error) {
        logger.warn({ fault: toFault(error) }, "steady time cannot be written down");
      }
    },
  };
}

/** Undefined if there is no such file, or it is no time. */
function readTime(path: string, logger: Logger): number | undefined {
  try {
    const { steadyMs } = JSON.parse(readFileSync(path, "utf8")) as { steadyMs?: unknown };
    if (Number.isFinite(steadyMs)) return Number(steadyMs);
    logger.warn({ path }, "steady time is unreadable and begins anew");
  } catch (error) {
    const isNew = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (!isNew) logger.warn({ path, fault: toFault(error) }, "steady time is unreadable and begins anew");
  }
  return undefined;
}

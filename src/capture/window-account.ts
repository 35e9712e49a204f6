/**
 * What is said of each window of a subject besides its flows: nothing where all went well, NODATA where there
 * was no traffic that the subject meters, SKIPDATA where packets of it may be missing. Each window is spoken of
 * once, in order, when its packets have been read.
 *
 * A window in which capture did not run, not even for a part of it, is never NODATA.
 */
import { logStatuses } from "../flow/mod.ts";
import { windowEndOf } from "../meter/mod.ts";

export interface WindowAccountOptions {
  readonly windowUs: number;
  /** Windows before this time have been spoken of; capture may not have run since. Absent for a new subject. */
  readonly sinceUs?: number | undefined;
  /** From when on every packet is seen; absent where time begins with the first packet. */
  readonly nowUs?: number | undefined;
  /** Takes the status of the window that ends (exclusive) at `endUs`, of logStatuses; ok is not to be said. */
  readonly close: (endUs: number, logStatus: number) => void;
}

/** Windows by what was said of them. */
export interface WindowCounts {
  readonly ok: number;
  readonly noData: number;
  readonly skipData: number;
}

export interface WindowAccount {
  /** A record that begins at `startUs` was handed over. */
  recorded(startUs: number): void;
  /** Packets of between these two times may be missing. */
  lost(fromUs: number, toUs: number): void;
  /** Whether a window has ended by `readUpToUs` and is not closed yet. */
  isDue(readUpToUs: number): boolean;
  /** Speaks of every window that ended by `readUpToUs`, up to which all records are handed over. */
  close(readUpToUs: number): void;
  /** Ends the account before its window does, at `endUs`: what is missing in its part of the window is said. */
  end(endUs: number): void;
  /** Whether the open window has records. */
  hasRecords(): boolean;
  /** Up to where all is said: the end of the last window that was closed, or where the account began, if it did. */
  closedUpToUs(): number | undefined;
  counts(): WindowCounts;
}

/**
 * Windows that are spoken of after a time without capture, and how far a clock may be set back until the
 * account begins anew: a day of windows of a minute, so that an outage of years is no flood.
 */
export const windowsBehindMax = 1440;

export function createWindowAccount({
  windowUs,
  sinceUs,
  nowUs,
  close: closeWindow,
}: WindowAccountOptions): WindowAccount {
  const endOf = (timeUs: number): number => windowEndOf(windowUs, timeUs);
  const reachUs = windowsBehindMax * windowUs;
  const counts = { ok: 0, noData: 0, skipData: 0 };
  const losses = createLosses();
  /** Ends of windows that have records and are not closed yet. */
  const recordedEnds = new Set<number>();
  /** NaN before time begins. */
  const at = { closedUpToUs: Number.NaN, openEndUs: Number.NaN, earliestUs: Infinity };

  const beginAt = (timeUs: number): void => {
    at.closedUpToUs = timeUs;
    at.openEndUs = endOf(timeUs);
    for (const endUs of recordedEnds) if (endUs < at.openEndUs) recordedEnds.delete(endUs);
  };
  const closeOne = (): void => {
    const endUs = at.openEndUs;
    const name = losses.overlap(endUs - windowUs, endUs)
      ? "skipData"
      : recordedEnds.has(endUs)
        ? "ok"
        : "noData";
    counts[name]++;
    closeWindow(endUs, logStatuses[name]);
    losses.forgetBefore(endUs);
    beginAt(endUs);
  };

  if (nowUs !== undefined) {
    // What ends after the open window is of a clock that was set back: how much is missing is not known.
    const fromUs = sinceUs === undefined || sinceUs > endOf(nowUs) ? nowUs : sinceUs;
    beginAt(Math.max(fromUs, nowUs - reachUs));
    if (sinceUs !== undefined) losses.add(Math.min(fromUs, nowUs), nowUs);
  }
  return {
    recorded(startUs) {
      at.earliestUs = Math.min(at.earliestUs, startUs);
      const endUs = endOf(startUs);
      if (!(endUs < at.openEndUs)) recordedEnds.add(endUs);
    },
    lost: losses.add,
    isDue: (readUpToUs) => !(readUpToUs < at.openEndUs && readUpToUs >= at.closedUpToUs - reachUs),
    close(readUpToUs) {
      if (Number.isNaN(at.openEndUs)) beginAt(Math.min(at.earliestUs, readUpToUs));
      if (readUpToUs < at.closedUpToUs - reachUs) {
        losses.forgetAfter(readUpToUs);
        beginAt(readUpToUs);
      }
      if (readUpToUs - at.openEndUs > reachUs) beginAt(readUpToUs - reachUs);
      while (readUpToUs >= at.openEndUs) closeOne();
    },
    end(endUs) {
      if (losses.overlap(at.openEndUs - windowUs, at.openEndUs)) closeOne();
      else at.closedUpToUs = Math.max(at.closedUpToUs, endUs);
    },
    hasRecords: () => recordedEnds.has(at.openEndUs),
    closedUpToUs: () => (Number.isNaN(at.closedUpToUs) ? undefined : at.closedUpToUs),
    counts: () => ({ ...counts }),
  };
}

/** Times between which packets may be missing. */
interface Losses {
  /** A clock that was set back between the two gives the later first. */
  readonly add: (fromUs: number, toUs: number) => void;
  /** Whether any touches [fromUs, untilUs). */
  readonly overlap: (fromUs: number, untilUs: number) => boolean;
  readonly forgetBefore: (timeUs: number) => void;
  readonly forgetAfter: (timeUs: number) => void;
}

/** Beyond this the last one stretches to hold the next. */
const lossesMax = 64;

function createLosses(): Losses {
  let losses: { fromUs: number; toUs: number }[] = [];
  return {
    add(oneUs, otherUs) {
      const fromUs = Math.min(oneUs, otherUs);
      const toUs = Math.max(oneUs, otherUs);
      const last = losses.at(-1);
      const touches = last !== undefined && fromUs <= last.toUs && toUs >= last.fromUs;
      if (last !== undefined && (touches || losses.length === lossesMax)) {
        last.fromUs = Math.min(last.fromUs, fromUs);
        last.toUs = Math.max(last.toUs, toUs);
      } else losses.push({ fromUs, toUs });
    },
    overlap: (fromUs, untilUs) => losses.some((loss) => loss.fromUs < untilUs && loss.toUs >= fromUs),
    forgetBefore(timeUs) {
      losses = losses.filter(({ toUs }) => toUs >= timeUs);
    },
    forgetAfter(timeUs) {
      losses = losses.filter(({ fromUs }) => fromUs <= timeUs);
      for (const loss of losses) loss.toUs = Math.min(loss.toUs, timeUs);
    },
  };
}

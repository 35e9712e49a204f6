/**
 * Windows: the other way to cut flows. The rules, in full:
 *
 * - A window is [k × windowUs, (k + 1) × windowUs) of the packets' own time since 1970. A packet counts in the
 *   window of its timestamp and in no other, whenever it comes.
 * - There is one record for each flow and window, whatever happens within it: neither silence nor FIN ends it
 *   before the window does. A packet of the next window opens the next record beside it.
 * - A record is handed over when the meter's clock says that its window is over. Its flowEndReason is 3 if
 *   the flow showed FIN or RST in the window, 2 otherwise: the window is an active timeout.
 * - A packet that is late but whose window is still open counts in its record. One that comes when the
 *   window has been handed over opens a further record of that same window, which is handed over with the
 *   next turn of the clock; its times tell the window it is of. So it is with a clock that is set back.
 *
 * To the table a window is a part of the key: two records of one flow may be open at a time. It takes no
 * room in a flow's struct, for it goes into the hash by a permutation: keys that are equal have equal hashes
 * only if their windows are equal too. Whoever looks a flow up must compare the whole hash as well as the key.
 */
import { flowEndReasons } from "../flow/mod.ts";
import type { PacketColumns } from "../wire/packet/mod.ts";
import { notEnded } from "./aging.ts";

/** The window in which packets arrive now, with what it adds to their hashes. */
export interface CurrentWindow {
  readonly windowUs: number;
  startUs: number;
  endUs: number;
  hash: number;
}

export function createCurrentWindow(windowUs: number): CurrentWindow {
  return { windowUs, startUs: 0, endUs: 0, hash: 0 };
}

/** The end (exclusive) of the window that `timeUs` lies in; exact for integers below 2^53. */
export function windowEndOf(windowUs: number, timeUs: number): number {
  return (Math.floor(timeUs / windowUs) + 1) * windowUs;
}

export function windowReasonAt(windowUs: number, startUs: number, finished: boolean, timeUs: number): number {
  if (timeUs < windowEndOf(windowUs, startUs)) return notEnded;
  return finished ? flowEndReasons.endOfFlow : flowEndReasons.active;
}

/** Makes the window of each of the first `count` of `rows` a part of the row's hash. */
export function addWindows(
  current: CurrentWindow,
  packets: PacketColumns,
  rows: Int32Array,
  count: number,
  hashes: Int32Array,
): void {
  const { timestampUs } = packets;
  for (let index = 0; index < count; index++) {
    const timeUs = timestampUs[rows[index]!]!;
    if (timeUs < current.startUs || timeUs >= current.endUs) moveWindow(current, timeUs);
    hashes[index]! ^= current.hash;
  }
}

/** An odd factor: no two of 2^32 windows in a row have the same product. */
const windowFactor = 0x9e3779b1;

function moveWindow(current: CurrentWindow, timeUs: number): void {
  const number = Math.floor(timeUs / current.windowUs);
  current.startUs = number * current.windowUs;
  current.endUs = current.startUs + current.windowUs;
  current.hash = Math.imul(number, windowFactor);
}

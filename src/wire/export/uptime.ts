/**
 * The clock of a NetFlow v5 or v9 header.
 *
 * Both protocols tell a flow's times as milliseconds of a 32-bit sysUptime, and a collector adds them to
 * header time − sysUptime. The boot instant is therefore a free choice, as long as
 *
 *     bootMs ≤ start of each flow ≤ end of each flow ≤ exportMs < bootMs + 2^32
 *
 * holds within a datagram. Keeping that true is all this file does. It replaces the wrap of sysUptime
 * after 49.7 days by a later boot instant long before it happens, and serves flows of an old capture file,
 * whose header time is then the time of the flows and not that of sending.
 */
import type { FlowBatch, FlowColumns } from "../../flow/mod.ts";

export interface UptimeClock {
  /** The instant that sysUptime counts from, milliseconds since 1970; NaN before the first flow. */
  bootMs: number;
  /** What the header calls now, milliseconds since 1970. */
  exportMs: number;
}

const uptimeSpanMs = 2 ** 32;
/** Header seconds are truncated in v9 and a little room is kept for them. */
const uptimeMarginMs = 1000;
/** How far before a flow a new boot instant is laid (12.4 days), so that older flows seldom need another. */
const bootLeadMs = 2 ** 30;

/** Whether the flow of a row can be told in a header of this clock. */
export function coversRow(clock: UptimeClock, columns: FlowColumns, row: number): boolean {
  return columns.startUs[row]! >= clock.bootMs * 1000 && columns.endUs[row]! < (clock.exportMs + 1) * 1000;
}

/** When the last of the batch's flows ended, milliseconds since 1970; −Infinity for an empty batch. */
export function latestEndMs(batch: FlowBatch): number {
  const { endUs } = batch.columns;
  let latestUs = Number.NEGATIVE_INFINITY;
  for (let row = 0; row < batch.count; row++) if (endUs[row]! > latestUs) latestUs = endUs[row]!;
  return Math.floor(latestUs / 1000);
}

/** Sets the header time for flows that end by `latestEndMs`: the present, if the boot instant reaches it. */
export function setExportTime(clock: UptimeClock, nowMs: number, latestEndMs: number): void {
  const present = Math.max(nowMs, latestEndMs);
  if (reaches(clock, present)) clock.exportMs = present;
  else if (reaches(clock, latestEndMs)) clock.exportMs = latestEndMs;
  else clock.exportMs = Number.NEGATIVE_INFINITY;
}

/** Lays the boot instant anew so that a flow of this start is covered. */
export function layBootInstant(
  clock: UptimeClock,
  startMs: number,
  nowMs: number,
  latestEndMs: number,
): void {
  clock.bootMs = startMs - bootLeadMs;
  setExportTime(clock, nowMs, latestEndMs);
  if (clock.exportMs < startMs) clock.exportMs = clock.bootMs + uptimeSpanMs - uptimeMarginMs - 1;
}

function reaches(clock: UptimeClock, timeMs: number): boolean {
  const uptimeMs = timeMs - clock.bootMs;
  return uptimeMs >= uptimeMarginMs && uptimeMs < uptimeSpanMs - uptimeMarginMs;
}

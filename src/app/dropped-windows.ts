/**
 * Windows of which the spool dropped records, because it was full, are told: a SKIPDATA record of each goes
 * where the dropped ones were to go. It is the newest of the spool then, so that it comes when they cannot.
 */
import { setTimeout as sleep } from "node:timers/promises";

import { randomText, type Result } from "../base/mod.ts";
import {
  batchId,
  createFlowBatch,
  decodeFlowBatch,
  encodeFlowBatch,
  type FlowBatch,
  type FlowBatchHeader,
  flowDirections,
  logStatuses,
} from "../flow/mod.ts";
import type { Logger, Metrics } from "../observe/mod.ts";
import { storeSinkName } from "../sink/store/mod.ts";
import type { DroppedBatch, SpoolInput } from "../spool/mod.ts";

export interface DroppedWindowsDependencies {
  readonly agentId: string;
  readonly append: (input: SpoolInput) => Promise<Result<unknown>>;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** When what was not accepted is tried again. */
  readonly retryMs?: number;
}

export interface DroppedWindows {
  /** Takes a batch that a sink will never get. */
  dropped(batch: DroppedBatch): void;
}

/** Windows remembered as told; beyond it the longest remembered may be told twice. */
const toldMax = 16_384;

/** A window of a subject, and what a row of it must say besides. */
interface Window {
  readonly startUs: number;
  readonly windowS: number;
  readonly observationDomain: number;
}

export function createDroppedWindows(dependencies: DroppedWindowsDependencies): DroppedWindows {
  const { agentId, logger, metrics } = dependencies;
  const told = metrics.counter(
    "weir_spool_windows_skipped_total",
    "SKIPDATA records made because the spool dropped records of the window",
  );
  const bootId = randomText(12);
  const known = new Set<string>();
  let sequence = 0;
  return {
    dropped({ sink, target, bytes }) {
      if (sink !== storeSinkName) return;
      const decoded = decodeFlowBatch(bytes);
      if (!decoded.ok) {
        logger.error({ fault: decoded.fault }, "the spool dropped what is no batch");
        return;
      }
      const windows = newWindowsOf(decoded.value, known);
      if (windows.length === 0) return;
      const { flowLogId, resourceId } = decoded.value.header;
      const header = { agentId, bootId, sequence: ++sequence, flowLogId, resourceId };
      const input = {
        batchId: batchId(header),
        bytes: encodeFlowBatch(skipDataBatch(header, windows)),
        rows: windows.length,
        routes: [{ sink, target }],
      };
      told.add(windows.length);
      void appendUntilAccepted(input, dependencies);
    },
  };
}

/** A spool that was full may stand on a disk that is. What is not accepted before Weir's end is not told. */
async function appendUntilAccepted(
  input: SpoolInput,
  { append, logger, retryMs = 1000 }: DroppedWindowsDependencies,
): Promise<void> {
  for (;;) {
    const accepted = await append(input);
    if (accepted.ok) return;
    logger.error({ fault: accepted.fault }, "SKIPDATA of dropped records is not accepted");
    if (!accepted.fault.retryable) return;
    await sleep(retryMs, undefined, { ref: false });
  }
}

/** The windows of the batch that are not told yet, which they are from now on. */
function newWindowsOf({ header, columns, count }: FlowBatch, known: Set<string>): Window[] {
  const windows: Window[] = [];
  for (let row = 0; row < count; row++) {
    const windowS = columns.windowS[row]!;
    if (windowS === 0) continue;
    const windowUs = windowS * 1_000_000;
    const startUs = Math.floor(columns.startUs[row]! / windowUs) * windowUs;
    const key = `${header.flowLogId}/${header.resourceId} ${windowS} ${startUs}`;
    // A word that was dropped itself has to be said again.
    if (columns.logStatus[row] === logStatuses.skipData) known.delete(key);
    if (known.has(key)) continue;
    remember(known, key);
    windows.push({ startUs, windowS, observationDomain: columns.observationDomain[row]! });
  }
  return windows;
}

function remember(known: Set<string>, key: string): void {
  known.add(key);
  for (const oldest of known) {
    if (known.size <= toldMax) return;
    known.delete(oldest);
  }
}

function skipDataBatch(header: FlowBatchHeader, windows: readonly Window[]): FlowBatch {
  const batch = createFlowBatch(windows.length, header);
  const { columns } = batch;
  for (const [row, { startUs, windowS, observationDomain }] of windows.entries()) {
    columns.startUs[row] = startUs;
    columns.endUs[row] = startUs + windowS * 1_000_000;
    columns.logStatus[row] = logStatuses.skipData;
    columns.windowS[row] = windowS;
    columns.observationDomain[row] = observationDomain;
  }
  columns.ipVersion.fill(4);
  columns.flowDirection.fill(flowDirections.unknown);
  columns.samplingInterval.fill(1);
  batch.count = windows.length;
  return batch;
}

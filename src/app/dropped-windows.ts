/**
 * Windows of which the spool dropped records, because it was full, are told: a SKIPDATA record of each goes
 * where the dropped ones were to go. It is the newest of the spool then, so that it comes when they cannot.
 *
 * Such a record takes room itself, for which others are dropped, in the end those on other windows. They are told
 * again, but all of a second in one batch: a spool that holds nothing else must not be busy with them alone.
 */
import { setTimeout as sleep } from "node:timers/promises";

import { randomText, type Result } from "../base/mod.ts";
import {
  batchId,
  decodeFlowBatch,
  encodeFlowBatch,
  type FlowBatch,
  logStatuses,
  type WindowStatus,
  windowStatusBatch,
} from "../flow/mod.ts";
import type { Logger, Metrics } from "../observe/mod.ts";
import { storeSinkName } from "../sink/store/mod.ts";
import type { DroppedBatch, SpoolInput } from "../spool/mod.ts";

export interface DroppedWindowsDependencies {
  readonly agentId: string;
  readonly append: (input: SpoolInput) => Promise<Result<unknown>>;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Between two tellings, and before what was not accepted is tried again. */
  readonly pauseMs?: number;
}

export interface DroppedWindows {
  /** Takes a batch that a sink will never get. */
  dropped(batch: DroppedBatch): void;
  /** Tells at once what waits for the next telling. */
  tell(): void;
}

/** Windows remembered as told; beyond it the longest remembered may be told twice. */
const toldMax = 16_384;
/** Windows in one batch, which has to fit the smallest spool. */
const batchWindowsMax = 4096;
const pauseMsDefault = 1000;

/** What is to be told of one subject. */
interface Untold {
  readonly flowLogId: string;
  readonly resourceId: string;
  readonly target: DroppedBatch["target"];
  readonly windows: WindowStatus[];
}

export function createDroppedWindows(dependencies: DroppedWindowsDependencies): DroppedWindows {
  const { agentId, logger, metrics, pauseMs = pauseMsDefault } = dependencies;
  const told = metrics.counter(
    "weir_spool_windows_skipped_total",
    "SKIPDATA records made because the spool dropped records of the window",
  );
  const bootId = randomText(12);
  const known = new Set<string>();
  const untold = new Map<string, Untold>();
  let pause: NodeJS.Timeout | undefined;
  let sequence = 0;
  const tell = (): void => {
    for (const { flowLogId, resourceId, target, windows } of untold.values()) {
      for (let from = 0; from < windows.length; from += batchWindowsMax) {
        const some = windows.slice(from, from + batchWindowsMax);
        const header = { agentId, bootId, sequence: ++sequence, flowLogId, resourceId };
        const bytes = encodeFlowBatch(windowStatusBatch(header, some));
        const routes = [{ sink: storeSinkName, target }];
        told.add(some.length);
        const input = { batchId: batchId(header), bytes, rows: some.length, routes };
        void appendUntilAccepted(input, dependencies, pauseMs);
      }
    }
    untold.clear();
  };
  const tellInTurn = (): void => {
    pause = untold.size === 0 ? undefined : setTimeout(tellInTurn, pauseMs).unref();
    tell();
  };
  return {
    tell,
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
      const key = JSON.stringify([flowLogId, resourceId, target]);
      const subject = untold.get(key) ?? { flowLogId, resourceId, target, windows: [] };
      for (const window of windows) subject.windows.push(window);
      untold.set(key, subject);
      if (pause === undefined) tellInTurn();
    },
  };
}

/** A spool that was full may stand on a disk that is. What is not accepted before Weir's end is not told. */
async function appendUntilAccepted(
  input: SpoolInput,
  { append, logger }: DroppedWindowsDependencies,
  retryMs: number,
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
function newWindowsOf({ header, columns, count }: FlowBatch, known: Set<string>): WindowStatus[] {
  const windows: WindowStatus[] = [];
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
    windows.push({
      startUs,
      endUs: startUs + windowUs,
      windowS,
      logStatus: logStatuses.skipData,
      observationDomain: columns.observationDomain[row]!,
    });
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

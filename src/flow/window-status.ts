/** Rows that are no flows: words on windows, such as that records of one are missing. */
import { createFlowBatch, type FlowBatch, type FlowBatchHeader } from "./batch.ts";
import { flowDirections } from "./field.ts";

export interface WindowStatus {
  readonly startUs: number;
  /** Exclusive. */
  readonly endUs: number;
  readonly windowS: number;
  /** noData or skipData of logStatuses. */
  readonly logStatus: number;
  readonly observationDomain: number;
}

/** A batch with a row of each. */
export function windowStatusBatch(header: FlowBatchHeader, windows: readonly WindowStatus[]): FlowBatch {
  const batch = createFlowBatch(windows.length, header);
  const { columns } = batch;
  for (const [row, window] of windows.entries()) {
    columns.startUs[row] = window.startUs;
    columns.endUs[row] = window.endUs;
    columns.windowS[row] = window.windowS;
    columns.logStatus[row] = window.logStatus;
    columns.observationDomain[row] = window.observationDomain;
  }
  columns.ipVersion.fill(4);
  columns.flowDirection.fill(flowDirections.unknown);
  columns.samplingInterval.fill(1);
  batch.count = windows.length;
  return batch;
}

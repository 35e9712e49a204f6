/** What `weir status` shows: every part of a running Weir, as it is now. */
import type { CaptureStatus } from "../capture/mod.ts";
import type { System } from "./system.ts";
import { describeVerdicts } from "./verdicts.ts";

export function statusOf({
  capture,
  control,
  data,
  health,
  reconciler,
  spool,
  store,
}: System): Readonly<Record<string, unknown>> {
  const flowLogs = control.flowLogs.all();
  const captured = capture.status();
  return {
    ...health.ready(),
    data: data.path,
    agentId: data.agentId,
    flowLogs: { total: flowLogs.length, active: flowLogs.filter(({ status }) => status === "active").length },
    resources: control.resources.all().filter(({ present }) => present).length,
    inStep: reconciler.isInStep(),
    capture: {
      ...captured,
      ...workersOf(captured),
      verdicts: describeVerdicts(captured.verdicts, flowLogs),
    },
    spool: spool.status(),
    store: store.status(),
  };
}

/** Each worker as one row of a table; its share of a flow log's packets is in that one's delivery report. */
function workersOf({ workers }: CaptureStatus): Readonly<Record<string, unknown>> {
  if (workers === undefined) return {};
  return {
    workers: workers.map(({ state, processId, restarts, batchesAccepted, batchesInFlight }, worker) => ({
      worker,
      state,
      processId,
      restarts,
      batchesAccepted,
      batchesInFlight,
    })),
  };
}

/** What `weir status` shows: every part of a running Weir, as it is now. */
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
    capture: { ...captured, verdicts: describeVerdicts(captured.verdicts, flowLogs) },
    spool: spool.status(),
    store: store.status(),
  };
}

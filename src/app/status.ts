/** What `weir status` shows: every part of a running Weir, as it is now. */
import type { System } from "./system.ts";

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
  return {
    ...health.ready(),
    data: data.path,
    agentId: data.agentId,
    flowLogs: { total: flowLogs.length, active: flowLogs.filter(({ status }) => status === "active").length },
    resources: control.resources.all().filter(({ present }) => present).length,
    inStep: reconciler.isInStep(),
    capture: capture.status(),
    spool: spool.status(),
    store: store.status(),
  };
}

/** How one flow log's deliveries go, from capture to each output. */
import { systemClock } from "../base/mod.ts";
import type { FlowLog } from "../control/mod.ts";
import type { DeliveryStatus } from "../gateway/mod.ts";
import type { System } from "./system.ts";

type Report = Readonly<Record<string, unknown>>;

/** Everything that is known, for the native API; undefined for a flow log that does not exist. */
export function deliveryReportOf(system: System, flowLogId: string): Report | undefined {
  const { control, capture, netflow, spool } = system;
  const flowLog = control.flowLogs.find(flowLogId);
  if (flowLog === undefined) return undefined;
  const { state, fault, subjects, ledger } = capture.status();
  const isOfFlowLog = (entry: { readonly flowLogId: string }): boolean => entry.flowLogId === flowLogId;
  const { logService, netflow: netflowOutput } = flowLog.outputs;
  return {
    problems: problemsOf(system, flowLog),
    capture: {
      state: flowLog.status === "active" ? state : "off",
      ...(fault === undefined ? {} : { reason: fault.message, remedy: fault.remedy }),
      resources: subjects.filter(isOfFlowLog),
      packets: ledger.filter(isOfFlowLog),
    },
    logService: { enabled: logService.enabled },
    netflow: { enabled: netflowOutput.enabled, ...netflow.status(flowLogId) },
    spoolLosses: spool.status().losses.filter((loss) => loss.flowLogId === flowLogId),
  };
}

/** The same in one word and a sentence, for an API that has no room for more. */
export function deliveryStatusOf(system: System, flowLogId: string): DeliveryStatus | undefined {
  const flowLog = system.control.flowLogs.find(flowLogId);
  if (flowLog === undefined) return undefined;
  const problems = problemsOf(system, flowLog);
  return { healthy: problems.length === 0, message: problems.join("; ") };
}

/** What keeps an active flow log's records from where they belong; an inactive one has no problems. */
function problemsOf(system: System, flowLog: FlowLog): string[] {
  if (flowLog.status !== "active") return [];
  const { capture, control, intake, store } = system;
  const { state, fault } = capture.status();
  const refusal = intake.refusal();
  const { accountId } = flowLog;
  const { enabled, regionId, project, logstore } = flowLog.outputs.logService;
  const target = control.logProjects.getLogstore({ accountId, regionId, project, logstore });
  return [
    ...(state === "running" ? [] : [`no capture: ${fault?.message ?? state}`]),
    ...(enabled && !target.ok ? [`log service: ${target.fault.message}`] : []),
    ...(enabled && store.status().state !== "ready"
      ? ["log service: the store does not answer, records wait"]
      : []),
    ...netflowProblems(system, flowLog),
    ...(refusal === undefined ? [] : [`flows wait to be accepted: ${refusal.message}`]),
    ...spoolProblems(system, flowLog),
  ];
}

/** Losses are counted for ever; they are a problem as long as what caused them, a sink that is behind, lasts. */
function spoolProblems({ spool }: System, flowLog: FlowLog): string[] {
  const { losses, sinks } = spool.status();
  const lost = losses.filter((loss) => loss.flowLogId === flowLog.id);
  const isBehind = sinks.some(({ name, pending }) => pending > 0 && lost.some(({ sink }) => sink === name));
  const lostRows = lost.reduce((sum, { rows }) => sum + rows, 0);
  return isBehind ? [`${lostRows} flows were dropped because the spool was full`] : [];
}

/** Templates are repeated at this pace, so that a collector that is still down gives a new error at each. */
const errorAgeRefreshes = 3;

function netflowProblems({ configuration, netflow }: System, flowLog: FlowLog): string[] {
  const { lastError, lastErrorMs, sendErrors = 0 } = netflow.status(flowLog.id) ?? {};
  const ageMsMax = errorAgeRefreshes * configuration.netflow.templateRefreshS * 1000;
  if (!flowLog.outputs.netflow.enabled || lastErrorMs === undefined) return [];
  if (systemClock.nowMs() - lastErrorMs > ageMsMax) return [];
  return [
    `netflow: ${sendErrors} send error${sendErrors === 1 ? "" : "s"}, the last: ${lastError ?? "not known"}`,
  ];
}

/** How one flow log's deliveries go, from capture to each output. */
import { systemClock } from "../base/mod.ts";
import type { SubjectStatus, WorkerStatus } from "../capture/mod.ts";
import type { FlowLog } from "../control/mod.ts";
import type { DeliveryProblem, DeliveryStatus } from "../gateway/mod.ts";
import type { System } from "./system.ts";
import { verdictsOf } from "./verdicts.ts";

type Report = Readonly<Record<string, unknown>>;

/** Everything that is known, for the native API; undefined for a flow log that does not exist. */
export function deliveryReportOf(system: System, flowLogId: string): Report | undefined {
  const { control, capture, netflow, spool } = system;
  const flowLog = control.flowLogs.find(flowLogId);
  if (flowLog === undefined) return undefined;
  const { state, fault, subjects, ledger, workers } = capture.status();
  const isOfFlowLog = (entry: { readonly flowLogId: string }): boolean => entry.flowLogId === flowLogId;
  const { logService, netflow: netflowOutput } = flowLog.outputs;
  return {
    problems: problemsOf(system, flowLog).map(({ message }) => message),
    capture: {
      state: flowLog.status === "active" ? state : "off",
      ...(fault === undefined ? {} : { reason: fault.message, remedy: fault.remedy }),
      resources: subjects.filter(isOfFlowLog).map(toldOf),
      packets: ledger.filter(isOfFlowLog),
      ...(workers === undefined ? {} : { workers: sharesOf(workers, isOfFlowLog) }),
    },
    logService: { enabled: logService.enabled },
    netflow: { enabled: netflowOutput.enabled, ...netflow.status(flowLogId) },
    spoolLosses: spool.status().losses.filter((loss) => loss.flowLogId === flowLogId),
  };
}

/** What each worker had of the flow log's packets, a row an interface. */
function sharesOf(
  workers: readonly WorkerStatus[],
  isOfFlowLog: (entry: { readonly flowLogId: string }) => boolean,
): Report[] {
  return workers.flatMap(({ ledger }, worker) =>
    ledger.filter(isOfFlowLog).map((entry) => ({ worker, ...entry })),
  );
}

/** A subject's counts as one row of a table. */
function toldOf({ windows, accountedUpToUs, ...counts }: SubjectStatus): Report {
  return {
    ...counts,
    ...(windows === undefined
      ? {}
      : { windowsOk: windows.ok, windowsNoData: windows.noData, windowsSkipData: windows.skipData }),
    ...(accountedUpToUs === undefined ? {} : { accountedUpToMs: Math.floor(accountedUpToUs / 1000) }),
  };
}

/** The same in one word and a sentence, for an API that has no room for more. */
export function deliveryStatusOf(system: System, flowLogId: string): DeliveryStatus | undefined {
  const flowLog = system.control.flowLogs.find(flowLogId);
  if (flowLog === undefined) return undefined;
  const problems = problemsOf(system, flowLog);
  const message = problems.map((problem) => problem.message).join("; ");
  return { healthy: problems.length === 0, message, problems };
}

/** What keeps an active flow log's records from where they belong; an inactive one has no problems. */
function problemsOf(system: System, flowLog: FlowLog): DeliveryProblem[] {
  if (flowLog.status !== "active") return [];
  return [
    ...captureProblems(system, flowLog),
    ...sourceProblems(system, flowLog),
    ...logServiceProblems(system, flowLog),
    ...netflowProblems(system, flowLog),
    ...storageProblems(system, flowLog),
  ];
}

function problem(kind: DeliveryProblem["kind"], message: string): DeliveryProblem[] {
  return [{ kind, message }];
}

function captureProblems(
  { capture, control, reconciler }: System,
  { id, target }: FlowLog,
): DeliveryProblem[] {
  const { state, fault, interfaces } = capture.status();
  if (state !== "running") return problem("capture", `no capture: ${fault?.message ?? state}`);
  if (reconciler.isLate()) return problem("capture", "the last changes have not taken effect in full yet");
  const observed = target === undefined ? control.flowLogs.resourcesOf(id) : [target];
  const covered = observed.flatMap((resource) => control.resources.interfacesOf(resource.id));
  const names = new Set(covered.map(({ interfaceName }) => interfaceName));
  return interfaces
    .filter((one) => one.state === "failed" && names.has(one.name))
    .flatMap(({ name, fault: reason }) =>
      problem("capture", `no capture of ${name}: ${reason?.message ?? "failed"}`),
    );
}

/** What was to be observed, and how, and cannot be. */
function sourceProblems({ capture, control }: System, { target, filter }: FlowLog): DeliveryProblem[] {
  const isGone = target !== undefined && control.resources.find(target.id)?.present !== true;
  const verdicts = verdictsOf(capture);
  return [
    ...(isGone ? problem("resource", `${target.id} is not there`) : []),
    ...(filter.trafficType === "all" || verdicts.available
      ? []
      : problem("verdicts", `no verdicts to select by: ${verdicts.reason}`)),
  ];
}

function logServiceProblems({ control, store }: System, { accountId, outputs }: FlowLog): DeliveryProblem[] {
  const { enabled, regionId, project, logstore } = outputs.logService;
  if (!enabled) return [];
  const target = control.logProjects.getLogstore({ accountId, regionId, project, logstore });
  return [
    ...(target.ok ? [] : problem("logTarget", `log service: ${target.fault.message}`)),
    ...(store.status().state === "ready"
      ? []
      : problem("storage", "log service: the store does not answer, records wait")),
  ];
}

/** Losses are counted for ever; they are a problem as long as what caused them, a sink that is behind, lasts. */
function storageProblems({ intake, spool }: System, flowLog: FlowLog): DeliveryProblem[] {
  const refusal = intake.refusal();
  const { losses, sinks } = spool.status();
  const lost = losses.filter((loss) => loss.flowLogId === flowLog.id);
  const isBehind = sinks.some(({ name, pending }) => pending > 0 && lost.some(({ sink }) => sink === name));
  const lostRows = lost.reduce((sum, { rows }) => sum + rows, 0);
  return [
    ...(refusal === undefined ? [] : problem("storage", `flows wait to be accepted: ${refusal.message}`)),
    ...(isBehind ? problem("storage", `${lostRows} flows were dropped because the spool was full`) : []),
  ];
}

/** Templates are repeated at this pace, so that a collector that is still down gives a new error at each. */
const errorAgeRefreshes = 3;

function netflowProblems({ configuration, netflow }: System, flowLog: FlowLog): DeliveryProblem[] {
  const { lastError, lastErrorMs, sendErrors = 0 } = netflow.status(flowLog.id) ?? {};
  const ageMsMax = errorAgeRefreshes * configuration.netflow.templateRefreshS * 1000;
  if (!flowLog.outputs.netflow.enabled || lastErrorMs === undefined) return [];
  // A clock that was set back since then makes the error's age negative.
  if (Math.abs(systemClock.nowMs() - lastErrorMs) > ageMsMax) return [];
  const errors = `${sendErrors} send error${sendErrors === 1 ? "" : "s"}`;
  return problem("netflow", `netflow: ${errors}, the last: ${lastError ?? "not known"}`);
}

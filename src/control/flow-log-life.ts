/**
 * How a flow log changes and goes. Where a service's changes are asynchronous, a change stands as a transition
 * beside the flow log until capture holds it, over restarts too, and no other is taken meanwhile.
 */
import { fail, ok, type Result } from "../base/mod.ts";
import type { Accounts } from "./account.ts";
import { commit } from "./commit.ts";
import type {
  FlowLog,
  FlowLogChange,
  FlowLogScope,
  FlowLogSettings,
  FlowLogTransition,
  LogServiceOutput,
  Tags,
} from "./flow-log.ts";
import { changeFlowLog, type FlowLogContext } from "./flow-log-memory.ts";
import { mergeSettings } from "./flow-log-merge.ts";
import { siblingFault } from "./flow-log-sibling.ts";
import { tagFault } from "./flow-log-tag.ts";
import type { OpenedServices } from "./opened-service.ts";
import type { Regions } from "./region.ts";
import type { RequestTokens } from "./request-token.ts";
import type { ResourceGroups } from "./resource-group.ts";
import { isAsynchronous, type Service } from "./service.ts";

/** Where the log service output is checked, and its project and logstore are made if that is wanted. */
export interface LogTargets {
  /** Faults: `ProjectNotFound`, `LogstoreNotFound` when they are missing and are not to be made. */
  ensure(owner: Pick<FlowLogScope, "accountId" | "service">, output: LogServiceOutput): Result<void>;
}

export interface FlowLogsContext extends FlowLogContext {
  readonly accounts: Accounts;
  readonly regions: Regions;
  readonly logTargets: LogTargets;
  readonly resourceGroups: ResourceGroups;
  readonly openedServices: OpenedServices;
  readonly requestTokens: RequestTokens;
  readonly quotaOf: (service: Service) => number;
}

export function modifyFlowLog(
  context: FlowLogsContext,
  flowLog: FlowLog,
  { status = flowLog.status, ...patch }: FlowLogChange,
): Result<FlowLog> {
  const settings = mergeSettings(flowLog.service, flowLog, patch, context.regions);
  if (!settings.ok) return settings;
  const refused = resourceGroupFault(context, flowLog, patch.resourceGroupId);
  if (refused !== null) return refused;
  const twin = deliversElsewise(flowLog, settings.value)
    ? siblingFault(context, flowLog, flowLog.target, settings.value, flowLog.id)
    : null;
  if (twin !== null) return twin;
  // One whose log stream is gone can still be renamed: its delivery status says what it lacks.
  const isKept = flowLog.service === "huawei";
  const target = isKept ? ok(undefined) : ensureLogTarget(context, flowLog, settings.value);
  if (!target.ok) return target;
  return change(context, { ...flowLog, ...settings.value, status }, "modifying");
}

/** Whether other traffic goes, or to another place. */
function deliversElsewise(one: FlowLogSettings, other: FlowLogSettings): boolean {
  const [{ logService: from }, { logService: to }] = [one.outputs, other.outputs];
  return (
    one.filter.trafficType !== other.filter.trafficType ||
    from.project !== to.project ||
    from.logstore !== to.logstore
  );
}

export function setStatus(
  context: FlowLogsContext,
  flowLog: FlowLog,
  status: FlowLog["status"],
): Result<FlowLog> {
  // One that is going has no status for long.
  if (flowLog.status === status && flowLog.transition !== "deleting") return ok(flowLog);
  return change(context, { ...flowLog, status }, status === "active" ? "activating" : "deactivating");
}

/** Of the asynchronous services, only marks it: the row goes when capture let go of it. */
export function removeFlowLog(context: FlowLogsContext, flowLog: FlowLog): Result<void> {
  const { memory } = context;
  const { id, service } = flowLog;
  if (memory.boundTo(id).size > 0) {
    return fail("FlowLogAssociated", `${id} is still associated with a resource`, {
      value: id,
      remedy: "disassociate its resources first",
    });
  }
  if (!isAsynchronous(service)) return forgetFlowLog(context, id);
  const marked = change(context, flowLog, "deleting");
  return marked.ok ? ok(undefined) : marked;
}

/** Capture holds the flow log as it was at `updatedMs`: what was under way then is done. */
export function settleFlowLog(context: FlowLogsContext, id: string, updatedMs: number): Result<void> {
  const flowLog = context.memory.find(id);
  if (flowLog?.transition === undefined || flowLog.updatedMs !== updatedMs) return ok(undefined);
  const { transition, ...settled } = flowLog;
  if (transition === "deleting") return forgetFlowLog(context, id);
  const saved = changeFlowLog(context, settled, () => context.table.update(settled), undefined, "settled");
  return saved.ok ? ok(undefined) : saved;
}

/** Takes tags and the resource group over, which capture need not know of. */
export function relabel(
  context: FlowLogsContext,
  flowLog: FlowLog,
  labels: { readonly tags?: Tags; readonly resourceGroupId?: string },
): Result<FlowLog> {
  const refused = tagFault(labels.tags ?? {}) ?? resourceGroupFault(context, flowLog, labels.resourceGroupId);
  if (refused !== null) return refused;
  const next = { ...flowLog, ...labels };
  return changeFlowLog(context, next, () => context.table.update(next), undefined, "settled");
}

function change(context: FlowLogsContext, wanted: FlowLog, transition: FlowLogTransition): Result<FlowLog> {
  const { id, service } = wanted;
  if (wanted.transition !== undefined) {
    return fail("FlowLogInTransition", `${id} is ${wanted.transition}`, { value: id, retryable: true });
  }
  const next: FlowLog = {
    ...wanted,
    ...(isAsynchronous(service) ? { transition } : {}),
    // What is settled is told by it: a clock that stands still or is set back must not make two alike.
    updatedMs: Math.max(context.nowMs(), wanted.updatedMs + 1),
  };
  return changeFlowLog(context, next, () => context.table.update(next));
}

function forgetFlowLog({ database, table, memory, changes }: FlowLogsContext, id: string): Result<void> {
  const committed = commit(database, () => table.remove(id));
  if (!committed.ok) return committed;
  memory.forget(id);
  changes.announce({ subject: "flowLog", action: "removed", id });
  return ok(undefined);
}

export function ensureLogTarget(
  { logTargets }: FlowLogsContext,
  owner: Pick<FlowLogScope, "accountId" | "service">,
  { outputs: { logService } }: FlowLogSettings,
): Result<void> {
  return logService.enabled ? logTargets.ensure(owner, logService) : ok(undefined);
}

/** Fault: `ResourceGroupNotFound`. */
export function resourceGroupFault(
  { resourceGroups }: FlowLogsContext,
  { accountId }: Pick<FlowLogScope, "accountId">,
  id: string | undefined,
): Result<never> | null {
  if (id === undefined) return null;
  const group = resourceGroups.get(accountId, id);
  return group.ok ? null : group;
}

/** How a flow log comes to be: what is checked before, and what is committed with it. */
import { fail, newFlowLogId, ok, type Result } from "../base/mod.ts";
import { commit } from "./commit.ts";
import {
  blankSettings,
  type FlowLog,
  type FlowLogScope,
  type FlowLogSettings,
  type FlowLogTarget,
  type LogServiceOutput,
  type NewFlowLog,
} from "./flow-log.ts";
import { type FlowLogsContext, ensureLogTarget, resourceGroupFault } from "./flow-log-life.ts";
import { mergeSettings } from "./flow-log-merge.ts";
import { siblingFault } from "./flow-log-sibling.ts";
import { tagFault } from "./flow-log-tag.ts";
import { noRegion } from "./region.ts";
import type { RequestToken } from "./request-token.ts";
import { isAloneOnTarget, isAsynchronous, meteringOfService, needsOpening } from "./service.ts";

export function createFlowLog(
  context: FlowLogsContext,
  named: FlowLogScope,
  wanted: NewFlowLog,
  request?: RequestToken,
): Result<FlowLog> {
  const { accountId, regionId, service } = named;
  const scope = { accountId, regionId, service };
  const drafted = draft(context, scope, wanted);
  if (!drafted.ok) return drafted;
  const createdMs = context.nowMs();
  const fresh = {
    id: newFlowLogId(),
    uuid: crypto.randomUUID(),
    ...scope,
    ...drafted.value,
    status: "active",
    ...(isAsynchronous(service) ? { transition: "activating" as const } : {}),
    tags: wanted.tags ?? {},
    asSent: wanted.asSent ?? {},
    createdMs,
    updatedMs: createdMs,
  } as const;
  const number = commit(context.database, () => {
    if (request !== undefined) context.requestTokens.keep(request, fresh.id);
    return context.table.insert(fresh);
  });
  if (!number.ok) return number;
  const flowLog = { ...fresh, number: number.value };
  context.memory.keep(flowLog);
  context.changes.announce({ subject: "flowLog", action: "created", id: flowLog.id });
  return ok(flowLog);
}

type Draft = FlowLogSettings & { readonly target?: FlowLogTarget };

/** Everything that speaks against it, before anything is made. */
function draft(context: FlowLogsContext, scope: FlowLogScope, wanted: NewFlowLog): Result<Draft> {
  const { accountId, regionId, service } = scope;
  if (!context.regions.has(service, regionId)) return noRegion(context.regions, service, regionId);
  if (needsOpening(service) && !context.openedServices.isOpen(scope)) {
    return fail("ServiceNotOpen", `the flow-log service is not opened in ${regionId}`, {
      value: regionId,
      remedy: "open it with OpenFlowLogService, or set flowLogs.openByDefault",
    });
  }
  const target = targetOf(context, scope, wanted.target);
  if (!target.ok) return target;
  const account = context.accounts.get(accountId) ?? context.accounts.default;
  const blank = blankSettings(service, account.resourceGroupId);
  const settings = mergeSettings(service, blank, withDefaultLogTarget(scope, wanted), context.regions);
  if (!settings.ok) return settings;
  const refused =
    // The SAG service takes the id of any group, as its older clients send them.
    (service === "sag" ? null : resourceGroupFault(context, scope, wanted.resourceGroupId)) ??
    tagFault(wanted.tags ?? {}) ??
    occupiedFault(context, scope, target.value) ??
    siblingFault(context, scope, target.value, settings.value) ??
    quotaFault(context, scope);
  if (refused !== null) return refused;
  const logTarget = ensureLogTarget(context, scope, settings.value);
  if (!logTarget.ok) return logTarget;
  return ok({ ...settings.value, ...(target.value === undefined ? {} : { target: target.value }) });
}

/** The target under its resource's own id, whichever of its ids named it. */
function targetOf(
  { resources }: FlowLogsContext,
  { accountId, regionId, service }: FlowLogScope,
  wanted: FlowLogTarget | undefined,
): Result<FlowLogTarget | undefined> {
  if (meteringOfService[service] === "aging") {
    if (wanted === undefined) return ok(undefined);
    return fail("InputInvalid", "flow logs of this service are bound to resources after they were made", {
      field: "target",
      value: wanted.id.slice(0, 80),
    });
  }
  if (wanted === undefined) return fail("InputMissing", "target is missing", { field: "target" });
  const resource = resources.find(wanted.id);
  // The regions of another cloud have other names: this host is in each of them.
  const isInRegion = service === "huawei" || resource?.regionId === regionId;
  if (resource?.type === wanted.type && resource.present && resource.accountId === accountId && isInRegion) {
    return ok({ type: wanted.type, id: resource.id });
  }
  const value = wanted.id.slice(0, 80);
  return fail("ResourceNotFound", `there is no ${wanted.type} ${value}`, { field: "target.id", value });
}

/** The project and logstore of a VPC flow log that names none: one pair for each account and region. */
function defaultLogTarget({
  accountId,
  regionId,
}: Pick<FlowLogScope, "accountId" | "regionId">): Pick<LogServiceOutput, "project" | "logstore"> {
  return { project: `flowlog-${accountId}-${regionId}`.slice(0, 63), logstore: "vpc-flow-log" };
}

function withDefaultLogTarget(scope: FlowLogScope, wanted: NewFlowLog): NewFlowLog {
  const { enabled, project = "", logstore = "" } = wanted.outputs?.logService ?? {};
  if (scope.service !== "vpc" || enabled !== true || (project !== "" && logstore !== "")) return wanted;
  const fallback = defaultLogTarget(scope);
  const logService = {
    ...wanted.outputs?.logService,
    project: project === "" ? fallback.project : project,
    logstore: logstore === "" ? fallback.logstore : logstore,
  };
  return { ...wanted, outputs: { ...wanted.outputs, logService } };
}

function occupiedFault(
  { memory }: FlowLogsContext,
  { service }: FlowLogScope,
  target: FlowLogTarget | undefined,
): Result<never> | null {
  if (target === undefined || !isAloneOnTarget(service)) return null;
  const other = memory.flowLogOf(service, target.id);
  if (other === undefined) return null;
  return fail("ResourceAlreadyAssociated", `${target.id} has the flow log ${other.id} already`, {
    field: "target.id",
    value: target.id,
  });
}

function quotaFault({ memory, quotaOf }: FlowLogsContext, scope: FlowLogScope): Result<never> | null {
  const quota = quotaOf(scope.service);
  if (memory.list(scope).length < quota) return null;
  return fail("FlowLogQuotaExceeded", `this account has ${quota} flow logs in ${scope.regionId}`, {
    allowed: `at most ${quota}`,
    remedy: "delete one, or raise the quota in the configuration",
  });
}

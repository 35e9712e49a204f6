/**
 * Flow logs: their life.
 *
 * Every flow log is kept in memory, for reads are many and rows are few; a change is committed first, then
 * taken over in memory, then announced.
 */
import { fail, newFlowLogId, ok, type Result } from "../base/mod.ts";
import type { Accounts } from "./account.ts";
import { type Associations, createAssociations } from "./association.ts";
import { commit } from "./commit.ts";
import {
  blankSettings,
  mergeSettings,
  type FlowLog,
  type FlowLogPatch,
  type FlowLogScope,
  type FlowLogSettings,
  type LogServiceOutput,
} from "./flow-log.ts";
import { changeFlowLog, createFlowLogMemory, type FlowLogContext } from "./flow-log-memory.ts";
import { createFlowLogTable } from "./flow-log-table.ts";
import { noRegion, type Regions } from "./region.ts";

/** Where the log service output is checked, and its project and logstore are made if that is wanted. */
export interface LogTargets {
  /** Faults: `ProjectNotFound`, `LogstoreNotFound` when they are missing and are not to be made. */
  ensure(accountId: string, output: LogServiceOutput): Result<void>;
}

export interface FlowLogs extends Associations {
  /**
   * New flow logs are active. Faults: those of `mergeSettings`, `RegionNotFound` (field `regionId`),
   * `FlowLogQuotaExceeded`, those of LogTargets, `DiskFull`, `Internal`.
   */
  create(scope: FlowLogScope, patch: FlowLogPatch): Result<FlowLog>;
  /** Fault: `FlowLogNotFound`, also where the flow log is in another scope. */
  get(scope: FlowLogScope, id: string): Result<FlowLog>;
  /** One scope's, oldest first. */
  list(scope: FlowLogScope): readonly FlowLog[];
  /** Every scope's, oldest first. */
  all(): readonly FlowLog[];
  find(id: string): FlowLog | undefined;
  modify(scope: FlowLogScope, id: string, patch: FlowLogPatch): Result<FlowLog>;
  /** Fault: `FlowLogAssociated` while a resource is bound to it. */
  remove(scope: FlowLogScope, id: string): Result<void>;
  /**
   * Activating an active flow log succeeds and changes nothing. Faults: `ResourceUnsupported` and
   * `ResourceFeatureMissing` where a bound resource can no longer carry a flow log.
   */
  activate(scope: FlowLogScope, id: string): Result<FlowLog>;
  deactivate(scope: FlowLogScope, id: string): Result<FlowLog>;
}

interface Dependencies extends Omit<FlowLogContext, "table" | "memory"> {
  readonly accounts: Accounts;
  readonly regions: Regions;
  readonly logTargets: LogTargets;
  /** How many flow logs an account may have in a region, for each service. */
  readonly flowLogsMax: number;
}

type Context = Dependencies & FlowLogContext;

export function createFlowLogs(dependencies: Dependencies): FlowLogs {
  const table = createFlowLogTable(dependencies.database);
  const memory = createFlowLogMemory(table);
  const context: Context = { ...dependencies, table, memory };
  const associations = createAssociations(context);
  return {
    ...associations,
    create: (scope, patch) => createFlowLog(context, scope, patch),
    get: (scope, id) => memory.get(scope, id),
    list: (scope) => memory.list(scope),
    all: () => memory.all(),
    find: (id) => memory.find(id),
    modify: (scope, id, patch) => {
      const flowLog = memory.get(scope, id);
      return flowLog.ok ? modifyFlowLog(context, flowLog.value, patch) : flowLog;
    },
    remove: (scope, id) => {
      const flowLog = memory.get(scope, id);
      return flowLog.ok ? removeFlowLog(context, flowLog.value) : flowLog;
    },
    activate: (scope, id) => {
      const flowLog = memory.get(scope, id);
      if (!flowLog.ok) return flowLog;
      return associations.obstacle(id) ?? setStatus(context, flowLog.value, "active");
    },
    deactivate: (scope, id) => {
      const flowLog = memory.get(scope, id);
      return flowLog.ok ? setStatus(context, flowLog.value, "inactive") : flowLog;
    },
  };
}

function createFlowLog(context: Context, named: FlowLogScope, patch: FlowLogPatch): Result<FlowLog> {
  const { accountId, regionId, service } = named;
  const scope = { accountId, regionId, service };
  if (!context.regions.has(service, regionId)) {
    return noRegion(context.regions, service, regionId);
  }
  const account = context.accounts.get(accountId) ?? context.accounts.default;
  const settings = mergeSettings(blankSettings(account.resourceGroupId), patch, context.regions);
  if (!settings.ok) return settings;
  if (context.memory.list(scope).length >= context.flowLogsMax) {
    return fail("FlowLogQuotaExceeded", `this account has ${context.flowLogsMax} flow logs in ${regionId}`, {
      allowed: `at most ${context.flowLogsMax}`,
      remedy: "delete one, or raise the quota in the configuration",
    });
  }
  const target = ensureLogTarget(context, accountId, settings.value);
  if (!target.ok) return target;
  const createdMs = context.nowMs();
  const fresh = {
    id: newFlowLogId(),
    ...scope,
    ...settings.value,
    status: "active",
    createdMs,
    updatedMs: createdMs,
  } as const;
  const number = commit(context.database, () => context.table.insert(fresh));
  if (!number.ok) return number;
  const flowLog = { ...fresh, number: number.value };
  context.memory.keep(flowLog);
  context.changes.announce({ subject: "flowLog", action: "created", id: flowLog.id });
  return ok(flowLog);
}

function modifyFlowLog(context: Context, flowLog: FlowLog, patch: FlowLogPatch): Result<FlowLog> {
  const settings = mergeSettings(flowLog, patch, context.regions);
  if (!settings.ok) return settings;
  const target = ensureLogTarget(context, flowLog.accountId, settings.value);
  if (!target.ok) return target;
  const next = { ...flowLog, ...settings.value, updatedMs: context.nowMs() };
  return changeFlowLog(context, next, () => context.table.update(next));
}

function removeFlowLog({ database, table, memory, changes }: Context, { id }: FlowLog): Result<void> {
  if (memory.boundTo(id).size > 0) {
    return fail("FlowLogAssociated", `${id} is still associated with a resource`, {
      value: id,
      remedy: "disassociate its resources first",
    });
  }
  const committed = commit(database, () => table.remove(id));
  if (!committed.ok) return committed;
  memory.forget(id);
  changes.announce({ subject: "flowLog", action: "removed", id });
  return ok(undefined);
}

function setStatus(context: Context, flowLog: FlowLog, status: FlowLog["status"]): Result<FlowLog> {
  if (flowLog.status === status) return ok(flowLog);
  const next = { ...flowLog, status, updatedMs: context.nowMs() };
  return changeFlowLog(context, next, () => context.table.update(next));
}

function ensureLogTarget(
  { logTargets }: Context,
  accountId: string,
  { outputs: { logService } }: FlowLogSettings,
): Result<void> {
  return logService.enabled ? logTargets.ensure(accountId, logService) : ok(undefined);
}

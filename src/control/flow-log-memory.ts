/** The flow logs as every reader sees them: in memory, by id and by scope, with what is bound to each. */
import { fail, ok, type Result } from "../base/mod.ts";
import type { Database } from "../database/mod.ts";
import type { Changes, ControlChange } from "./change.ts";
import { commit } from "./commit.ts";
import type { FlowLog, FlowLogScope } from "./flow-log.ts";
import type { FlowLogTable } from "./flow-log-table.ts";
import type { Resources } from "./resource.ts";
import { isAloneOnTarget, type Service } from "./service.ts";

export interface FlowLogMemory {
  /** By id or UUID, as `find`. */
  get(scope: FlowLogScope, id: string): Result<FlowLog>;
  find(id: string): FlowLog | undefined;
  list(scope: FlowLogScope): readonly FlowLog[];
  all(): readonly FlowLog[];
  keep(flowLog: FlowLog): void;
  forget(id: string): void;
  /** The ids of the resources bound to a flow log, in the order of binding. */
  boundTo(id: string): ReadonlySet<string>;
  bind(id: string, resourceId: string): void;
  unbind(id: string, resourceId: string): void;
  /** The flow log of a service that a resource is bound to, or is the target of, where there can be but one. */
  flowLogOf(service: Service, resourceId: string): FlowLog | undefined;
  /** Those that observe a resource, by binding or as their target; not what covers it from above. */
  observing(resourceId: string): readonly FlowLog[];
}

/** What every change of a flow log needs. */
export interface FlowLogContext {
  readonly database: Database;
  readonly table: FlowLogTable;
  readonly memory: FlowLogMemory;
  readonly resources: Resources;
  readonly changes: Changes;
  readonly nowMs: () => number;
}

const nothing: ReadonlySet<string> = new Set();

export function createFlowLogMemory(table: FlowLogTable): FlowLogMemory {
  const byId = new Map<string, FlowLog>();
  const byUuid = new Map<string, FlowLog>();
  const byScope = new Map<string, Map<string, FlowLog>>();
  const bindings = new Map<string, Set<string>>();
  /** Flow log ids by service and resource. */
  const owners = new Map<string, string>();
  const memory: FlowLogMemory = {
    get: (scope, id) => {
      const found = memory.find(id);
      if (found !== undefined && scopeKey(found) === scopeKey(scope)) return ok(found);
      return fail("FlowLogNotFound", `there is no flow log ${id.slice(0, 80)}`, { value: id.slice(0, 80) });
    },
    find: (id) => byId.get(id) ?? byUuid.get(id),
    list: (scope) => [...(byScope.get(scopeKey(scope))?.values() ?? [])],
    all: () => [...byId.values()],
    keep: (flowLog) => {
      const key = scopeKey(flowLog);
      const inScope = byScope.get(key) ?? new Map<string, FlowLog>();
      byScope.set(key, inScope.set(flowLog.id, flowLog));
      byId.set(flowLog.id, flowLog);
      byUuid.set(flowLog.uuid, flowLog);
      const { service, target } = flowLog;
      if (isAloneOnTarget(service) && target !== undefined)
        owners.set(ownerKey(service, target.id), flowLog.id);
    },
    forget: (id) => {
      const flowLog = byId.get(id);
      if (flowLog === undefined) return;
      byScope.get(scopeKey(flowLog))?.delete(id);
      byUuid.delete(flowLog.uuid);
      owners.delete(ownerKey(flowLog.service, flowLog.target?.id ?? ""));
      byId.delete(id);
      bindings.delete(id);
    },
    boundTo: (id) => bindings.get(id) ?? nothing,
    bind: (id, resourceId) => {
      bindings.set(id, (bindings.get(id) ?? new Set()).add(resourceId));
      owners.set(ownerKey(byId.get(id)!.service, resourceId), id);
    },
    unbind: (id, resourceId) => {
      bindings.get(id)?.delete(resourceId);
      owners.delete(ownerKey(byId.get(id)!.service, resourceId));
    },
    flowLogOf: (service, resourceId) => byId.get(owners.get(ownerKey(service, resourceId)) ?? ""),
    observing: (resourceId) =>
      [...byId.values()].filter(
        ({ id, target }) => target?.id === resourceId || bindings.get(id)?.has(resourceId) === true,
      ),
  };
  const { flowLogs, associations } = table.load();
  for (const flowLog of flowLogs) memory.keep(flowLog);
  for (const { flowLogId, resourceId } of associations) memory.bind(flowLogId, resourceId);
  return memory;
}

/** Commits `write`, then takes the flow log over (and what else to `remember`), then tells of it. */
export function changeFlowLog(
  { database, memory, changes }: FlowLogContext,
  flowLog: FlowLog,
  write: () => void,
  remember?: () => void,
  action: ControlChange["action"] = "modified",
): Result<FlowLog> {
  const committed = commit(database, write);
  if (!committed.ok) return committed;
  memory.keep(flowLog);
  remember?.();
  changes.announce({ subject: "flowLog", action, id: flowLog.id });
  return ok(flowLog);
}

function scopeKey({ accountId, regionId, service }: FlowLogScope): string {
  return `${accountId}/${regionId}/${service}`;
}

function ownerKey(service: Service, resourceId: string): string {
  return `${service}/${resourceId}`;
}

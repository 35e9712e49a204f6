/**
 * Flow logs: their life.
 *
 * Every flow log is kept in memory, for reads are many and rows are few; a change is committed first, then
 * taken over in memory, then announced.
 */
import { type Result, ok } from "../base/mod.ts";
import { type Associations, createAssociations } from "./association.ts";
import type { FlowLog, FlowLogChange, FlowLogScope, NewFlowLog, Tags } from "./flow-log.ts";
import { createFlowLog } from "./flow-log-create.ts";
import {
  type FlowLogsContext,
  modifyFlowLog,
  relabel,
  removeFlowLog,
  setStatus,
  settleFlowLog,
} from "./flow-log-life.ts";
import { createFlowLogMemory } from "./flow-log-memory.ts";
import { createFlowLogTable } from "./flow-log-table.ts";
import type { RequestToken } from "./request-token.ts";
import type { Service } from "./service.ts";

/** A flow log is named by its id or its UUID throughout. */
export interface FlowLogs extends Associations {
  /**
   * New flow logs are active. Keeps the request's token with the flow log; whether it was sent before, the
   * caller has asked. Faults: those of `mergeSettings`, `RegionNotFound` (field `regionId`), `ServiceNotOpen`,
   * `ResourceNotFound` (the target), `ResourceAlreadyAssociated` (it has one of this service),
   * `FlowLogDuplicate`, `ResourceGroupNotFound`, `TagQuotaExceeded`, `FlowLogQuotaExceeded`, those of
   * LogTargets, `DiskFull`, `Internal`.
   */
  create(scope: FlowLogScope, wanted: NewFlowLog, request?: RequestToken): Result<FlowLog>;
  /** Fault: `FlowLogNotFound`, also where the flow log is in another scope. */
  get(scope: FlowLogScope, id: string): Result<FlowLog>;
  /** One scope's, oldest first. */
  list(scope: FlowLogScope): readonly FlowLog[];
  /** Every scope's, oldest first. */
  all(): readonly FlowLog[];
  find(id: string): FlowLog | undefined;
  /** Faults: those of `activate`; `FlowLogInTransition`, as of each change of an asynchronous service's. */
  modify(scope: FlowLogScope, id: string, wanted: FlowLogChange): Result<FlowLog>;
  /** Fault: `FlowLogAssociated` while a resource is bound to it. An asynchronous service's is `deleting` first. */
  remove(scope: FlowLogScope, id: string): Result<void>;
  /**
   * Activating an active flow log succeeds and changes nothing. Faults: `ResourceUnsupported` and
   * `ResourceFeatureMissing` where a bound resource can no longer carry a flow log.
   */
  activate(scope: FlowLogScope, id: string): Result<FlowLog>;
  deactivate(scope: FlowLogScope, id: string): Result<FlowLog>;
  /**
   * Ends the transition of a flow log that capture now holds as it was at `updatedMs`; one that was deleting
   * goes. Nothing happens if it was changed since.
   */
  settle(id: string, updatedMs: number): Result<void>;
  /** Adds tags, or gives those that are there new values. Faults: `InputInvalid`, `TagQuotaExceeded`. */
  tag(scope: FlowLogScope, id: string, tags: Tags): Result<FlowLog>;
  /** Takes tags away by their keys; all of them if none are given. */
  untag(scope: FlowLogScope, id: string, keys?: readonly string[]): Result<FlowLog>;
  /** Fault: `ResourceGroupNotFound`. */
  moveResourceGroup(scope: FlowLogScope, id: string, resourceGroupId: string): Result<FlowLog>;
  /** How many flow logs an account may have in a region. */
  quotaOf(service: Service): number;
}

export function createFlowLogs(dependencies: Omit<FlowLogsContext, "table" | "memory">): FlowLogs {
  const table = createFlowLogTable(dependencies.database);
  const memory = createFlowLogMemory(table);
  const context: FlowLogsContext = { ...dependencies, table, memory };
  const associations = createAssociations(context);
  const on = <T>(scope: FlowLogScope, id: string, work: (flowLog: FlowLog) => Result<T>): Result<T> => {
    const flowLog = memory.get(scope, id);
    return flowLog.ok ? work(flowLog.value) : flowLog;
  };
  return {
    ...associations,
    create: (scope, wanted, request) => createFlowLog(context, scope, wanted, request),
    get: (scope, id) => memory.get(scope, id),
    list: (scope) => memory.list(scope),
    all: () => memory.all(),
    find: (id) => memory.find(id),
    modify: (scope, id, wanted) =>
      on(
        scope,
        id,
        (flowLog) =>
          (wanted.status === "active" ? associations.obstacle(flowLog.id) : null) ??
          modifyFlowLog(context, flowLog, wanted),
      ),
    remove: (scope, id) => on(scope, id, (flowLog) => removeFlowLog(context, flowLog)),
    activate: (scope, id) =>
      on(scope, id, (flowLog) => associations.obstacle(flowLog.id) ?? setStatus(context, flowLog, "active")),
    deactivate: (scope, id) => on(scope, id, (flowLog) => setStatus(context, flowLog, "inactive")),
    settle: (id, updatedMs) => settleFlowLog(context, id, updatedMs),
    tag: (scope, id, tags) =>
      on(scope, id, (flowLog) => relabel(context, flowLog, { tags: { ...flowLog.tags, ...tags } })),
    untag: (scope, id, keys) =>
      on(scope, id, (flowLog) => {
        const kept = Object.entries(flowLog.tags).filter(([key]) => keys?.includes(key) === false);
        return relabel(context, flowLog, { tags: Object.fromEntries(kept) });
      }),
    moveResourceGroup: (scope, id, resourceGroupId) =>
      on(scope, id, (flowLog) =>
        flowLog.resourceGroupId === resourceGroupId
          ? ok(flowLog)
          : relabel(context, flowLog, { resourceGroupId }),
      ),
    quotaOf: (service) => dependencies.quotaOf(service),
  };
}

/** Create, show, update and delete flow logs. */
import { z } from "zod";

import { fail, ok, type Result } from "../../../base/mod.ts";
import type {
  CloudProject,
  Control,
  FlowLog,
  FlowLogScope,
  LogGroups,
  NewFlowLog,
} from "../../../control/mod.ts";
import type { DeliveryStatus } from "../../delivery-status.ts";
import { type ApigAnswer, canonicalId, type ProjectCall, readBody } from "../apig/mod.ts";
import { describeFlowLog, type FlowLogView, resourceTypes, trafficTypes } from "./describe.ts";

export interface HuaweiDeps {
  readonly control: Pick<Control, "flowLogs" | "resources">;
  readonly groups: LogGroups;
  /** How a flow log's deliveries go; undefined while nothing is known. */
  readonly deliveryStatus?: (flowLogId: string) => DeliveryStatus | undefined;
  /** Resolves when the running system has taken the changes so far over, or is slow about it. */
  readonly settled?: () => Promise<void>;
}

const name = z.string().regex(/^[\w.\u4e00-\u9fa5-]{0,64}$/u);
const description = z.string().regex(/^[^<>]{0,255}$/u);

const newFlowLog = z.object({
  flow_log: z.object({
    name: name.nullish(),
    description: description.nullish(),
    resource_type: z.string(),
    resource_id: z.string().min(1).max(128),
    traffic_type: z.string(),
    log_group_id: z.string().min(1),
    log_topic_id: z.string().min(1),
    log_store_type: z.literal("lts").nullish(),
    index_enabled: z.boolean().nullish(),
  }),
});

const flowLogChange = z.object({
  flow_log: z.object({
    name: name.nullish(),
    description: description.nullish(),
    admin_state: z.boolean().nullish(),
  }),
});

const uuidPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/u;

export function scopeOf({ accountId, regionId }: CloudProject): FlowLogScope {
  return { accountId, regionId, service: "huawei" };
}

export function viewOf({ deliveryStatus }: HuaweiDeps, { id }: CloudProject, flowLog: FlowLog): FlowLogView {
  return describeFlowLog(flowLog, id, deliveryStatus?.(flowLog.id));
}

export async function createFlowLog(
  deps: HuaweiDeps,
  { project, request }: ProjectCall,
): Promise<Result<ApigAnswer>> {
  const body = readBody(newFlowLog, request);
  if (!body.ok) return body;
  const sent = body.value.flow_log;
  const wanted = wantedOf(deps, project, sent);
  if (!wanted.ok) return wanted;
  const created = deps.control.flowLogs.create(scopeOf(project), wanted.value);
  if (!created.ok) return inWords(created, sent);
  await deps.settled?.();
  const indexed = typeof sent.index_enabled === "boolean" ? { index_enabled: sent.index_enabled } : {};
  return ok({ status: 200, body: { flow_log: { ...viewOf(deps, project, created.value), ...indexed } } });
}

type Sent = z.output<typeof newFlowLog>["flow_log"];

/** Faults: `InputInvalid`, `ProjectNotFound` and `LogstoreNotFound` for the log group and stream. */
function wantedOf({ groups }: HuaweiDeps, project: CloudProject, sent: Sent): Result<NewFlowLog> {
  const type = resourceTypes[sent.resource_type.toLowerCase()];
  if (type === undefined) return invalid("resource_type", sent.resource_type);
  const trafficType = trafficTypes.find((one) => one === sent.traffic_type.toLowerCase());
  if (trafficType === undefined) return invalid("traffic_type", sent.traffic_type);
  const { resource_type, resource_id, traffic_type, log_group_id, log_topic_id } = sent;
  const stream = groups.getStream(project, canonicalId(log_group_id), canonicalId(log_topic_id));
  if (!stream.ok) return stream;
  return ok({
    name: sent.name ?? "",
    description: sent.description ?? "",
    target: { type, id: canonicalId(resource_id) },
    filter: { trafficType },
    outputs: {
      logService: {
        enabled: true,
        regionId: project.regionId,
        project: stream.value.groupId,
        logstore: stream.value.id,
      },
    },
    asSent: { resource_type, resource_id, traffic_type, log_group_id, log_topic_id },
  });
}

function invalid(field: string, value: string): Result<never> {
  return fail("InputInvalid", `${field} is invalid`, { field, value: value.slice(0, 80) });
}

const titles: Readonly<Record<string, string>> = { port: "Port", network: "Network", vpc: "Vpc" };

/** The faults of what was asked for, in the words that the service has for them. */
function inWords(refused: Result<never>, sent: Sent): Result<never> {
  if (refused.ok) return refused;
  const { fault } = refused;
  const { resource_type, resource_id, traffic_type, log_group_id, log_topic_id } = sent;
  if (fault.code === "ResourceNotFound") {
    const title = titles[resource_type.toLowerCase()] ?? resource_type;
    return { ok: false, fault: { ...fault, message: `${title} ${resource_id} could not be found.` } };
  }
  if (fault.code !== "FlowLogDuplicate") return refused;
  const content = [
    `resource type ${resource_type}`,
    `resource id ${resource_id}`,
    `traffic type ${traffic_type}`,
    `log group id ${log_group_id}`,
    `log topic id ${log_topic_id}`,
    "log store type lts",
  ];
  const message = `Content of flow log is duplicate: ${content.join(", ")}.`;
  return { ok: false, fault: { ...fault, message } };
}

export function showFlowLog(deps: HuaweiDeps, call: ProjectCall): Result<ApigAnswer> {
  const flowLog = find(deps, call);
  if (!flowLog.ok) return flowLog;
  return ok({ status: 200, body: { flow_log: viewOf(deps, call.project, flowLog.value) } });
}

export async function updateFlowLog(deps: HuaweiDeps, call: ProjectCall): Promise<Result<ApigAnswer>> {
  const found = find(deps, call);
  if (!found.ok) return found;
  const body = readBody(flowLogChange, call.request);
  if (!body.ok) return body;
  const changed = change(deps, scopeOf(call.project), found.value, body.value.flow_log);
  if (!changed.ok) return changed;
  await deps.settled?.();
  return ok({ status: 200, body: { flow_log: viewOf(deps, call.project, changed.value) } });
}

/** As one change: a request is done whole or not at all. */
function change(
  { control: { flowLogs } }: HuaweiDeps,
  scope: FlowLogScope,
  flowLog: FlowLog,
  { name: newName, description: newDescription, admin_state }: z.output<typeof flowLogChange>["flow_log"],
): Result<FlowLog> {
  const isActive = admin_state ?? flowLog.status === "active";
  const status = isActive ? "active" : "inactive";
  if (isAbsent(newName) && isAbsent(newDescription) && status === flowLog.status) return ok(flowLog);
  return flowLogs.modify(scope, flowLog.id, {
    ...(isAbsent(newName) ? {} : { name: newName }),
    ...(isAbsent(newDescription) ? {} : { description: newDescription }),
    status,
  });
}

function isAbsent(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

export async function deleteFlowLog(deps: HuaweiDeps, call: ProjectCall): Promise<Result<ApigAnswer>> {
  const flowLog = find(deps, call);
  if (!flowLog.ok) return flowLog;
  const removed = deps.control.flowLogs.remove(scopeOf(call.project), flowLog.value.id);
  if (!removed.ok) return removed;
  await deps.settled?.();
  return ok({ status: 204 });
}

/** Faults: `InputInvalid` for what is no UUID, `FlowLogNotFound`. */
function find({ control }: HuaweiDeps, { project, path }: ProjectCall): Result<FlowLog> {
  const id = path("flowlog_id");
  if (!uuidPattern.test(id)) return invalid("flowlog id", id);
  const found = control.flowLogs.get(scopeOf(project), id);
  return found.ok ? found : fail("FlowLogNotFound", found.fault.message, { value: id });
}

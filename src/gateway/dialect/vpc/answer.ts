/** Flow logs in the shape that the VPC API's clients read. */
import type { FlowLog } from "../../../control/mod.ts";
import type { DeliveryProblem, DeliveryStatus } from "../../delivery-status.ts";
import type { Page, RpcObject } from "../rpc/mod.ts";
import { ipVersions, resourceTypes, trafficTypes } from "./parameter.ts";

/** A string, which clients compare. */
export const succeeded = { Success: "true" } as const;

const transitions = {
  activating: "Activating",
  modifying: "Modifying",
  deactivating: "Deactivating",
  deleting: "Deleting",
} as const;

/** Every word that Status can be. */
export const statuses: ReadonlySet<string> = new Set(["Active", "Inactive", ...Object.values(transitions)]);

export function statusOf({ status, transition }: FlowLog): string {
  if (transition !== undefined) return transitions[transition];
  return status === "active" ? "Active" : "Inactive";
}

/** AggregationInterval alone is a number. */
export function flowLogAnswer(flowLog: FlowLog, delivery: DeliveryStatus | undefined): RpcObject {
  const { policy, filter, target, outputs } = flowLog;
  return {
    FlowLogId: flowLog.id,
    FlowLogName: flowLog.name,
    Description: flowLog.description,
    Status: statusOf(flowLog),
    CreationTime: `${new Date(flowLog.createdMs).toISOString().slice(0, 19)}Z`,
    RegionId: flowLog.regionId,
    ResourceType: target === undefined ? "" : resourceTypes.fromCore(target.type),
    ResourceId: target?.id ?? "",
    TrafficType: trafficTypes.fromCore(filter.trafficType),
    ProjectName: outputs.logService.project,
    LogStoreName: outputs.logService.logstore,
    AggregationInterval: policy.kind === "window" ? policy.windowS / 60 : 0,
    TrafficPath: { TrafficPathList: filter.trafficPaths },
    BusinessStatus: "Normal",
    ServiceType: "",
    ResourceGroupId: flowLog.resourceGroupId,
    Tags: { Tag: Object.entries(flowLog.tags).map(([key, value]) => ({ Key: key, Value: value })) },
    FlowLogDeliverStatus: delivery?.healthy === false ? "FAILED" : "SUCCESS",
    FlowLogDeliverErrorMessage: delivery === undefined ? "" : deliverErrorMessage(delivery),
    IpVersion: ipVersions.fromCore(filter.ipVersions.toSorted((left, right) => left - right)),
  };
}

/** The counts of a page, as strings. */
export function pageAnswer(total: number, { pageNumber, pageSize }: Page): RpcObject {
  return { ...succeeded, TotalCount: `${total}`, PageNumber: `${pageNumber}`, PageSize: `${pageSize}` };
}

/** The service's own words, of which the second is misspelt, for what it has words for. */
const deliverErrors: Readonly<Partial<Record<DeliveryProblem["kind"], string>>> = {
  logTarget: "ProjectNotExist",
  storage: "UnavaliableTarget",
};

/** A word, or the sentences where one of the problems has no word. */
function deliverErrorMessage({ problems, message }: DeliveryStatus): string {
  const words = problems.map(({ kind }) => deliverErrors[kind]);
  return words.includes(undefined) ? message : (words[0] ?? "");
}

/** A flow log as the VPC service shows it. */
import type { FlowLog, FlowLogTarget } from "../../../control/mod.ts";
import type { DeliveryStatus } from "../../delivery-status.ts";
import { canonicalId } from "../apig/mod.ts";

export interface FlowLogView {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  /** DOWN where it is off; ERROR where it is on and its records do not get where they belong. */
  readonly status: "ACTIVE" | "DOWN" | "ERROR";
  readonly tenant_id: string;
  readonly resource_type: string;
  readonly resource_id: string;
  readonly traffic_type: string;
  readonly log_group_id: string;
  readonly log_topic_id: string;
  readonly created_at: string;
  readonly updated_at: string;
  readonly admin_state: boolean;
  readonly log_store_type: "lts";
  readonly log_version: 1;
}

/** What a flow log can be created on, by the service's name for it. */
export const resourceTypes: Readonly<Record<string, FlowLogTarget["type"]>> = {
  port: "interface",
  network: "subnet",
  vpc: "vpc",
};

export const trafficTypes = ["all", "accept", "reject"] as const;

/**
 * What was sent is shown as it was sent, while it is still what holds: Terraform compares the words, and would make
 * the flow log anew. The native API may have changed it.
 */
export function describeFlowLog(
  flowLog: FlowLog,
  tenantId: string,
  delivery: DeliveryStatus | undefined,
): FlowLogView {
  const { uuid, name, description, status, target, filter, asSent, createdMs, updatedMs } = flowLog;
  const { project, logstore } = flowLog.outputs.logService;
  const isActive = status === "active";
  const typeName = Object.keys(resourceTypes).find((type) => resourceTypes[type] === target?.type);
  const shown = (field: string, now: string, canonical: (text: string) => string): string => {
    const sent = asSent[field];
    return sent !== undefined && canonical(sent) === now ? sent : now;
  };
  return {
    id: uuid,
    name,
    description,
    status: isActive ? (delivery?.healthy === false ? "ERROR" : "ACTIVE") : "DOWN",
    tenant_id: tenantId,
    resource_type: shown("resource_type", typeName ?? "", lowerCase),
    // Of a resource that has two ids the one that was sent: no change moves a flow log to another.
    resource_id: asSent["resource_id"] ?? target?.id ?? "",
    traffic_type: shown("traffic_type", filter.trafficType, lowerCase),
    log_group_id: shown("log_group_id", project, canonicalId),
    log_topic_id: shown("log_topic_id", logstore, canonicalId),
    created_at: timeText(createdMs),
    updated_at: timeText(updatedMs),
    admin_state: isActive,
    log_store_type: "lts",
    log_version: 1,
  };
}

function lowerCase(text: string): string {
  return text.toLowerCase();
}

/** UTC without a zone or a fraction, as the service writes it. */
function timeText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19);
}

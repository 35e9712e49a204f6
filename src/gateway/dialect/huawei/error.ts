/** The VPC service's errors: its code for each fault, by operation. */
import type { Fault } from "../../../base/mod.ts";
import { type ApigAnswer, refuse, type Refusal, tokenHeader } from "../apig/mod.ts";

const internalVerbs: Readonly<Record<string, string>> = {
  CreateFlowLog: "Create",
  UpdateFlowLog: "Update",
  DeleteFlowLog: "Delete",
};

/** Every fault of an operation, and of what is checked before it, in the service's words. */
export function refuseVpc(refusal: Refusal): ApigAnswer {
  return credentialRefusal(refusal) ?? createRefusal(refusal) ?? flowLogRefusal(refusal) ?? failure(refusal);
}

function credentialRefusal({ fault }: Refusal): ApigAnswer | undefined {
  const { code, field, value } = fault;
  if (field === tokenHeader) return refuse(401, "VPC.0008", "Invalid token in the header.");
  if (field === "project_id") return refuse(400, "VPC.0007", "Inconsistent tenant IDs.");
  if (code !== "AccessDenied") return undefined;
  if (field === "scope") return refuse(403, "VPC.2701", "Token is not allowed to do this action.");
  return refuse(403, "VPC.2201", `Policy doesn't allow <${value ?? ""}> to be performed`);
}

/** What is wrong with what a flow log is to be, or is to become. */
function createRefusal({ fault, operation }: Refusal): ApigAnswer | undefined {
  const { code, field, value, message } = fault;
  if (inputCodes.has(code)) return inputRefusal(operation, lastPart(field));
  const rows: Readonly<Partial<Record<Fault["code"], readonly [number, string, string]>>> = {
    ResourceNotFound: [404, "VPC.3002", message],
    ResourceUnsupported: [400, "VPC.3002", `Port does not support flow log, port id : ${value ?? ""}`],
    ProjectNotFound: [400, "VPC.3001", "log_group_id is invalid"],
    LogstoreNotFound: [400, "VPC.3001", "log_topic_id is invalid"],
    FlowLogDuplicate: [409, "VPC.3004", message],
    FlowLogQuotaExceeded: [409, "VPC.3002", quotaMessage(field)],
  };
  const row = rows[code];
  return row === undefined ? undefined : refuse(...row);
}

/** The documentation has the limits and no code for them: that of its other quotas, and its own sentence. */
function quotaMessage(field: string | undefined): string {
  return field === "target.id"
    ? "Only two flow logs, each with a different filter, can be created for a single resource under the same log group and log topic."
    : "Quota exceeded for resources: ['flow_log'].";
}

const inputCodes: ReadonlySet<string> = new Set([
  "Malformed",
  "InputMissing",
  "InputInvalid",
  "InputOutOfRange",
]);

function inputRefusal(operation: string, field: string): ApigAnswer {
  if (operation === "ListQuotas") return refuse(400, "VPC.1207", "Invalid resource type.");
  if (operation === "ListFlowLogs" || field === "flowlog id") {
    return refuse(404, "VPC.3001", `resource could not be found, ${field} is invalid.`);
  }
  return refuse(400, "VPC.3001", `${field} is invalid`);
}

/** `flow_log.name` as `name`; the body itself as `flow_log`. */
function lastPart(field: string | undefined): string {
  const name = field?.split(".").at(-1) ?? "";
  return name === "" || name === "body" ? "flow_log" : name;
}

function flowLogRefusal({ fault, operation }: Refusal): ApigAnswer | undefined {
  if (fault.code !== "FlowLogNotFound") return undefined;
  const code = operation === "ShowFlowLog" ? "VPC.3002" : "VPC.3005";
  return refuse(404, code, `Flow log ${fault.value ?? ""} could not be found.`);
}

function failure({ operation, project }: Refusal): ApigAnswer {
  const verb = internalVerbs[operation];
  const message = verb === undefined ? "Neutron Error." : `${verb} flow log by ${project?.id ?? ""} fail.`;
  return refuse(500, "VPC.3002", message);
}

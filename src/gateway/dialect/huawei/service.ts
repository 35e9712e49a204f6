/** The VPC service of Huawei Cloud and Open Telekom Cloud, version 1, as far as flow logs go. */
import type { Result } from "../../../base/mod.ts";
import type { ApigAnswer, ApigService, ProjectCall, ProjectRoute } from "../apig/mod.ts";
import { refuseVpc } from "./error.ts";
import { createFlowLog, deleteFlowLog, type HuaweiDeps, showFlowLog, updateFlowLog } from "./flow-log.ts";
import { listFlowLogs } from "./flow-log-list.ts";
import { listQuotas } from "./quota.ts";

type Operation = (deps: HuaweiDeps, call: ProjectCall) => Result<ApigAnswer> | Promise<Result<ApigAnswer>>;

const flowLogs = "v1/{project_id}/fl/flow_logs";
const flowLog = `${flowLogs}/{flowlog_id}`;

/** Method, path, the service's name of the operation, what a policy must allow on what, and what is done. */
const table: readonly [
  ProjectRoute["method"],
  string,
  string,
  string,
  ProjectRoute["resource"],
  Operation,
][] = [
  ["POST", flowLogs, "CreateFlowLog", "flowLogs:create", "flowlog/*", createFlowLog],
  ["GET", flowLogs, "ListFlowLogs", "flowLogs:get", "flowlog/*", listFlowLogs],
  ["GET", flowLog, "ShowFlowLog", "flowLogs:get", "flowlog/{flowlog_id}", showFlowLog],
  ["PUT", flowLog, "UpdateFlowLog", "flowLogs:update", "flowlog/{flowlog_id}", updateFlowLog],
  ["DELETE", flowLog, "DeleteFlowLog", "flowLogs:delete", "flowlog/{flowlog_id}", deleteFlowLog],
  ["GET", "v1/{project_id}/quotas", "ListQuotas", "quotas:list", "quota/*", listQuotas],
];

export function createHuaweiVpcService(deps: HuaweiDeps): ApigService {
  return {
    name: "vpc",
    routes: table.map(([method, path, name, action, resource, operation]): ProjectRoute => ({
      name,
      method,
      path,
      access: "project",
      action: `vpc:${action}`,
      resource,
      operation: (call) => operation(deps, call),
    })),
    refuse: refuseVpc,
  };
}

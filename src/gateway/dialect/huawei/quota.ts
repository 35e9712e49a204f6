/** `GET /v1/{project_id}/quotas`: how many flow logs there are and may be. */
import { fail, ok, type Result } from "../../../base/mod.ts";
import { type ApigAnswer, type ProjectCall, queryValue } from "../apig/mod.ts";
import { type HuaweiDeps, scopeOf } from "./flow-log.ts";

export function listQuotas({ control }: HuaweiDeps, { project, request }: ProjectCall): Result<ApigAnswer> {
  const type = queryValue(request, "type");
  if (type !== undefined && type !== "flow_log") {
    return fail("InputInvalid", "there is no such type of resource", {
      field: "type",
      value: type.slice(0, 80),
    });
  }
  const used = control.flowLogs.list(scopeOf(project)).length;
  const quota = control.flowLogs.quotaOf("huawei");
  return ok({ status: 200, body: { quotas: { resources: [{ type: "flow_log", used, quota, min: 0 }] } } });
}

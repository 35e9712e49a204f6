/** ListFlowLogs: filters that must all hold exactly, and pages that begin after a marker. */
import { fail, ok, type Result } from "../../../base/mod.ts";
import { type ApigAnswer, canonicalId, type ProjectCall, queryValue } from "../apig/mod.ts";
import type { FlowLogView } from "./describe.ts";
import { type HuaweiDeps, scopeOf, viewOf } from "./flow-log.ts";

const limitMax = 2000;

const filters = [
  "name",
  "description",
  "log_store_type",
  "status",
] as const satisfies readonly (keyof FlowLogView)[];

/** Words and ids, kept as they were sent and the same in any case. */
const caselessFilters = [
  "id",
  "tenant_id",
  "resource_type",
  "resource_id",
  "traffic_type",
  "log_group_id",
  "log_topic_id",
] as const satisfies readonly (keyof FlowLogView)[];

/**
 * Oldest first, which never changes, so that a page after the last is empty. Faults: `InputInvalid` for a
 * limit that is no number, and for a marker that is none of the project's flow logs.
 */
export function listFlowLogs(deps: HuaweiDeps, { project, request }: ProjectCall): Result<ApigAnswer> {
  const limit = queryValue(request, "limit");
  if (limit !== undefined && !/^\d{1,10}$/u.test(limit)) return invalid("limit", limit);
  const all = deps.control.flowLogs.list(scopeOf(project));
  const marker = queryValue(request, "marker");
  const start = marker === undefined ? 0 : all.findIndex(({ uuid }) => uuid === canonicalId(marker)) + 1;
  if (marker !== undefined && start === 0) return invalid("marker", marker);
  const countMax = Math.min(Number(limit ?? limitMax), limitMax);
  const wanted = all
    .slice(start)
    .map((flowLog) => viewOf(deps, project, flowLog))
    .filter((view) => filters.every((name) => isAsked(queryValue(request, name), view[name])))
    .filter((view) =>
      caselessFilters.every((name) =>
        isAsked(queryValue(request, name)?.toLowerCase(), view[name].toLowerCase()),
      ),
    )
    .slice(0, countMax);
  return ok({ status: 200, body: { flow_logs: wanted } });
}

function isAsked(wanted: string | undefined, value: string): boolean {
  return wanted === undefined || wanted === value;
}

function invalid(field: string, value: string): Result<never> {
  return fail("InputInvalid", `${field} is invalid`, { field, value: value.slice(0, 80) });
}

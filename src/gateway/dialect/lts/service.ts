/**
 * The log service (LTS) of Huawei Cloud and Open Telekom Cloud: log groups and streams in both generations
 * of their URIs, and searches of what flow logs deliver there.
 */
import type { Result } from "../../../base/mod.ts";
import type { LogGroups } from "../../../control/mod.ts";
import type { Metrics } from "../../../observe/mod.ts";
import type { ApigAnswer, ApigService, ProjectCall, ProjectRoute } from "../apig/mod.ts";
import { refuseLts } from "./error.ts";
import { createGroup, createOldGroup, deleteGroup, listGroups, showOldGroup, updateGroup } from "./group.ts";
import { countedStream, countKeywords, type LogDeps, queryContent } from "./log.ts";
import { boundAppends, reportAccurateLogs, type ReportDeps, reportLogs } from "./report.ts";
import {
  createStream,
  createTopic,
  deleteStream,
  listAllStreams,
  listStreams,
  listTopics,
  showTopic,
  updateRetention,
} from "./stream.ts";
import { changeGroupTags, changeStreamTags, taggedStream } from "./tag.ts";

type Operation = (groups: LogGroups, call: ProjectCall) => Result<ApigAnswer>;

const groups = "v2/{project_id}/groups";
const streams = `${groups}/{log_group_id}/streams`;
const oldGroups = "v2.0/{project_id}/log-groups";
const topics = `${oldGroups}/{log_group_id}/log-topics`;

export interface LtsDeps extends LogDeps, Omit<ReportDeps, "onDropped"> {
  readonly metrics: Metrics;
}

export function createLtsService(deps: LtsDeps): ApigService {
  return {
    name: "lts",
    routes: [...routesOf(deps), ...reportRoutes(deps)],
    refuse: refuseLts,
  };
}

/** Method, path, the service's name of the operation, what a policy must allow, and what is done. */
const table: readonly [ProjectRoute["method"], string, string, string, Operation][] = [
  ["POST", groups, "CreateLogGroup", "groups:create", createGroup],
  ["GET", groups, "ListLogGroups", "groups:list", listGroups],
  ["POST", `${groups}/{log_group_id}`, "UpdateLogGroup", "groups:put", updateGroup],
  ["DELETE", `${groups}/{log_group_id}`, "DeleteLogGroup", "groups:delete", deleteGroup],
  ["POST", streams, "CreateLogStream", "topics:create", createStream],
  ["GET", streams, "ListLogStream", "topics:list", listStreams],
  ["GET", "v2/{project_id}/log-streams", "ListLogStreams", "topics:list", listAllStreams],
  [
    "PUT",
    `${groups}/{log_group_id}/streams-ttl/{log_stream_id}`,
    "UpdateLogStream",
    "topics:put",
    updateRetention,
  ],
  ["DELETE", `${streams}/{log_stream_id}`, "DeleteLogStream", "topics:delete", deleteStream],
  ["POST", "v1/{project_id}/groups/{resource_id}/tags/action", "CreateTags", "groups:put", changeGroupTags],
  ["POST", "v1/{project_id}/topics/{resource_id}/tags/action", "CreateTags", "topics:put", changeStreamTags],
  ["POST", oldGroups, "CreateLogGroup", "groups:create", createOldGroup],
  ["GET", oldGroups, "ListLogGroups", "groups:list", listGroups],
  ["GET", `${oldGroups}/{log_group_id}`, "ShowLogGroup", "groups:get", showOldGroup],
  ["DELETE", `${oldGroups}/{log_group_id}`, "DeleteLogGroup", "groups:delete", deleteGroup],
  ["POST", topics, "CreateLogTopic", "topics:create", createTopic],
  ["GET", topics, "ListLogTopics", "topics:list", listTopics],
  ["GET", `${topics}/{log_stream_id}`, "ShowLogTopic", "topics:get", showTopic],
  ["DELETE", `${topics}/{log_stream_id}`, "DeleteLogTopic", "topics:delete", deleteStream],
];

function routesOf(deps: LogDeps): ProjectRoute[] {
  const kept = table.map(([method, path, name, action, operation]): ProjectRoute => ({
    name,
    method,
    path,
    access: "project",
    action: `lts:${action}`,
    resource: resourceOf(path, deps.groups),
    operation: (call) => operation(deps.groups, call),
  }));
  return [
    ...kept,
    {
      name: "ListLogs",
      method: "POST",
      path: `${streams}/{log_stream_id}/content/query`,
      access: "project",
      action: "lts:logs:list",
      resource: "group/{log_group_id}/stream/{log_stream_id}",
      operation: (call) => queryContent(deps, call),
    },
    {
      name: "ListLogHistogram",
      method: "POST",
      path: "v2/{project_id}/lts/keyword-count",
      access: "project",
      action: "lts:logs:list",
      resource: countedStream,
      operation: (call) => countKeywords(deps, call),
    },
  ];
}

function reportRoutes(deps: LtsDeps): ProjectRoute[] {
  const dropped = deps.metrics.counter(
    "weir_lts_dropped_lines_total",
    "Lines that clients reported with a time more than two days off, and that were left out as the service does",
  );
  const reportDeps: ReportDeps = {
    ...deps,
    appendLines: boundAppends(deps.appendLines),
    onDropped: (lines) => dropped.add(lines),
  };
  const contents = "v2/{project_id}/lts/groups/{log_group_id}/streams/{log_stream_id}/tenant/contents";
  const route = (name: string, path: string, operation: typeof reportLogs): ProjectRoute => ({
    name,
    method: "POST",
    path,
    access: "project",
    action: "lts:logs:create",
    resource: "group/{log_group_id}/stream/{log_stream_id}",
    operation: (call) => operation(reportDeps, call),
  });
  return [
    route("ReportLogs", contents, reportLogs),
    route("ReportAccurateLogs", `${contents}/high-accuracy`, reportAccurateLogs),
  ];
}

function resourceOf(path: string, groups: LogGroups): ProjectRoute["resource"] {
  if (path.includes("/topics/{resource_id}")) return (call) => taggedStream(groups, call);
  if (path.includes("{resource_id}")) return "group/{resource_id}";
  const group = path.includes("{log_group_id}") ? "group/{log_group_id}" : "group/*";
  if (path.includes("{log_stream_id}")) return `${group}/stream/{log_stream_id}`;
  return /streams|topics/u.test(path) ? `${group}/stream/*` : group;
}

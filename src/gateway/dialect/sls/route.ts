/** Which operation a method and path ask for. */
import { refuse, notOffered, type SlsAnswer } from "./answer.ts";
import type { Operation } from "./call.ts";
import { getHistograms, getLogs, postLogs } from "./logs.ts";
import {
  createIndex,
  createLogstore,
  deleteLogstore,
  getIndex,
  getLogstore,
  listLogstores,
  listShards,
  updateLogstore,
} from "./logstore.ts";
import { onLogstore, onNewProject, onProject, onProjectOrAll, type Permission } from "./permission.ts";
import { createProject, deleteProject, getOrListProjects, updateProject } from "./project.ts";
import { queryParameters, type SlsRequest } from "./request.ts";

export interface Route {
  readonly name: string;
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Segments of the path; `*` is the name of a logstore. */
  readonly path: string;
  /** The parameter `type`, which tells operations of one path apart. */
  readonly type?: string;
  readonly operation: Operation;
  /** What the caller must be allowed to do. */
  readonly permission: Permission;
}

export const routes: readonly Route[] = [
  { name: "CreateProject", method: "POST", path: "", operation: createProject, permission: onNewProject },
  { name: "GetProject", method: "GET", path: "", operation: getOrListProjects, permission: onProjectOrAll },
  {
    name: "UpdateProject",
    method: "PUT",
    path: "",
    operation: updateProject,
    permission: onProject("log:UpdateProject"),
  },
  {
    name: "DeleteProject",
    method: "DELETE",
    path: "",
    operation: deleteProject,
    permission: onProject("log:DeleteProject"),
  },
  {
    name: "CreateLogStore",
    method: "POST",
    path: "logstores",
    operation: createLogstore,
    permission: onProject("log:CreateLogStore", "/logstore/*"),
  },
  {
    name: "ListLogStores",
    method: "GET",
    path: "logstores",
    operation: listLogstores,
    permission: onProject("log:ListLogStores", "/logstore/*"),
  },
  {
    name: "GetLogs",
    method: "GET",
    path: "logstores/*",
    type: "log",
    operation: getLogs,
    permission: onLogstore("log:GetLogStoreLogs"),
  },
  {
    name: "GetHistograms",
    method: "GET",
    path: "logstores/*",
    type: "histogram",
    operation: getHistograms,
    permission: onLogstore("log:GetLogStoreHistogram"),
  },
  {
    name: "GetLogStore",
    method: "GET",
    path: "logstores/*",
    operation: getLogstore,
    permission: onLogstore("log:GetLogStore"),
  },
  {
    name: "UpdateLogStore",
    method: "PUT",
    path: "logstores/*",
    operation: updateLogstore,
    permission: onLogstore("log:UpdateLogStore"),
  },
  {
    name: "DeleteLogStore",
    method: "DELETE",
    path: "logstores/*",
    operation: deleteLogstore,
    permission: onLogstore("log:DeleteLogStore"),
  },
  {
    name: "GetLogsV2",
    method: "POST",
    path: "logstores/*/logs",
    operation: postLogs,
    permission: onLogstore("log:GetLogStoreLogs"),
  },
  {
    name: "GetHistograms",
    method: "GET",
    path: "logstores/*/index",
    type: "histogram",
    operation: getHistograms,
    permission: onLogstore("log:GetLogStoreHistogram"),
  },
  {
    name: "GetIndex",
    method: "GET",
    path: "logstores/*/index",
    operation: getIndex,
    permission: onLogstore("log:GetIndex"),
  },
  {
    name: "CreateIndex",
    method: "POST",
    path: "logstores/*/index",
    operation: createIndex,
    permission: onLogstore("log:CreateIndex"),
  },
  {
    name: "ListShards",
    method: "GET",
    path: "logstores/*/shards",
    operation: listShards,
    permission: onLogstore("log:ListShards"),
  },
];

const methods = new Set(["GET", "POST", "PUT", "DELETE"]);

/** The route, or the answer to a request that has none. */
export function findRoute(request: SlsRequest): Route | SlsAnswer {
  const { method, path } = request.head;
  if (!methods.has(method)) return refuse(405, "InvalidMethod", `invalid request method: ${path}`);
  const type = queryParameters(request.query)("type");
  const route = routes.find(
    (each) => each.method === method && each.type === type && matchesPath(each.path, request.segments),
  );
  return route ?? notOffered(`${method} ${path}${typeof type === "string" ? `?type=${type}` : ""}`);
}

function matchesPath(path: string, segments: readonly string[]): boolean {
  const wanted = path === "" ? [] : path.split("/");
  return (
    wanted.length === segments.length &&
    wanted.every(
      (segment, index) => segment === segments[index] || (segment === "*" && segments[index] !== ""),
    )
  );
}

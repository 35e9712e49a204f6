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
  getMeteringMode,
  listLogstores,
  listShards,
  updateLogstore,
} from "./logstore.ts";
import {
  onEveryProject,
  onLogstore,
  onNewProject,
  onProject,
  onProjectOrAll,
  type Permission,
} from "./permission.ts";
import {
  createProject,
  deleteProject,
  getOrListProjects,
  getProjectPolicy,
  listTagResources,
  updateProject,
} from "./project.ts";
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

/** Method; path, in which `*` is the name of a logstore, and the parameter `type`; name; what it does and takes. */
const table: readonly (readonly [Route["method"], string, string, Operation, Permission])[] = [
  ["POST", "", "CreateProject", createProject, onNewProject],
  ["GET", "", "GetProject", getOrListProjects, onProjectOrAll],
  ["PUT", "", "UpdateProject", updateProject, onProject("log:UpdateProject")],
  ["DELETE", "", "DeleteProject", deleteProject, onProject("log:DeleteProject")],
  ["GET", "policy", "GetProjectPolicy", getProjectPolicy, onProject("log:GetProjectPolicy")],
  ["GET", "tags", "ListTagResources", listTagResources, onEveryProject("log:ListTagResources")],
  ["POST", "logstores", "CreateLogStore", createLogstore, onProject("log:CreateLogStore", "/logstore/*")],
  ["GET", "logstores", "ListLogStores", listLogstores, onProject("log:ListLogStores", "/logstore/*")],
  ["GET", "logstores/*?type=log", "GetLogs", getLogs, onLogstore("log:GetLogStoreLogs")],
  [
    "GET",
    "logstores/*?type=histogram",
    "GetHistograms",
    getHistograms,
    onLogstore("log:GetLogStoreHistogram"),
  ],
  ["GET", "logstores/*", "GetLogStore", getLogstore, onLogstore("log:GetLogStore")],
  ["PUT", "logstores/*", "UpdateLogStore", updateLogstore, onLogstore("log:UpdateLogStore")],
  ["DELETE", "logstores/*", "DeleteLogStore", deleteLogstore, onLogstore("log:DeleteLogStore")],
  [
    "GET",
    "logstores/*/meteringmode",
    "GetLogStoreMeteringMode",
    getMeteringMode,
    onLogstore("log:GetLogStoreMeteringMode"),
  ],
  ["POST", "logstores/*/logs", "GetLogsV2", postLogs, onLogstore("log:GetLogStoreLogs")],
  [
    "GET",
    "logstores/*/index?type=histogram",
    "GetHistograms",
    getHistograms,
    onLogstore("log:GetLogStoreHistogram"),
  ],
  ["GET", "logstores/*/index", "GetIndex", getIndex, onLogstore("log:GetIndex")],
  ["POST", "logstores/*/index", "CreateIndex", createIndex, onLogstore("log:CreateIndex")],
  ["GET", "logstores/*/shards", "ListShards", listShards, onLogstore("log:ListShards")],
];

export const routes: readonly Route[] = table.map(([method, target, name, operation, permission]) => {
  const [path = "", type] = target.split("?type=");
  return { name, method, path, ...(type === undefined ? {} : { type }), operation, permission };
});

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

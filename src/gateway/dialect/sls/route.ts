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
}

export const routes: readonly Route[] = [
  { name: "CreateProject", method: "POST", path: "", operation: createProject },
  { name: "GetProject", method: "GET", path: "", operation: getOrListProjects },
  { name: "UpdateProject", method: "PUT", path: "", operation: updateProject },
  { name: "DeleteProject", method: "DELETE", path: "", operation: deleteProject },
  { name: "CreateLogStore", method: "POST", path: "logstores", operation: createLogstore },
  { name: "ListLogStores", method: "GET", path: "logstores", operation: listLogstores },
  { name: "GetLogs", method: "GET", path: "logstores/*", type: "log", operation: getLogs },
  { name: "GetHistograms", method: "GET", path: "logstores/*", type: "histogram", operation: getHistograms },
  { name: "GetLogStore", method: "GET", path: "logstores/*", operation: getLogstore },
  { name: "UpdateLogStore", method: "PUT", path: "logstores/*", operation: updateLogstore },
  { name: "DeleteLogStore", method: "DELETE", path: "logstores/*", operation: deleteLogstore },
  { name: "GetLogsV2", method: "POST", path: "logstores/*/logs", operation: postLogs },
  {
    name: "GetHistograms",
    method: "GET",
    path: "logstores/*/index",
    type: "histogram",
    operation: getHistograms,
  },
  { name: "GetIndex", method: "GET", path: "logstores/*/index", operation: getIndex },
  { name: "CreateIndex", method: "POST", path: "logstores/*/index", operation: createIndex },
  { name: "ListShards", method: "GET", path: "logstores/*/shards", operation: listShards },
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

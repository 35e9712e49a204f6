import { afterEach, describe, expect, it } from "vitest";

import { fail, type FaultCode, ok, unwrap } from "../../../../src/base/mod.ts";
import type { AccessRequest } from "../../../../src/control/mod.ts";
import { routes } from "../../../../src/gateway/dialect/sls/route.ts";
import type { Authorizer } from "../../../../src/gateway/mod.ts";
import { accountId, type Call, createSlsServer, regionId, signV1, type SlsServer } from "./server.ts";

let server: SlsServer;
afterEach(() => server.gateway.stop());

const base = `acs:log:${regionId}:${accountId}:project`;
const endpoint = "weir.example.com";
const traffic = "traffic.weir.example.com";
const body = { projectName: "new", logstoreName: "records", ttl: 7, shardCount: 1, description: "" };
const json = { "content-type": "application/json" };

/** Each operation as a client asks for it, and what its caller must be allowed. */
const table: [operation: string, call: Call, action: string, resource: string][] = [
  [
    "CreateProject",
    { method: "POST", host: endpoint, path: "/", body, headers: json },
    "CreateProject",
    "/new",
  ],
  ["GetProject", { method: "GET", host: traffic, path: "/" }, "GetProject", "/traffic"],
  ["GetProject that lists", { method: "GET", host: endpoint, path: "/" }, "ListProject", "/*"],
  ["GetProject of none", { method: "GET", host: `none.${endpoint}`, path: "/" }, "GetProject", "/none"],
  [
    "UpdateProject",
    { method: "PUT", host: traffic, path: "/", body, headers: json },
    "UpdateProject",
    "/traffic",
  ],
  ["DeleteProject", { method: "DELETE", host: traffic, path: "/" }, "DeleteProject", "/traffic"],
  ["GetProjectPolicy", { method: "GET", host: traffic, path: "/policy" }, "GetProjectPolicy", "/traffic"],
  [
    "ListTagResources",
    { method: "GET", host: endpoint, path: "/tags", query: { resourceType: "PROJECT" } },
    "ListTagResources",
    "/*",
  ],
  [
    "CreateLogStore",
    { method: "POST", host: traffic, path: "/logstores", body, headers: json },
    "CreateLogStore",
    "/traffic/logstore/*",
  ],
  [
    "ListLogStores",
    { method: "GET", host: traffic, path: "/logstores" },
    "ListLogStores",
    "/traffic/logstore/*",
  ],
  ...(
    [
      ["GetLogStore", "GET", "", {}, "GetLogStore"],
      ["UpdateLogStore", "PUT", "", {}, "UpdateLogStore"],
      ["DeleteLogStore", "DELETE", "", {}, "DeleteLogStore"],
      ["GetLogStoreMeteringMode", "GET", "/meteringmode", {}, "GetLogStoreMeteringMode"],
      ["GetLogs", "GET", "", { type: "log" }, "GetLogStoreLogs"],
      ["GetLogsV2", "POST", "/logs", {}, "GetLogStoreLogs"],
      ["GetHistograms", "GET", "", { type: "histogram" }, "GetLogStoreHistogram"],
      ["GetHistograms", "GET", "/index", { type: "histogram" }, "GetLogStoreHistogram"],
      ["GetIndex", "GET", "/index", {}, "GetIndex"],
      ["CreateIndex", "POST", "/index", {}, "CreateIndex"],
      ["ListShards", "GET", "/shards", {}, "ListShards"],
    ] as const
  ).map(([operation, method, below, query, action]): [string, Call, string, string] => [
    operation,
    { method, host: traffic, path: `/logstores/flows${below}`, query },
    action,
    "/traffic/logstore/flows",
  ]),
];

interface Refusal {
  readonly status: number;
  readonly body: { readonly errorCode: string; readonly errorMessage: string };
}

/** A server that knows the project `traffic` and denies everything; `asked` is what it was asked. */
function denying(asked: AccessRequest[]): SlsServer {
  const authorizer: Authorizer = {
    authorize: (_principal, request) => {
      asked.push(request);
      return fail("AccessDenied", "denied");
    },
  };
  const made = createSlsServer(undefined, { authorizer });
  const key = { accountId, regionId, project: "traffic" };
  unwrap(made.logProjects.createProject({ ...key, description: "", resourceGroupId: "" }));
  unwrap(made.logProjects.createLogstore({ ...key, logstore: "flows", retentionDays: 7 }));
  return made;
}

async function send(call: Call): Promise<Refusal> {
  const answer = await server.gateway.inject(signV1(call));
  return { status: answer.statusCode, body: answer.json() };
}

describe("a caller who may not", () => {
  it.each(table)(
    "is refused %s, action and resource being told",
    async (_operation, call, action, resource) => {
      const asked: AccessRequest[] = [];
      server = denying(asked);
      const { status, body: refused } = await send(call);
      expect(asked).toMatchObject([{ action: `log:${action}`, resources: [base + resource] }]);
      expect(status).toBe(401);
      expect(refused).toEqual({
        errorCode: "Unauthorized",
        errorMessage: `denied by sts or ram, action: log:${action}, resource: ${base}${resource}`,
      });
      const key = { accountId, regionId, project: "traffic" };
      expect(server.logProjects.getLogstore({ ...key, logstore: "flows" }).ok).toBe(true);
      expect(server.logProjects.getProject({ ...key, project: "new" }).ok).toBe(false);
    },
  );

  it("is in the table for every operation", () => {
    const named = new Set(table.map(([operation]) => operation));
    expect(routes.map(({ name }) => name).filter((name) => !named.has(name))).toEqual([]);
  });
});

describe("a request with a security token", () => {
  it.each<[FaultCode, string]>([
    ["SecurityTokenMalformed", "The security token you provided is invalid."],
    ["SecurityTokenMismatch", "The security token you provided is invalid."],
    ["SecurityTokenExpired", "The security token you provided has expired."],
  ])("that is refused for %s is told so", async (tokenFault, errorMessage) => {
    server = createSlsServer(undefined, { authorizer: { authorize: () => ok(undefined) }, tokenFault });
    const { status, body: refused } = await send({
      method: "GET",
      host: endpoint,
      path: "/",
      headers: { "x-acs-security-token": "token" },
    });
    expect([status, refused]).toEqual([401, { errorCode: "Unauthorized", errorMessage }]);
  });
});

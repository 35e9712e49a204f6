import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { unwrap } from "../../../../src/base/mod.ts";
import { createNativeServer, type NativeServer } from "./support.ts";

let server: NativeServer;
let tenantId: string;
beforeAll(async () => {
  server = createNativeServer();
  tenantId = String((await call("POST", "/accounts", { name: "tenant" })).body["id"]);
});
afterAll(() => server.close());

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
type Body = Record<string, unknown>;

async function call(method: Method, path: string, body?: object) {
  const answer = await server.gateway.inject({
    method,
    url: `/api/v1${path}`,
    ...(body === undefined ? {} : { payload: body }),
  });
  return { status: answer.statusCode, body: answer.json<Body>() };
}

const faultOf = ({ status, body }: { status: number; body: Body }): string =>
  `${status} ${(body["error"] as { code: string } | undefined)?.code ?? "ok"}`;

const document = JSON.stringify({
  Version: "1",
  Statement: [{ Effect: "Allow", Action: "smartag:*", Resource: "*" }],
});

const netflow = { enabled: true, address: "192.0.2.1", port: 9995 };

/** What an account can have, as it is made, and what of the answer names it. */
const possessions: [list: string, member: string, body: object, name: string][] = [
  ["/users", "users", { name: "alice" }, "name"],
  ["/groups", "groups", { name: "staff" }, "name"],
  ["/roles", "roles", { name: "reader" }, "name"],
  ["/policies", "policies", { name: "own", document }, "name"],
  ["/projects", "projects", { name: "own-project" }, "name"],
  ["/resource-groups", "resourceGroups", { name: "own" }, "id"],
  ["/access-keys", "accessKeys", {}, "accessKeyId"],
  ["/flow-logs", "flowLogs", { settings: { outputs: { netflow } } }, "id"],
];

describe("the accounts of the native API", () => {
  it("are listed, the installation's first, and made once", async () => {
    expect((await call("GET", "/accounts")).body).toMatchObject({
      accounts: [
        { name: "default", isDefault: true },
        { id: tenantId, name: "tenant", isDefault: false, resourceGroupId: expect.any(String) },
      ],
    });
    expect(faultOf(await call("POST", "/accounts", { name: "tenant" }))).toBe("409 AccountExists");
    expect(faultOf(await call("POST", "/accounts", { name: "1" }))).toBe("400 InputInvalid");
    expect(faultOf(await call("POST", "/accounts", {}))).toBe("400 InputMissing");
  });

  it.each(possessions)("have each their own %s", async (path, member, body, name) => {
    const made = await call("POST", `${path}?accountId=tenant`, body);
    expect(made.status).toBe(201);
    const named = async (query: string): Promise<unknown[]> => {
      const listed = (await call("GET", path + query)).body[member] as Body[];
      return listed.map((one) => one[name]);
    };
    expect(await named("?accountId=tenant")).toContain(made.body[name]);
    expect(await named(`?accountId=${tenantId}`)).toContain(made.body[name]);
    expect(await named("")).not.toContain(made.body[name]);
    expect(faultOf(await call("GET", `${path}?accountId=nobody`))).toBe("404 AccountNotFound");
  });

  it("do not reach what is another's", async () => {
    const flowLog = await call("POST", "/flow-logs?accountId=tenant", { settings: { outputs: { netflow } } });
    const path = `/flow-logs/${String(flowLog.body["id"])}`;
    const resource = `/resources/${server.gatewayId}`;
    const key = await call("POST", "/access-keys?accountId=tenant", {});
    const keyPath = `/access-keys/${String(key.body["accessKeyId"])}`;
    await call("POST", "/projects?accountId=tenant", { name: "secret" });
    await call("POST", "/projects/secret/logstores?accountId=tenant", { name: "flows" });
    const search = { project: "secret", logstore: "flows", fromS: 0, toS: 1 };
    const refused: [Method, string, object | undefined, string][] = [
      ["GET", path, undefined, "FlowLogNotFound"],
      ["PATCH", path, { settings: { name: "x" } }, "FlowLogNotFound"],
      ["DELETE", path, undefined, "FlowLogNotFound"],
      ["POST", `${path}/activate`, undefined, "FlowLogNotFound"],
      ["PUT", `${path}${resource}?accountId=tenant`, undefined, "ResourceNotFound"],
      ["GET", `${resource}?accountId=tenant`, undefined, "ResourceNotFound"],
      ["PATCH", keyPath, { status: "inactive" }, "AccessKeyNotFound"],
      ["POST", `${keyPath}/rotate`, {}, "AccessKeyNotFound"],
      ["DELETE", keyPath, undefined, "AccessKeyNotFound"],
      ["GET", "/projects/secret/logstores", undefined, "ProjectNotFound"],
      ["DELETE", "/projects/secret", undefined, "ProjectNotFound"],
      ["POST", "/records/search", search, "ProjectNotFound"],
      ["POST", "/records/histogram", search, "ProjectNotFound"],
      ["POST", "/records/tail", { project: "secret", logstore: "flows" }, "ProjectNotFound"],
    ];
    for (const [method, target, body, code] of refused) {
      expect(faultOf(await call(method, target, body)), `${method} ${target}`).toBe(`404 ${code}`);
    }
    expect((await call("GET", "/resources?accountId=tenant")).body).toEqual({ resources: [] });
    expect((await call("POST", "/records/search?accountId=tenant", search)).status).toBe(200);
    expect((await call("GET", `${path}?accountId=tenant`)).status).toBe(200);
  });

  it("have users, groups and policies go together within one alone", async () => {
    const { access } = server.control;
    const userId = unwrap(access.users.create(tenantId, "member")).id;
    await call("POST", "/groups?accountId=tenant", { name: "crew" });
    await call("POST", "/policies?accountId=tenant", { name: "crew", document });
    const added = await call("PUT", "/groups/crew/users/member?accountId=tenant");
    expect(added.body).toMatchObject({ users: ["member"] });
    await call("PUT", "/groups/crew/policies/crew?accountId=tenant");
    expect(access.policiesOf(userId)).toHaveLength(1);
    expect(faultOf(await call("PUT", "/groups/crew/users/member"))).toBe("404 GroupNotFound");
    expect(faultOf(await call("GET", "/policies/crew"))).toBe("404 PolicyNotFound");
    await call("POST", "/users", { name: "stranger" });
    expect(faultOf(await call("PUT", "/users/stranger/policies/crew"))).toBe("404 PolicyNotFound");
    const role = await call("POST", "/roles?accountId=tenant", { name: "crew" });
    expect(role.body).toMatchObject({ arn: `acs:ram::${tenantId}:role/crew` });
    expect(role.body["trustPolicy"]).toContain(`acs:ram::${tenantId}:root`);
  });
});

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { createNativeServer, type NativeServer } from "./support.ts";

let server: NativeServer;
beforeAll(() => {
  server = createNativeServer();
});
afterAll(() => server.close());

type Body = Record<string, unknown>;

async function call(method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE", path: string, body?: object) {
  const answer = await server.gateway.inject({
    method,
    url: `/api/v1${path}`,
    ...(body === undefined ? {} : { payload: body }),
  });
  return { status: answer.statusCode, body: answer.json<Body>() };
}

const faultOf = ({ status, body }: { status: number; body: Body }): string =>
  `${status} ${(body["error"] as { code: string }).code}`;

const document = JSON.stringify({
  Version: "1",
  Statement: [{ Effect: "Allow", Action: "smartag:*", Resource: "*" }],
});

describe("users, roles and policies of the native API", () => {
  it("are made, shown with each other, and deleted", async () => {
    expect((await call("POST", "/policies", { name: "gateways", document })).status).toBe(201);
    const user = await call("POST", "/users", { name: "alice", displayName: "Alice" });
    expect(user).toMatchObject({ status: 201, body: { name: "alice", policies: [], accessKeyIds: [] } });
    const role = await call("POST", "/roles", { name: "reader" });
    expect(role.body).toMatchObject({
      arn: expect.stringMatching(/^acs:ram::\d{16}:role\/reader$/u),
      sessionSMax: 3600,
    });
    expect(String(role.body["trustPolicy"])).toMatch(/acs:ram::\d{16}:root/u);

    expect((await call("PUT", "/users/alice/policies/gateways")).body["policies"]).toEqual(["gateways"]);
    await call("PUT", "/roles/reader/policies/gateways");
    const key = await call("POST", "/access-keys", { user: "alice" });
    expect(key.body).toMatchObject({ user: "alice", accessKeySecret: expect.any(String) });
    expect((await call("GET", "/users/alice")).body).toMatchObject({
      accessKeyIds: [key.body["accessKeyId"]],
    });
    expect((await call("GET", "/policies/gateways")).body).toMatchObject({
      type: "Custom",
      document,
      users: ["alice"],
      roles: ["reader"],
    });
    expect(faultOf(await call("DELETE", "/policies/gateways"))).toBe("409 PolicyAttached");

    expect((await call("DELETE", "/users/alice/policies/gateways")).body["policies"]).toEqual([]);
    expect((await call("DELETE", "/roles/reader")).status).toBe(200);
    expect((await call("DELETE", "/policies/gateways")).status).toBe(200);
    expect((await call("DELETE", "/users/alice")).status).toBe(200);
    const { accessKeys } = (await call("GET", "/access-keys")).body as {
      accessKeys: { accessKeyId: string }[];
    };
    expect(accessKeys.map(({ accessKeyId }) => accessKeyId)).not.toContain(key.body["accessKeyId"]);
  });

  it("have the policies of the system, which nobody changes", async () => {
    const { policies } = (await call("GET", "/policies")).body as {
      policies: { name: string; type: string }[];
    };
    const names = policies.filter(({ type }) => type === "System").map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining(["AdministratorAccess", "ReadOnlyAccess", "AliyunLogFullAccess"]),
    );
    expect(faultOf(await call("PATCH", "/policies/ReadOnlyAccess", { document }))).toBe("400 InputInvalid");
    expect(faultOf(await call("DELETE", "/policies/ReadOnlyAccess"))).toBe("400 InputInvalid");
    expect(faultOf(await call("POST", "/policies", { name: "ReadOnlyAccess", document }))).toBe(
      "409 PolicyExists",
    );
  });

  it("are shared by groups", async () => {
    await call("POST", "/users", { name: "member" });
    expect((await call("POST", "/groups", { name: "staff", description: "all" })).status).toBe(201);
    expect((await call("PUT", "/groups/staff/policies/ReadOnlyAccess")).body["policies"]).toEqual([
      "ReadOnlyAccess",
    ]);
    expect((await call("PUT", "/groups/staff/users/member")).body["users"]).toEqual(["member"]);
    expect((await call("GET", "/users/member")).body).toMatchObject({ groups: ["staff"], policies: [] });
    expect((await call("GET", "/policies/ReadOnlyAccess")).body).toMatchObject({ groups: ["staff"] });
    expect((await call("DELETE", "/groups/staff/users/member")).body["users"]).toEqual([]);
    expect(faultOf(await call("POST", "/groups", { name: "staff" }))).toBe("409 GroupExists");
    expect((await call("DELETE", "/groups/staff")).status).toBe(200);
    expect(faultOf(await call("PUT", "/groups/staff/users/member"))).toBe("404 GroupNotFound");
  });

  it("are changed in what is given alone", async () => {
    await call("POST", "/roles", { name: "changing", description: "first" });
    const trusted = "acs:ram::1234567890123456:user/bob";
    const Statement = [{ Effect: "Allow", Action: "sts:AssumeRole", Principal: { RAM: [trusted] } }];
    const trustPolicy = JSON.stringify({ Version: "1", Statement });
    const changed = await call("PATCH", "/roles/changing", { trustPolicy, sessionSMax: 7200 });
    expect(changed.body).toMatchObject({ description: "first", trustPolicy, sessionSMax: 7200 });
    await call("POST", "/policies", { name: "changing", document, description: "first" });
    const policy = await call("PATCH", "/policies/changing", { description: "second" });
    expect(policy.body).toMatchObject({ description: "second", document });
  });

  it("rotate a key for its owner, the old one going on or not", async () => {
    await call("POST", "/users", { name: "rotating" });
    const first = await call("POST", "/access-keys", { user: "rotating" });
    const second = await call("POST", `/access-keys/${String(first.body["accessKeyId"])}/rotate`, {});
    expect(second.body).toMatchObject({
      user: "rotating",
      accessKeySecret: expect.any(String),
      replaces: { accessKeyId: first.body["accessKeyId"], status: "active" },
    });
    const third = await call("POST", `/access-keys/${String(second.body["accessKeyId"])}/rotate`, {
      disable: true,
    });
    expect(third.body).toMatchObject({ replaces: { status: "inactive" } });
  });

  it.each<["GET" | "POST" | "PUT" | "PATCH" | "DELETE", string, object | undefined, string]>([
    ["GET", "/users/nobody", undefined, "404 UserNotFound"],
    ["DELETE", "/roles/none", undefined, "404 RoleNotFound"],
    ["GET", "/policies/none", undefined, "404 PolicyNotFound"],
    ["PUT", "/users/nobody/policies/ReadOnlyAccess", undefined, "404 UserNotFound"],
    ["POST", "/users", { name: "a b" }, "400 InputInvalid"],
    ["POST", "/users", {}, "400 InputMissing"],
    ["POST", "/users", { name: "x", password: "y" }, "400 InputInvalid"],
    ["POST", "/policies", { name: "bad", document: "{}" }, "400 PolicyMalformed"],
    ["POST", "/roles", { name: "bad", trustPolicy: document }, "400 PolicyMalformed"],
    ["POST", "/roles", { name: "bad", sessionSMax: 60 }, "400 InputOutOfRange"],
    ["POST", "/access-keys", { user: "nobody" }, "404 UserNotFound"],
    ["POST", "/access-keys/LTAInone/rotate", {}, "404 AccessKeyNotFound"],
  ])("answer %s %s with what is wrong", async (method, path, body, expected) => {
    expect(faultOf(await call(method, path, body))).toBe(expected);
  });

  it("refuse what there is already, and a policy that was not attached", async () => {
    await call("POST", "/users", { name: "twice" });
    await call("POST", "/roles", { name: "twice" });
    expect(faultOf(await call("POST", "/users", { name: "twice" }))).toBe("409 UserExists");
    expect(faultOf(await call("POST", "/roles", { name: "twice" }))).toBe("409 RoleExists");
    expect(faultOf(await call("DELETE", "/users/twice/policies/ReadOnlyAccess"))).toBe("404 PolicyNotFound");
    expect(faultOf(await call("PUT", "/users/twice/policies/none"))).toBe("404 PolicyNotFound");
  });

  it("say of an https that is off that it is", async () => {
    expect(faultOf(await call("GET", "/tls"))).toBe("400 Unsupported");
  });
});

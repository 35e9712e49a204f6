import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { systemClock, unwrap } from "../../../src/base/mod.ts";
import { callHuawei } from "../../support/huawei-client.ts";
import { type HuaweiServer, makeStream, startHuaweiServer } from "./fixture.ts";

let server: HuaweiServer;
let flowLogs: string;
let skewMs = 0;

beforeAll(async () => {
  const clock = { nowMs: () => systemClock.nowMs() + skewMs, monotonicMs: () => systemClock.monotonicMs() };
  server = await startHuaweiServer({ clock });
  flowLogs = `/v1/${server.project.id}/fl/flow_logs`;
});
afterAll(() => server.stop());

interface Wanted {
  readonly name?: string;
  readonly password?: string;
  readonly domain?: object;
  readonly scope?: object;
}

async function tokenOf({ name = "default", domain = { name: "default" }, scope, ...rest }: Wanted = {}) {
  const password = rest.password ?? server.key.accessKeySecret;
  const identity = { methods: ["password"], password: { user: { name, password, domain } } };
  const auth = { identity, ...(scope === undefined ? {} : { scope }) };
  return callHuawei(server.access, "POST", "/v3/auth/tokens", { auth }, { token: "" });
}

const projectScope = { project: { name: "eu-de" } };

describe("a token", () => {
  it("is good for the project that it was asked for, and has the catalog that clients find services by", async () => {
    const answer = await tokenOf({ scope: projectScope });
    expect(answer.status).toBe(201);
    const token = answer.headers.get("x-subject-token")!;
    const { id } = server.project;
    expect(answer.body.token).toMatchObject({
      methods: ["password"],
      user: { name: "default", domain: { name: "default" } },
      project: { id, name: "eu-de", domain: { name: "default" } },
    });
    expect(Date.parse(answer.body.token.expires_at) - Date.parse(answer.body.token.issued_at)).toBe(
      86_400_000,
    );
    const urls = Object.fromEntries(
      answer.body.token.catalog.map(
        (each: { type: string; endpoints: { url: string; region: string }[] }) => [
          each.type,
          each.endpoints[0]!.url.replace(server.access.endpoint, ""),
        ],
      ),
    );
    expect(urls).toMatchObject({
      identity: "/v3",
      network: "",
      vpc: `/v1/${id}`,
      volumev2: `/v2/${id}`,
      lts: `/v2/${id}`,
      ltsv2: `/v2/${id}`,
    });
    const listed = await callHuawei(server.access, "GET", flowLogs, undefined, { token });
    expect([listed.status, listed.body]).toEqual([200, { flow_logs: [] }]);
    const { body } = await server.call("GET", "/v3/projects?name=eu-nl");
    const other = `/v1/${body.projects[0].id}/fl/flow_logs`;
    const foreign = await callHuawei(server.access, "GET", other, undefined, { token });
    expect([foreign.status, foreign.body.code]).toEqual([400, "VPC.0007"]);
  });

  it("of the domain is good for no project", async () => {
    const answer = await tokenOf({ scope: { domain: { name: "default" } } });
    expect(answer.body.token.domain.name).toBe("default");
    expect(answer.body.token.project).toBeUndefined();
    const token = answer.headers.get("x-subject-token")!;
    const listed = await callHuawei(server.access, "GET", flowLogs, undefined, { token });
    expect([listed.status, listed.body.code]).toEqual([403, "VPC.2701"]);
    const projects = await callHuawei(server.access, "GET", "/v3/auth/projects", undefined, { token });
    expect(projects.body.projects.length).toBeGreaterThan(10);
  });

  it("is asked for by the id of a key as well, and by another token with that one's end", async () => {
    const first = await tokenOf({ name: server.key.accessKeyId, scope: projectScope });
    expect(first.status).toBe(201);
    const id = first.headers.get("x-subject-token")!;
    const auth = {
      identity: { methods: ["token"], token: { id } },
      scope: { project: { id: server.project.id } },
    };
    skewMs = 60_000;
    const second = await callHuawei(
      server.access,
      "POST",
      "/v3/auth/tokens?nocatalog=1",
      { auth },
      { token: "" },
    );
    skewMs = 0;
    expect(second.status).toBe(201);
    expect(second.body.token.expires_at).toBe(first.body.token.expires_at);
    expect(second.body.token.catalog).toBeUndefined();
  });

  it("is shown to its own account", async () => {
    const first = await tokenOf({ scope: projectScope });
    const token = first.headers.get("x-subject-token")!;
    const headers = { "x-subject-token": token };
    const shown = await server.call("GET", "/v3/auth/tokens", undefined, { headers });
    expect(shown.status).toBe(200);
    expect(shown.headers.get("x-subject-token")).toBe(token);
    expect(shown.body).toEqual(first.body);
    const none = await server.call("GET", "/v3/auth/tokens", undefined, {
      headers: { "x-subject-token": "weir.a.b" },
    });
    expect([none.status, none.body.error.code]).toEqual([404, 404]);
  });

  it.each([
    ["another password", { password: "wrong" }],
    ["another user", { name: "nobody" }],
    ["another domain", { domain: { name: "OTC0000" } }],
    ["another project", { scope: { project: { name: "moon" } } }],
    ["a scope of another domain", { scope: { domain: { id: "0".repeat(32) } } }],
  ])("is not given for %s", async (_what, wanted) => {
    const answer = await tokenOf(wanted);
    expect(answer.status).toBe(401);
    expect(answer.body.error).toMatchObject({ code: 401, title: "Unauthorized" });
    expect(answer.headers.get("x-subject-token")).toBeNull();
  });

  it.each(["{}", "no json", '{"auth":{"identity":{"methods":["totp"]}}}'])(
    "is not given for the body %j",
    async (body) => {
      const answer = await callHuawei(server.access, "POST", "/v3/auth/tokens", body, { token: "" });
      expect([answer.status, answer.body.error.code]).toEqual([400, 400]);
    },
  );

  it("is not given for more words than anybody needs", async () => {
    const answer = await callHuawei(server.access, "POST", "/v3/auth/tokens", "x".repeat(65 * 1024), {
      token: "",
    });
    expect([answer.status, answer.body.error.message]).toEqual([400, "the body is too large"]);
  });

  it("that is changed, made up or of yesterday is refused by each service in its words", async () => {
    const token = (await tokenOf({ scope: projectScope })).headers.get("x-subject-token")!;
    const [, payload = "", seal = ""] = token.split(".");
    const other = Buffer.from(payload, "base64url").toString().replace(server.project.id, "0".repeat(32));
    const tokens = [
      "",
      "nonsense",
      `weir.${Buffer.from(other).toString("base64url")}.${seal}`,
      `weir.${payload}.${seal.startsWith("A") ? "B" : "A"}${seal.slice(1)}`,
    ];
    for (const each of tokens) {
      const vpc = await callHuawei(server.access, "GET", flowLogs, undefined, { token: each });
      expect([vpc.status, vpc.body.code]).toEqual([401, "VPC.0008"]);
    }
    skewMs = 86_400_001;
    const vpc = await callHuawei(server.access, "GET", flowLogs, undefined, { token });
    const lts = await callHuawei(server.access, "GET", `/v2/${server.project.id}/groups`, undefined, {
      token,
    });
    const iam = await callHuawei(server.access, "GET", "/v3/projects", undefined, { token });
    skewMs = 0;
    expect([vpc.status, vpc.body.code, vpc.body.message]).toEqual([
      401,
      "VPC.0008",
      "Invalid token in the header.",
    ]);
    expect([lts.status, lts.body.error_code]).toEqual([401, "LTS.0003"]);
    expect([iam.status, iam.body.error.code]).toEqual([401, 401]);
  });

  it("is worth nothing once its key is disabled", async () => {
    const { accountId } = server.key;
    const key = unwrap(server.control.accessKeys.create(accountId));
    const answer = await tokenOf({
      name: key.accessKeyId,
      password: key.accessKeySecret,
      scope: projectScope,
    });
    const token = answer.headers.get("x-subject-token")!;
    const listed = async () =>
      (await callHuawei(server.access, "GET", flowLogs, undefined, { token })).status;
    expect(await listed()).toBe(200);
    unwrap(server.control.accessKeys.setStatus(accountId, key.accessKeyId, "inactive"));
    expect(await listed()).toBe(401);
    const again = await tokenOf({ name: key.accessKeyId, password: key.accessKeySecret });
    expect(again.status).toBe(401);
  });
});

describe("a signed request", () => {
  it.each([false, true])("is taken in the scheme with a derived key: %s", async (isDerived) => {
    const listed = await server.call("GET", `${flowLogs}?limit=10&name=a%20b%2Bc`, undefined, { isDerived });
    expect([listed.status, listed.body]).toEqual([200, { flow_logs: [] }]);
  });

  it("is refused by the gateway with APIGW.0301 and the reason", async () => {
    const wrong = { ...server.access, accessKeySecret: "another secret" };
    const mismatch = await callHuawei(wrong, "GET", flowLogs);
    expect(mismatch.status).toBe(401);
    expect(mismatch.body).toMatchObject({ error_code: "APIGW.0301", request_id: expect.any(String) });
    expect(mismatch.body.error_msg).toMatch(
      /^Incorrect IAM authentication information: verify aksk signature fail, canonicalRequest:GET\|\/v1\//u,
    );
    const unknown = await callHuawei({ ...server.access, accessKeyId: "LTAInone" }, "GET", flowLogs);
    expect(unknown.body.error_msg).toContain("ak LTAInone not exist");
    const old = await server.call("GET", flowLogs, undefined, { atMs: Date.now() - 16 * 60_000 });
    expect(old.body.error_msg).toContain("signature expired, signature time:");
    const none = await fetch(server.access.endpoint + flowLogs);
    expect([none.status, ((await none.json()) as { code: string }).code]).toEqual([401, "VPC.0008"]);
  });

  it("for a project of nobody or of another account is refused with VPC.0007 and LTS.0011", async () => {
    const vpc = await server.call("GET", `/v1/${"0".repeat(32)}/fl/flow_logs`);
    expect([vpc.status, vpc.body.code, vpc.body.message]).toEqual([
      400,
      "VPC.0007",
      "Inconsistent tenant IDs.",
    ]);
    const lts = await server.call("GET", `/v2/${"0".repeat(32)}/groups`);
    expect([lts.status, lts.body.error_code, lts.body.error_msg]).toEqual([
      403,
      "LTS.0011",
      "Invalid projectId",
    ]);
  });

  it.each([
    ["GET", "/v1/x/routers", "The API does not exist or has not been published in the environment"],
    ["PATCH", "/v1/x/fl/flow_logs", "The API does not exist: method PATCH not found"],
    ["POST", "/v2/x/log-dump/obs", "The API does not exist or has not been published in the environment"],
  ])("to %s %s finds no API", async (method, path, message) => {
    const answer = await server.call(
      method,
      path.replace("x", server.project.id),
      method === "GET" ? undefined : {},
    );
    expect(answer.status).toBe(404);
    expect(answer.body).toMatchObject({ error_code: "APIGW.0101", error_msg: message });
  });

  it("with a body that is too large is not read to its end", async () => {
    const answer = await server.call("POST", flowLogs, "x".repeat(1024 * 1024 + 1));
    expect(answer.status).toBe(413);
  });
});

describe("policies", () => {
  it("allow a user what they say, and deny the rest in each service's words", async () => {
    const { accountId } = server.key;
    const { access, accessKeys } = server.control;
    const { groupId, streamId } = makeStream(server);
    const user = unwrap(access.users.create(accountId, "reader"));
    const document = JSON.stringify({
      Version: "1",
      Statement: [
        { Effect: "Allow", Action: ["vpc:flowLogs:get", "lts:*"], Resource: "*" },
        { Effect: "Deny", Action: "lts:logs:list", Resource: `*:group/${groupId}/*` },
      ],
    });
    unwrap(access.policies.create(accountId, "reading", { document }));
    unwrap(access.policies.attach(accountId, "reading", user.id));
    const key = unwrap(accessKeys.create(accountId, { userId: user.id }));
    const as = { ...server.access, ...key };
    const call = async (method: string, target: string, body?: object) =>
      callHuawei(as, method, target, body);
    expect((await call("GET", flowLogs)).status).toBe(200);
    const denied = await call("POST", flowLogs, { flow_log: {} });
    expect([denied.status, denied.body.code, denied.body.message]).toEqual([
      403,
      "VPC.2201",
      "Policy doesn't allow <vpc:flowLogs:create> to be performed",
    ]);
    expect((await call("GET", `/v2/${server.project.id}/groups`)).status).toBe(200);
    const range = { start_time: 1, end_time: 2 };
    const query = await call(
      "POST",
      `/v2/${server.project.id}/groups/${groupId}/streams/${streamId}/content/query`,
      range,
    );
    const counted = await call("POST", `/v2/${server.project.id}/lts/keyword-count`, {
      group_id: groupId,
      stream_id: streamId,
      ...range,
    });
    for (const { status, body } of [query, counted])
      expect([status, body.error_code]).toEqual([403, "LTS.0003"]);
    const token = await tokenOf({ name: "reader", password: key.accessKeySecret, scope: projectScope });
    expect(token.body.token.user.name).toBe("reader");
    const deleted = await callHuawei(server.access, "DELETE", `${flowLogs}/${streamId}`, undefined, {
      token: token.headers.get("x-subject-token")!,
    });
    expect(deleted.body.code).toBe("VPC.2201");
  });

  it("deny a flow log in whichever case its id is written", async () => {
    const { accountId } = server.key;
    const { access, accessKeys, flowLogs: kept } = server.control;
    const group = unwrap(server.groups.create(server.project, { name: "careful", retentionDays: 7 }));
    const stream = unwrap(server.groups.createStream(server.project, group.id, { name: "careful" }));
    const made = await server.call("POST", flowLogs, {
      flow_log: {
        resource_type: "port",
        resource_id: server.resource("eth0").uuid,
        traffic_type: "all",
        log_group_id: group.id,
        log_topic_id: stream.id,
      },
    });
    const id = made.body.flow_log.id as string;
    const user = unwrap(access.users.create(accountId, "careful"));
    const document = JSON.stringify({
      Version: "1",
      Statement: [
        { Effect: "Allow", Action: "vpc:*", Resource: "*" },
        { Effect: "Deny", Action: "vpc:*", Resource: `acs:vpc:*:*:flowlog/${id}` },
      ],
    });
    unwrap(access.policies.create(accountId, "careful", { document }));
    unwrap(access.policies.attach(accountId, "careful", user.id));
    const as = { ...server.access, ...unwrap(accessKeys.create(accountId, { userId: user.id })) };
    for (const name of [id, id.toUpperCase()]) {
      for (const method of ["GET", "DELETE"]) {
        expect((await callHuawei(as, method, `${flowLogs}/${name}`)).body.code).toBe("VPC.2201");
      }
    }
    expect(kept.find(id)).toBeDefined();
  });
});

describe("the identity service", () => {
  it("names its version to clients that have its address alone", async () => {
    const root = await fetch(`${server.access.endpoint}/`);
    expect(root.status).toBe(300);
    expect(await root.json()).toMatchObject({
      versions: { values: [{ id: "v3.6", links: [{ rel: "self", href: `${server.access.endpoint}/v3/` }] }] },
    });
    const version = await fetch(`${server.access.endpoint}/v3/`);
    expect([version.status, await version.json()]).toMatchObject([200, { version: { id: "v3.6" } }]);
  });

  it("finds a project by its name, exactly one", async () => {
    const found = await server.call("GET", "/v3/projects?name=eu-de");
    expect(found.body.projects).toEqual([
      expect.objectContaining({ id: server.project.id, name: "eu-de", enabled: true, is_domain: false }),
    ]);
    expect(found.body.links).toMatchObject({ next: null, previous: null });
    const none = await server.call("GET", "/v3/projects?name=eu");
    expect(none.body.projects).toEqual([]);
    const one = await server.call("GET", `/v3/projects/${server.project.id}`);
    expect(one.body.project.name).toBe("eu-de");
    const missing = await server.call("GET", "/v3/projects/abc");
    expect([missing.status, missing.body.error.title]).toEqual([404, "Not Found"]);
    const page = await server.call("GET", "/v3/projects?page=2&per_page=3");
    expect(page.body.projects).toHaveLength(3);
    const bad = await server.call("GET", "/v3/projects?page=0");
    expect(bad.status).toBe(400);
  });

  it("has one domain, the account, and shows the caller as its user", async () => {
    const domains = await server.call("GET", "/v3/auth/domains");
    expect(domains.body.domains).toHaveLength(1);
    expect(domains.body.domains[0].name).toBe("default");
    const users = await server.call("GET", "/v3/users?name=default");
    expect(users.body.users).toEqual([
      expect.objectContaining({ name: "default", domain_id: domains.body.domains[0].id }),
    ]);
  });
});

import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { compileKeywords } from "../../../src/query/lts-search/keyword.ts";
import { type HuaweiServer, makeStream, startHuaweiServer } from "./fixture.ts";

let server: HuaweiServer;
let paths: readonly string[];

beforeAll(async () => {
  server = await startHuaweiServer();
  const { groupId, streamId } = makeStream(server);
  const { id } = server.project;
  paths = [
    "/v3/auth/tokens",
    "/v3/auth/catalog",
    "/v3/projects",
    `/v1/${id}/fl/flow_logs`,
    `/v1/${id}/fl/flow_logs/${streamId}`,
    `/v1/${id}/quotas`,
    `/v2/${id}/groups`,
    `/v2/${id}/groups/${groupId}`,
    `/v2/${id}/groups/${groupId}/streams`,
    `/v2/${id}/groups/${groupId}/streams/${streamId}/content/query`,
    `/v2/${id}/lts/keyword-count`,
    `/v1/${id}/groups/${groupId}/tags/action`,
    `/v2.0/${id}/log-groups`,
  ];
});
afterAll(() => server.stop());

/** Words of the APIs in places where they do not belong, beside anything else. */
const names = fc.constantFrom(
  "flow_log",
  "name",
  "description",
  "resource_type",
  "resource_id",
  "traffic_type",
  "log_group_id",
  "log_topic_id",
  "admin_state",
  "log_group_name",
  "log_stream_name",
  "ttl_in_days",
  "tags",
  "action",
  "start_time",
  "end_time",
  "keywords",
  "line_num",
  "limit",
  "auth",
  "identity",
  "methods",
  "scope",
  "__proto__",
  "constructor",
);
const values = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<unknown>(null, true, -1, 0, 1e308, 2 ** 53, "port", "all", "password", ""),
    fc.string(),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(names, tie("value"), { maxKeys: 5 }),
  ),
})).value;

describe("a request of anything", () => {
  it("is answered in the service's words, and never with an error of Weir's own", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("GET", "POST", "PUT", "DELETE"),
        fc.nat(),
        fc.oneof(
          values.map((value) => JSON.stringify(value)),
          fc.string(),
        ),
        fc.dictionary(
          fc.constantFrom("limit", "marker", "name", "page", "per_page", "type", "offset", "nocatalog"),
          fc.string(),
          { maxKeys: 3 },
        ),
        async (method, place, body, query) => {
          const search = new URLSearchParams(query).toString();
          const path = paths[place % paths.length]!;
          const target = search === "" ? path : `${path}?${search}`;
          const answer = await server.call(method, target, method === "GET" ? undefined : body);
          expect(answer.status, `${method} ${target} ${body}`).toBeLessThan(500);
          if (answer.status >= 400) expect(answer.body.code ?? answer.body.error.code).toBeDefined();
        },
      ),
      { numRuns: 400 },
    );
  }, 60_000);

  it("with any token is refused, in time", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string({ unit: "grapheme-ascii" }),
          fc.tuple(fc.base64String(), fc.base64String()).map(([a, b]) => `weir.${a}.${b}`),
          values.map(
            (value) => `weir.${Buffer.from(JSON.stringify(value)).toString("base64url")}.${"A".repeat(43)}`,
          ),
        ),
        async (token) => {
          const sent = token.replaceAll(/[^\u0021-\u007e]/gu, "x") || "x";
          const answer = await server.call("GET", paths[3]!, undefined, { token: sent });
          expect([answer.status, answer.body.code]).toEqual([401, "VPC.0008"]);
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe("keywords of anything", () => {
  it("are a search or a fault, and in time that grows with their length alone", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), fc.nat({ max: 40 }), (text, times) => {
        const began = performance.now();
        const compiled = compileKeywords(text.repeat(times).slice(0, 10_000));
        if (!compiled.ok)
          expect(["QuerySyntax", "QueryTooComplex", "QueryUnsupported"]).toContain(compiled.fault.code);
        expect(performance.now() - began).toBeLessThan(2000);
      }),
      { numRuns: 300 },
    );
    for (const text of [
      '"'.repeat(9999),
      ":".repeat(10_000),
      "a:".repeat(5000),
      "\\".repeat(10_000),
      '"\\'.repeat(5000),
    ]) {
      const began = performance.now();
      compileKeywords(text);
      expect(performance.now() - began).toBeLessThan(2000);
    }
  });
});

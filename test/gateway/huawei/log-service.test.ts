import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { ok } from "../../../src/base/mod.ts";
import type { LogReaderStore } from "../../../src/query/mod.ts";
import { type HuaweiServer, makeStream, startHuaweiServer } from "./fixture.ts";

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/u;

let server: HuaweiServer;
let base: string;
let old: string;
let sqls: string[];

beforeEach(async () => {
  sqls = [];
  const store: LogReaderStore = {
    query: async (sql) => {
      sqls.push(sql);
      const rows = sql.includes("count()") && sql.includes("FROM flows") ? [["0", "7"]] : [];
      return Promise.resolve(ok({ rows, rowsRead: 0, elapsedMs: 1, columns: [] }));
    },
  };
  server = await startHuaweiServer({ store, control: { logProjects: { groupsMax: 3, streamsMax: 3 } } });
  base = `/v2/${server.project.id}/groups`;
  old = `/v2.0/${server.project.id}/log-groups`;
});
afterEach(() => server.stop());

async function createGroup(name = "lts-group-01nh"): Promise<string> {
  const { status, body } = await server.call("POST", base, { log_group_name: name, ttl_in_days: 7 });
  expect(status).toBe(201);
  expect(Object.keys(body)).toEqual(["log_group_id"]);
  expect(body.log_group_id).toMatch(uuid);
  return body.log_group_id;
}

async function createStream(groupId: string, name = "lts-stream-13ci"): Promise<string> {
  const { status, body } = await server.call("POST", `${base}/${groupId}/streams`, { log_stream_name: name });
  expect(status).toBe(201);
  return body.log_stream_id;
}

describe("log groups", () => {
  it("are made with 201, listed, changed by POST with 200 and deleted with 204", async () => {
    const id = await createGroup();
    const listed = await server.call("GET", base);
    expect(listed.body.log_groups).toEqual([
      {
        creation_time: expect.any(Number),
        log_group_name: "lts-group-01nh",
        log_group_id: id,
        ttl_in_days: 7,
        tag: { _sys_enterprise_project_id: "0" },
        log_group_name_alias: "",
      },
    ]);
    const changed = await server.call("POST", `${base}/${id}`, { ttl_in_days: 8 });
    expect([changed.status, changed.body.ttl_in_days]).toEqual([200, 8]);
    const gone = await server.call("DELETE", `${base}/${id}`);
    expect([gone.status, gone.text]).toEqual([204, ""]);
    const again = await server.call("DELETE", `${base}/${id}`);
    expect([again.status, again.body.error_code, again.body.error_msg]).toEqual([
      404,
      "LTS.0201",
      "The log group is not existed",
    ]);
  });

  it.each([
    [{ log_group_name: "a" }, "LTS.0009"],
    [{ ttl_in_days: 7 }, "LTS.0009"],
    [{ log_group_name: ".a", ttl_in_days: 7 }, "LTS.0009"],
    [{ log_group_name: "a", ttl_in_days: 0 }, "LTS.0106"],
    [{ log_group_name: "a", ttl_in_days: 366 }, "LTS.0106"],
    ["no json", "LTS.0007"],
  ])("refuse %j with %s", async (body, code) => {
    const answer = await server.call("POST", base, body);
    expect([answer.status, answer.body.error_code]).toEqual([400, code]);
  });

  it("refuse a name that is taken, and one more than the quota", async () => {
    for (const name of ["a", "b", "c"]) await createGroup(name);
    const taken = await server.call("POST", base, { log_group_name: "a", ttl_in_days: 7 });
    expect([taken.status, taken.body.error_code]).toEqual([400, "LTS.0101"]);
    const more = await server.call("POST", base, { log_group_name: "d", ttl_in_days: 7 });
    expect([more.status, more.body.error_code]).toEqual([400, "LTS.0104"]);
  });

  it("take tags, and give them back", async () => {
    const id = await createGroup();
    const target = `/v1/${server.project.id}/groups/${id}/tags/action`;
    const tags = [{ key: "team", value: "net" }];
    expect((await server.call("POST", target, { action: "create", tags })).status).toBe(200);
    const tagOf = async () => (await server.call("GET", base)).body.log_groups[0].tag;
    expect(await tagOf()).toEqual({ _sys_enterprise_project_id: "0", team: "net" });
    expect((await server.call("POST", target, { action: "delete", tags })).status).toBe(200);
    expect(await tagOf()).toEqual({ _sys_enterprise_project_id: "0" });
  });
});

describe("log streams", () => {
  it("are made with 201, listed, kept for days of their own and deleted with 204", async () => {
    const groupId = await createGroup();
    const id = await createStream(groupId);
    const streams = `${base}/${groupId}/streams`;
    expect((await server.call("GET", streams)).body.log_streams).toEqual([
      {
        creation_time: expect.any(Number),
        log_stream_name: "lts-stream-13ci",
        log_stream_id: id,
        filter_count: 0,
        tag: {},
        is_favorite: false,
        log_stream_name_alias: "",
        ttl_in_days: -1,
        hot_storage_days: -1,
        hot_cold_separation: false,
        whether_log_storage: true,
        auth_web_tracking: false,
      },
    ]);
    const kept = await server.call("PUT", `${base}/${groupId}/streams-ttl/${id}`, { ttl_in_days: 3 });
    expect([kept.status, kept.body.ttl_in_days]).toEqual([200, 3]);
    const asGroup = await server.call("PUT", `${base}/${groupId}/streams-ttl/${id}`, { ttl_in_days: -1 });
    expect([asGroup.status, asGroup.body.ttl_in_days]).toEqual([200, -1]);
    const tags = [{ key: "a", value: "b" }];
    const tagged = await server.call("POST", `/v1/${server.project.id}/topics/${id}/tags/action`, {
      action: "create",
      tags,
    });
    expect(tagged.status).toBe(200);
    const all = await server.call("GET", `/v2/${server.project.id}/log-streams?log_group_name=lts&limit=1`);
    expect(all.body.log_streams).toMatchObject([{ log_stream_id: id, tag: { a: "b" }, ttl_in_days: -1 }]);
    expect((await server.call("DELETE", `${streams}/${id}`)).status).toBe(204);
    const again = await server.call("DELETE", `${streams}/${id}`);
    expect([again.status, again.body.error_code]).toEqual([404, "LTS.0208"]);
  });

  it("refuse a name that is taken, one more than the quota, and a group that there is not", async () => {
    const groupId = await createGroup();
    for (const name of ["a", "b", "c"]) await createStream(groupId, name);
    const codeOf = async (group: string, log_stream_name: string) => {
      const { status, body } = await server.call("POST", `${base}/${group}/streams`, { log_stream_name });
      return `${status} ${body.error_code}`;
    };
    expect(await codeOf(groupId, "a")).toBe("400 LTS.0205");
    expect(await codeOf(groupId, "d")).toBe("400 LTS.0206");
    expect(await codeOf("05c4052d-8d14-488f-aa00-19fea5a25fdd", "a")).toBe("404 LTS.0201");
    const unknown = await server.call("POST", `/v1/${server.project.id}/topics/x/tags/action`, {
      action: "create",
      tags: [],
    });
    expect([unknown.status, unknown.body.error_code]).toEqual([404, "LTS.0208"]);
  });
});

describe("the older URIs", () => {
  it("have the same groups and streams, as log groups and log topics", async () => {
    const made = await server.call("POST", old, { log_group_name: "old" });
    expect(made.status).toBe(201);
    const groupId = made.body.log_group_id;
    const group = await server.call("GET", `${old}/${groupId}`);
    expect(group.body).toEqual({
      creation_time: expect.any(Number),
      log_group_name: "old",
      log_group_id: groupId,
      ttl_in_days: 7,
    });
    const topic = await server.call("POST", `${old}/${groupId}/log-topics`, { log_topic_name: "topic" });
    expect(topic.status).toBe(201);
    const { log_topic_id: topicId } = topic.body;
    const shown = await server.call("GET", `${old}/${groupId}/log-topics/${topicId}`);
    expect(shown.body).toMatchObject({ log_topic_name: "topic", index_enabled: true });
    expect((await server.call("GET", `${old}/${groupId}/log-topics`)).body.log_topics).toHaveLength(1);
    expect((await server.call("GET", `${base}/${groupId}/streams`)).body.log_streams).toMatchObject([
      { log_stream_id: topicId, log_stream_name: "topic" },
    ]);
    expect((await server.call("DELETE", `${old}/${groupId}/log-topics/${topicId}`)).status).toBe(204);
    expect((await server.call("GET", old)).body.log_groups).toHaveLength(1);
    expect((await server.call("DELETE", `${old}/${groupId}`)).status).toBe(204);
  });
});

describe("a search", () => {
  async function query(body: object) {
    const { groupId, streamId } = makeStream(server);
    return server.call("POST", `${base}/${groupId}/streams/${streamId}/content/query`, body);
  }

  it("takes numbers and booleans as text, as the service's own examples send them", async () => {
    const answer = await query({
      start_time: "1595659200000",
      end_time: "1595659500000",
      keywords: "log",
      limit: "3",
      is_desc: "false",
      highlight: "True",
      is_count: "true",
    });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ count: 7, logs: [], isQueryComplete: true });
    expect(sqls[0]).toContain("ORDER BY time ASC, position ASC");
  });

  it.each([
    [{}, "LTS.0009"],
    [{ start_time: 2, end_time: 1 }, "LTS.0009"],
    [{ start_time: "soon", end_time: 1 }, "LTS.0009"],
    [{ start_time: 1, end_time: 2, limit: 5001 }, "LTS.0009"],
    [{ start_time: 1, end_time: 2, search_type: "sideways" }, "LTS.0009"],
    [{ start_time: 1, end_time: 2, search_type: "forwards", line_num: "12" }, "LTS.0009"],
    [{ start_time: 1, end_time: 2, is_iterative: true, scroll_id: "12" }, "LTS.0009"],
    [{ start_time: 1, end_time: 2, is_analysis_query: true }, "LTS.0009"],
    [{ start_time: 1, end_time: 2, keywords: "*log" }, "LTS.0301"],
    [{ start_time: 1, end_time: 2, keywords: "?og" }, "LTS.0301"],
  ])("refuses %j with %s", async (body, code) => {
    const answer = await query(body);
    expect([answer.status, answer.body.error_code]).toEqual([400, code]);
  });

  it.each([
    [{ end_time: 1 }, "start_time is missing"],
    [{ start_time: 1, end_time: [] }, "end_time: Invalid input"],
  ])("says of %j that %s", async (body, message) => {
    expect((await query(body)).body.error_msg).toBe(message);
  });

  it("of a stream that there is not is answered with 404", async () => {
    const target = `${base}/${await createGroup()}/streams/05c4052d-8d14-488f-aa00-19fea5a25fdd/content/query`;
    const answer = await server.call("POST", target, { start_time: 1, end_time: 2 });
    expect([answer.status, answer.body.error_code]).toEqual([404, "LTS.0208"]);
  });

  it("is counted in even steps", async () => {
    const { groupId, streamId } = makeStream(server);
    const answer = await server.call("POST", `/v2/${server.project.id}/lts/keyword-count`, {
      group_id: groupId,
      stream_id: streamId,
      start_time: 0,
      end_time: 25_000,
      key_word: "accept",
      step_interval: 10_000,
    });
    expect(answer.body).toEqual({
      count: 7,
      histogram: [
        { num: 7, startTime: 0, endTime: 10_000 },
        { num: 0, startTime: 10_000, endTime: 20_000 },
        { num: 0, startTime: 20_000, endTime: 25_000 },
      ],
      isQueryComplete: true,
    });
  });
});

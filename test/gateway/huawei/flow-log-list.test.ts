import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { unwrap } from "../../../src/base/mod.ts";
import { type HuaweiServer, makeStream, startHuaweiServer } from "./fixture.ts";

let server: HuaweiServer;
let base: string;
let sample: Record<string, string>;

beforeEach(async () => {
  server = await startHuaweiServer();
  base = `/v1/${server.project.id}/fl/flow_logs`;
  const { groupId, streamId } = makeStream(server);
  sample = {
    description: "just a test",
    resource_type: "port",
    log_group_id: groupId,
    log_topic_id: streamId,
  };
});
afterEach(() => server.stop());

async function create(fields: Readonly<Record<string, unknown>>) {
  const { body, status } = await server.call("POST", base, { flow_log: { ...sample, ...fields } });
  expect(status).toBe(200);
  return body.flow_log;
}

describe("ListFlowLogs", () => {
  async function createFive(): Promise<string[]> {
    const ids: string[] = [];
    const { log_group_id = "", log_topic_id } = sample;
    const other = unwrap(server.groups.createStream(server.project, log_group_id, { name: "others" }));
    for (const [name, traffic_type, resource, stream] of [
      ["a", "all", "eth0", log_topic_id],
      ["b", "accept", "eth0", log_topic_id],
      ["c", "reject", "eth0", other.id],
      ["d", "all", "eth1", log_topic_id],
      ["e", "accept", "eth1", log_topic_id],
    ] as const) {
      const resource_id = server.resource(resource).uuid;
      ids.push((await create({ name, traffic_type, resource_id, log_topic_id: stream })).id);
    }
    return ids;
  }

  const namesOf = async (query: string): Promise<string[]> => {
    const { body, status } = await server.call("GET", base + query);
    expect(status).toBe(200);
    return body.flow_logs.map((flowLog: { name: string }) => flowLog.name);
  };

  it("pages by limit and marker until a page is empty", async () => {
    const ids = await createFive();
    expect(await namesOf("?limit=2")).toEqual(["a", "b"]);
    expect(await namesOf(`?limit=2&marker=${ids[1]}`)).toEqual(["c", "d"]);
    expect(await namesOf(`?marker=${ids[3]}`)).toEqual(["e"]);
    expect(await namesOf(`?marker=${ids[4]}`)).toEqual([]);
    expect(await namesOf("?limit=0")).toEqual([]);
    expect(await namesOf("?limit=5000")).toHaveLength(5);
  });

  it.each(["marker=05c4052d-8d14-488f-aa00-19fea5a25fde", "limit=-1", "limit=many"])(
    "answers 404 VPC.3001 for %s",
    async (query) => {
      await createFive();
      const answer = await server.call("GET", `${base}?${query}`);
      const [name] = query.split("=");
      expect([answer.status, answer.body.code, answer.body.message]).toEqual([
        404,
        "VPC.3001",
        `resource could not be found, ${name} is invalid.`,
      ]);
    },
  );

  it("filters by each of its fields, exactly, and by several at once", async () => {
    const ids = await createFive();
    expect(await namesOf(`?id=${ids[2]}`)).toEqual(["c"]);
    expect(await namesOf("?name=d")).toEqual(["d"]);
    expect(await namesOf("?traffic_type=ALL")).toEqual(["a", "d"]);
    expect(await namesOf(`?resource_id=${server.resource("eth1").uuid}&traffic_type=accept`)).toEqual(["e"]);
    expect(await namesOf("?resource_type=vpc")).toEqual([]);
    expect(await namesOf(`?log_group_id=${sample["log_group_id"]}&log_store_type=lts`)).toHaveLength(5);
    expect(await namesOf("?log_topic_id=none")).toEqual([]);
    expect(await namesOf("?description=just%20a%20test&status=ACTIVE")).toHaveLength(5);
    expect(await namesOf("?status=DOWN")).toEqual([]);
    expect(await namesOf(`?tenant_id=${server.project.id}`)).toHaveLength(5);
    expect(await namesOf("?name=d&limit=1")).toEqual(["d"]);
  });

  it("shows a project its own alone", async () => {
    await createFive();
    const { body } = await server.call("GET", "/v3/projects?name=eu-nl");
    const other = await server.call("GET", `/v1/${body.projects[0].id}/fl/flow_logs`);
    expect(other.body).toEqual({ flow_logs: [] });
  });
});

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import type { LtsDeps } from "../../../src/gateway/dialect/lts/mod.ts";
import { boundAppends } from "../../../src/gateway/dialect/lts/report.ts";
import { type FlowStore, openFlowStore } from "../../query/flow-store.ts";
import { callHuawei } from "../../support/huawei-client.ts";
import { type HuaweiServer, makeStream, startHuaweiServer } from "./fixture.ts";

const nowMs = 1_586_850_540_000;
const clock = { nowMs: () => nowMs, monotonicMs: () => 0 };

let stored: FlowStore;
let server: HuaweiServer;
let contents: string;
let query: string;
let kept: Parameters<LtsDeps["appendLines"]>[];

beforeAll(async () => {
  stored = await openFlowStore();
  const { store } = stored;
  server = await startHuaweiServer({
    clock,
    store,
    appendLines: async (logstore, lines, labels) => {
      kept.push([logstore, lines, labels]);
      return lines.some(({ content }) => content === "stay away")
        ? { ok: false, fault: { code: "StoreUnavailable", message: "not now", retryable: true } }
        : store.appendLines({ logstore, lines, labels });
    },
  });
  const { groupId, streamId } = makeStream(server);
  const stream = `groups/${groupId}/streams/${streamId}`;
  contents = `/v2/${server.project.id}/lts/${stream}/tenant/contents`;
  query = `/v2/${server.project.id}/${stream}/content/query`;
});
afterAll(async () => {
  await server.stop();
  await stored.close();
});
beforeEach(() => {
  kept = [];
});

const success = { errorCode: "SVCSTG.ALS.200.200", error_msg: "Report success.", result: null };

async function search(keywords: string) {
  const { body } = await server.call("POST", query, {
    start_time: nowMs - 1000,
    end_time: nowMs + 1000,
    keywords,
    highlight: false,
  });
  return body.logs as { content: string; labels: Record<string, string>; line_num: string }[];
}

describe("what is on its way to the store", () => {
  it("is bounded, and free again when it is there", async () => {
    const arrived: (() => void)[] = [];
    const append = boundAppends(
      () => new Promise((resolve) => void arrived.push(() => resolve({ ok: true, value: undefined }))),
      10,
    );
    const line = (content: string) => [{ timeS: 1, nanosecond: 0, content }];
    const first = append(1, line("12345678"), {});
    const second = await append(1, line("123"), {});
    expect(second.ok ? "ok" : second.fault.code).toBe("StoreUnavailable");
    arrived[0]!();
    expect((await first).ok).toBe(true);
    const third = append(1, line("a line that is longer than all"), {});
    arrived[1]!();
    expect((await third).ok).toBe(true);
  });
});

describe("logs that a client reports", () => {
  it("are the service's example: each further line a nanosecond later, to the last digit", async () => {
    // A number of JSON has no such digits once it is read as one.
    const body = `{"log_time_ns": 1586850540000000001, "contents": ["Fri Feb 1 07:48:04 UTC 2019\\n", "second"],
      "labels": {"user_tag": "string"}, "tenant_project_id": "x"}`;
    const answer = await server.call("POST", contents, body);
    expect([answer.status, answer.body]).toEqual([200, success]);
    const found = await search("2019 or second");
    expect(found.map(({ content }) => content)).toEqual(["Fri Feb 1 07:48:04 UTC 2019", "second"]);
    expect(found[0]!.labels).toMatchObject({ user_tag: "string", category: "LTS" });
    expect(found.map(({ line_num }) => line_num.slice(0, 19))).toEqual([
      "1586850540000000001",
      "1586850540000000002",
    ]);
  });

  it("have times of their own in the other form, as numbers or text, packed or not", async () => {
    const body = `{"contents": [{"log_time_ns": 1586850540000000900, "log": "late precise"},
      {"log_time_ns": "1586850540000000800", "log": "early precise"}], "labels": {}}`;
    const answer = await server.call("POST", `${contents}/high-accuracy`, body);
    expect(answer.status).toBe(200);
    expect((await search("precise")).map(({ content }) => content)).toEqual([
      "early precise",
      "late precise",
    ]);
  });

  it("are found and counted to the millisecond, both ends of a range included", async () => {
    const atMs = nowMs - 9500;
    const report = { log_time_ns: `${atMs}999999`, contents: ["between seconds"], labels: {} };
    expect((await server.call("POST", contents, report)).status).toBe(200);
    const within = async (fromMs: number, toMs: number) => {
      const range = { start_time: atMs + fromMs, end_time: atMs + toMs };
      const { body } = await server.call("POST", query, { ...range, keywords: "between", is_count: true });
      expect(body.count).toBe(body.logs.length);
      return body.count as number;
    };
    expect(await within(0, 0)).toBe(1);
    expect(await within(-600, 0)).toBe(1);
    expect(await within(0, 600)).toBe(1);
    expect(await within(1, 600)).toBe(0);
    expect(await within(-600, -1)).toBe(0);
    const [, projectPath, groupId, streamId] = /^(.*)\/groups\/(.+)\/streams\/(.+)\/content/u.exec(query)!;
    const counted = await server.call("POST", `${projectPath}/lts/keyword-count`, {
      group_id: groupId,
      stream_id: streamId,
      start_time: atMs - 500,
      end_time: atMs + 500,
      step_interval: 250,
      key_word: "between",
    });
    const buckets = counted.body.histogram as { num: number }[];
    expect([counted.body.count, ...buckets.map(({ num }) => num)]).toEqual([1, 0, 0, 1, 0]);
  });

  it("are read to the end by an iterative search, page by page", async () => {
    const lines = Array.from({ length: 7 }, (_, index) => `scrolled ${index}`);
    const report = { log_time_ns: `${nowMs}000000`, contents: lines, labels: {} };
    expect((await server.call("POST", contents, report)).status).toBe(200);
    const found: string[] = [];
    let scroll = {};
    for (let page = 0; page < 4; page++) {
      const { body } = await server.call("POST", query, {
        start_time: nowMs - 1000,
        end_time: nowMs + 1000,
        keywords: "scrolled",
        highlight: false,
        limit: 3,
        is_iterative: true,
        ...scroll,
      });
      found.push(...body.logs.map(({ content }: { content: string }) => content));
      if (body.scrollId === undefined) break;
      scroll = { scroll_id: body.scrollId };
    }
    expect(found).toEqual(lines);
  });

  it("can be packed by gzip and snappy", async () => {
    const tokens = await callHuawei(
      server.access,
      "POST",
      "/v3/auth/tokens",
      {
        auth: {
          identity: {
            methods: ["password"],
            password: { user: { name: "default", password: server.key.accessKeySecret } },
          },
          scope: { project: { name: "eu-de" } },
        },
      },
      { token: "" },
    );
    const send = async (body: Uint8Array<ArrayBuffer>, encoding: string) => {
      const answer = await fetch(server.access.endpoint + contents, {
        method: "POST",
        headers: {
          "x-auth-token": tokens.headers.get("x-subject-token")!,
          "content-type": "application/json",
          "content-encoding": encoding,
        },
        body,
      });
      return [answer.status, ((await answer.json()) as { error_code?: string }).error_code];
    };
    const report = `{"log_time_ns": 1586850540000000000, "contents": ["packed"], "labels": {}}`;
    const packed = new Uint8Array(gzipSync(report));
    expect(await send(packed, "gzip")).toEqual([200, undefined]);
    expect(await search("packed")).toHaveLength(1);
    const snappy = readFileSync(join(import.meta.dirname, "../../vectors/snappy/one.snappy"));
    expect(await send(new Uint8Array(snappy), "SNAPPY")).toEqual([200, undefined]);
    expect((await search("packed")).map(({ content }) => content).sort()).toEqual([
      "packed",
      "packed by snappy",
    ]);
    expect(await send(packed, "snappy")).toEqual([400, "LTS.0007"]);
    expect(await send(packed, "lz4")).toEqual([400, "LTS.0009"]);
    expect(await send(packed.slice(0, -4), "gzip")).toEqual([400, "LTS.0007"]);
    const bomb = new Uint8Array(gzipSync(Buffer.alloc(64 * 1024 * 1024, "a")));
    expect(await send(bomb, "gzip")).toEqual([400, "LTS.0009"]);
  });

  it("are left out where their time is more than two days off, as the service does", async () => {
    const dayNs = 86_400n * 1_000_000_000n;
    const at = (days: bigint) => `${BigInt(nowMs) * 1_000_000n + days * dayNs}`;
    const lines = [-3n, -1n, 0n, 1n, 3n].map((days) => ({ log_time_ns: at(days), log: `day ${days}` }));
    const answer = await server.call("POST", `${contents}/high-accuracy`, { contents: lines, labels: {} });
    expect([answer.status, answer.body]).toEqual([200, success]);
    expect(kept[0]![1].map(({ content }) => content)).toEqual(["day -1", "day 0", "day 1"]);
  });

  it("are answered with an error where they could not be stored", async () => {
    const answer = await server.call("POST", contents, {
      log_time_ns: `${nowMs}000000`,
      contents: ["stay away"],
      labels: {},
    });
    expect([answer.status, answer.body.error_code]).toEqual([503, "LTS.0010"]);
  });

  it.each([
    [{ contents: ["a"], labels: {} }],
    [{ log_time_ns: 1586850540000000000, contents: [], labels: {} }],
    [{ log_time_ns: "1586850540", contents: ["a"], labels: {} }],
    [{ log_time_ns: 1.5, contents: ["a"], labels: {} }],
    [{ log_time_ns: "1586850540000000000", contents: ["a"] }],
    [{ log_time_ns: "1586850540000000000", contents: [1], labels: {} }],
    [{ log_time_ns: "1586850540000000000", contents: ["a"], labels: { a: 1 } }],
  ])("are refused in the form %j", async (body) => {
    const answer = await server.call("POST", contents, body);
    expect([answer.status, answer.body.error_code]).toEqual([400, "LTS.0009"]);
    expect(kept).toEqual([]);
  });

  it("for a project of another are refused in the form of the service's intake", async () => {
    const answer = await server.call("POST", contents.replace(server.project.id, "0".repeat(32)), {});
    expect([answer.status, answer.body.errorCode]).toEqual([401, "SVCSTG.ALS.403.105"]);
  });

  it("for a stream that there is not are refused", async () => {
    const other = contents.replace(/streams\/[^/]+/u, "streams/05c4052d-8d14-488f-aa00-19fea5a25fdd");
    const answer = await server.call("POST", other, {
      log_time_ns: `${nowMs}000000`,
      contents: ["a"],
      labels: {},
    });
    expect([answer.status, answer.body.error_code]).toEqual([404, "LTS.0208"]);
  });
});

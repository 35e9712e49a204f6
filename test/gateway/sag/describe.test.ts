/** The parameters of the lists, at and past their bounds, and what the lists hold. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { type Fields, type SagServer, startSagServer } from "./fixture.ts";

let server: SagServer;
beforeAll(async () => {
  server = await startSagServer();
});
afterAll(() => server.stop());
afterEach(() => {
  for (const flowLog of server.control.flowLogs.all()) {
    for (const { id } of server.control.flowLogs.resourcesOf(flowLog.id)) {
      server.control.flowLogs.disassociate(flowLog, flowLog.id, id);
    }
    server.control.flowLogs.remove(flowLog, flowLog.id);
  }
});

const sls = { SlsRegionId: "cn-hangzhou", ProjectName: "weir-project", LogstoreName: "weir-store" };
const netflow = { NetflowServerIp: "192.0.2.7" };
const all = { OutputType: "all", ...sls, ...netflow };

async function create(fields: Fields = { OutputType: "netflow", ...netflow }): Promise<string> {
  const answer = await server.call("CreateFlowLog", fields);
  expect(answer.status, answer.text).toBe(200);
  return answer.body.FlowLogId as string;
}

const outcome = (answer: { status: number; body: { Code?: string } }): string =>
  answer.status === 200 ? "ok" : `${answer.status} ${answer.body.Code}`;

describe("paging", () => {
  const paged: readonly (readonly [Fields, string])[] = [
    [{ PageSize: 0 }, "400 InvalidParameter"],
    [{ PageSize: 1 }, "ok"],
    [{ PageSize: 50 }, "ok"],
    [{ PageSize: 51 }, "400 InvalidParameter"],
    [{ PageSize: "ten" }, "400 InvalidParameter"],
    [{ PageSize: "" }, "ok"],
    [{ PageNumber: 0 }, "400 InvalidParameter"],
    [{ PageNumber: 1 }, "ok"],
    [{ PageNumber: 2147483647 }, "ok"],
    [{ PageNumber: 2147483648 }, "400 InvalidParameter"],
    [{ PageNumber: -1 }, "400 InvalidParameter"],
    [{ PageNumber: "" }, "ok"],
  ];
  it.each(paged)("of both lists by %j is %s", async (fields, expected) => {
    const FlowLogId = await create();
    expect(outcome(await server.call("DescribeFlowLogs", fields))).toBe(expected);
    expect(outcome(await server.call("DescribeFlowLogSags", { FlowLogId, ...fields }))).toBe(expected);
  });

  it("walks all flow logs once, oldest first", async () => {
    const ids: string[] = [];
    for (let index = 0; index < 23; index++) ids.push(await create());
    const seen: string[] = [];
    for (let PageNumber = 1; PageNumber <= 4; PageNumber++) {
      const { body } = await server.call("DescribeFlowLogs", { PageNumber });
      expect(body).toMatchObject({ TotalCount: 23, PageSize: 10, PageNumber });
      seen.push(...body.FlowLogs.FlowLogSetType.map((flowLog: { FlowLogId: string }) => flowLog.FlowLogId));
    }
    expect(seen).toEqual(ids);
  });

  it("walks the gateways of a flow log", async () => {
    const FlowLogId = await create();
    for (const { id } of [server.gateway, server.declared("second")]) {
      expect(outcome(await server.call("AssociateFlowLog", { FlowLogId, SmartAGId: id }))).toBe("ok");
    }
    const { body } = await server.call("DescribeFlowLogSags", { FlowLogId, PageSize: 1, PageNumber: 2 });
    expect(body).toMatchObject({
      TotalCount: 2,
      PageSize: 1,
      PageNumber: 2,
      Sags: { Sag: [{ SmartAGId: server.declared("second").id, Name: "second", Description: "" }] },
    });
  });
});

describe("the filters of DescribeFlowLogs", () => {
  it("match exactly, together, and not at all when empty", async () => {
    const one = await create({ ...all, Name: "one", Description: "first", ResourceGroupId: "rg-one" });
    const two = await create({ OutputType: "sls", ...sls, Name: "two" });
    await server.call("DeactiveFlowLog", { FlowLogId: two });
    const found = async (fields: Fields) => {
      const { body } = await server.call("DescribeFlowLogs", fields);
      return body.FlowLogs.FlowLogSetType.map(
        (flowLog: { FlowLogId: string }) => flowLog.FlowLogId,
      ) as string[];
    };
    expect(
      await found({ FlowLogId: "", FlowLogName: "", Description: "", Status: "", OutputType: "" }),
    ).toEqual([one, two]);
    expect(await found({ FlowLogId: two })).toEqual([two]);
    expect(await found({ FlowLogId: "fl-none" })).toEqual([]);
    expect(await found({ FlowLogName: "one" })).toEqual([one]);
    expect(await found({ FlowLogName: "on" })).toEqual([]);
    expect(await found({ Description: "first" })).toEqual([one]);
    expect(await found({ Description: "first_fake" })).toEqual([]);
    expect(await found({ Status: "Active" })).toEqual([one]);
    expect(await found({ Status: "Inactive" })).toEqual([two]);
    expect(await found({ OutputType: "sls" })).toEqual([two]);
    expect(await found({ ResourceGroupId: "rg-one" })).toEqual([one]);
    expect(await found({ FlowLogName: "one", Status: "Inactive" })).toEqual([]);
    expect(await found({ RegionId: "eu-central-1" })).toEqual([]);
  });

  it.each([
    [{ Status: "active" }, "400 IllegalParam.Status"],
    [{ Status: "toString" }, "400 IllegalParam.Status"],
    [{ OutputType: "none" }, "400 IllegalParam.OutputType"],
    [{ ResourceGroupId: "x" }, "400 InvalidParameter"],
  ])("refuse %j with %s", async (fields, expected) => {
    expect(outcome(await server.call("DescribeFlowLogs", fields as Fields))).toBe(expected);
  });
});

describe("DescribeRegions", () => {
  it.each([
    [{}, "华东2（上海）"],
    [{ AcceptLanguage: "zh-CN" }, "华东2（上海）"],
    [{ AcceptLanguage: "en-US" }, "China (Shanghai)"],
    [{ AcceptLanguage: "ja" }, "中国 (上海)"],
    [{ AcceptLanguage: "tlh" }, "华东2（上海）"],
  ])("with %j calls cn-shanghai %s and names this server as its endpoint", async (fields, LocalName) => {
    const { body } = await server.call("DescribeRegions", { RegionId: "", ...fields });
    expect(body.Regions.Region).toContainEqual({
      RegionId: "cn-shanghai",
      LocalName,
      RegionEndpoint: `127.0.0.1:${server.port}`,
    });
    expect(body.Regions.Region).toHaveLength(10);
  });
});

/** The vendor's SDKs, unmodified, against a listening gateway. */
import { createRequire } from "node:module";

import type * as OpenApi from "@alicloud/openapi-client";
import PopCore from "@alicloud/pop-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { startSagServer, type SagServer } from "../gateway/sag/fixture.ts";

type Call = (action: string, fields: Record<string, unknown>) => Promise<Record<string, unknown>>;

interface TeaClient {
  callApi(
    params: OpenApi.Params,
    request: OpenApi.OpenApiRequest,
    runtime: object,
  ): Promise<Record<string, unknown>>;
}

// The packages are CommonJS; required as such, they look the same to every loader.
const require = createRequire(import.meta.url);
const openapi = require("@alicloud/openapi-client") as Omit<typeof OpenApi, "default"> & {
  readonly default: new (config: OpenApi.Config) => TeaClient;
};
/** tea-util is a dependency of openapi-client and is taken from where that package finds it. */
const requireBeside = createRequire(require.resolve("@alicloud/openapi-client"));
const { RuntimeOptions } = requireBeside("@alicloud/tea-util") as {
  RuntimeOptions: new (map: object) => object;
};

let server: SagServer;
beforeAll(async () => {
  server = await startSagServer();
});
afterAll(() => server.stop());

const version = "2018-03-13";

function popCore(method: "GET" | "POST"): Call {
  const { accessKeyId, accessKeySecret } = server.key;
  const client = new PopCore({
    accessKeyId,
    accessKeySecret,
    endpoint: server.endpoint,
    apiVersion: version,
  });
  return (action, fields) => client.request(action, fields, { method });
}

function openapiClient(place: "query" | "body", signatureAlgorithm?: string): Call {
  const { accessKeyId, accessKeySecret } = server.key;
  const client = new openapi.default(
    new openapi.Config({
      accessKeyId,
      accessKeySecret,
      endpoint: `127.0.0.1:${server.port}`,
      protocol: "http",
      regionId: "cn-shanghai",
      ...(signatureAlgorithm === undefined ? {} : { signatureAlgorithm }),
    }),
  );
  return async (action, fields) => {
    const params = new openapi.Params({
      action,
      version,
      protocol: "HTTP",
      method: "POST",
      authType: "AK",
      style: "RPC",
      pathname: "/",
      reqBodyType: place === "body" ? "formData" : "json",
      bodyType: "json",
    });
    const request = new openapi.OpenApiRequest({ [place]: fields });
    const answer = await client.callApi(params, request, new RuntimeOptions({}));
    return answer["body"] as Record<string, unknown>;
  };
}

describe.each([
  ["pop-core with GET", () => popCore("GET")],
  ["pop-core with POST", () => popCore("POST")],
  ["openapi-client with ACS3 and a query", () => openapiClient("query")],
  ["openapi-client with ACS3 and a form body", () => openapiClient("body")],
  ["openapi-client with the RPC signature", () => openapiClient("query", "v2")],
])("%s", (name, connect) => {
  const region = { RegionId: "cn-shanghai" };

  it("leads a flow log through its whole life", async () => {
    const call = connect();
    const created = await call("CreateFlowLog", {
      ...region,
      Name: `a b*~'()!+&=%/?:@ 流日志 ${name}`,
      Description: "",
      OutputType: "all",
      ActiveAging: 60,
      InactiveAging: 10,
      SlsRegionId: "cn-hangzhou",
      ProjectName: "weir-project",
      LogstoreName: "weir-logstore",
      NetflowServerIp: "127.0.0.1",
      NetflowServerPort: 2055,
      NetflowVersion: "V10",
    });
    expect(created).toEqual({
      RequestId: expect.stringMatching(/^[0-9A-F-]{36}$/u),
      FlowLogId: expect.stringMatching(/^fl-[a-z0-9]{20}$/u),
      ResourceGroupId: expect.stringMatching(/^rg-/u),
    });
    const flowLog = { ...region, FlowLogId: created["FlowLogId"] };
    const bound = { ...flowLog, SmartAGId: server.gateway.id };
    expect(Object.keys(await call("AssociateFlowLog", bound))).toEqual(["RequestId"]);
    expect(await call("DescribeFlowLogs", flowLog)).toEqual({
      RequestId: expect.any(String),
      TotalCount: 1,
      PageSize: 10,
      PageNumber: 1,
      FlowLogs: {
        FlowLogSetType: [
          {
            FlowLogId: created["FlowLogId"],
            Name: `a b*~'()!+&=%/?:@ 流日志 ${name}`,
            Description: "",
            Status: "Active",
            TotalSagNum: 1,
            OutputType: "all",
            ActiveAging: 60,
            InactiveAging: 10,
            SlsRegionId: "cn-hangzhou",
            ProjectName: "weir-project",
            LogstoreName: "weir-logstore",
            NetflowServerIp: "127.0.0.1",
            NetflowServerPort: "2055",
            NetflowVersion: "V10",
            ResourceGroupId: created["ResourceGroupId"],
          },
        ],
      },
    });
    await call("ModifyFlowLogAttribute", { ...flowLog, OutputType: "netflow", InactiveAging: 20 });
    await call("DeactiveFlowLog", flowLog);
    expect(await call("DescribeFlowLogs", flowLog)).toMatchObject({
      FlowLogs: {
        FlowLogSetType: [{ OutputType: "netflow", Status: "Inactive", InactiveAging: 20, ActiveAging: 60 }],
      },
    });
    await call("ActiveFlowLog", flowLog);
    expect(await call("DescribeFlowLogSags", flowLog)).toMatchObject({
      TotalCount: 1,
      Sags: { Sag: [{ SmartAGId: server.gateway.id, Name: "testhost" }] },
    });
    const unbound = (await call("DescribeUnbindFlowLogSags", region)) as {
      Sags: { Sag: { SmartAGId: string }[] };
    };
    expect(unbound.Sags.Sag.map((sag) => sag.SmartAGId)).not.toContain(server.gateway.id);
    await call("DisassociateFlowLog", bound);
    await call("DeleteFlowLog", flowLog);
    expect(await call("DescribeFlowLogs", flowLog)).toMatchObject({
      TotalCount: 0,
      FlowLogs: { FlowLogSetType: [] },
    });
  });

  it("lists the regions", async () => {
    const answer = (await connect()("DescribeRegions", {})) as {
      Regions: { Region: { RegionId: string }[] };
    };
    expect(answer.Regions.Region.map((region) => region.RegionId)).toContain("cn-shanghai");
  });

  it("reads an error as its own", async () => {
    const refused = connect()("DeleteFlowLog", { ...region, FlowLogId: "fl-none" });
    await expect(refused).rejects.toMatchObject({ code: "InvalidFlowLogId.NotFound" });
    await expect(refused).rejects.toThrow("The specified FlowLogId does not exist.");
    await expect(connect()("NoSuchAction", region)).rejects.toMatchObject({ code: "InvalidAction.NotFound" });
  });
});

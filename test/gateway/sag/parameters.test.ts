/** Every parameter of every operation, at and past its bounds. */
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

async function shown(flowLogId: string): Promise<Record<string, unknown>> {
  const answer = await server.call("DescribeFlowLogs", { FlowLogId: flowLogId });
  return answer.body.FlowLogs.FlowLogSetType[0] as Record<string, unknown>;
}

const outcome = (answer: { status: number; body: { Code?: string } }): string =>
  answer.status === 200 ? "ok" : `${answer.status} ${answer.body.Code}`;

/** Value, then what CreateFlowLog and ModifyFlowLogAttribute say to it. */
const settings: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  ActiveAging: [
    ["59", "400 IllegalParam.ActiveAging"],
    ["60", "ok"],
    ["6000", "ok"],
    ["6001", "400 IllegalParam.ActiveAging"],
    ["-60", "400 IllegalParam.ActiveAging"],
    ["300.5", "400 IllegalParam.ActiveAging"],
    ["3e2", "400 IllegalParam.ActiveAging"],
    ["0x12c", "400 IllegalParam.ActiveAging"],
    ["4294967596", "400 IllegalParam.ActiveAging"],
    ["99999999999999999999", "400 IllegalParam.ActiveAging"],
    ["abc", "400 IllegalParam.ActiveAging"],
    [" 300", "400 IllegalParam.ActiveAging"],
    ["", "ok"],
  ],
  InactiveAging: [
    ["9", "400 IllegalParam.InactiveAging"],
    ["10", "ok"],
    ["600", "ok"],
    ["601", "400 IllegalParam.InactiveAging"],
    ["ten", "400 IllegalParam.InactiveAging"],
    ["", "ok"],
  ],
  OutputType: [
    ["sls", "ok"],
    ["netflow", "ok"],
    ["all", "ok"],
    ["SLS", "400 IllegalParam.OutputType"],
    ["kafka", "400 IllegalParam.OutputType"],
    ["constructor", "400 IllegalParam.OutputType"],
    ["", "400 IllegalParam.OutputType"],
  ],
  SlsRegionId: [
    ["cn-shanghai", "ok"],
    ["us-west-1", "ok"],
    ["mars-1", "400 IllegalParam.SlsRegionId"],
    ["", "400 MissingParam.SlsRegionId"],
  ],
  ProjectName: [
    ["weir_project_update", "ok"],
    ["FlowLogProject", "ok"],
    ["p".repeat(128), "ok"],
    ["p".repeat(129), "400 InvalidParameter"],
    ["tab\there", "400 InvalidParameter"],
    ["", "400 MissingParam.ProjectName"],
  ],
  LogstoreName: [
    ["weir_store", "ok"],
    ["l".repeat(128), "ok"],
    ["l".repeat(129), "400 InvalidParameter"],
    ["", "400 MissingParam.LogstoreName"],
  ],
  NetflowServerIp: [
    ["1.0.0.0", "ok"],
    ["127.0.0.1", "ok"],
    ["10.0.0.1", "ok"],
    ["169.254.1.1", "ok"],
    ["223.255.255.255", "ok"],
    ["0.0.0.0", "400 IllegalParam.NetflowServerIp"],
    ["0.1.2.3", "400 IllegalParam.NetflowServerIp"],
    ["224.0.0.1", "400 IllegalParam.NetflowServerIp"],
    ["240.0.0.1", "400 IllegalParam.NetflowServerIp"],
    ["255.255.255.255", "400 IllegalParam.NetflowServerIp"],
    ["256.0.0.1", "400 IllegalParam.NetflowServerIp"],
    ["010.0.0.1", "400 IllegalParam.NetflowServerIp"],
    ["127.1", "400 IllegalParam.NetflowServerIp"],
    ["2130706433", "400 IllegalParam.NetflowServerIp"],
    ["0x7f.0.0.1", "400 IllegalParam.NetflowServerIp"],
    ["::1", "400 IllegalParam.NetflowServerIp"],
    ["::ffff:127.0.0.1", "400 IllegalParam.NetflowServerIp"],
    ["collector.example", "400 IllegalParam.NetflowServerIp"],
    ["192.0.2.7 ", "400 IllegalParam.NetflowServerIp"],
    ["", "400 MissingParam.NetflowServerIp"],
  ],
  NetflowServerPort: [
    ["0", "400 IllegalParam.NetflowServerPort"],
    ["1", "ok"],
    ["65535", "ok"],
    ["65536", "400 IllegalParam.NetflowServerPort"],
    ["-1", "400 IllegalParam.NetflowServerPort"],
    ["http", "400 IllegalParam.NetflowServerPort"],
    ["", "400 MissingParam.NetflowServerPort"],
  ],
  NetflowVersion: [
    ["V5", "ok"],
    ["V9", "ok"],
    ["V10", "ok"],
    ["v9", "400 IllegalParam.NetflowVersion"],
    ["9", "400 IllegalParam.NetflowVersion"],
    ["V8", "400 IllegalParam.NetflowVersion"],
    ["", "400 MissingParam.NetflowVersion"],
  ],
  Name: [
    ["", "ok"],
    ["流日志 <&> \"'", "ok"],
    ["n".repeat(256), "ok"],
    ["n".repeat(257), "400 InvalidParameter"],
    ["bell\u0007", "400 InvalidParameter"],
  ],
  Description: [
    ["", "ok"],
    ["d".repeat(1024), "ok"],
    ["d".repeat(1025), "400 InvalidParameter"],
    ["line\nbreak", "400 InvalidParameter"],
  ],
};

const settingCases = Object.entries(settings).flatMap(([name, values]) =>
  values.map(([value, expected]) => ({ name, value, expected })),
);

describe("CreateFlowLog", () => {
  it.each(settingCases)("with $name=$value is $expected", async ({ name, value, expected }) => {
    expect(outcome(await server.call("CreateFlowLog", { ...all, [name]: value }))).toBe(expected);
  });

  it("gives what is not named its default, active from the start", async () => {
    expect(await shown(await create())).toMatchObject({
      Name: "",
      Description: "",
      Status: "Active",
      TotalSagNum: 0,
      OutputType: "netflow",
      ActiveAging: 300,
      InactiveAging: 15,
      SlsRegionId: "",
      ProjectName: "",
      LogstoreName: "",
      NetflowServerPort: "9995",
      NetflowVersion: "V9",
    });
  });

  const needed: readonly [string, readonly string[]][] = [
    ["sls", ["SlsRegionId", "ProjectName", "LogstoreName"]],
    ["netflow", ["NetflowServerIp"]],
    ["all", ["SlsRegionId", "ProjectName", "LogstoreName", "NetflowServerIp"]],
  ];
  it.each(needed.flatMap(([type, names]) => names.map((name) => [type, name] as const)))(
    "of type %s asks for %s",
    async (OutputType, name) => {
      const fields = Object.fromEntries(
        Object.entries({ ...all, OutputType }).filter(([key]) => key !== name),
      );
      const answer = await server.call("CreateFlowLog", fields);
      expect(answer.body).toMatchObject({
        Code: `MissingParam.${name}`,
        Message: `Specify the ${name} parameter.`,
      });
    },
  );

  it("of one type needs nothing of the other, and clears it by an empty value", async () => {
    const empty = { SlsRegionId: "", ProjectName: "", LogstoreName: "" };
    await create({ OutputType: "netflow", ...netflow, ...empty });
    await create({
      OutputType: "sls",
      ...sls,
      NetflowServerIp: "",
      NetflowServerPort: "",
      NetflowVersion: "",
    });
  });

  it("judges what it is given even where the output is not enabled", async () => {
    const answer = await server.call("CreateFlowLog", {
      OutputType: "sls",
      ...sls,
      NetflowServerIp: "nowhere",
    });
    expect(answer.body.Code).toBe("IllegalParam.NetflowServerIp");
  });

  it("without OutputType is an illegal one, for the table knows no missing one", async () => {
    expect(outcome(await server.call("CreateFlowLog", { ...sls, ...netflow }))).toBe(
      "400 IllegalParam.OutputType",
    );
  });

  it.each([
    ["rg-acfmxyz", "ok"],
    ["", "ok"],
    ["group one", "400 InvalidParameter"],
  ])("with ResourceGroupId=%s is %s", async (ResourceGroupId, expected) => {
    expect(outcome(await server.call("CreateFlowLog", { ...all, ResourceGroupId }))).toBe(expected);
  });

  it("ignores the owner parameters that older SDKs add, and any that it does not know", async () => {
    await create({
      ...all,
      OwnerId: 1,
      OwnerAccount: "a",
      ResourceOwnerId: 2,
      ResourceOwnerAccount: "b",
      Extra: "c",
    });
  });
});

describe("ModifyFlowLogAttribute", () => {
  it.each(settingCases)("to $name=$value is $expected", async ({ name, value, expected }) => {
    const FlowLogId = await create(all);
    const before = await shown(FlowLogId);
    const answer = await server.call("ModifyFlowLogAttribute", { FlowLogId, [name]: value });
    expect(outcome(answer)).toBe(expected);
    const after = await shown(FlowLogId);
    if (expected !== "ok") expect(after).toEqual(before);
    else if (value !== "") expect(String(after[name])).toBe(value);
  });

  it("keeps what is absent", async () => {
    const FlowLogId = await create({
      ...all,
      Name: "n",
      Description: "d",
      ActiveAging: 77,
      NetflowServerPort: 2055,
    });
    const before = await shown(FlowLogId);
    await server.call("ModifyFlowLogAttribute", { FlowLogId });
    expect(await shown(FlowLogId)).toEqual(before);
  });

  it("clears what is empty: texts to nothing, numbers to their default", async () => {
    const FlowLogId = await create({
      ...all,
      Name: "n",
      Description: "d",
      ActiveAging: 77,
      InactiveAging: 33,
    });
    await server.call("ModifyFlowLogAttribute", {
      FlowLogId,
      Name: "",
      Description: "",
      ActiveAging: "",
      InactiveAging: "",
    });
    expect(await shown(FlowLogId)).toMatchObject({
      Name: "",
      Description: "",
      ActiveAging: 300,
      InactiveAging: 15,
    });
  });

  it("judges the merged result: an output may be switched to with settings from before", async () => {
    const FlowLogId = await create(all);
    for (const OutputType of ["sls", "netflow", "all"]) {
      expect(outcome(await server.call("ModifyFlowLogAttribute", { FlowLogId, OutputType }))).toBe("ok");
    }
    expect(await shown(FlowLogId)).toMatchObject(all);
  });

  it("refuses to switch to an output whose settings were never given", async () => {
    const FlowLogId = await create();
    const alone = await server.call("ModifyFlowLogAttribute", { FlowLogId, OutputType: "all" });
    expect(alone.body.Code).toBe("MissingParam.SlsRegionId");
    expect(
      outcome(await server.call("ModifyFlowLogAttribute", { FlowLogId, OutputType: "all", ...sls })),
    ).toBe("ok");
  });

  it("clears the settings of an output that is not enabled, and its port and version to the default", async () => {
    const FlowLogId = await create({ ...all, NetflowServerPort: 2055, NetflowVersion: "V5" });
    const fields = {
      FlowLogId,
      OutputType: "sls",
      NetflowServerIp: "",
      NetflowServerPort: "",
      NetflowVersion: "",
    };
    expect(outcome(await server.call("ModifyFlowLogAttribute", fields))).toBe("ok");
    expect(await shown(FlowLogId)).toMatchObject({
      NetflowServerIp: "",
      NetflowServerPort: "9995",
      NetflowVersion: "V9",
    });
    const back = await server.call("ModifyFlowLogAttribute", { FlowLogId, OutputType: "netflow" });
    expect(back.body.Code).toBe("MissingParam.NetflowServerIp");
  });
});

const onFlowLog = [
  "ModifyFlowLogAttribute",
  "DeleteFlowLog",
  "ActiveFlowLog",
  "DeactiveFlowLog",
  "AssociateFlowLog",
  "DisassociateFlowLog",
  "DescribeFlowLogSags",
];
const inRegion = [...onFlowLog, "CreateFlowLog", "DescribeFlowLogs"];

describe("every operation of a region", () => {
  it.each(inRegion)("%s asks for RegionId and refuses one that is none", async (action) => {
    const missing = await server.call(action, { RegionId: "" });
    expect(missing.body).toMatchObject({
      Code: "MissingParameter",
      Message:
        'The input parameter "RegionId" that is mandatory for processing this request is not supplied.',
    });
    expect(outcome(await server.call(action, { RegionId: "mars-1" }))).toBe("400 IllegalParam.RegionId");
  });

  it("DescribeUnbindFlowLogSags has words of its own for that", async () => {
    const missing = await server.call("DescribeUnbindFlowLogSags", { RegionId: "" });
    expect([missing.status, missing.body.Message]).toEqual([
      403,
      "The input parameter is missing, please check your input.",
    ]);
    const illegal = await server.call("DescribeUnbindFlowLogSags", { RegionId: "mars-1" });
    expect(outcome(illegal)).toBe("400 IllegalParam.RegionId");
    const group = await server.call("DescribeUnbindFlowLogSags", { ResourceGroupId: "group one" });
    expect([group.status, group.body.Code]).toEqual([403, "InvalidParameter"]);
  });

  it.each(onFlowLog)("%s asks for FlowLogId and knows none of another region", async (action) => {
    expect(outcome(await server.call(action))).toBe("400 MissingParam.FlowLogId");
    expect(outcome(await server.call(action, { FlowLogId: "" }))).toBe("400 MissingParam.FlowLogId");
    expect(outcome(await server.call(action, { FlowLogId: "fl-none" }))).toBe(
      "400 InvalidFlowLogId.NotFound",
    );
    const FlowLogId = await create();
    const elsewhere = { FlowLogId, RegionId: "eu-central-1" };
    expect(outcome(await server.call(action, elsewhere))).toBe("400 InvalidFlowLogId.NotFound");
  });

  it.each(["AssociateFlowLog", "DisassociateFlowLog"])(
    "%s asks for SmartAGId and knows none of another region",
    async (action) => {
      const FlowLogId = await create();
      expect(outcome(await server.call(action, { FlowLogId }))).toBe("400 MissingParameter");
      for (const SmartAGId of ["sag-none", server.declared("elsewhere").id, server.declared("eth0").id]) {
        expect(outcome(await server.call(action, { FlowLogId, SmartAGId }))).toBe(
          "400 InvalidSmartAGId.NotFound",
        );
      }
    },
  );
});

/** Every error code that the SAG API answers, provoked by a request. */
import { connect } from "node:net";

import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { sagErrors } from "../../../src/gateway/dialect/sag/mod.ts";
import { type Answer, type Fields, type SagServer, startSagServer } from "./fixture.ts";

let server: SagServer;
beforeAll(async () => {
  server = await startSagServer({ control: { flowLogsMax: 3, createLogTargets: false } });
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

const netflow = { OutputType: "netflow", NetflowServerIp: "127.0.0.1" };
const sls = { OutputType: "sls", SlsRegionId: "cn-shanghai", ProjectName: "p-1", LogstoreName: "l-1" };
const call = (action: string, fields?: Fields): Promise<Answer> => server.call(action, fields);

async function create(): Promise<string> {
  const answer = await call("CreateFlowLog", netflow);
  expect(answer.status, answer.text).toBe(200);
  return answer.body.FlowLogId as string;
}

async function bound(): Promise<{ FlowLogId: string; SmartAGId: string }> {
  const fields = { FlowLogId: await create(), SmartAGId: server.gateway.id };
  expect((await call("AssociateFlowLog", fields)).status).toBe(200);
  return fields;
}

/** Binds a gateway of the name while it could carry a flow log, which it then no longer can. */
async function boundAndDowngraded(
  flowLogSupport: "activeDevice" | "standbyDevice",
): Promise<{ FlowLogId: string }> {
  const hosts = [{ agentId: "agent-test", name: "testhost", interfaces: [] }];
  const declared = server.control.resources.sync({ hosts, declared: [{ name: "pair" }] });
  const pair = declared.ok ? declared.value.find((resource) => resource.name === "pair") : undefined;
  const FlowLogId = await create();
  expect((await call("AssociateFlowLog", { FlowLogId, SmartAGId: pair!.id })).status).toBe(200);
  server.control.resources.sync({ hosts, declared: [{ name: "pair", flowLogSupport }] });
  return { FlowLogId };
}

const provocations: Readonly<Record<keyof typeof sagErrors, () => Promise<Answer>>> = {
  "MissingParam.FlowLogId": () => call("DescribeFlowLogSags"),
  "MissingParam.SlsRegionId": () => call("CreateFlowLog", { ...sls, SlsRegionId: "" }),
  "MissingParam.ProjectName": () => call("CreateFlowLog", { ...sls, ProjectName: "" }),
  "MissingParam.LogstoreName": () => call("CreateFlowLog", { ...sls, LogstoreName: "" }),
  "MissingParam.NetflowServerIp": () => call("CreateFlowLog", { OutputType: "netflow" }),
  "MissingParam.NetflowServerPort": async () =>
    call("ModifyFlowLogAttribute", { FlowLogId: await create(), NetflowServerPort: "" }),
  "MissingParam.NetflowVersion": async () =>
    call("ModifyFlowLogAttribute", { FlowLogId: await create(), NetflowVersion: "" }),
  "IllegalParam.ActiveAging": () => call("CreateFlowLog", { ...netflow, ActiveAging: 59 }),
  "IllegalParam.InactiveAging": () => call("CreateFlowLog", { ...netflow, InactiveAging: 9 }),
  "IllegalParam.OutputType": () => call("CreateFlowLog", { OutputType: "kafka" }),
  "IllegalParam.NetflowServerIp": () => call("CreateFlowLog", { ...netflow, NetflowServerIp: "::1" }),
  "IllegalParam.NetflowServerPort": () => call("CreateFlowLog", { ...netflow, NetflowServerPort: 0 }),
  "IllegalParam.NetflowVersion": () => call("CreateFlowLog", { ...netflow, NetflowVersion: "V8" }),
  "IllegalParam.RegionId": () => call("DescribeFlowLogs", { RegionId: "mars-1" }),
  "IllegalParam.SlsRegionId": () => call("CreateFlowLog", { ...sls, SlsRegionId: "mars-1" }),
  "IllegalParam.Status": () => call("DescribeFlowLogs", { Status: "Paused" }),
  "InvalidFlowLogId.NotFound": () => call("DeleteFlowLog", { FlowLogId: "fl-none" }),
  "InvalidSmartAGId.NotFound": async () =>
    call("AssociateFlowLog", { FlowLogId: await create(), SmartAGId: "sag-none" }),
  "IncorrectStatus.FlowLog": async () =>
    call("DisassociateFlowLog", { FlowLogId: await create(), SmartAGId: server.gateway.id }),
  "DependencyViolation.FlowLog": async () => call("DeleteFlowLog", { FlowLogId: (await bound()).FlowLogId }),
  "OperationFailed.AssociateFlowLog": async () => {
    const { SmartAGId } = await bound();
    return call("AssociateFlowLog", { FlowLogId: await create(), SmartAGId });
  },
  "OperationUnsupported.AssociateFlowLog": async () =>
    call("AssociateFlowLog", { FlowLogId: await create(), SmartAGId: server.declared("old-model").id }),
  "QuotaExceeded.Flowlog": async () => {
    for (let index = 0; index < 3; index++) await create();
    return call("CreateFlowLog", netflow);
  },
  FeatureNotSupport: async () =>
    call("AssociateFlowLog", { FlowLogId: await create(), SmartAGId: server.declared("basic-edition").id }),
  FeatureNotSupportForActiveSmartAG: async () =>
    call("ActiveFlowLog", await boundAndDowngraded("activeDevice")),
  FeatureNotSupportForStandBySmartAG: async () =>
    call("ActiveFlowLog", await boundAndDowngraded("standbyDevice")),
  ProjectOrLogstoreNotExist: () => call("CreateFlowLog", sls),
};

describe("the SAG API", () => {
  it.each(Object.keys(provocations) as (keyof typeof sagErrors)[])("answers %s", async (code) => {
    const [status, message] = sagErrors[code];
    const answer = await provocations[code]();
    expect(answer.status).toBe(status);
    expect(answer.body).toEqual({
      RequestId: expect.stringMatching(/^[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}$/u),
      HostId: `127.0.0.1:${server.port}`,
      Code: code,
      Message: message,
      Recommend: expect.stringContaining(`q=${code}&product=Smartag`),
    });
  });

  it.each([
    ["FeatureNotSupportForActiveSmartAG", "basic-active"],
    ["FeatureNotSupportForStandBySmartAG", "basic-standby"],
  ])("answers %s to binding such a gateway too", async (code, name) => {
    server.control.resources.sync({
      hosts: [{ agentId: "agent-test", name: "testhost", interfaces: [] }],
      declared: [{ name, flowLogSupport: name === "basic-active" ? "activeDevice" : "standbyDevice" }],
    });
    const SmartAGId = server.declared(name).id;
    const answer = await call("AssociateFlowLog", { FlowLogId: await create(), SmartAGId });
    expect([answer.status, answer.body.Code]).toEqual([403, code]);
  });

  it("knows no gateway that is gone, and lists it as unbound no more", async () => {
    server.control.resources.sync({ hosts: [], declared: [] });
    const SmartAGId = server.declared("second").id;
    const answer = await call("AssociateFlowLog", { FlowLogId: await create(), SmartAGId });
    expect(answer.body.Code).toBe("InvalidSmartAGId.NotFound");
    expect((await call("DescribeUnbindFlowLogSags")).body).toMatchObject({ Count: 0, Sags: { Sag: [] } });
  });
});

describe("the common errors", () => {
  it.each([
    [
      { Action: "NoSuchThing" },
      404,
      "InvalidAction.NotFound",
      "Specified api is not found, please check your url and method.",
    ],
    [{ Action: "constructor" }, 404, "InvalidAction.NotFound", undefined],
    [{ Version: "2016-04-28" }, 400, "InvalidVersion", "Specified parameter Version is not valid."],
    [{ Version: null }, 400, "MissingParameter", undefined],
    [{ Action: null }, 400, "MissingParameter", undefined],
    [{ Format: "YAML" }, 400, "InvalidParameter", 'The specified parameter "Format" is not valid.'],
  ])("%j is %d %s", async (common, status, code, message) => {
    const answer = await server.call("DescribeFlowLogs", {}, { common });
    expect([answer.status, answer.body.Code]).toEqual([status, code]);
    if (message !== undefined) expect(answer.body.Message).toBe(message);
  });

  it.each(["PUT", "DELETE", "PATCH", "OPTIONS"])("%s is an unsupported method", async (method) => {
    const answer = await server.call("DescribeFlowLogs", {}, { method });
    expect([answer.status, answer.body.Code]).toEqual([403, "UnsupportedHTTPMethod"]);
  });

  it("a body past the limit is refused in the form that clients read", async () => {
    const answer = await server.call(
      "CreateFlowLog",
      { Description: "x".repeat(256 * 1024) },
      { place: "form" },
    );
    expect([answer.status, answer.body.Code]).toEqual([413, "RequestEntityTooLarge"]);
  });

  it("too many parameters are refused before they are signed for", async () => {
    const fields = Object.fromEntries(Array.from({ length: 600 }, (_, index) => [`P${index}`, "x"]));
    const answer = await server.call("CreateFlowLog", fields, { place: "form" });
    expect([answer.status, answer.body.Code]).toEqual([413, "RequestEntityTooLarge"]);
  });

  it("a broken escape in the query is told", async () => {
    const text = await new Promise<string>((resolve) => {
      const socket = connect(server.port, "127.0.0.1");
      socket.end("GET /?Action=%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
      let received = "";
      socket.on("data", (bytes) => (received += bytes.toString()));
      socket.on("close", () => resolve(received));
    });
    expect(text).toMatch(/^HTTP\/1\.1 400/u);
    expect(text).toContain('"Code":"InvalidParameter"');
  });

  it("a failure of our own is an InternalError without its cause", async () => {
    const broken = await startSagServer();
    const { flowLogs, resources } = broken.control;
    flowLogs.list = () => {
      throw new Error("secret cause");
    };
    const answer = await broken.call("DescribeFlowLogs");
    expect([answer.status, answer.body.Code]).toEqual([500, "InternalError"]);
    expect(answer.text).not.toContain("secret");
    resources.list = () => {
      throw new Error("secret cause");
    };
    const own = await broken.call("DescribeUnbindFlowLogSags");
    expect([own.status, own.body.Code, own.body.Message]).toEqual([
      403,
      "InternalError",
      "An internal server error occurred.",
    ]);
    await broken.stop();
  });
});

describe("XML", () => {
  const xml = { common: { Format: "xml" } };

  it("has the action's response as its root and repeats the elements of lists", async () => {
    const name = "<&>\"'";
    await server.call("CreateFlowLog", { ...netflow, Name: name });
    await create();
    const answer = await server.call("DescribeFlowLogs", {}, xml);
    expect(answer.contentType).toBe("text/xml;charset=utf-8");
    expect(answer.text).toMatch(
      /^<\?xml version='1.0' encoding='UTF-8'\?><DescribeFlowLogsResponse><RequestId>[0-9A-F-]{36}<\/RequestId>/u,
    );
    expect(answer.text.match(/<FlowLogSetType>/gu)).toHaveLength(2);
    expect(answer.text).toContain("<Name>&lt;&amp;&gt;&quot;'</Name>");
  });

  it("has an empty list as an empty element", async () => {
    expect((await server.call("DescribeFlowLogs", {}, xml)).text).toContain("<FlowLogs></FlowLogs>");
  });

  it("has errors as an Error", async () => {
    const answer = await server.call("DeleteFlowLog", { FlowLogId: "fl-none" }, xml);
    expect([answer.status, answer.contentType]).toEqual([400, "text/xml;charset=utf-8"]);
    expect(answer.text).toMatch(
      /<Error><RequestId>.+<\/RequestId><HostId>.+<\/HostId><Code>InvalidFlowLogId.NotFound<\/Code><Message>The specified FlowLogId does not exist\.<\/Message><Recommend>.+&amp;product=Smartag.+<\/Recommend><\/Error>$/u,
    );
  });
});

import { describe, expect, it } from "vitest";

import { isSlsRequest } from "../../../../src/gateway/dialect/sls/dialect.ts";
import { parseHost, resolveProject } from "../../../../src/gateway/dialect/sls/host.ts";
import type { RequestHead } from "../../../../src/gateway/mod.ts";

function headOf(host: string, headers: Record<string, string> = {}, target = "/"): RequestHead {
  return { method: "GET", target, path: target.split("?")[0]!, host, headers: { host, ...headers } };
}

const noSettings = { endpoints: [], regionIds: [] };

describe("the host of a request", () => {
  it.each([
    ["flows.localhost:8080", "flows", undefined],
    ["localhost:8080", undefined, undefined],
    ["127.0.0.1", undefined, undefined],
    ["127.0.0.1:8080", undefined, undefined],
    ["flows.127.0.0.1:8080", "flows", undefined],
    ["flows.127.0.0.1.nip.io:8080", "flows", undefined],
    ["127.0.0.1.sslip.io", undefined, undefined],
    ["[::1]:8080", undefined, undefined],
    ["", undefined, undefined],
    ["weir", undefined, undefined],
    ["weir.example.com", undefined, undefined],
    ["weir.example.com.", undefined, undefined],
    ["flows.weir.example.com:443", "flows", undefined],
    ["flows.cn-beijing.weir.example.com", "flows", "cn-beijing"],
    ["flows.cn-beijing-intranet.log.aliyuncs.com", "flows", "cn-beijing"],
    ["cn-beijing.log.aliyuncs.com", undefined, "cn-beijing"],
    ["cn-beijing-share.sls.aliyuncs.com", undefined, "cn-beijing"],
    ["flows.other.example.org", "flows", undefined],
  ])("%s names the project %s in region %s", (host, project, regionId) => {
    expect(parseHost(host, ["weir.example.com"])).toMatchObject({ project, regionId });
  });

  it("gives way to the header x-log-project", () => {
    const head = headOf("127.0.0.1:8080", { "x-log-project": "flows" });
    expect(resolveProject(head, noSettings).project).toBe("flows");
  });

  it("names a region only if there is one", () => {
    const settings = { endpoints: [], regionIds: ["cn-beijing"] };
    expect(resolveProject(headOf("flows.cn-beijing.localhost"), settings).regionId).toBe("cn-beijing");
    expect(resolveProject(headOf("flows.nowhere.localhost"), settings)).toMatchObject({
      project: "flows",
      regionId: undefined,
    });
  });

  it.each([
    ["a.b.localhost", "a.b", undefined],
    ["a.b.cn-beijing.localhost:8080", "a.b", "cn-beijing"],
    ["a.cn-beijing.log.aliyuncs.com", "a", "cn-beijing"],
    ["tf_testacc.127.0.0.1", "tf_testacc", undefined],
    ["localhost", undefined, undefined],
  ])("%s may name a project with dots: %s in region %s", (host, dotted, regionId) => {
    const settings = { endpoints: [], regionIds: ["cn-beijing"] };
    expect(resolveProject(headOf(host), settings)).toMatchObject({ dotted, regionId });
  });

  it.each([
    ["other.localhost:8080", "flows.localhost:8080", true],
    ["flows.localhost", "localhost", false],
    ["flows.cn-beijing.localhost", "flows.localhost", true],
    ["flows.localhost:8080", "Flows.localhost", false],
    ["127.0.0.1:8080", "flows.127.0.0.1", false],
  ])("with target %s and Host %s is a contradiction: %s", (target, host, expected) => {
    const head = { ...headOf(target), headers: { host } };
    expect(resolveProject(head, noSettings).isContradictory).toBe(expected);
  });

  it("is looked for in the Host header where an absolute-form target names only the proxy", () => {
    const head = { ...headOf("127.0.0.1:8080"), headers: { host: "flows.127.0.0.1" } };
    expect(resolveProject(head, noSettings).project).toBe("flows");
  });
});

describe("a request of the log service", () => {
  it.each([
    [headOf("127.0.0.1", { "x-log-apiversion": "0.6.0" }), true],
    [headOf("127.0.0.1", { authorization: "LOG id:signature" }), true],
    [headOf("127.0.0.1", { authorization: "SLS4-HMAC-SHA256 Credential=" }), true],
    [headOf("flows.localhost", {}, "/logstores/store?type=log"), true],
    [headOf("flows.localhost", {}, "/"), false],
    [headOf("127.0.0.1", {}, "/logstores/store"), false],
    [headOf("weir.localhost", {}, "/?Action=DescribeFlowLogs&Version=2018-03-13"), false],
    [
      headOf("127.0.0.1", { authorization: "ACS3-HMAC-SHA256 Credential=", "x-acs-action": "CreateFlowLog" }),
      false,
    ],
    [headOf("127.0.0.1", {}, "/api/v1/flow-logs"), false],
  ])("%# is told from those of other services", (head, expected) => {
    expect(isSlsRequest(head, ["weir.example.com"])).toBe(expected);
  });
});

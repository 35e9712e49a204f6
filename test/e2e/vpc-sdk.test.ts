/**
 * Alibaba's own SDKs, unmodified, against the real program: VPC flow logs live and die by them, and what they
 * observe of a real interface is read back as the log service's records.
 */
import { createRequire } from "node:module";
import { join } from "node:path";

import type * as OpenApi from "@alicloud/openapi-client";
import PopCore from "@alicloud/pop-core";
import type * as Vpc from "@alicloud/vpc20160428";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { callNative } from "../support/administration.ts";
import { echoDatagrams, exchangeMessages } from "../support/exchange.ts";
import { requirePeer, requireRoot } from "../support/peers.ts";
import { readSlsLogs } from "../support/sls-client.ts";
import { createVethToPeer, type VethToPeer } from "../support/veth.ts";
import { eventually, type RunningWeir, startWeir, temporaryDirectory } from "../support/weir.ts";

// The packages are CommonJS; required as such, they look the same to every loader.
const require = createRequire(import.meta.url);
const sdk = require("@alicloud/vpc20160428") as typeof Vpc & {
  readonly default: new (config: OpenApi.Config) => Vpc.default;
};
const openapi = require("@alicloud/openapi-client") as typeof OpenApi;

const isPossible = requireRoot("capture packets") && requirePeer("ip");
const windowS = 60;
const messages = 5;
const messageBytes = 100;
const headerBytes = { 4: 28, 6: 48 } as const;

/** What a call is made of: the SDK's own names for parameters, and the answer's body by the same. */
type Call = (action: string, parameters: Record<string, unknown>) => Promise<Record<string, unknown>>;

const directory = temporaryDirectory("vpc-sdk");
let link: VethToPeer;
let weir: RunningWeir;
let networkInterface: { readonly id: string; readonly parentId: string; readonly instanceId: string };

beforeAll(async () => {
  if (!isPossible) return;
  link = createVethToPeer("vs");
  weir = await startWeir({
    data: join(directory.path, "data"),
    args: ["--set", `capture.interfaces.include=${link.interfaceName}`],
  });
  const { resources } = await callNative<{
    resources: (typeof networkInterface & { readonly interfaceName?: string })[];
  }>(weir.data, "GET", "/resources");
  networkInterface = resources.find(({ interfaceName }) => interfaceName === link.interfaceName)!;
});
afterAll(async () => {
  if (!isPossible) return;
  await weir.stop();
  link.remove();
  directory.remove();
});

function vpcSdk(signatureAlgorithm?: string): Call {
  const { accessKeyId, accessKeySecret, endpoint, regionId } = weir.ready;
  const config = new openapi.Config({
    accessKeyId,
    accessKeySecret: accessKeySecret!,
    endpoint: new URL(endpoint).host,
    protocol: "http",
    regionId,
    ...(signatureAlgorithm === undefined ? {} : { signatureAlgorithm }),
  });
  const client = new sdk.default(config);
  const models = sdk as unknown as Record<string, new (map: object) => object>;
  const methods = client as unknown as Record<string, (request: object) => Promise<{ body: object }>>;
  return async (action, parameters) => {
    const request = new models[`${action}Request`]!({ regionId, ...parameters });
    const { body } = await methods[action[0]!.toLowerCase() + action.slice(1)]!(request);
    return body as Record<string, unknown>;
  };
}

/** The generic client knows no models: its names are those of the wire, with the first letter a capital. */
function popCore(method: "GET" | "POST"): Call {
  const { accessKeyId, accessKeySecret, endpoint, regionId } = weir.ready;
  const client = new PopCore({
    accessKeyId,
    accessKeySecret: accessKeySecret!,
    endpoint,
    apiVersion: "2016-04-28",
  });
  return async (action, parameters) => {
    const given = renamed(parameters, (name) => name[0]!.toUpperCase() + name.slice(1)) as object;
    const answer = await client.request(action, { RegionId: regionId, ...given }, { method });
    return renamed(answer, (name) => name[0]!.toLowerCase() + name.slice(1)) as Record<string, unknown>;
  };
}

function renamed(value: unknown, rename: (name: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => renamed(item, rename));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, of]) => [rename(name), renamed(of, rename)]));
}

interface ShownFlowLog {
  readonly [name: string]: unknown;
  readonly status: string;
}

async function shown(call: Call, flowLogId: string): Promise<ShownFlowLog | undefined> {
  const { flowLogs } = await call("DescribeFlowLogs", { flowLogId });
  return (flowLogs as { flowLog: ShownFlowLog[] }).flowLog[0];
}

function becomes(call: Call, flowLogId: string, status: string): Promise<true> {
  return eventually(`the flow log is ${status}`, 90_000, async () =>
    (await shown(call, flowLogId))?.status === status ? true : undefined,
  );
}

async function remove(call: Call, flowLogId: string): Promise<void> {
  await call("DeleteFlowLog", { flowLogId });
  await eventually("the flow log is gone", 90_000, async () =>
    (await shown(call, flowLogId)) === undefined ? true : undefined,
  );
}

describe.skipIf(!isPossible).each<[string, () => Call]>([
  ["vpc20160428 with ACS3", () => vpcSdk()],
  ["vpc20160428 with the RPC signature", () => vpcSdk("v2")],
  ["pop-core with POST", () => popCore("POST")],
  ["pop-core with GET", () => popCore("GET")],
])("%s", (name, connect) => {
  it("leads a flow log through its whole life", async () => {
    const call = connect();
    const flowLogName = `a b*~'()!+&=%/?:@ 流日志 ${name}`;
    const created = await call("CreateFlowLog", {
      flowLogName,
      description: "by the SDK",
      resourceType: "NetworkInterface",
      resourceId: networkInterface.id,
      trafficType: "All",
      projectName: "vpc-sdk",
      logStoreName: "life",
      aggregationInterval: 5,
      trafficPath: ["all"],
      tag: [{ key: "team", value: "net" }],
    });
    const flowLogId = created["flowLogId"] as string;
    expect(created).toMatchObject({ success: "true", flowLogId: expect.stringMatching(/^fl-/u) });
    await becomes(call, flowLogId, "Active");
    expect(await shown(call, flowLogId)).toMatchObject({
      flowLogName,
      description: "by the SDK",
      regionId: weir.ready.regionId,
      resourceType: "NetworkInterface",
      resourceId: networkInterface.id,
      trafficType: "All",
      projectName: "vpc-sdk",
      logStoreName: "life",
      aggregationInterval: 5,
      trafficPath: { trafficPathList: ["all"] },
      tags: { tag: [{ key: "team", value: "net" }] },
      ipVersion: "IPv4",
      businessStatus: "Normal",
      flowLogDeliverStatus: "SUCCESS",
    });
    await call("ModifyFlowLogAttribute", { flowLogId, aggregationInterval: 1, description: "changed" });
    await becomes(call, flowLogId, "Active");
    expect(await shown(call, flowLogId)).toMatchObject({ aggregationInterval: 1, description: "changed" });
    await call("DeactiveFlowLog", { flowLogId });
    await becomes(call, flowLogId, "Inactive");
    await call("ActiveFlowLog", { flowLogId });
    await becomes(call, flowLogId, "Active");
    const tagged = { resourceType: "FLOWLOG", resourceId: [flowLogId] };
    await call("TagResources", { ...tagged, tag: [{ key: "env", value: "" }] });
    await call("UnTagResources", { ...tagged, tagKey: ["team"] });
    const listed = await call("ListTagResources", tagged);
    expect(listed["tagResources"]).toMatchObject({
      tagResource: [{ resourceType: "FLOWLOG", resourceId: flowLogId, tagKey: "env", tagValue: "" }],
    });
    const found = await call("DescribeFlowLogs", { tags: [{ key: "env" }], pageNumber: 1, pageSize: 50 });
    expect(found).toMatchObject({ totalCount: "1", pageSize: "50" });
    await remove(call, flowLogId);
  });

  it("asks whether the service is open, and reads an error as its own", async () => {
    const call = connect();
    expect(await call("GetFlowLogServiceStatus", {})).toMatchObject({ enabled: true });
    await expect(call("DeleteFlowLog", { flowLogId: "fl-none" })).rejects.toMatchObject({
      code: "InvalidInstanceId.NotFound",
    });
    await expect(call("OpenFlowLogService", {})).rejects.toMatchObject({
      code: "OperationFailed.ExceedPurchaseLimit",
    });
  });
});

describe.skipIf(!isPossible)("a flow log of refused traffic alone", () => {
  it("says so where nobody tells what was refused", async () => {
    const call = vpcSdk();
    const { flowLogId } = await call("CreateFlowLog", {
      resourceType: "NetworkInterface",
      resourceId: networkInterface.id,
      trafficType: "Drop",
    });
    await becomes(call, flowLogId as string, "Active");
    const flowLog = await eventually("the delivery status is known", 90_000, async () => {
      const found = await shown(call, flowLogId as string);
      return found?.["flowLogDeliverStatus"] === "FAILED" ? found : undefined;
    });
    expect(flowLog["flowLogDeliverErrorMessage"]).toMatch(/verdict/iu);
    await remove(call, flowLogId as string);
  });
});

describe.skipIf(!isPossible)("the records of VPC flow logs", () => {
  /** Five datagrams and their echoes; resolves with the echo's port. */
  async function exchange(type: "udp4" | "udp6", address: string): Promise<number> {
    const echo = await echoDatagrams(type, address);
    await exchangeMessages(link.peer, echo, messages, messageBytes);
    echo.close();
    return echo.port;
  }

  it("are of the traffic that each selects, in the service's own fields", async () => {
    const call = vpcSdk();
    const create = async (resource: object, logStoreName: string, ipVersion: string): Promise<string> => {
      const { flowLogId } = await call("CreateFlowLog", {
        ...resource,
        trafficType: "All",
        projectName: "vpc-sdk",
        logStoreName,
        aggregationInterval: windowS / 60,
        ipVersion,
      });
      await becomes(call, flowLogId as string, "Active");
      return flowLogId as string;
    };
    const ids = [
      await create(
        { resourceType: "NetworkInterface", resourceId: networkInterface.id },
        "both",
        "DualStack",
      ),
      await create({ resourceType: "VSwitch", resourceId: networkInterface.parentId }, "four", "IPv4"),
    ];
    const ports = {
      4: await exchange("udp4", link.hostAddress),
      6: await exchange("udp6", link.hostAddressIpv6),
    } as const;

    const read = (logstore: string, version: 4 | 6): Promise<Record<string, string>[]> =>
      readSlsLogs(
        weir.ready,
        "vpc-sdk",
        logstore,
        `srcport: ${ports[version]} or dstport: ${ports[version]}`,
      );
    const complete = (logstore: string, version: 4 | 6): Promise<Record<string, string>[]> =>
      eventually(`records in ${logstore}`, windowS * 1000 + 120_000, async () => {
        const found = await read(logstore, version);
        // An exchange that falls on the end of a window has records in both.
        const packets = found.reduce((sum, record) => sum + Number(record["packets"]), 0);
        return packets >= 2 * messages ? found : undefined;
      });
    for (const [logstore, version] of [
      ["both", 4],
      ["both", 6],
      ["four", 4],
    ] as const) {
      const records = await complete(logstore, version);
      const bytes = records.reduce((sum, record) => sum + Number(record["bytes"]), 0);
      expect(bytes).toBe(2 * messages * (messageBytes + headerBytes[version]));
      for (const record of records) {
        expect(record).toEqual({
          __time__: expect.anything() as unknown,
          __source__: expect.any(String) as unknown,
          __topic__: "flow_log",
          version: "1",
          "vswitch-id": networkInterface.parentId,
          "vm-id": networkInterface.instanceId,
          "vpc-id": expect.stringMatching(/^vpc-/u) as unknown,
          "account-id": expect.stringMatching(/^\d{16}$/u) as unknown,
          "eni-id": networkInterface.id,
          region: weir.ready.regionId,
          type: `IPv${version}`,
          srcaddr: expect.any(String) as unknown,
          srcport: expect.stringMatching(/^\d+$/u) as unknown,
          dstaddr: expect.any(String) as unknown,
          dstport: expect.stringMatching(/^\d+$/u) as unknown,
          protocol: "17",
          direction: record["dstport"] === `${ports[version]}` ? "in" : "out",
          packets: expect.stringMatching(/^\d+$/u) as unknown,
          bytes: expect.stringMatching(/^\d+$/u) as unknown,
          start: expect.stringMatching(/^\d+$/u) as unknown,
          end: expect.stringMatching(/^\d+$/u) as unknown,
          "log-status": "OK",
          // Nobody told the firewall's verdict, and a datagram has no flags.
          action: "-",
          "tcp-flags": "-",
          traffic_path: "-",
        });
        expect(Number(record["end"]) % windowS).toBe(0);
      }
    }
    // What a flow log does not select is in none of its records.
    expect(await read("four", 6)).toEqual([]);
    for (const flowLogId of ids) await remove(call, flowLogId);
  }, 600_000);
});

/**
 * Flow logs of two services on the same interfaces at once, made with Alibaba's SDK; and the asynchronous
 * life of the one service's, which no kill may leave hanging.
 */
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { callNative, readStatus } from "../support/administration.ts";
import { echoDatagrams, exchangeMessages } from "../support/exchange.ts";
import { requirePeer, requireRoot } from "../support/peers.ts";
import { accessOf, rpcCall, type SagCall, sagCall } from "../support/sag-client.ts";
import { readSlsLogs } from "../support/sls-client.ts";
import { createVethToPeer, type VethToPeer } from "../support/veth.ts";
import { eventually, type RunningWeir, startWeir, temporaryDirectory } from "../support/weir.ts";

const isPossible = requireRoot("capture packets") && requirePeer("ip");
/** The shortest that the service has. */
const windowS = 60;
const vpcVersion = "2016-04-28";
const messages = 5;
const messageBytes = 100;
const octets = messages * (messageBytes + 28);
/** A window, the look for new interfaces, and what a loaded machine adds. */
const windowTimeoutMs = windowS * 1000 + 120_000;

interface ResourceAnswer {
  readonly id: string;
  readonly type: string;
  readonly parentId?: string;
  readonly interfaceName?: string;
  readonly instanceId: string;
}

async function resourceOf(weir: RunningWeir, interfaceName: string): Promise<ResourceAnswer> {
  return eventually(`the resource ${interfaceName}`, 90_000, async () => {
    const answer = await callNative<{ resources: ResourceAnswer[] }>(weir.data, "GET", "/resources");
    return answer.resources.find((one) => one.interfaceName === interfaceName);
  });
}

/** The interfaces that capture meters for a flow log, by resource. */
async function coveredBy(weir: RunningWeir, flowLogId: string): Promise<string[]> {
  const { delivery } = await callNative<{
    delivery: { capture: { packets: { resourceId: string }[] } };
  }>(weir.data, "GET", `/flow-logs/${flowLogId}`);
  return [...new Set(delivery.capture.packets.map(({ resourceId }) => resourceId))];
}

/** Five datagrams and their echoes; resolves with the echo's port. */
async function exchange(link: VethToPeer): Promise<number> {
  const echo = await echoDatagrams("udp4", link.hostAddress);
  await exchangeMessages(link.peer, echo, messages, messageBytes);
  echo.close();
  return echo.port;
}

describe.skipIf(!isPossible)("flow logs of two services on the same interfaces", () => {
  const directory = temporaryDirectory("two-services");
  let links: VethToPeer[] = [];
  let weir: RunningWeir;
  let smartag: SagCall;
  let vpc: SagCall;
  let sagFlowLogId: string;
  let vpcFlowLogId: string;

  beforeAll(async () => {
    links = [createVethToPeer("ts")];
    const [first] = links;
    // Every end that this test makes has a number behind the same letters.
    const pattern = first!.interfaceName.replace(/h\d+$/u, "h*");
    weir = await startWeir({
      data: join(directory.path, "data"),
      args: ["--set", `capture.interfaces.include=${pattern}`],
    });
    smartag = sagCall(accessOf(weir));
    vpc = rpcCall(accessOf(weir), vpcVersion);
  });

  afterAll(async () => {
    await weir?.stop();
    for (const link of links) link.remove();
    directory.remove();
  });

  it("are made, the one active at once and the other when its windows are armed", async () => {
    const { regionId, resources } = weir.ready;
    const sag = await smartag("CreateFlowLog", {
      OutputType: "sls",
      SlsRegionId: regionId,
      ProjectName: "two-services",
      LogstoreName: "sag",
      InactiveAging: 10,
      ActiveAging: 60,
    });
    sagFlowLogId = String(sag["FlowLogId"]);
    const SmartAGId = resources.find(({ type }) => type === "gateway")!.id;
    await smartag("AssociateFlowLog", { FlowLogId: sagFlowLogId, SmartAGId });

    const { resources: all } = await callNative<{ resources: ResourceAnswer[] }>(
      weir.data,
      "GET",
      "/resources",
    );
    const created = await vpc("CreateFlowLog", {
      ResourceType: "VPC",
      ResourceId: all.find(({ type }) => type === "vpc")!.id,
      TrafficType: "All",
      ProjectName: "two-services",
      LogStoreName: "vpc",
      AggregationInterval: 1,
    });
    vpcFlowLogId = String(created["FlowLogId"]);
    await eventually("the flow log is active", 90_000, async () => {
      const described = await vpc("DescribeFlowLogs", { FlowLogId: vpcFlowLogId });
      const [flowLog] = (described["FlowLogs"] as { FlowLog: { Status: string }[] }).FlowLog;
      return flowLog!.Status === "Active" ? true : undefined;
    });
    // What is active is metered.
    expect(await coveredBy(weir, vpcFlowLogId)).toHaveLength(1);
  });

  it(
    "each hold the same packets in their own records, those of an interface that came later too",
    async () => {
      const [first] = links;
      const ports = [await exchange(first!)];
      const later = createVethToPeer("ts");
      links.push(later);
      const resource = await resourceOf(weir, later.interfaceName);
      await eventually("the new interface is covered", 90_000, async () =>
        (await coveredBy(weir, vpcFlowLogId)).includes(resource.id) ? true : undefined,
      );
      ports.push(await exchange(later));

      const read = (logstore: string, port: number) =>
        readSlsLogs(weir.ready, "two-services", logstore, `srcport: ${port} or dstport: ${port}`);
      const both = (logstore: string, port: number) =>
        eventually(`both flows in ${logstore}`, windowTimeoutMs, async () => {
          const found = await read(logstore, port);
          // An exchange that falls on the end of a window has records in both.
          const packets = found.reduce((sum, record) => sum + Number(record["packets"]), 0);
          return packets >= 2 * messages ? found : undefined;
        });
      for (const [index, port] of ports.entries()) {
        const interfaceName = links[index]!.interfaceName;
        const { id, parentId, instanceId } = await resourceOf(weir, interfaceName);
        const sag = await both("sag", port);
        expect(sag.map(({ packets, bytes }) => [packets, bytes])).toEqual([
          [`${messages}`, `${octets}`],
          [`${messages}`, `${octets}`],
        ]);
        const records = await both("vpc", port);
        expect(records.reduce((sum, { bytes }) => sum + Number(bytes), 0)).toBe(2 * octets);
        for (const record of records) {
          expect(record).toMatchObject({
            "log-status": "OK",
            "eni-id": id,
            "vswitch-id": parentId,
            "vm-id": instanceId,
            protocol: "17",
            // Nobody told the firewall's verdict.
            action: "-",
          });
          expect(Number(record["end"]) % windowS).toBe(0);
          expect(Number(record["end"]) - Number(record["start"])).toBeLessThanOrEqual(windowS);
        }
        expect(new Set(records.map(({ direction }) => direction))).toEqual(new Set(["in", "out"]));
      }
      // Nothing went astray: of the conversations each logstore has its own service's records alone.
      expect((await read("sag", ports[0]!))[0]).not.toHaveProperty("eni-id");
      expect((await read("vpc", ports[0]!))[0]).not.toHaveProperty("Instance_id");
    },
    3 * windowTimeoutMs,
  );
});

describe.skipIf(!isPossible)("a flow log whose change is under way", () => {
  const directory = temporaryDirectory("under-way");
  let link: VethToPeer;
  let weir: RunningWeir | undefined;

  beforeAll(() => {
    link = createVethToPeer("uw");
  });
  afterAll(async () => {
    await weir?.stop();
    link.remove();
    directory.remove();
  });

  const environment = { WEIR_ACCESS_KEY_ID: "under-way-key", WEIR_ACCESS_KEY_SECRET: "under-way-secret" };
  const start = async (): Promise<RunningWeir> =>
    (weir = await startWeir({
      data: join(directory.path, "data"),
      args: ["--set", `capture.interfaces.include=${link.interfaceName}`],
      environment,
    }));
  const statusOf = async (running: RunningWeir, flowLogId: string): Promise<string> => {
    const accessKeySecret = environment.WEIR_ACCESS_KEY_SECRET;
    const call = rpcCall({ ...accessOf(running), accessKeySecret }, vpcVersion);
    const described = await call("DescribeFlowLogs", { FlowLogId: flowLogId });
    const [flowLog] = (described["FlowLogs"] as { FlowLog: { Status: string }[] }).FlowLog;
    return flowLog?.Status ?? "gone";
  };
  const becomes = (running: RunningWeir, flowLogId: string, status: string): Promise<true> =>
    eventually(`the flow log is ${status}`, 120_000, async () =>
      (await statusOf(running, flowLogId)) === status ? true : undefined,
    );
  /** The capture process stands still, so that it takes over nothing more. */
  const freezeCapture = async (running: RunningWeir): Promise<void> => {
    const { capture } = await readStatus(running.data);
    process.kill(Number(capture.processId), "SIGSTOP");
  };

  it("is there after kill -9 in whatever state it was, and comes to the end of it", async () => {
    const first = await start();
    const target = await resourceOf(first, link.interfaceName);
    await freezeCapture(first);
    const { id } = await callNative<{ id: string }>(first.data, "POST", "/flow-logs", {
      targetId: target.id,
      settings: { outputs: { logService: { enabled: true, project: "under-way", logstore: "flows" } } },
    });
    expect(await statusOf(first, id)).toBe("Activating");
    await first.kill();

    const changes = [
      ["Active", "PATCH", "", { settings: { policy: { windowS: 60 } } }, "Modifying"],
      ["Active", "POST", "/deactivate", undefined, "Deactivating"],
      ["Inactive", "POST", "/activate", undefined, "Activating"],
      ["Active", "DELETE", "", undefined, "Deleting"],
    ] as const;
    for (const [before, method, path, body, underWay] of changes) {
      const running = await start();
      await becomes(running, id, before);
      await freezeCapture(running);
      await callNative(running.data, method, `/flow-logs/${id}${path}`, body);
      expect(await statusOf(running, id)).toBe(underWay);
      await running.kill();
    }
    const last = await start();
    await becomes(last, id, "gone");
  }, 600_000);
});

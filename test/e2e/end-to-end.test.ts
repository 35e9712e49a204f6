/** The whole path, as a user walks it: a flow log made by Alibaba's SDK yields true records of real packets. */
import { join } from "node:path";

import PopCore from "@alicloud/pop-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { whenDelivered } from "../support/administration.ts";
import { type Echo, echoDatagrams, echoSegments, exchangeMessages } from "../support/exchange.ts";
import { requirePeer, requireRoot } from "../support/peers.ts";
import { isComplete, sumRecords } from "../support/records.ts";
import { countSlsLogs, readSlsLogs } from "../support/sls-client.ts";
import { recordTruth, type Truth } from "../support/truth.ts";
import { createVethToPeer, type VethToPeer } from "../support/veth.ts";
import { eventually, type RunningWeir, startWeir, temporaryDirectory } from "../support/weir.ts";
import { type Collector, startNfcapd } from "./netflow-collectors.ts";

const isPossible =
  requireRoot("capture packets") && requirePeer("ip", "nfcapd", "nfdump", "tcpdump", "tshark");

type Call = (action: string, parameters?: Record<string, unknown>) => Promise<Record<string, never>>;

describe.skipIf(!isPossible)("a flow log from the first call to the last record", () => {
  const directory = temporaryDirectory("e2e");
  let link: VethToPeer;
  let weir: RunningWeir;
  let call: Call;
  let collector: Collector;
  let echoes: Echo[];
  let flowLogId: string;
  let truth: Truth;
  let access: { endpoint: string; accessKeyId: string; accessKeySecret: string };

  const start = async (): Promise<void> => {
    weir = await startWeir({
      data: join(directory.path, "data"),
      args: ["--log-level", "debug", "--set", `capture.interfaces.include=${link.interfaceName}`],
    });
  };

  beforeAll(async () => {
    link = createVethToPeer("e2e");
    echoes = await Promise.all([
      echoDatagrams("udp4", link.hostAddress),
      echoDatagrams("udp6", link.hostAddressIpv6),
      echoSegments(link.hostAddress),
      echoSegments(link.hostAddressIpv6),
    ]);
    collector = await startNfcapd(directory.path);
    await start();
    const { accessKeyId, accessKeySecret, endpoint, regionId } = weir.ready;
    const client = new PopCore({
      accessKeyId,
      accessKeySecret: accessKeySecret!,
      endpoint,
      apiVersion: "2018-03-13",
    });
    call = (action, parameters) =>
      client.request(action, { RegionId: regionId, ...parameters }, { method: "POST" });
  });

  afterAll(async () => {
    await weir?.stop();
    for (const { close } of echoes ?? []) close();
    link?.remove();
    directory.remove();
  });

  const exchange = async (): Promise<Truth> => {
    const recorder = await recordTruth(link.peer, link.peerInterfaceName, directory.path);
    for (const echo of echoes) {
      for (let round = 1; round <= 5; round++) {
        await exchangeMessages(link.peer, echo, 10 + round, 100 * round);
      }
    }
    return recorder.finish();
  };

  // What the kernels say to each other (neighbour discovery, multicast listeners) is in the records too.
  const ours = "(protocol: 6 or protocol: 17)";
  const recordsNow = () => readSlsLogs(weir.ready, "traffic", "flows", ours);

  it("says it is ready with a key, this host as a gateway and its interfaces", () => {
    expect(weir.ready).toMatchObject({
      ready: true,
      accessKeyId: expect.stringMatching(/^LTAI/u),
      regionId: "cn-shanghai",
    });
    expect(weir.ready.accessKeySecret).toHaveLength(30);
    expect(weir.ready.resources.map(({ type, name }) => `${type} ${name}`)).toContain(
      `interface ${link.interfaceName}`,
    );
    expect(gatewayId(weir)).toMatch(/^sag-/u);
  });

  it("takes a flow log with both outputs and the host's gateway from the SDK", async () => {
    const output = {
      OutputType: "all",
      SlsRegionId: "cn-shanghai",
      ProjectName: "traffic",
      LogstoreName: "flows",
    };
    const netflow = { NetflowServerIp: "127.0.0.1", NetflowServerPort: collector.port, NetflowVersion: "V9" };
    const created = await call("CreateFlowLog", {
      Name: "first",
      InactiveAging: 10,
      ActiveAging: 60,
      ...output,
      ...netflow,
    });
    flowLogId = created["FlowLogId"]!;
    await call("AssociateFlowLog", { FlowLogId: flowLogId, SmartAGId: gatewayId(weir) });
    expect(await call("DescribeFlowLogs")).toMatchObject({
      TotalCount: 1,
      FlowLogs: {
        FlowLogSetType: [
          { FlowLogId: flowLogId, Status: "Active", TotalSagNum: 1, NetflowServerPort: `${collector.port}` },
        ],
      },
    });
    expect(await call("DescribeFlowLogSags", { FlowLogId: flowLogId })).toMatchObject({
      Sags: { Sag: [{ SmartAGId: gatewayId(weir) }] },
    });
  });

  it("stores exactly the flows that crossed the wire, cut by the inactive timeout", async () => {
    truth = await exchange();
    expect(truth.size).toBe(40);
    const records = await eventually("all flows in the logstore", 90_000, async () => {
      const found = await recordsNow();
      return isComplete(sumRecords(found), truth) ? found : undefined;
    });
    expect(sumRecords(records)).toEqual(truth);
    for (const record of records) {
      expect(record).toMatchObject({
        Instance_id: gatewayId(weir),
        "ali-uid": expect.stringMatching(/^\d{16}$/u),
      });
    }
  });

  it("answers searches over the record's fields, and histograms with the same counts", async () => {
    const search = `srcaddr: ${link.peerAddress} and protocol: 17 not dstport: 53`;
    const found = await readSlsLogs(weir.ready, "traffic", "flows", search);
    expect(found).toHaveLength(
      [...truth.keys()].filter((key) => key.startsWith(`${link.peerAddress} `) && key.includes(" 17 "))
        .length,
    );
    expect(await countSlsLogs(weir.ready, "traffic", "flows", search)).toBe(found.length);
  });

  it("sends a change's former flows the former way and takes the new settings at once", async () => {
    // Timeouts beyond this test's: of datagrams, which have no end as connections do, only a change can end flows.
    await call("ModifyFlowLogAttribute", { FlowLogId: flowLogId, ActiveAging: 6000, InactiveAging: 600 });
    const second = await exchange();
    expect(ofDatagrams(sumRecords(await recordsNow()))).toEqual(ofDatagrams(truth));
    await call("ModifyFlowLogAttribute", { FlowLogId: flowLogId, LogstoreName: "other", InactiveAging: 590 });
    const records = await eventually("the ended flows in the former logstore", 60_000, async () => {
      const found = await recordsNow();
      return isComplete(sumRecords(found), added(truth, second)) ? found : undefined;
    });
    expect(sumRecords(records)).toEqual(added(truth, second));
    expect(await readSlsLogs(weir.ready, "traffic", "other", "*")).toEqual([]);
    truth = added(truth, second);
  });

  it("goes on after a restart, and ends flows when the flow log is switched off", async () => {
    const { code, elapsedMs } = await weir.stop();
    expect(code).toBe(0);
    // Ten seconds, and what a loaded machine adds.
    expect(elapsedMs).toBeLessThan(20_000);
    const key = weir.ready;
    await start();
    expect(weir.ready.accessKeySecret).toBeUndefined();
    expect(gatewayId(weir)).toBe(gatewayId({ ready: key }));
    access = { ...weir.ready, accessKeySecret: key.accessKeySecret! };
    const client = new PopCore({ ...access, apiVersion: "2018-03-13" });
    call = (action, parameters) =>
      client.request(action, { RegionId: "cn-shanghai", ...parameters }, { method: "GET" });
    const third = await exchange();
    await call("DeactiveFlowLog", { FlowLogId: flowLogId });
    const records = await eventually("the ended flows in the new logstore", 60_000, async () => {
      const found = await readSlsLogs(access, "traffic", "other", ours);
      return isComplete(sumRecords(found), third) ? found : undefined;
    });
    expect(sumRecords(records)).toEqual(third);
    await call("DisassociateFlowLog", { FlowLogId: flowLogId, SmartAGId: gatewayId(weir) });
    await call("DeleteFlowLog", { FlowLogId: flowLogId });
    expect(await call("DescribeFlowLogs")).toMatchObject({ TotalCount: 0, FlowLogs: { FlowLogSetType: [] } });
  });

  it("sent the collector the flows of the logstores, without a gap in the sequence", async () => {
    await whenDelivered(weir.data);
    const report = await collector.finish();
    const stored = (
      await Promise.all(["flows", "other"].map((logstore) => readSlsLogs(access, "traffic", logstore, "*")))
    ).flat();
    expect(report).toMatchObject({
      flows: stored.length,
      packets: stored.reduce((sum, { packets }) => sum + Number(packets), 0),
      octets: stored.reduce((sum, { bytes }) => sum + Number(bytes), 0),
      sequenceErrors: 0,
      complaints: [],
    });
  });
});

function gatewayId({ ready }: Pick<RunningWeir, "ready">): string {
  return ready.resources.find(({ type }) => type === "gateway")!.id;
}

function ofDatagrams(flows: Truth): Truth {
  return new Map([...flows].filter(([key]) => key.includes(" 17 ")));
}

function added(one: Truth, other: Truth): Truth {
  const sum: Truth = new Map([...one].map(([key, flow]) => [key, { ...flow }]));
  for (const [key, flow] of other) addTo(sum, key, flow);
  return sum;
}

function addTo(truth: Truth, key: string, { packets, octets }: { packets: number; octets: number }): void {
  const flow = truth.get(key) ?? { packets: 0, octets: 0 };
  truth.set(key, { packets: flow.packets + packets, octets: flow.octets + octets });
}

/** Changes of a flow log while it runs, made with Alibaba's SDK, and a collector that cannot be reached. */
import { execFileSync } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { join } from "node:path";

import PopCore from "@alicloud/pop-core";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";

import { callNative, readMetric, readStatus, whenDelivered } from "../support/administration.ts";
import { echoDatagrams, echoSegments, exchangeMessages, streamConnections } from "../support/exchange.ts";
import { requirePeer, requireRoot } from "../support/peers.ts";
import { freePort } from "../support/ports.ts";
import { readSlsLogs } from "../support/sls-client.ts";
import { createVethToPeer, type VethToPeer } from "../support/veth.ts";
import { eventually, type RunningWeir, startWeir, temporaryDirectory } from "../support/weir.ts";
import { type Collector, startNfcapd } from "./netflow-collectors.ts";

const isPossible = requireRoot("capture packets") && requirePeer("ip", "nfcapd", "nfdump");
/** A change holds within a second, most of the time also where others use the machine. */
const changeMsMax = 1000;
const changeTimeoutMs = 60_000;
const changes = 30;
const storedTimeoutMs = 60_000;
const messages = 5;
const messageBytes = 100;
const udpHeadersBytes = 28;
/** What each direction of an exchange is. */
const oneFlow = {
  packets: `${messages}`,
  bytes: `${messages * (messageBytes + udpHeadersBytes)}`,
  protocol: "17",
};

type Call = (action: string, parameters?: Record<string, unknown>) => Promise<Record<string, unknown>>;

interface NetflowReport {
  readonly enabled: boolean;
  readonly flowsSent?: number;
  readonly sendErrors?: number;
}

describe.skipIf(!isPossible)("a flow log that is changed while it runs", () => {
  const directory = temporaryDirectory("program-change");
  let link: VethToPeer;
  let weir: RunningWeir;
  let collector: Collector;
  let call: Call;
  let gatewayId: string;
  let flowLogId: string;
  /** Flows that the collector must have. */
  let exported = 0;

  beforeAll(async () => {
    link = createVethToPeer("pc");
    collector = await startNfcapd(directory.path);
    weir = await startWeir({
      data: join(directory.path, "data"),
      args: [`capture.interfaces.include=${link.interfaceName}`, "netflow.templateRefreshS=2"].flatMap(
        (setting) => ["--set", setting],
      ),
    });
    const { accessKeyId, accessKeySecret, endpoint, regionId, resources } = weir.ready;
    const client = new PopCore({
      accessKeyId,
      accessKeySecret: accessKeySecret!,
      endpoint,
      apiVersion: "2018-03-13",
    });
    call = (action, parameters) =>
      client.request(action, { RegionId: regionId, ...parameters }, { method: "POST" });
    gatewayId = resources.find(({ type }) => type === "gateway")!.id;
    const created = await call("CreateFlowLog", {
      Name: "changing",
      ActiveAging: 6000,
      InactiveAging: 600,
      OutputType: "sls",
      SlsRegionId: regionId,
      ProjectName: "changing",
      LogstoreName: "flows",
    });
    flowLogId = String(created["FlowLogId"]);
    await call("AssociateFlowLog", { FlowLogId: flowLogId, SmartAGId: gatewayId });
  });

  afterAll(async () => {
    await weir?.stop();
    link?.remove();
    directory.remove();
  });

  const change = (parameters: Record<string, unknown>) =>
    call("ModifyFlowLogAttribute", { FlowLogId: flowLogId, ...parameters });
  /** Makes a call; resolves with how long it took from then until the capture process metered by what it says. */
  const takeEffect = async (made: () => Promise<unknown>): Promise<number> => {
    const calledMs = Date.now();
    await made();
    const sinceMs = await eventually("the change holds", changeTimeoutMs, async () => {
      const { capture, inStep } = await readStatus(weir.data);
      return inStep && capture.planSinceMs !== null && capture.planSinceMs >= calledMs
        ? capture.planSinceMs
        : undefined;
    });
    return sinceMs - calledMs;
  };
  /** Ends the flows under way, as Deactive and Active do. */
  const endFlows = async (): Promise<void> => {
    await call("DeactiveFlowLog", { FlowLogId: flowLogId });
    await call("ActiveFlowLog", { FlowLogId: flowLogId });
  };
  const exchange = async (): Promise<number> => {
    const echo = await echoDatagrams("udp4", link.hostAddress);
    await exchangeMessages(link.peer, echo, messages, messageBytes);
    echo.close();
    return echo.port;
  };
  const recordsOf = (port: number) =>
    // A TCP connection may have the same port.
    readSlsLogs(weir.ready, "changing", "flows", `protocol: 17 and (srcport: ${port} or dstport: ${port})`);
  const expectRecords = async (port: number, timeoutMs = storedTimeoutMs): Promise<void> => {
    const records = await eventually("both flows in the logstore", timeoutMs, async () => {
      const found = await recordsOf(port);
      return found.length >= 2 ? found : undefined;
    });
    expect(records).toMatchObject([oneFlow, oneFlow]);
  };
  const netflowReport = async (): Promise<NetflowReport> => {
    const path = `/flow-logs/${flowLogId}`;
    const { delivery } = await callNative<{ delivery: { netflow: NetflowReport } }>(weir.data, "GET", path);
    return delivery.netflow;
  };
  /** Lists look at deliveries once a second. */
  const expectDescribed = (expected: Record<string, unknown>, timeout = changeTimeoutMs): Promise<void> =>
    vi.waitFor(
      async () =>
        expect(await call("DescribeFlowLogs", { FlowLogId: flowLogId })).toMatchObject({
          FlowLogs: { FlowLogSetType: [expected] },
        }),
      { timeout, interval: 100 },
    );
  /** Packets that the running capture counts for the flow log; undefined when it does not meter for it. */
  const meteredNow = async (): Promise<number | undefined> => {
    const { capture } = await readStatus(weir.data);
    const entry = capture.ledger.find((each) => each["flowLogId"] === flowLogId);
    return capture.interfaces.length === 0 ? undefined : Number(entry?.["metered"] ?? 0);
  };
  const whenMetering = (isOn: boolean) =>
    eventually(`metering is ${isOn ? "on" : "off"}`, changeTimeoutMs, async () =>
      ((await meteredNow()) === undefined) === isOn ? undefined : true,
    );

  it("ends its flows by the aging that it was given last", async () => {
    await whenMetering(true);
    const former = await exchange();
    await eventually("the packets are metered", changeTimeoutMs, async () =>
      ((await meteredNow()) ?? 0) >= 2 * messages ? true : undefined,
    );
    expect(await recordsOf(former)).toEqual([]);
    await change({ InactiveAging: 10, ActiveAging: 60 });
    await expectRecords(former);
    // No change and no stop: the new inactive aging alone can end these.
    await expectRecords(await exchange(), 120_000);
  });

  it("has the running capture follow each change within a second", async () => {
    const echo = await echoSegments(link.hostAddress);
    const stream = streamConnections(link.peer, echo, 50);
    const elapsedMs: number[] = [];
    for (let number = 0; number < changes; number += 3) {
      elapsedMs.push(
        await takeEffect(() => change({ InactiveAging: 11 + number })),
        await takeEffect(() => call("DeactiveFlowLog", { FlowLogId: flowLogId })),
        await takeEffect(() => call("ActiveFlowLog", { FlowLogId: flowLogId })),
      );
    }
    await stream.stop();
    echo.close();
    elapsedMs.sort((one, other) => one - other);
    expect(elapsedMs[changes / 2]).toBeLessThan(changeMsMax);
    expect(await lateChanges()).toBeLessThan(changes / 2);
  });

  it("sends to the collector alone, and then to both, once its output type says so", async () => {
    await change({
      OutputType: "netflow",
      NetflowServerIp: "127.0.0.1",
      NetflowServerPort: collector.port,
      NetflowVersion: "V9",
    });
    const alone = await exchange();
    await endFlows();
    exported += 2;
    await eventually("the flows are sent", storedTimeoutMs, async () =>
      ((await netflowReport()).flowsSent ?? 0) >= exported ? true : undefined,
    );
    await change({ OutputType: "all" });
    const both = await exchange();
    await endFlows();
    await expectRecords(both);
    expect(await recordsOf(alone)).toEqual([]);
    exported += 2;
    await eventually("the flows are sent", storedTimeoutMs, async () =>
      ((await netflowReport()).flowsSent ?? 0) >= exported ? true : undefined,
    );
    await expectDescribed({ OutputType: "all", FlowLogDeliverStatus: "SUCCESS" });
    // What the kernels say to each other is exported too, until nothing is metered.
    await call("DeactiveFlowLog", { FlowLogId: flowLogId });
    await whenMetering(false);
    await whenDelivered(weir.data);
    const { flowsSent } = await netflowReport();
    const report = await collector.finish();
    expect(report).toMatchObject({ flows: flowsSent, sequenceErrors: 0, complaints: [] });
    expect(report.packets).toBeGreaterThanOrEqual(exported * messages);
    await call("ActiveFlowLog", { FlowLogId: flowLogId });
  });

  it("meters nothing while it is inactive or has no gateway, and goes on when it is active and has one", async () => {
    await change({ OutputType: "sls" });
    const pauses = [
      ["DeactiveFlowLog", "ActiveFlowLog", {}],
      ["DisassociateFlowLog", "AssociateFlowLog", { SmartAGId: gatewayId }],
    ] as const;
    for (const [pause, resume, parameters] of pauses) {
      await takeEffect(() => call(pause, { FlowLogId: flowLogId, ...parameters }));
      const unseen = await exchange();
      await takeEffect(() => call(resume, { FlowLogId: flowLogId, ...parameters }));
      const seen = await exchange();
      await endFlows();
      await expectRecords(seen);
      expect(await recordsOf(unseen)).toEqual([]);
    }
  });

  it("tells of a collector that refuses or has no route, and stores all the same", async () => {
    const unreachable = "198.51.100.254";
    execFileSync("ip", ["route", "replace", "unreachable", `${unreachable}/32`]);
    try {
      // Where nobody listens the kernel answers datagrams with port unreachable.
      const targets = [
        { NetflowServerIp: "127.0.0.1", NetflowServerPort: await freePort() },
        { NetflowServerIp: unreachable, NetflowServerPort: 9995 },
      ];
      let errorsBefore = (await netflowReport()).sendErrors ?? 0;
      for (const target of targets) {
        await change({ OutputType: "all", ...target });
        errorsBefore = await expectSendErrors(errorsBefore);
      }
      // Without a further error at three repetitions of the templates, all is well again.
      const { socket, port } = await boundPort();
      await change({ NetflowServerIp: "127.0.0.1", NetflowServerPort: port });
      await expectDescribed({ FlowLogDeliverStatus: "SUCCESS", FlowLogDeliverErrorMessage: "" });
      socket.close();
    } finally {
      execFileSync("ip", ["route", "del", "unreachable", `${unreachable}/32`]);
    }
  });

  /** Over UDP only a later datagram learns that one was refused, so that there is an exchange for each of some tries. */
  const expectSendErrors = async (errorsBefore: number): Promise<number> => {
    const errors = await eventually("a send error", 120_000, async () => {
      const port = await exchange();
      await endFlows();
      await expectRecords(port);
      const { sendErrors = 0 } = await netflowReport();
      return sendErrors > errorsBefore ? sendErrors : undefined;
    });
    await expectDescribed({
      FlowLogDeliverStatus: "FAILED",
      FlowLogDeliverErrorMessage: expect.stringMatching(/^netflow: \d+ send errors?, the last: ./u),
    });
    return errors;
  };

  const lateChanges = () => readMetric(weir.ready.endpoint, "weir_late_changes_total");

  it("is gone from capture and from the API when it is deleted", async () => {
    await call("DisassociateFlowLog", { FlowLogId: flowLogId, SmartAGId: gatewayId });
    await call("DeleteFlowLog", { FlowLogId: flowLogId });
    await whenMetering(false);
    expect(await call("DescribeFlowLogs")).toMatchObject({ TotalCount: 0 });
    const status = await readStatus(weir.data);
    expect(status).toMatchObject({ ready: true, flowLogs: { total: 0 }, store: { restarts: 0 } });
    expect(status.capture.restarts).toBe(0);
  });
});

async function boundPort(): Promise<{ socket: Socket; port: number }> {
  const socket = createSocket("udp4").bind(await freePort(), "127.0.0.1");
  await once(socket, "listening");
  return { socket, port: socket.address().port };
}

/** kill -9 of each of Weir's processes while traffic flows: it goes on by itself, and nothing accepted is lost or counted twice. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import PopCore from "@alicloud/pop-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { readMetric, readStatus, type StatusReport } from "../support/administration.ts";
import {
  type Echo,
  echoDatagrams,
  echoSegments,
  exchangeMessages,
  streamConnections,
} from "../support/exchange.ts";
import { requirePeer, requireRoot } from "../support/peers.ts";
import { excessOf, flowsOfPorts, sumRecords } from "../support/records.ts";
import { countSlsLogs, readSlsLogs } from "../support/sls-client.ts";
import { type Recorder, recordTruth } from "../support/truth.ts";
import { createVethToPeer, type VethToPeer } from "../support/veth.ts";
import { eventually, type RunningWeir, startWeir, temporaryDirectory } from "../support/weir.ts";
import { type Collector, startNfcapd } from "./netflow-collectors.ts";

const isPossible =
  requireRoot("capture packets") && requirePeer("ip", "nfcapd", "nfdump", "tcpdump", "tshark");
const connectionsPerSecond = 10;
/** Finished TCP flows linger for five seconds; the rest is for a slow machine. */
const recordedTimeoutMs = 40_000;
const backTimeoutMs = 30_000;

describe.skipIf(!isPossible)("a Weir whose processes are killed while traffic flows", () => {
  const directory = temporaryDirectory("program-kill");
  let link: VethToPeer;
  let weir: RunningWeir;
  let access: { endpoint: string; accessKeyId: string; accessKeySecret: string };
  let collector: Collector;
  let streamEcho: Echo;
  let stream: { stop: () => Promise<void> };
  let recorder: Recorder;
  /** The flow log's description and its resources, which no kill may change. */
  let configured: unknown;
  let resources: unknown;
  /** Flows accepted by processes that were killed, by their own count. */
  let accepted = 0;

  const call = (action: string, parameters: Record<string, unknown> = {}): Promise<Record<string, never>> =>
    new PopCore({ ...access, apiVersion: "2018-03-13" }).request(
      action,
      { RegionId: "cn-shanghai", ...parameters },
      { method: "POST" },
    );
  const configuration = async (): Promise<unknown> => {
    const { RequestId: _one, ...flowLogs } = await call("DescribeFlowLogs");
    const FlowLogId = (flowLogs["FlowLogs"] as unknown as { FlowLogSetType: { FlowLogId: string }[] })
      .FlowLogSetType[0]!.FlowLogId;
    const { RequestId: _other, ...bound } = await call("DescribeFlowLogSags", { FlowLogId });
    return { flowLogs, bound };
  };
  const start = async (): Promise<void> => {
    weir = await startWeir({
      data: join(directory.path, "data"),
      args: ["--log-level", "warn", "--set", `capture.interfaces.include=${link.interfaceName}`],
    });
    access = { ...weir.ready, accessKeySecret: weir.ready.accessKeySecret ?? access.accessKeySecret };
  };

  beforeAll(async () => {
    link = createVethToPeer("pk");
    collector = await startNfcapd(directory.path);
    streamEcho = await echoSegments(link.hostAddress);
    await start();
    ({ resources } = weir.ready);
    const { FlowLogId } = await call("CreateFlowLog", {
      Name: "kept",
      Description: "outlives every process",
      InactiveAging: 10,
      ActiveAging: 60,
      OutputType: "all",
      SlsRegionId: "cn-shanghai",
      ProjectName: "kept",
      LogstoreName: "flows",
      NetflowServerIp: "127.0.0.1",
      NetflowServerPort: collector.port,
      NetflowVersion: "V10",
    });
    const gateway = weir.ready.resources.find(({ type }) => type === "gateway")!;
    await call("AssociateFlowLog", { FlowLogId, SmartAGId: gateway.id });
    configured = await configuration();
    recorder = await recordTruth(link.peer, link.peerInterfaceName, directory.path);
    stream = streamConnections(link.peer, streamEcho, connectionsPerSecond);
    await eventually("the first record", recordedTimeoutMs, async () =>
      (await countRecords()) > 0 ? true : undefined,
    );
  });

  afterAll(async () => {
    await stream?.stop();
    await weir?.stop();
    streamEcho?.close();
    link?.remove();
    directory.remove();
  });

  const countRecords = () => countSlsLogs(access, "kept", "flows", "*");
  const pendingIn = ({ spool }: StatusReport): number =>
    spool.sinks.reduce((sum, { pending }) => sum + pending, 0);

  /** Returns when a batch waits for delivery, so that a kill right now hits it. */
  const whenInFlight = async (): Promise<void> => {
    const deadlineMs = performance.now() + 20_000;
    while (pendingIn(await readStatus(weir.data)) === 0) {
      if (performance.now() > deadlineMs) throw new Error("no batch came");
      await sleep(5);
    }
  };
  /** The moment of kill number `round`: some hit a delivery, the others anything. */
  const moment = (round: number): Promise<void> =>
    round % 2 === 0 ? whenInFlight() : sleep(Math.random() * 1500);
  const whenSound = (): Promise<StatusReport> =>
    eventually("all parts run again", backTimeoutMs, async () => {
      const status = await readStatus(weir.data);
      const { store, capture } = status;
      const isArmed = capture.interfaces.some(
        ({ name, state }) => name === link.interfaceName && state === "armed",
      );
      return store.state === "ready" && capture.state === "running" && isArmed ? status : undefined;
    });

  /** New conversations in both IP versions are recorded as they crossed the wire. */
  const expectExactRecords = async (protocol: "tcp" | "udp" = "tcp"): Promise<void> => {
    const addresses = [link.hostAddress, link.hostAddressIpv6] as const;
    const echoes = await (protocol === "tcp"
      ? Promise.all(addresses.map(echoSegments))
      : Promise.all([echoDatagrams("udp4", addresses[0]), echoDatagrams("udp6", addresses[1])]));
    const ports = echoes.map(({ port }) => port);
    const filter = ports.map((port) => `${protocol} port ${port}`).join(" or ");
    const own = await recordTruth(link.peer, link.peerInterfaceName, directory.path, filter);
    await Promise.all(echoes.map((echo) => exchangeMessages(link.peer, echo, 7, 300)));
    const truth = flowsOfPorts(await own.finish(), protocol, ports);
    for (const { close } of echoes) close();
    expect(truth.size).toBe(4);
    const search = ports.map((port) => `srcport: ${port} or dstport: ${port}`).join(" or ");
    // Other conversations may have one of the ports too: of the other protocol, or as the client's.
    const found = await eventually("the exchange's flows in the logstore", recordedTimeoutMs, async () => {
      const records = await readSlsLogs(access, "kept", "flows", search);
      const flows = flowsOfPorts(sumRecords(records), protocol, ports);
      const mine = new Map([...flows].filter(([key]) => truth.has(key)));
      return mine.size >= truth.size ? mine : undefined;
    });
    expect(found).toEqual(truth);
  };

  const expectUnchanged = async (): Promise<void> => {
    expect(await configuration()).toEqual(configured);
  };

  it("goes on after kill -9 of the main process, each time with all that it had accepted", async () => {
    for (let round = 0; round < 4; round++) {
      await moment(round);
      const { capture, store } = await readStatus(weir.data);
      accepted += await readMetric(weir.ready.endpoint, "weir_spool_accepted_flows_total");
      await weir.kill();
      await start();
      expect(weir.ready.resources).toEqual(resources);
      await expectUnchanged();
      await whenSound();
      await eventually("the former children are gone", 10_000, () =>
        [capture.processId, store.pid].every((pid) => !isAlive(pid!)) ? true : undefined,
      );
      await eventually("all that was accepted is stored", recordedTimeoutMs, async () =>
        (await countRecords()) >= accepted ? true : undefined,
      );
      await expectExactRecords();
    }
  });

  it("captures on after kill -9 of the capture process", async () => {
    for (let round = 0; round < 3; round++) {
      await moment(round);
      const before = (await readStatus(weir.data)).capture;
      process.kill(before.processId!, "SIGKILL");
      await eventually("the kill is noticed", backTimeoutMs, async () =>
        (await readStatus(weir.data)).capture.restarts > before.restarts ? true : undefined,
      );
      await whenSound();
      await expectUnchanged();
      await expectExactRecords();
    }
  });

  it("stores on after kill -9 of the store's process", async () => {
    for (let round = 0; round < 3; round++) {
      await moment(round);
      const before = (await readStatus(weir.data)).store;
      process.kill(before.pid!, "SIGKILL");
      await expectUnchanged();
      await eventually("the kill is noticed", backTimeoutMs, async () =>
        (await readStatus(weir.data)).store.restarts > before.restarts ? true : undefined,
      );
      await whenSound();
      await expectExactRecords();
    }
  });

  it("has recorded no packet twice and sent the collector all that it stored", async () => {
    await expectExactRecords("udp");
    accepted += await readMetric(weir.ready.endpoint, "weir_spool_accepted_flows_total");
    await stream.stop();
    const truth = await recorder.finish();
    // The last connections still linger; a stop ends and stores them.
    expect((await weir.stop()).code).toBe(0);
    await start();
    await eventually("nothing waits for delivery", recordedTimeoutMs, async () =>
      pendingIn(await readStatus(weir.data)) === 0 ? true : undefined,
    );
    const records = await readSlsLogs(access, "kept", "flows", "protocol: 6 or protocol: 17");
    expect(excessOf(sumRecords(records), truth)).toEqual([]);
    const stored = await countRecords();
    expect(stored).toBeGreaterThanOrEqual(accepted);
    expect(stored).toBeGreaterThan(truth.size / 4);
    // What was on its way at a kill is sent again: a collector may see it twice, but misses nothing.
    expect((await collector.finish()).flows).toBeGreaterThanOrEqual(stored);
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

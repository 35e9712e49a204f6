/**
 * Flow logs of all three services on the same interfaces at once, of a host that forwards between two others by
 * the rules of its firewall: each holds exactly what it should, with the verdicts that the rules gave.
 */
import { execFileSync } from "node:child_process";
import { join, resolve } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { callNative } from "../support/administration.ts";
import { callHuawei } from "../support/huawei-client.ts";
import { canMakeNamespaces, createNamespace, joinNamespaces, type Namespace } from "../support/netns.ts";
import { requirePeer } from "../support/peers.ts";
import { accessOf, rpcCall, type SagAccess, sagCall } from "../support/sag-client.ts";
import { createVethToPeer, type VethToPeer } from "../support/veth.ts";
import { eventually, type RunningWeir, startWeir, temporaryDirectory } from "../support/weir.ts";

const runnable = canMakeNamespaces() && requirePeer("nft");
const launcher = resolve(import.meta.dirname, "../../weir");

/** The user's own rules. */
const ruleset = `
table inet filter {
  chain forward {
    type filter hook forward priority 0; policy accept;
    udp dport 1001 drop
    udp dport 1002 reject
  }
}
`;
const datagrams = 5;
const payloadBytes = 100;
const octets = datagrams * (payloadBytes + 28);
const inside = { address: "10.1.0.2", network: "10.1.0.0/24" };
const outside = { address: "10.2.0.2", network: "10.2.0.0/24" };
const huaweiRegionId = "eu-de";

interface ResourceAnswer {
  readonly id: string;
  readonly uuid: string;
  readonly type: string;
  readonly name: string;
}

type Row = Readonly<Record<string, string>>;

/** Rows that are the same but for their packets and bytes as one: what falls on the end of a window is in two. */
function merged(rows: readonly (readonly string[])[], packetsAt: number, bytesAt: number): string[][] {
  const sums = new Map<string, string[]>();
  for (const row of rows) {
    const key = row.filter((_, index) => index !== packetsAt && index !== bytesAt).join(" ");
    const sum = sums.get(key);
    if (sum === undefined) sums.set(key, [...row]);
    else for (const at of [packetsAt, bytesAt]) sum[at] = `${Number(sum[at]) + Number(row[at])}`;
  }
  return [...sums.values()];
}

describe.skipIf(!runnable)("flow logs of three services on the same interfaces", () => {
  const directory = temporaryDirectory("three-services");
  /** By which the test reaches the API; not observed. */
  let management: VethToPeer;
  let host: Namespace;
  let left: Namespace;
  let right: Namespace;
  let weir: RunningWeir;
  let resources: readonly ResourceAnswer[];
  let access: SagAccess;

  beforeAll(async () => {
    management = createVethToPeer("three");
    host = management.peer;
    [left, right] = [createNamespace("left"), createNamespace("right")];
    host.sysctl("net.ipv4.ip_forward", 1);
    for (const [namespace, { address }, end, gateway] of [
      [left, inside, "inside", "10.1.0.1"],
      [right, outside, "outside", "10.2.0.1"],
    ] as const) {
      joinNamespaces(
        { namespace, interfaceName: "v0", addresses: [`${address}/24`] },
        { namespace: host, interfaceName: end, addresses: [`${gateway}/24`] },
      );
      namespace.ip("route", "add", "default", "via", gateway);
    }
    execFileSync("ip", ["netns", "exec", host.name, "nft", "-f", "-"], { input: ruleset });
    host.run(launcher, "firewall", "apply", "--json");
    weir = await startWeir({
      data: join(directory.path, "data"),
      host: management.peerAddress,
      args: ["--set", "capture.interfaces.include=inside,outside"],
      prefix: ["ip", "netns", "exec", host.name],
    });
    access = accessOf(weir);
    const answer = await callNative<{ resources: ResourceAnswer[] }>(weir.data, "GET", "/resources");
    ({ resources } = answer);
  });

  afterAll(async () => {
    await weir?.stop();
    for (const namespace of [left, right]) namespace?.remove();
    management?.remove();
    directory.remove();
  });

  const resource = (type: string, name: string) =>
    resources.find((one) => one.type === type && one.name === name)!;
  /** A flow log of a gateway; resolves with what ends it. */
  async function createSag(): Promise<() => Promise<unknown>> {
    const call = sagCall(access);
    const { FlowLogId } = await call("CreateFlowLog", {
      OutputType: "sls",
      SlsRegionId: weir.ready.regionId,
      ProjectName: "three",
      LogstoreName: "sag",
    });
    await call("AssociateFlowLog", { FlowLogId, SmartAGId: weir.ready.resources[0]!.id });
    return () => call("DeactiveFlowLog", { FlowLogId });
  }

  async function createVpc(type: string, id: string, trafficType: string): Promise<() => Promise<unknown>> {
    const call = rpcCall(access, "2016-04-28");
    const { FlowLogId } = await call("CreateFlowLog", {
      ResourceType: type,
      ResourceId: id,
      TrafficType: trafficType,
      ProjectName: "three",
      LogStoreName: `vpc-${trafficType.toLowerCase()}`,
    });
    const described = async () => {
      const { FlowLogs } = await call("DescribeFlowLogs", { FlowLogId });
      return (FlowLogs as { FlowLog: Row[] }).FlowLog[0]!;
    };
    // The first that wants verdicts has the firewall looked at; nothing keeps records away from then on.
    await eventually("the flow log is active and delivers", 90_000, async () => {
      const { Status, FlowLogDeliverStatus } = await described();
      return Status === "Active" && FlowLogDeliverStatus === "SUCCESS" ? true : undefined;
    });
    return () => call("DeactiveFlowLog", { FlowLogId });
  }

  interface LogPlace {
    readonly project: string;
    readonly group: string;
    readonly stream: string;
  }

  async function createLogPlace(): Promise<LogPlace> {
    const projects = await callHuawei(access, "GET", `/v3/projects?name=${huaweiRegionId}`);
    const project = projects.body.projects[0].id;
    const groups = `/v2/${project}/groups`;
    const made = await callHuawei(access, "POST", groups, { log_group_name: "three", ttl_in_days: 7 });
    const group = made.body.log_group_id;
    const stream = await callHuawei(access, "POST", `${groups}/${group}/streams`, { log_stream_name: "all" });
    return { project, group, stream: stream.body.log_stream_id };
  }

  async function createHuawei(place: LogPlace, trafficType: string): Promise<() => Promise<unknown>> {
    const target = `/v1/${place.project}/fl/flow_logs`;
    const made = await callHuawei(access, "POST", target, {
      flow_log: {
        resource_type: "port",
        resource_id: resource("interface", "inside").uuid,
        traffic_type: trafficType,
        log_group_id: place.group,
        log_topic_id: place.stream,
      },
    });
    const { id, status } = made.body.flow_log;
    expect(status).toBe("ACTIVE");
    return () => callHuawei(access, "PUT", `${target}/${id}`, { flow_log: { admin_state: false } });
  }

  function send(port: number): void {
    const script = `
      const socket = require("node:dgram").createSocket("udp4");
      let left = ${datagrams};
      const next = () => left-- === 0
        ? socket.close()
        : socket.send(Buffer.alloc(${payloadBytes}), ${port}, "${outside.address}", next);
      next();`;
    left.run(process.execPath, "-e", script);
  }

  /** Packets that each flow log metered so far, oldest flow log first. */
  async function metered(): Promise<number[]> {
    const { flowLogs } = await callNative<{
      flowLogs: { delivery: { capture: { packets: { metered: number }[] } } }[];
    }>(weir.data, "GET", "/flow-logs");
    return flowLogs.map(({ delivery }) =>
      delivery.capture.packets.reduce((sum, entry) => sum + entry.metered, 0),
    );
  }

  const packetsOf = (counts: readonly (string | undefined)[]): number =>
    counts.reduce((sum, count) => sum + Number(count), 0);
  const nowS = () => Math.floor(Date.now() / 1000);
  /** Records of the datagrams that left sent, by port. */
  async function recordsOf(logstore: string, ports: readonly number[]): Promise<Row[]> {
    const search = {
      project: "three",
      logstore,
      query: `srcaddr: ${inside.address} and protocol: 17`,
      fromS: nowS() - 3600,
      toS: nowS() + 3600,
    };
    return eventually(`records in ${logstore}`, 60_000, async () => {
      const { records } = await callNative<{ records: Row[] }>(weir.data, "POST", "/records/search", search);
      return packetsOf(records.map(({ packets }) => packets)) >= ports.length * datagrams
        ? records.toSorted((one, other) => Number(one["dstport"]) - Number(other["dstport"]))
        : undefined;
    });
  }

  it("each have exactly their own packets, with the verdicts of the rules", async () => {
    const eni = (name: string) => resource("interface", name).id;
    const place = await createLogPlace();
    const ends = [
      await createSag(),
      await createVpc("NetworkInterface", eni("inside"), "Allow"),
      await createVpc("VSwitch", resource("subnet", inside.network).id, "Drop"),
      await createVpc("NetworkInterface", eni("outside"), "All"),
      await createHuawei(place, "accept"),
      await createHuawei(place, "reject"),
    ];
    const before = await metered();
    for (const port of [1000, 1001, 1002]) send(port);
    // The ports that are each one's to meter; a packet is rejected only when it was not let through for a while.
    const ports = [3, 1, 2, 1, 1, 2];
    await eventually("the datagrams are metered", 90_000, async () => {
      const after = await metered();
      return ports.every((count, index) => after[index]! - before[index]! >= count * datagrams)
        ? true
        : undefined;
    });
    // What is cut by being switched off delivers what it has.
    for (const end of ends) await end();

    const gateway = await recordsOf("sag", [1000, 1001, 1002]);
    expect(gateway.map(({ dstport, packets, bytes }) => [dstport, packets, bytes])).toEqual(
      ["1000", "1001", "1002"].map((port) => [port, `${datagrams}`, `${octets}`]),
    );
    const names = ["eni-id", "dstport", "packets", "bytes", "direction", "action", "log-status"];
    const vpcOf = async (logstore: string, ports: readonly number[]) => {
      const records = await recordsOf(logstore, ports);
      return merged(
        records.map((record) => names.map((name) => record[name]!)),
        names.indexOf("packets"),
        names.indexOf("bytes"),
      );
    };
    const line = (name: string, port: number, direction: string, action: string) => [
      eni(name),
      `${port}`,
      `${datagrams}`,
      `${octets}`,
      direction,
      action,
      "OK",
    ];
    expect(await vpcOf("vpc-allow", [1000])).toEqual([line("inside", 1000, "in", "ACCEPT")]);
    expect(await vpcOf("vpc-drop", [1001, 1002])).toEqual([
      line("inside", 1001, "in", "REJECT"),
      line("inside", 1002, "in", "REJECT"),
    ]);
    expect(await vpcOf("vpc-all", [1000])).toEqual([line("outside", 1000, "out", "ACCEPT")]);
    expect(await huaweiLines(place)).toEqual([
      [resource("interface", "inside").uuid, "1000", `${datagrams}`, `${octets}`, "ACCEPT", "OK"],
      [resource("interface", "inside").uuid, "1001", `${datagrams}`, `${octets}`, "REJECT", "OK"],
      [resource("interface", "inside").uuid, "1002", `${datagrams}`, `${octets}`, "REJECT", "OK"],
    ]);
  }, 300_000);

  /** Interface, destination port, packets, octets, action and status of each line about left's datagrams. */
  async function huaweiLines({ project, group, stream }: LogPlace): Promise<string[][]> {
    const target = `/v2/${project}/groups/${group}/streams/${stream}/content/query`;
    const lines = await eventually("Huawei's lines", 60_000, async () => {
      const { body } = await callHuawei(access, "POST", target, {
        start_time: Date.now() - 3_600_000,
        end_time: Date.now() + 3_600_000,
        keywords: `${inside.address} and ${outside.address}`,
        limit: 1000,
      });
      const fields = (body.logs as { content: string }[])
        .map(({ content }) => content.replaceAll(/<\/?HighLightTag>/gu, "").split(" "))
        .filter((each) => each[3] === inside.address && each[7] === "17");
      return packetsOf(fields.map((each) => each[8])) >= 3 * datagrams ? fields : undefined;
    });
    const rows = lines.map((each) => [2, 6, 8, 9, 12, 13].map((index) => each[index]!));
    return merged(rows, 2, 3).toSorted((one, other) => Number(one[1]) - Number(other[1]));
  }
});

/**
 * Huawei Cloud's own SDK, unmodified, against the real program: flow logs live and die by it, and what they
 * observe of a real interface is read back as the log service's lines.
 */
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { callNative } from "../support/administration.ts";
import { echoDatagrams, exchangeMessages } from "../support/exchange.ts";
import {
  callHuawei,
  type HuaweiAccess,
  huaweiAccessOf,
  type LogPlace,
  makeLogPlace,
} from "../support/huawei-client.ts";
import { vpc, vpcClient } from "../support/huawei-sdk.ts";
import { requirePeer, requireRoot } from "../support/peers.ts";
import { createVethToPeer, type VethToPeer } from "../support/veth.ts";
import { eventually, type RunningWeir, startWeir, temporaryDirectory } from "../support/weir.ts";

const isPossible = requireRoot("capture packets") && requirePeer("ip");
const messages = 5;
const messageBytes = 100;
const octets = messages * (messageBytes + 28);
const windowS = 600;

type Client = ReturnType<typeof vpcClient>;
type FlowLogRequest = InstanceType<typeof vpc.CreateFlowLogReq>;
type FlowLogChange = InstanceType<typeof vpc.UpdateFlowLogReq>;

interface ResourceAnswer {
  readonly uuid: string;
  readonly type: string;
  readonly interfaceName?: string;
}

/** A flow log as the SDK gives it back: the answer's own members. */
interface FlowLogAnswer {
  readonly flow_log: Readonly<Record<string, unknown>> & { readonly id: string };
}

async function create(client: Client, flowLog: FlowLogRequest): Promise<FlowLogAnswer["flow_log"]> {
  const body = new vpc.CreateFlowLogReqBody(flowLog);
  const answer = await client.createFlowLog(new vpc.CreateFlowLogRequest().withBody(body));
  return (answer as unknown as FlowLogAnswer).flow_log;
}

async function show(client: Client, id: string): Promise<FlowLogAnswer["flow_log"]> {
  const answer = await client.showFlowLog(new vpc.ShowFlowLogRequest(id));
  return (answer as unknown as FlowLogAnswer).flow_log;
}

async function update(client: Client, id: string, change: FlowLogChange): Promise<FlowLogAnswer["flow_log"]> {
  const request = new vpc.UpdateFlowLogRequest(id).withBody(new vpc.UpdateFlowLogReqBody(change));
  return ((await client.updateFlowLog(request)) as unknown as FlowLogAnswer).flow_log;
}

describe.skipIf(!isPossible)("Huawei Cloud's SDK", () => {
  const directory = temporaryDirectory("huawei-sdk");
  let link: VethToPeer;
  let args: string[];
  let weir: RunningWeir;
  let access: HuaweiAccess;
  let place: LogPlace;
  let portId: string;

  beforeAll(async () => {
    link = createVethToPeer("hw");
    args = ["--set", `capture.interfaces.include=${link.interfaceName}`];
    weir = await startWeir({ data: join(directory.path, "data"), args });
    access = huaweiAccessOf(weir);
    place = await makeLogPlace(access, "eu-de");
    const { resources } = await callNative<{ resources: ResourceAnswer[] }>(weir.data, "GET", "/resources");
    portId = resources.find(({ interfaceName }) => interfaceName === link.interfaceName)!.uuid;
  });

  afterAll(async () => {
    await weir?.stop();
    link?.remove();
    directory.remove();
  });

  const wanted = (trafficType: string): FlowLogRequest =>
    new vpc.CreateFlowLogReq("port", portId, trafficType, place.groupId, place.streamId).withName("first");

  it("finds its project by the region's name, and lists", async () => {
    const listed = await vpcClient(access, { regionId: "eu-nl" }).listFlowLogs(new vpc.ListFlowLogsRequest());
    expect(listed).toMatchObject({ flow_logs: [], httpStatusCode: 200 });
  });

  it("makes, shows, finds, changes and deletes a flow log", async () => {
    const client = vpcClient(access, place);
    const flowLog = await create(client, wanted("all"));
    expect(flowLog).toMatchObject({
      name: "first",
      tenant_id: place.projectId,
      resource_type: "port",
      resource_id: portId,
      admin_state: true,
      status: "ACTIVE",
    });
    const { id } = flowLog;
    expect(await show(client, id)).toEqual(flowLog);
    // The SDK sends what its signature is about as it is, not percent-encoded.
    const odd = new vpc.ListFlowLogsRequest().withName("it's (not) *there*!").withLimit("10");
    expect(await client.listFlowLogs(odd)).toMatchObject({ flow_logs: [] });
    const found = await client.listFlowLogs(new vpc.ListFlowLogsRequest().withResourceId(portId));
    expect(found).toMatchObject({ flow_logs: [{ id }] });
    const change = new vpc.UpdateFlowLogReq().withName("second").withAdminState(false);
    expect(await update(client, id, change)).toMatchObject({
      name: "second",
      status: "DOWN",
      admin_state: false,
    });
    const deleted = await client.deleteFlowLog(new vpc.DeleteFlowLogRequest(id));
    expect(deleted.httpStatusCode).toBe(204);
  });

  it("understands what it is refused with", async () => {
    const client = vpcClient(access, place);
    const missing = client.showFlowLog(new vpc.ShowFlowLogRequest("05c4052d-8d14-488f-aa00-19fea5a25fde"));
    await expect(missing).rejects.toMatchObject({
      httpStatusCode: 404,
      errorCode: "VPC.3002",
      errorMsg: "Flow log 05c4052d-8d14-488f-aa00-19fea5a25fde could not be found.",
    });
    const stranger = vpcClient({ ...access, accessKeySecret: "not the secret" }, place);
    await expect(stranger.listFlowLogs(new vpc.ListFlowLogsRequest())).rejects.toMatchObject({
      httpStatusCode: 401,
      errorCode: "APIGW.0301",
    });
  });

  it("reads what really passed in the lines of the log stream", async () => {
    const client = vpcClient(access, place);
    const { id } = await create(client, wanted("all"));
    const echo = await echoDatagrams("udp4", link.hostAddress);
    const beganS = Math.floor(Date.now() / 1000);
    await exchangeMessages(link.peer, echo, messages, messageBytes);
    echo.close();
    // A window that is cut by switching the flow log off delivers what it has.
    await update(client, id, new vpc.UpdateFlowLogReq().withAdminState(false));
    const query = `/v2/${place.projectId}/groups/${place.groupId}/streams/${place.streamId}/content/query`;
    const packetsOf = (lines: readonly { content: string }[]): number =>
      lines.reduce((sum, { content }) => sum + Number(content.split(" ")[8]), 0);
    const logs = await eventually("both flows' lines", 60_000, async () => {
      const { body } = await callHuawei(access, "POST", query, {
        start_time: (beganS - windowS) * 1000,
        end_time: Date.now() + 2 * windowS * 1000,
        keywords: `${echo.port} and OK`,
        highlight: false,
        is_count: true,
      });
      const found = body.logs as { content: string; line_num: string }[];
      // An exchange that falls on the end of a window has lines of both.
      return packetsOf(found) >= 2 * messages && body.count === found.length ? found : undefined;
    });
    const fields = logs.map(({ content }) => content.split(" "));
    const packets = packetsOf(logs);
    const bytes = fields.reduce((sum, each) => sum + Number(each[9]), 0);
    expect([packets, bytes]).toEqual([2 * messages, 2 * octets]);
    for (const each of fields) {
      expect(each).toHaveLength(14);
      expect(each.slice(0, 3)).toEqual(["1", place.projectId, portId]);
      expect(new Set([each[3], each[4]])).toEqual(new Set([link.hostAddress, link.peerAddress]));
      expect(each[7]).toBe("17");
      const [startS, endS] = [Number(each[10]), Number(each[11])];
      expect([startS % windowS, endS - startS]).toEqual([0, windowS]);
      // Nobody told the firewall's verdict.
      expect(each.slice(12)).toEqual(["-", "OK"]);
    }
    const [first] = logs;
    const next = await callHuawei(access, "POST", query, {
      start_time: `${(beganS - windowS) * 1000}`,
      end_time: `${Date.now() + 2 * windowS * 1000}`,
      keywords: `${echo.port} and OK`,
      search_type: "forwards",
      line_num: first!.line_num,
    });
    expect(next.body.logs).toHaveLength(logs.length - 1);
    expect(next.body.logs[0].content).toContain(`<HighLightTag>${echo.port}</HighLightTag>`);
    const counted = await callHuawei(access, "POST", `/v2/${place.projectId}/lts/keyword-count`, {
      group_id: place.groupId,
      stream_id: place.streamId,
      start_time: (beganS - windowS) * 1000,
      end_time: Date.now() + 2 * windowS * 1000,
      key_word: `${echo.port}`,
    });
    expect(counted.body.count).toBe(logs.length);
  });

  it("finds each line again that was answered before a kill", async () => {
    const stream = `groups/${place.groupId}/streams/${place.streamId}`;
    const report = `/v2/${place.projectId}/lts/${stream}/tenant/contents`;
    const answered: string[] = [];
    const send = async (): Promise<void> => {
      for (let number = 0; ; number++) {
        const content = `reported ${number}`;
        const body = { log_time_ns: `${Date.now()}000000`, contents: [content], labels: {} };
        const { status } = await callHuawei(access, "POST", report, body).catch(() => ({ status: 0 }));
        if (status !== 200) return;
        answered.push(content);
      }
    };
    const sending = send();
    await eventually("some lines are stored", 60_000, async () =>
      Promise.resolve(answered.length >= 5 ? true : undefined),
    );
    await weir.kill();
    await sending;
    weir = await startWeir({ data: weir.data, args });
    access = { ...access, endpoint: weir.ready.endpoint };
    const { body } = await callHuawei(access, "POST", `/v2/${place.projectId}/${stream}/content/query`, {
      start_time: Date.now() - 600_000,
      end_time: Date.now() + 600_000,
      keywords: "reported",
      highlight: false,
      limit: 5000,
    });
    const found = new Set((body.logs as { content: string }[]).map(({ content }) => content));
    expect(answered.filter((content) => !found.has(content))).toEqual([]);
    // One may have been stored and not answered.
    expect(found.size - answered.length).toBeLessThanOrEqual(1);
  });

  it("sees ERROR while the log stream is gone", async () => {
    const client = vpcClient(access, place);
    const own = await makeLogPlace(access, "eu-ch2");
    const there = vpcClient(access, own);
    const request = new vpc.CreateFlowLogReq("port", portId, "all", own.groupId, own.streamId);
    const { id, status } = await create(there, request);
    expect(status).toBe("ACTIVE");
    const stream = `/v2/${own.projectId}/groups/${own.groupId}/streams/${own.streamId}`;
    await callHuawei(access, "DELETE", stream);
    expect((await show(there, id))["status"]).toBe("ERROR");
    await there.deleteFlowLog(new vpc.DeleteFlowLogRequest(id));
    // Selecting by a verdict that nobody tells is no empty log, but an error as well.
    const rejected = await create(client, wanted("reject"));
    expect(rejected["status"]).toBe("ERROR");
    await client.deleteFlowLog(new vpc.DeleteFlowLogRequest(rejected.id));
  });
});

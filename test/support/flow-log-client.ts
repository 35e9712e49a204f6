/** One flow log's life in the words of each service, by the vendors' own clients. */
import { callNative } from "./administration.ts";
import { huaweiAccessOf, makeLogPlace } from "./huawei-client.ts";
import { vpc, vpcClient } from "./huawei-sdk.ts";
import { accessOf, rpcCall, type SagCall } from "./sag-client.ts";
import { eventually, type RunningWeir } from "./weir.ts";

/** What all three services tell of a flow log. */
export interface ShownFlowLog {
  readonly name: string;
  readonly description: string;
  readonly isActive: boolean;
}

/** Each call resolves when the change holds. */
export interface FlowLogClient {
  create(name: string, description: string): Promise<string>;
  ids(): Promise<string[]>;
  /** Rejects with an error that has `code`, in the service's words, if there is no such flow log. */
  show(id: string): Promise<ShownFlowLog>;
  rename(id: string, name: string): Promise<void>;
  switch(id: string, isActive: boolean): Promise<void>;
  remove(id: string): Promise<void>;
}

/** What is asked of a flow log that there is not: the service's error code. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  const thrown = await work.then(
    () => ({}),
    (error: unknown) => error as { code?: string; errorCode?: string },
  );
  return "errorCode" in thrown ? (thrown.errorCode ?? "") : "code" in thrown ? (thrown.code ?? "") : "none";
}

export function sagClient(weir: RunningWeir): FlowLogClient {
  const call = rpcCall(accessOf(weir), "2018-03-13");
  const list = async (filter: object) => {
    const { FlowLogs } = (await call("DescribeFlowLogs", { ...filter })) as {
      FlowLogs: { FlowLogSetType: Record<string, string>[] };
    };
    return FlowLogs.FlowLogSetType;
  };
  return {
    create: async (Name, Description) => {
      const log = { SlsRegionId: weir.ready.regionId, ProjectName: "scenario", LogstoreName: "sag" };
      const created = await call("CreateFlowLog", { Name, Description, OutputType: "sls", ...log });
      return String(created["FlowLogId"]);
    },
    ids: async () => (await list({})).map(({ FlowLogId }) => FlowLogId!),
    show: async (FlowLogId) => {
      const [shown] = await list({ FlowLogId });
      if (shown === undefined) await call("ActiveFlowLog", { FlowLogId });
      const { Name, Description, Status } = shown!;
      return { name: Name!, description: Description!, isActive: Status === "Active" };
    },
    rename: async (FlowLogId, Name) =>
      void (await call("ModifyFlowLogAttribute", { FlowLogId, Name, OutputType: "sls" })),
    switch: async (FlowLogId, isActive) =>
      void (await call(isActive ? "ActiveFlowLog" : "DeactiveFlowLog", { FlowLogId })),
    remove: async (FlowLogId) => void (await call("DeleteFlowLog", { FlowLogId })),
  };
}

export function alibabaVpcClient(weir: RunningWeir): FlowLogClient {
  const call: SagCall = rpcCall(accessOf(weir), "2016-04-28");
  const list = async (filter: object) => {
    const { FlowLogs } = (await call("DescribeFlowLogs", { ...filter })) as {
      FlowLogs: { FlowLog: Record<string, string>[] };
    };
    return FlowLogs.FlowLog;
  };
  const settled = (FlowLogId: string, statuses: readonly (string | undefined)[]): Promise<unknown> =>
    eventually(`${FlowLogId} is settled`, 90_000, async () => {
      const [shown] = await list({ FlowLogId });
      return statuses.includes(shown?.["Status"]) ? true : undefined;
    });
  const change = async (action: string, parameters: { FlowLogId: string; FlowLogName?: string }) => {
    await call(action, parameters);
    await settled(parameters.FlowLogId, ["Active", "Inactive"]);
  };
  return {
    create: async (FlowLogName, Description) => {
      const ResourceId = weir.ready.resources.find(({ type }) => type === "vpc")!.id;
      const log = { ProjectName: "scenario", LogStoreName: "vpc", TrafficType: "All" };
      const named = { FlowLogName, Description, ResourceType: "VPC", ResourceId };
      const created = await call("CreateFlowLog", { ...named, ...log });
      const id = String(created["FlowLogId"]);
      await settled(id, ["Active"]);
      return id;
    },
    ids: async () => (await list({})).map(({ FlowLogId }) => FlowLogId!),
    show: async (FlowLogId) => {
      const [shown] = await list({ FlowLogId });
      if (shown === undefined) await call("ActiveFlowLog", { FlowLogId });
      const { FlowLogName, Description, Status } = shown!;
      return { name: FlowLogName!, description: Description!, isActive: Status === "Active" };
    },
    rename: (FlowLogId, FlowLogName) => change("ModifyFlowLogAttribute", { FlowLogId, FlowLogName }),
    switch: (FlowLogId, isActive) => change(isActive ? "ActiveFlowLog" : "DeactiveFlowLog", { FlowLogId }),
    remove: async (FlowLogId) => {
      await call("DeleteFlowLog", { FlowLogId });
      await settled(FlowLogId, [undefined]);
    },
  };
}

export async function huaweiVpcClient(weir: RunningWeir): Promise<FlowLogClient> {
  const access = huaweiAccessOf(weir);
  const place = await makeLogPlace(access, "cn-north-4");
  const client = vpcClient(access, place);
  const { resources } = await callNative<{ resources: { type: string; uuid: string }[] }>(
    weir.data,
    "GET",
    "/resources",
  );
  const vpcId = resources.find(({ type }) => type === "vpc")!.uuid;
  const update = async (id: string, change: InstanceType<typeof vpc.UpdateFlowLogReq>): Promise<void> => {
    await client.updateFlowLog(
      new vpc.UpdateFlowLogRequest(id).withBody(new vpc.UpdateFlowLogReqBody(change)),
    );
  };
  return {
    create: async (name, description) => {
      const wanted = new vpc.CreateFlowLogReq("vpc", vpcId, "all", place.groupId, place.streamId)
        .withName(name)
        .withDescription(description);
      const body = new vpc.CreateFlowLogReqBody(wanted);
      const created = await client.createFlowLog(new vpc.CreateFlowLogRequest().withBody(body));
      return (created as unknown as { flow_log: { id: string } }).flow_log.id;
    },
    ids: async () => {
      const listed = await client.listFlowLogs(new vpc.ListFlowLogsRequest());
      return (listed as unknown as { flow_logs: { id: string }[] }).flow_logs.map(({ id }) => id);
    },
    show: async (id) => {
      const shown = await client.showFlowLog(new vpc.ShowFlowLogRequest(id));
      const { name, description, admin_state } = (
        shown as unknown as { flow_log: { name: string; description: string; admin_state: boolean } }
      ).flow_log;
      return { name, description, isActive: admin_state };
    },
    rename: (id, name) => update(id, new vpc.UpdateFlowLogReq().withName(name)),
    switch: (id, isActive) => update(id, new vpc.UpdateFlowLogReq().withAdminState(isActive)),
    remove: async (id) => void (await client.deleteFlowLog(new vpc.DeleteFlowLogRequest(id))),
  };
}

/** Calls the Smart Access Gateway API, and others of its style, with Alibaba's own SDK. */
import PopCore from "@alicloud/pop-core";

import type { RunningWeir } from "./weir.ts";

export interface SagAccess {
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  readonly regionId: string;
}

export type SagCall = (
  action: string,
  parameters?: Readonly<Record<string, unknown>>,
) => Promise<Record<string, unknown>>;

/** How to reach a Weir; the secret is told by the first start alone. */
export function accessOf({ ready }: RunningWeir, former?: SagAccess): SagAccess {
  return { ...ready, accessKeySecret: ready.accessKeySecret ?? former?.accessKeySecret ?? "" };
}

/** Calls one action of the Smart Access Gateway; rejects with the answer's error. */
export function sagCall(access: SagAccess): SagCall {
  return rpcCall(access, "2018-03-13");
}

/** Calls one action of the service of that version by POST, in the access's region; rejects with the answer's error. */
export function rpcCall({ regionId, ...access }: SagAccess, apiVersion: string): SagCall {
  const client = new PopCore({ ...access, apiVersion });
  return (action, parameters) =>
    client.request(action, { RegionId: regionId, ...parameters }, { method: "POST" });
}

/** Makes a flow log that goes to a logstore and, as `settings` say, elsewhere; bound to the host's gateway. */
export async function createGatewayFlowLog(
  weir: RunningWeir,
  call: SagCall,
  settings: Readonly<Record<string, unknown>>,
): Promise<string> {
  const created = await call("CreateFlowLog", {
    OutputType: "sls",
    SlsRegionId: weir.ready.regionId,
    ...settings,
  });
  const FlowLogId = String(created["FlowLogId"]);
  const { id } = weir.ready.resources.find(({ type }) => type === "gateway")!;
  await call("AssociateFlowLog", { FlowLogId, SmartAGId: id });
  return FlowLogId;
}

/** What every operation of a region needs, and the check that the region is one. */
import type { Control, FlowLogScope } from "../../../control/mod.ts";
import { type DeliveryLookup, required, type RpcCall, type RpcObject, type RpcResult } from "../rpc/mod.ts";
import { refuse } from "./error.ts";

export interface VpcDependencies {
  readonly control: Control;
  /** How a flow log's deliveries go; undefined while nothing is known. Asked at most once a second and flow log. */
  readonly deliveryStatus?: DeliveryLookup;
}

export interface RegionalCall extends VpcDependencies {
  readonly call: RpcCall;
  readonly scope: FlowLogScope;
}

export type VpcOperation = (regional: RegionalCall) => RpcResult<RpcObject>;

const serviceName = "vpc";
/** Flow logs deliver to the log service of their own region: the regions are the log service's. */
export const regionService = "logService";

/** The caller's flow logs in the region that the call names. */
export function regionalCall(dependencies: VpcDependencies, call: RpcCall): RpcResult<RegionalCall> {
  const regionId = required(call.parameters, "RegionId");
  if (!regionId.ok) return regionId;
  if (!dependencies.control.regions.has(regionService, regionId.value)) {
    return refuse("InvalidRegionId.NotFound");
  }
  const { accountId } = call.principal;
  const scope = { accountId, regionId: regionId.value, service: serviceName } as const;
  return { ok: true, value: { ...dependencies, call, scope } };
}

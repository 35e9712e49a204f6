/** What every operation of a region needs, and the check that the region is one. */
import type { Control, FlowLogScope } from "../../../control/mod.ts";
import type { Logger } from "../../../observe/mod.ts";
import { type DeliveryLookup, required, type RpcCall, type RpcObject, type RpcResult } from "../rpc/mod.ts";
import { sagError } from "./error.ts";

export interface SagDependencies {
  readonly control: Control;
  readonly logger: Logger;
  /** How a flow log's deliveries go; undefined while nothing is known. Asked at most once a second and flow log. */
  readonly deliveryStatus?: DeliveryLookup;
  /** Resolves when the running system has taken the last change over; a change is answered only then. */
  readonly settled?: () => Promise<void>;
}

export interface RegionalCall extends SagDependencies {
  readonly call: RpcCall;
  readonly scope: FlowLogScope;
}

export type SagOperation = (regional: RegionalCall) => RpcResult<RpcObject>;

export const serviceName = "sag" as const;

/** The caller's flow logs in the region that the call names. */
export function regionalCall(dependencies: SagDependencies, call: RpcCall): RpcResult<RegionalCall> {
  const regionId = required(call.parameters, "RegionId");
  if (!regionId.ok) return regionId;
  if (!dependencies.control.regions.has(serviceName, regionId.value)) {
    return { ok: false, error: sagError("IllegalParam.RegionId") };
  }
  const { accountId } = call.principal;
  const scope = { accountId, regionId: regionId.value, service: serviceName };
  return { ok: true, value: { ...dependencies, call, scope } };
}

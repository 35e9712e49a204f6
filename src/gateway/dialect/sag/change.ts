/** The operations that change flow logs. */
import type { Result } from "../../../base/mod.ts";
import { required, type RpcObject, type RpcResult } from "../rpc/mod.ts";
import { errorOfFault, sagError } from "./error.ts";
import type { RegionalCall, SagOperation } from "./operation.ts";
import { patchOf, requiredFlowLogId, resourceGroupOf } from "./parameter.ts";

export const createFlowLog: SagOperation = ({ control, scope, call }) => {
  // The code table knows no missing OutputType: what names no output names none of the three.
  if (!call.parameters.has("OutputType")) return { ok: false, error: sagError("IllegalParam.OutputType") };
  const patch = patchOf(call.parameters);
  if (!patch.ok) return patch;
  const group = resourceGroupOf(call.parameters);
  if (!group.ok) return group;
  const named = group.value === undefined ? patch.value : { ...patch.value, resourceGroupId: group.value };
  const created = control.flowLogs.create(scope, named);
  if (!created.ok) return { ok: false, error: errorOfFault(created.fault) };
  return { ok: true, value: { FlowLogId: created.value.id, ResourceGroupId: created.value.resourceGroupId } };
};

export const modifyFlowLogAttribute: SagOperation = (regional) =>
  onFlowLog(regional, (flowLogId) => {
    const patch = patchOf(regional.call.parameters);
    if (!patch.ok) return patch;
    return done(regional.control.flowLogs.modify(regional.scope, flowLogId, patch.value));
  });

export const deleteFlowLog: SagOperation = (regional) =>
  onFlowLog(regional, (flowLogId) => done(regional.control.flowLogs.remove(regional.scope, flowLogId)));

export const activeFlowLog: SagOperation = (regional) =>
  onFlowLog(regional, (flowLogId) => done(regional.control.flowLogs.activate(regional.scope, flowLogId)));

export const deactiveFlowLog: SagOperation = (regional) =>
  onFlowLog(regional, (flowLogId) => done(regional.control.flowLogs.deactivate(regional.scope, flowLogId)));

export const associateFlowLog: SagOperation = (regional) =>
  onGateway(regional, (flowLogId, gatewayId) =>
    regional.control.flowLogs.associate(regional.scope, flowLogId, gatewayId),
  );

export const disassociateFlowLog: SagOperation = (regional) =>
  onGateway(regional, (flowLogId, gatewayId) =>
    regional.control.flowLogs.disassociate(regional.scope, flowLogId, gatewayId),
  );

function onFlowLog(
  { control, scope, call }: RegionalCall,
  operate: (flowLogId: string) => RpcResult<RpcObject>,
): RpcResult<RpcObject> {
  const flowLogId = requiredFlowLogId(call.parameters);
  if (!flowLogId.ok) return flowLogId;
  const known = control.flowLogs.get(scope, flowLogId.value);
  return known.ok ? operate(flowLogId.value) : { ok: false, error: errorOfFault(known.fault) };
}

/**
 * A gateway alone is a device of this service: any other resource is not found here, unless it was bound to
 * the flow log by other means, for then it is listed and can be unbound.
 */
function onGateway(
  regional: RegionalCall,
  operate: (flowLogId: string, gatewayId: string) => Result<unknown>,
): RpcResult<RpcObject> {
  return onFlowLog(regional, (flowLogId) => {
    const gatewayId = required(regional.call.parameters, "SmartAGId");
    if (!gatewayId.ok) return gatewayId;
    const { flowLogs, resources } = regional.control;
    const isBound = flowLogs.resourcesOf(flowLogId).some(({ id }) => id === gatewayId.value);
    if (!isBound && resources.find(gatewayId.value)?.type !== "gateway") {
      return { ok: false, error: sagError("InvalidSmartAGId.NotFound") };
    }
    return done(operate(flowLogId, gatewayId.value));
  });
}

function done(result: Result<unknown>): RpcResult<RpcObject> {
  return result.ok ? { ok: true, value: {} } : { ok: false, error: errorOfFault(result.fault) };
}

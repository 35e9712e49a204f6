/**
 * The operations that change flow logs. Each is asynchronous: it answers when the change is kept, and the flow
 * log's Status tells when capture has it. While one change is under way no other is taken.
 */
import type { FlowLog } from "../../../control/mod.ts";
import { type RpcObject, type RpcResult, textOf } from "../rpc/mod.ts";
import { succeeded } from "./answer.ts";
import { answerOf, errorOfFault, refuse } from "./error.ts";
import type { RegionalCall, VpcOperation } from "./operation.ts";
import { settingsOf } from "./settings.ts";

export const modifyFlowLogAttribute: VpcOperation = (regional) =>
  onFlowLog(regional, ({ id }) => {
    const settings = settingsOf(regional.call.parameters, "InvalidName.Malformed");
    if (!settings.ok) return settings;
    return answerOf(regional.control.flowLogs.modify(regional.scope, id, settings.value), succeeded);
  });

export const deleteFlowLog: VpcOperation = (regional) =>
  onFlowLog(regional, ({ id, transition }) => {
    if (transition === "deleting") return refuse("InvalidStatus");
    return answerOf(regional.control.flowLogs.remove(regional.scope, id), succeeded);
  });

export const activeFlowLog: VpcOperation = (regional) =>
  onFlowLog(regional, (flowLog) => {
    const { control, scope } = regional;
    if (flowLog.transition === "activating") return refuse("InvalidStatus");
    const { accountId } = flowLog;
    const { regionId, project, logstore } = flowLog.outputs.logService;
    const delivery = control.logProjects.getLogstore({ accountId, regionId, project, logstore });
    if (!delivery.ok) return refuse("OperationDenied.FlowLogDeliverFailed");
    return answerOf(control.flowLogs.activate(scope, flowLog.id), succeeded);
  });

export const deactiveFlowLog: VpcOperation = (regional) =>
  onFlowLog(regional, ({ id, transition }) => {
    if (transition === "deactivating") return refuse("InvalidStatus");
    return answerOf(regional.control.flowLogs.deactivate(regional.scope, id), succeeded);
  });

/** ResourceType is a word that the service's documentation and its clients spell in different cases. */
export const moveResourceGroup: VpcOperation = ({ control, scope, call: { parameters } }) => {
  const id = textOf(parameters, "ResourceId");
  const resourceType = textOf(parameters, "ResourceType");
  const resourceGroupId = textOf(parameters, "NewResourceGroupId");
  if (id === "" || resourceType === "" || resourceGroupId === "") return refuse("MissingParameter");
  if (resourceType.toLowerCase() !== "flowlog") return refuse("IllegalParam.ResourceType");
  const flowLog = control.flowLogs.get(scope, id);
  if (!flowLog.ok) return refuse("InvalidResourceId.NotFound", "The specified ResourceId does not exist.");
  if (flowLog.value.transition !== undefined) return refuse("OperationFailed.InstanceStatusNotAllowed");
  const group = control.resourceGroups.get(scope.accountId, resourceGroupId);
  if (!group.ok) return refuse("InvalidResourceGroupId");
  return answerOf(control.flowLogs.moveResourceGroup(scope, id, resourceGroupId), {});
};

function onFlowLog(
  { control, scope, call }: RegionalCall,
  operate: (flowLog: FlowLog) => RpcResult<RpcObject>,
): RpcResult<RpcObject> {
  const flowLogId = textOf(call.parameters, "FlowLogId");
  if (flowLogId === "") return refuse("MissingParameter");
  const known = control.flowLogs.get(scope, flowLogId);
  return known.ok ? operate(known.value) : { ok: false, error: errorOfFault(known.fault) };
}

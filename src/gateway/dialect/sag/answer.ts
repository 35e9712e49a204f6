/** Flow logs and gateways in the shape that SAG's clients read. */
import type { FlowLog, Resource } from "../../../control/mod.ts";
import type { DeliveryStatus, RpcObject } from "../rpc/mod.ts";

/**
 * NetflowServerPort is a string, and never an empty one. FlowLogDeliverStatus and
 * FlowLogDeliverErrorMessage are the VPC API's names for what this API has no member for.
 */
export function flowLogAnswer(flowLog: FlowLog, gatewayCount: number, delivery?: DeliveryStatus): RpcObject {
  const { policy, outputs } = flowLog;
  return {
    FlowLogId: flowLog.id,
    Name: flowLog.name,
    Description: flowLog.description,
    Status: flowLog.status === "active" ? "Active" : "Inactive",
    TotalSagNum: gatewayCount,
    OutputType: outputTypeOf(flowLog),
    ...(policy.kind === "aging"
      ? { ActiveAging: policy.activeTimeoutS, InactiveAging: policy.inactiveTimeoutS }
      : {}),
    SlsRegionId: outputs.logService.regionId,
    ProjectName: outputs.logService.project,
    LogstoreName: outputs.logService.logstore,
    NetflowServerIp: outputs.netflow.address,
    NetflowServerPort: `${outputs.netflow.port}`,
    NetflowVersion: `V${outputs.netflow.version}`,
    ResourceGroupId: flowLog.resourceGroupId,
    ...(delivery === undefined
      ? {}
      : {
          FlowLogDeliverStatus: delivery.healthy ? "SUCCESS" : "FAILED",
          FlowLogDeliverErrorMessage: delivery.message,
        }),
  };
}

export function outputTypeOf({ outputs: { logService, netflow } }: FlowLog): string {
  if (logService.enabled && netflow.enabled) return "all";
  return logService.enabled ? "sls" : "netflow";
}

export function gatewayAnswer({ id, name, description }: Resource): RpcObject {
  return { SmartAGId: id, Name: name, Description: description };
}

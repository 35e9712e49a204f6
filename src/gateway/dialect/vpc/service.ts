/**
 * Virtual Private Cloud, Vpc 2016-04-28: its flow logs, their tags and resource groups, and DescribeRegions.
 *
 * docs/reference/vpc-api.md tells what the service's own documentation leaves open.
 */
import { describeRegions, rememberDeliveries, type RpcOperation, type RpcService } from "../rpc/mod.ts";
import * as change from "./change.ts";
import { createFlowLog } from "./create.ts";
import { describeFlowLogs } from "./describe.ts";
import { getFlowLogServiceStatus, openFlowLogService } from "./flow-log-service.ts";
import { regionalCall, regionService, type VpcDependencies, type VpcOperation } from "./operation.ts";
import { permissionOf, type VpcAction, vpcActions } from "./permission.ts";
import * as tag from "./tag.ts";

const operations = {
  CreateFlowLog: createFlowLog,
  ModifyFlowLogAttribute: change.modifyFlowLogAttribute,
  DeleteFlowLog: change.deleteFlowLog,
  ActiveFlowLog: change.activeFlowLog,
  DeactiveFlowLog: change.deactiveFlowLog,
  DescribeFlowLogs: describeFlowLogs,
  GetFlowLogServiceStatus: getFlowLogServiceStatus,
  OpenFlowLogService: openFlowLogService,
  TagResources: tag.tagResources,
  UnTagResources: tag.unTagResources,
  ListTagResources: tag.listTagResources,
  MoveResourceGroup: change.moveResourceGroup,
} as const satisfies Readonly<Record<VpcAction, VpcOperation>>;

export function createVpcService(given: VpcDependencies): RpcService {
  const { control, deliveryStatus } = given;
  const dependencies: VpcDependencies =
    deliveryStatus === undefined ? given : { ...given, deliveryStatus: rememberDeliveries(deliveryStatus) };
  const run = (operate: VpcOperation): RpcOperation["run"] => {
    return (call) => {
      const regional = regionalCall(dependencies, call);
      return regional.ok ? operate(regional.value) : regional;
    };
  };
  return {
    product: "Vpc",
    version: "2016-04-28",
    denied: {
      status: 403,
      code: "Forbidden.RAM",
      message: "User not authorized to operate on the specified resource, or this API doesn't support RAM.",
    },
    operations: new Map<string, RpcOperation>([
      ...vpcActions.map((action): [string, RpcOperation] => [
        action,
        { permission: permissionOf(action, control), run: run(operations[action]) },
      ]),
      [
        "DescribeRegions",
        { permission: "everyone", run: (call) => describeRegions(control.regions.list(regionService), call) },
      ],
    ]),
  };
}

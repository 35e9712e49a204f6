/** What a caller must be allowed for each operation: actions and resources as the service documents them. */
import { type NamedControl, policyIdOf, type RpcCall, type RpcPermission, textOf } from "../rpc/mod.ts";

type Relative = (call: RpcCall, control: NamedControl) => string;

const everything: Relative = () => "*";
const flowLogs: Relative = () => "flowlog/*";
const flowLog: Relative = (call, control) =>
  `flowlog/${policyIdOf("flowLogs", textOf(call.parameters, "FlowLogId"), control, call)}`;
const gateway: Relative = (call, control) =>
  `smartag/${policyIdOf("resources", textOf(call.parameters, "SmartAGId"), control, call)}`;

/**
 * An operation that the service authorises on "All Resources" is one on `*` of the region: a policy must say
 * `*` there, as the service's documentation tells its readers to.
 */
const relatives = {
  CreateFlowLog: [flowLogs],
  ModifyFlowLogAttribute: [everything],
  DeleteFlowLog: [flowLog],
  ActiveFlowLog: [flowLog],
  DeactiveFlowLog: [flowLog],
  AssociateFlowLog: [gateway, flowLog],
  DisassociateFlowLog: [gateway, flowLog],
  DescribeFlowLogs: [everything],
  DescribeFlowLogSags: [flowLog],
  DescribeUnbindFlowLogSags: [everything],
} as const satisfies Readonly<Record<string, readonly Relative[]>>;

export type SagAction = keyof typeof relatives;
export const sagActions = Object.keys(relatives) as readonly SagAction[];

export function permissionOf(operation: SagAction, control: NamedControl): RpcPermission {
  return {
    action: `smartag:${operation}`,
    resources: (call) => {
      const prefix = `acs:smartag:${textOf(call.parameters, "RegionId")}:${call.principal.accountId}`;
      return relatives[operation].map((relative) => `${prefix}:${relative(call, control)}`);
    },
  };
}

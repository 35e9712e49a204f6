/** What a caller must be allowed for each operation: actions and resources as the service documents them. */
import { type NamedControl, policyIdOf, type RpcCall, type RpcPermission, textOf } from "../rpc/mod.ts";
import { listOf } from "./parameter.ts";

type Relatives = (call: RpcCall, control: NamedControl) => readonly string[];

const flowLogs: Relatives = () => ["flowlog/*"];

function flowLogNamed(id: string, control: NamedControl, call: RpcCall): string {
  return `flowlog/${policyIdOf("flowLogs", id, control, call)}`;
}

const flowLog: Relatives = (call, control) => [
  flowLogNamed(textOf(call.parameters, "FlowLogId"), control, call),
];
const movedFlowLog: Relatives = (call, control) => [
  flowLogNamed(textOf(call.parameters, "ResourceId"), control, call),
];

/** Every flow log that is named; without a name, all of them. */
const namedFlowLogs: Relatives = (call, control) => {
  const ids = listOf(call.parameters, "ResourceId");
  return ids.length === 0 ? flowLogs(call, control) : ids.map((id) => flowLogNamed(id, control, call));
};

/** Flow logs, and what the new one is on; the service authorises no network interface here. */
const newFlowLog: Relatives = (call, control) => {
  const id = policyIdOf("resources", textOf(call.parameters, "ResourceId"), control, call);
  const type = textOf(call.parameters, "ResourceType");
  const target = type === "VPC" ? [`vpc/${id}`] : type === "VSwitch" ? [`vswitch/${id}`] : [];
  return [...flowLogs(call, control), ...target];
};

const relatives = {
  CreateFlowLog: newFlowLog,
  ModifyFlowLogAttribute: flowLog,
  DeleteFlowLog: flowLog,
  ActiveFlowLog: flowLog,
  DeactiveFlowLog: flowLog,
  DescribeFlowLogs: flowLogs,
  GetFlowLogServiceStatus: flowLogs,
  OpenFlowLogService: flowLogs,
  TagResources: namedFlowLogs,
  UnTagResources: namedFlowLogs,
  ListTagResources: namedFlowLogs,
  MoveResourceGroup: movedFlowLog,
} as const satisfies Readonly<Record<string, Relatives>>;

export type VpcAction = keyof typeof relatives;
export const vpcActions = Object.keys(relatives) as readonly VpcAction[];

export function permissionOf(operation: VpcAction, control: NamedControl): RpcPermission {
  return {
    action: `vpc:${operation}`,
    resources: (call) => {
      const prefix = `acs:vpc:${textOf(call.parameters, "RegionId")}:${call.principal.accountId}`;
      return relatives[operation](call, control).map((relative) => `${prefix}:${relative}`);
    },
  };
}

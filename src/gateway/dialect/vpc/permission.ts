/** What a caller must be allowed for each operation: actions and resources as the service documents them. */
import { type RpcCall, type RpcPermission, textOf } from "../rpc/mod.ts";
import { listOf } from "./parameter.ts";

type Relatives = (call: RpcCall) => readonly string[];

const flowLogs: Relatives = () => ["flowlog/*"];
const flowLog: Relatives = ({ parameters }) => [`flowlog/${textOf(parameters, "FlowLogId")}`];
const movedFlowLog: Relatives = ({ parameters }) => [`flowlog/${textOf(parameters, "ResourceId")}`];

/** Every flow log that is named; without a name, all of them. */
const namedFlowLogs: Relatives = (call) => {
  const ids = listOf(call.parameters, "ResourceId");
  return ids.length === 0 ? flowLogs(call) : ids.map((id) => `flowlog/${id}`);
};

/** Flow logs, and what the new one is on; the service authorises no network interface here. */
const newFlowLog: Relatives = (call) => {
  const id = textOf(call.parameters, "ResourceId");
  const type = textOf(call.parameters, "ResourceType");
  const target = type === "VPC" ? [`vpc/${id}`] : type === "VSwitch" ? [`vswitch/${id}`] : [];
  return [...flowLogs(call), ...target];
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

export function permissionOf(operation: VpcAction): RpcPermission {
  return {
    action: `vpc:${operation}`,
    resources: (call) => {
      const prefix = `acs:vpc:${textOf(call.parameters, "RegionId")}:${call.principal.accountId}`;
      return relatives[operation](call).map((relative) => `${prefix}:${relative}`);
    },
  };
}

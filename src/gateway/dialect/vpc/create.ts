/** CreateFlowLog. */
import type { FlowLogTarget, NewFlowLog } from "../../../control/mod.ts";
import { type RpcObject, type RpcResult, textOf } from "../rpc/mod.ts";
import { succeeded } from "./answer.ts";
import { errorOfFault, refuse } from "./error.ts";
import type { RegionalCall, VpcOperation } from "./operation.ts";
import { resourceTypes, trafficPathsOf, trafficTypes, wordOf } from "./parameter.ts";
import { requestOf } from "./request-token.ts";
import { settingsOf } from "./settings.ts";
import { tagsOf } from "./tag-parameter.ts";

/** Asynchronous: the flow log is Activating until capture has it. */
export const createFlowLog: VpcOperation = (regional) => {
  const { control, scope } = regional;
  const request = requestOf(regional, "CreateFlowLog");
  if (!request.ok) return request;
  const { token, made } = request.value;
  if (made !== undefined) return answer(made, namedResourceGroup(regional));
  const wanted = wantedOf(regional);
  if (!wanted.ok) return wanted;
  const created = control.flowLogs.create(scope, wanted.value, token);
  if (!created.ok) return { ok: false, error: errorOfFault(created.fault) };
  return answer(created.value.id, created.value.resourceGroupId);
};

function answer(FlowLogId: string, ResourceGroupId: string): RpcResult<RpcObject> {
  return { ok: true, value: { ...succeeded, FlowLogId, ResourceGroupId } };
}

/** The one that the call names, or the account's default. */
function namedResourceGroup({ control, scope, call }: RegionalCall): string {
  const { accounts } = control;
  const account = accounts.get(scope.accountId) ?? accounts.default;
  return textOf(call.parameters, "ResourceGroupId") || account.resourceGroupId;
}

function wantedOf(regional: RegionalCall): RpcResult<NewFlowLog> {
  const { parameters } = regional.call;
  const target = targetOf(regional);
  if (!target.ok) return target;
  const trafficType = wordOf(parameters, "TrafficType", trafficTypes, "InvalidTrafficType.NotFound");
  if (!trafficType.ok) return trafficType;
  if (trafficType.value === undefined) return refuse("MissingParameter");
  const settings = settingsOf(parameters, "ParameterInvalid");
  if (!settings.ok) return settings;
  const trafficPaths = trafficPathsOf(parameters);
  if (!trafficPaths.ok) return trafficPaths;
  const tags = tagsOf(parameters);
  if (!tags.ok) return tags;
  const resourceGroupId = textOf(parameters, "ResourceGroupId");
  return {
    ok: true,
    value: {
      target: target.value,
      ...settings.value,
      ...(resourceGroupId === "" ? {} : { resourceGroupId }),
      filter: {
        ipVersions: [4],
        ...settings.value.filter,
        trafficType: trafficType.value,
        ...(trafficPaths.value === undefined ? {} : { trafficPaths: trafficPaths.value }),
      },
      outputs: {
        logService: {
          enabled: true,
          regionId: regional.scope.regionId,
          project: textOf(parameters, "ProjectName"),
          logstore: textOf(parameters, "LogStoreName"),
        },
      },
      tags: tags.value,
    },
  };
}

function targetOf({ control, scope, call: { parameters } }: RegionalCall): RpcResult<FlowLogTarget> {
  const id = textOf(parameters, "ResourceId");
  const type = wordOf(parameters, "ResourceType", resourceTypes, "OperationUnsupported.ResourceType");
  if (!type.ok) return type;
  if (id === "" || type.value === undefined) return refuse("MissingParameter");
  const known = control.resources.get(scope, id);
  if (!known.ok) {
    return refuse("InvalidInstanceId", type.value === "subnet" ? "vswitch does not exist." : undefined);
  }
  if (known.value.type !== type.value) return refuse("InvalidResourceType.NotFound");
  return { ok: true, value: { type: type.value, id } };
}

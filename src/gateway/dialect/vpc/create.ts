/** CreateFlowLog. */
import type { FlowLogTarget, NewFlowLog } from "../../../control/mod.ts";
import { type RpcResult, textOf } from "../rpc/mod.ts";
import { succeeded } from "./answer.ts";
import { errorOfFault, refuse } from "./error.ts";
import type { RegionalCall, VpcOperation } from "./operation.ts";
import { resourceTypes, trafficPathsOf, trafficTypes, wordOf } from "./parameter.ts";
import { requestTokenOf } from "./request-token.ts";
import { settingsOf } from "./settings.ts";
import { tagsOf } from "./tag-parameter.ts";

/** Asynchronous: the flow log is Activating until capture has it. */
export const createFlowLog: VpcOperation = (regional) => {
  const { control, scope, call } = regional;
  const wanted = wantedOf(regional);
  if (!wanted.ok) return wanted;
  const request = requestTokenOf(call.parameters, scope, "CreateFlowLog");
  if (!request.ok) return request;
  const created = control.flowLogs.create(scope, wanted.value, request.value);
  if (!created.ok) return { ok: false, error: errorOfFault(created.fault) };
  const { id, resourceGroupId } = created.value;
  return { ok: true, value: { ...succeeded, FlowLogId: id, ResourceGroupId: resourceGroupId } };
};

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

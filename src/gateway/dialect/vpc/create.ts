/** CreateFlowLog. */
import type { FlowLogTarget, NewFlowLog } from "../../../control/mod.ts";
import { type Parameters, type RpcResult, textOf } from "../rpc/mod.ts";
import { succeeded } from "./answer.ts";
import { errorOfFault, refuse } from "./error.ts";
import type { RegionalCall, VpcOperation } from "./operation.ts";
import {
  descriptionLengthMax,
  ipVersions,
  labelOf,
  nameLengthMax,
  resourceTypes,
  trafficPathsOf,
  trafficTypes,
  windowOf,
  wordOf,
} from "./parameter.ts";
import { requestTokenOf } from "./request-token.ts";
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
  const labels = labelsOf(parameters);
  if (!labels.ok) return labels;
  const windowS = windowOf(parameters);
  if (!windowS.ok) return windowS;
  const trafficPaths = trafficPathsOf(parameters);
  if (!trafficPaths.ok) return trafficPaths;
  const versions = wordOf(parameters, "IpVersion", ipVersions, "ParameterInvalid");
  if (!versions.ok) return versions;
  const tags = tagsOf(parameters);
  if (!tags.ok) return tags;
  // Its grammar is documented nowhere: one that is asked for cannot be kept.
  if (textOf(parameters, "LogFormat") !== "") return refuse("ParameterInvalid");
  const resourceGroupId = textOf(parameters, "ResourceGroupId");
  return {
    ok: true,
    value: {
      target: target.value,
      ...labels.value,
      ...(resourceGroupId === "" ? {} : { resourceGroupId }),
      ...(windowS.value === undefined ? {} : { policy: { windowS: windowS.value } }),
      filter: {
        trafficType: trafficType.value,
        ipVersions: versions.value ?? [4],
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

function targetOf({ control, call: { parameters } }: RegionalCall): RpcResult<FlowLogTarget> {
  const id = textOf(parameters, "ResourceId");
  const type = wordOf(parameters, "ResourceType", resourceTypes, "OperationUnsupported.ResourceType");
  if (!type.ok) return type;
  if (id === "" || type.value === undefined) return refuse("MissingParameter");
  const known = control.resources.find(id);
  if (known === undefined && type.value === "subnet") {
    return refuse("InvalidInstanceId", "vswitch does not exist.");
  }
  if (known !== undefined && known.type !== type.value) return refuse("InvalidResourceType.NotFound");
  return { ok: true, value: { type: type.value, id } };
}

function labelsOf(parameters: Parameters): RpcResult<{ name?: string; description?: string }> {
  const name = labelOf(parameters, "FlowLogName", nameLengthMax, "ParameterInvalid");
  if (!name.ok) return name;
  const description = labelOf(parameters, "Description", descriptionLengthMax, "ParameterInvalid");
  if (!description.ok) return description;
  return {
    ok: true,
    value: {
      ...(name.value === undefined ? {} : { name: name.value }),
      ...(description.value === undefined ? {} : { description: description.value }),
    },
  };
}

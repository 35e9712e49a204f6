/** DescribeFlowLogs: the filters, and the page that is answered. */
import { type FlowLog, hasTags } from "../../../control/mod.ts";
import { type Parameters, pageItems, pageOf, type RpcResult, textOf } from "../rpc/mod.ts";
import { flowLogAnswer, pageAnswer, statuses, statusOf } from "./answer.ts";
import { refuse } from "./error.ts";
import type { RegionalCall, VpcOperation } from "./operation.ts";
import { pageSizeDefault, resourceTypes, trafficTypes, wordOf } from "./parameter.ts";
import { tagFiltersOf } from "./tag-parameter.ts";

/** A flow log that is not there is an empty list: clients find out in this way that it is gone. */
export const describeFlowLogs: VpcOperation = (regional) => {
  const { control, scope, call, deliveryStatus } = regional;
  const page = pageOf(call.parameters, pageSizeDefault);
  if (!page.ok) return refuse("ParameterInvalid");
  const filter = filterOf(regional);
  if (!filter.ok) return filter;
  const found = control.flowLogs.list(scope).filter(filter.value);
  const shown = pageItems(found, page.value).map((flowLog) =>
    flowLogAnswer(flowLog, deliveryStatus?.(flowLog.id)),
  );
  return { ok: true, value: { ...pageAnswer(found.length, page.value), FlowLogs: { FlowLog: shown } } };
};

type Filter = (flowLog: FlowLog) => boolean;

/** The text of a flow log that each filter is compared with. */
const textFilters: Readonly<Record<string, (flowLog: FlowLog) => string | undefined>> = {
  FlowLogId: ({ id }) => id,
  FlowLogName: ({ name }) => name,
  Description: ({ description }) => description,
  ResourceId: ({ target }) => target?.id,
  ProjectName: ({ outputs }) => outputs.logService.project,
  LogStoreName: ({ outputs }) => outputs.logService.logstore,
  ResourceGroupId: ({ resourceGroupId }) => resourceGroupId,
  Status: statusOf,
};

/** Every filter is an exact match, and all of them hold; an empty one is none. */
function filterOf(regional: RegionalCall): RpcResult<Filter> {
  const { parameters } = regional.call;
  const status = textOf(parameters, "Status");
  if (status !== "" && !statuses.has(status)) return refuse("ParameterInvalid");
  const type = wordOf(parameters, "ResourceType", resourceTypes, "ParameterInvalid");
  if (!type.ok) return type;
  const traffic = wordOf(parameters, "TrafficType", trafficTypes, "ParameterInvalid");
  if (!traffic.ok) return traffic;
  const tags = tagFiltersOf(parameters, "Tags");
  if (!tags.ok) return tags;
  const texts = textFiltersOf(parameters);
  const isInVpc = vpcFilterOf(regional);
  return {
    ok: true,
    value: (flowLog) =>
      texts.every((matches) => matches(flowLog)) &&
      (type.value === undefined || flowLog.target?.type === type.value) &&
      (traffic.value === undefined || flowLog.filter.trafficType === traffic.value) &&
      hasTags(flowLog.tags, tags.value) &&
      isInVpc(flowLog),
  };
}

function textFiltersOf(parameters: Parameters): Filter[] {
  return Object.entries(textFilters).flatMap(([name, textIn]): Filter[] => {
    const wanted = textOf(parameters, name);
    return wanted === "" ? [] : [(flowLog) => textIn(flowLog) === wanted];
  });
}

/** The flow log is on the VPC or on something in it. */
function vpcFilterOf({ control, call: { parameters } }: RegionalCall): Filter {
  const vpcId = textOf(parameters, "VpcId");
  return ({ target }) =>
    vpcId === "" ||
    (target !== undefined && (target.id === vpcId || control.resources.placeOf(target.id).vpcId === vpcId));
}

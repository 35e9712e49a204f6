/** Tags of flow logs. Other resources of the cloud have tags too; flow logs are all that is tagged here. */
import { type FlowLog, flowLogBounds, hasTags } from "../../../control/mod.ts";
import {
  commonErrors,
  integerOf,
  type Parameters,
  type RpcObject,
  type RpcResult,
  textOf,
} from "../rpc/mod.ts";
import { answerOf, refuse } from "./error.ts";
import type { RegionalCall, VpcOperation } from "./operation.ts";
import { listOf } from "./parameter.ts";
import { tagFiltersOf, tagKeysOf, tagsOf } from "./tag-parameter.ts";

const resourceIdsMax = 50;
/** As answers spell it; requests may spell it in any case. */
const resourceType = "FLOWLOG";

/** All of the flow logs are tagged, or none. */
export const tagResources: VpcOperation = (regional) => {
  const flowLogs = namedFlowLogs(regional);
  if (!flowLogs.ok) return flowLogs;
  if (flowLogs.value.length === 0) return refuse("MissingParam");
  const tags = tagsOf(regional.call.parameters);
  if (!tags.ok) return tags;
  if (Object.keys(tags.value).length === 0) return refuse("MissingParam.Tags");
  const isOver = (flowLog: FlowLog): boolean =>
    Object.keys({ ...flowLog.tags, ...tags.value }).length > flowLogBounds.tagsMax;
  if (flowLogs.value.some(isOver)) return refuse("QuotaExceeded.TagNum");
  const { control, scope } = regional;
  return onEach(flowLogs.value, ({ id }) => answerOf(control.flowLogs.tag(scope, id, tags.value), {}));
};

/** `All` counts where no key is named, as the service has it. */
export const unTagResources: VpcOperation = (regional) => {
  const { control, scope, call } = regional;
  const flowLogs = namedFlowLogs(regional);
  if (!flowLogs.ok) return flowLogs;
  const keys = tagKeysOf(call.parameters);
  if (!keys.ok) return keys;
  const isAll = textOf(call.parameters, "All").toLowerCase() === "true";
  if (flowLogs.value.length === 0 || (keys.value.length === 0 && !isAll)) return refuse("MissingParam");
  const named = keys.value.length === 0 ? undefined : keys.value;
  return onEach(flowLogs.value, ({ id }) => answerOf(control.flowLogs.untag(scope, id, named), {}));
};

/** The tags of the flow logs that are named or have the tags that are asked for; then those tags alone. */
export const listTagResources: VpcOperation = (regional) => {
  const { control, scope, call } = regional;
  const named = namedFlowLogs(regional);
  if (!named.ok) return named;
  const wanted = tagFiltersOf(call.parameters, "Tag");
  if (!wanted.ok) return wanted;
  if (named.value.length === 0 && wanted.value.length === 0) return refuse("BothEmpty.TagsAndResources");
  const page = tagPageOf(call.parameters);
  if (!page.ok) return page;
  const flowLogs = named.value.length === 0 ? control.flowLogs.list(scope) : named.value;
  const keys = new Set(wanted.value.map(({ key }) => key));
  const rows = flowLogs
    .filter(({ tags }) => hasTags(tags, wanted.value))
    .flatMap(({ id, tags }) => Object.entries(tags).map(([key, value]) => ({ id, key, value })))
    .filter(({ key }) => keys.size === 0 || keys.has(key));
  const { start, length } = page.value;
  const end = start + length;
  const shown = rows.slice(start, end).map(({ id, key, value }) => ({
    ResourceType: resourceType,
    ResourceId: id,
    TagKey: key,
    TagValue: value,
  }));
  const nextToken = end < rows.length ? `${tokenPrefix}${end}` : "";
  return { ok: true, value: { NextToken: nextToken, TagResources: { TagResource: shown } } };
};

/** The flow logs of ResourceId.N, each once; none where the call names none. */
function namedFlowLogs({ control, scope, call }: RegionalCall): RpcResult<readonly FlowLog[]> {
  const type = textOf(call.parameters, "ResourceType");
  if (type === "") return refuse("MissingParam.ResourceType");
  if (type.toUpperCase() !== resourceType) return refuse("InvalidInstanceType.NotFound");
  const ids = listOf(call.parameters, "ResourceId");
  if (ids.length > resourceIdsMax) return refuse("SizeLimitExceeded.ResourceId");
  const flowLogs = new Map<string, FlowLog>();
  for (const id of ids) {
    const known = control.flowLogs.get(scope, id);
    if (!known.ok) return refuse("InvalidInstanceIds.NotFound");
    flowLogs.set(known.value.id, known.value);
  }
  return { ok: true, value: [...flowLogs.values()] };
}

function onEach(
  flowLogs: readonly FlowLog[],
  operate: (flowLog: FlowLog) => RpcResult<RpcObject>,
): RpcResult<RpcObject> {
  for (const flowLog of flowLogs) {
    const answer = operate(flowLog);
    if (!answer.ok) return answer;
  }
  return { ok: true, value: {} };
}

const maxResultsMax = 50;
const tokenPrefix = "after-";

/** MaxResults 1 to 50, which is its default; NextToken as an earlier call answered it. */
function tagPageOf(parameters: Parameters): RpcResult<{ start: number; length: number }> {
  const length = integerOf(textOf(parameters, "MaxResults") || `${maxResultsMax}`);
  if (!(length >= 1 && length <= maxResultsMax)) {
    return { ok: false, error: commonErrors.invalidParameter("MaxResults") };
  }
  const token = textOf(parameters, "NextToken") || `${tokenPrefix}0`;
  const start = token.startsWith(tokenPrefix) ? integerOf(token.slice(tokenPrefix.length)) : Number.NaN;
  if (!(start >= 0)) return { ok: false, error: commonErrors.invalidParameter("NextToken") };
  return { ok: true, value: { start, length } };
}

/** The operations that only read. */
import { toFault } from "../../../base/mod.ts";
import type { Control, FlowLog } from "../../../control/mod.ts";
import {
  commonErrors,
  type Page,
  pageItems,
  pageOf,
  type Parameters,
  rpcFail,
  type RpcCall,
  type RpcObject,
  type RpcResult,
  textOf,
} from "../rpc/mod.ts";
import { flowLogAnswer, gatewayAnswer, outputTypeOf } from "./answer.ts";
import { errorOfFault, sagError } from "./error.ts";
import { regionalCall, type SagDependencies, type SagOperation, serviceName } from "./operation.ts";
import { isOutputType, pageSizeDefault, requiredFlowLogId, resourceGroupOf } from "./parameter.ts";

/** A flow log that is not there is an empty list: clients find out in this way that it is gone. */
export const describeFlowLogs: SagOperation = ({ control, scope, call, deliveryStatus }) => {
  const page = pageOf(call.parameters, pageSizeDefault);
  if (!page.ok) return page;
  const filter = filterOf(call.parameters);
  if (!filter.ok) return filter;
  const found = control.flowLogs.list(scope).filter(filter.value);
  const shown = pageItems(found, page.value).map((flowLog) =>
    flowLogAnswer(flowLog, control.flowLogs.resourceCount(flowLog.id), deliveryStatus?.(flowLog.id)),
  );
  return { ok: true, value: { ...counts(found.length, page.value), FlowLogs: { FlowLogSetType: shown } } };
};

export const describeFlowLogSags: SagOperation = ({ control, scope, call }) => {
  const flowLogId = requiredFlowLogId(call.parameters);
  if (!flowLogId.ok) return flowLogId;
  const page = pageOf(call.parameters, pageSizeDefault);
  if (!page.ok) return page;
  const flowLog = control.flowLogs.get(scope, flowLogId.value);
  if (!flowLog.ok) return { ok: false, error: errorOfFault(flowLog.fault) };
  const gateways = control.flowLogs.resourcesOf(flowLogId.value);
  const shown = pageItems(gateways, page.value).map(gatewayAnswer);
  return { ok: true, value: { ...counts(gateways.length, page.value), Sags: { Sag: shown } } };
};

/** This operation has words of its own for what the others leave to the common errors. */
export function describeUnbindFlowLogSags(
  dependencies: SagDependencies,
  call: RpcCall,
): RpcResult<RpcObject> {
  const regional = regionalCall(dependencies, call);
  if (!regional.ok) return regional.error.code === "MissingParameter" ? missingParameter() : regional;
  if (!resourceGroupOf(call.parameters).ok) return invalidParameter();
  try {
    const unbound = unboundGateways(dependencies.control, regional.value.scope).map(gatewayAnswer);
    return { ok: true, value: { Count: unbound.length, Sags: { Sag: unbound } } };
  } catch (error) {
    dependencies.logger.error({ error: toFault(error).message }, "DescribeUnbindFlowLogSags failed");
    return rpcFail(403, commonErrors.internal.code, "An internal server error occurred.");
  }
}

function unboundGateways(control: Control, scope: { accountId: string; regionId: string }) {
  return control.resources
    .list(scope)
    .filter(
      ({ id, type, present }) =>
        type === "gateway" && present && control.flowLogs.flowLogOf(serviceName, id) === undefined,
    );
}

const statuses: Readonly<Record<string, FlowLog["status"]>> = { Active: "active", Inactive: "inactive" };

/** Every filter is an exact match; an empty one is none. */
function filterOf(parameters: Parameters): RpcResult<(flowLog: FlowLog) => boolean> {
  const status = textOf(parameters, "Status");
  const outputType = textOf(parameters, "OutputType");
  if (status !== "" && !Object.hasOwn(statuses, status)) {
    return { ok: false, error: sagError("IllegalParam.Status") };
  }
  if (outputType !== "" && !isOutputType(outputType)) {
    return { ok: false, error: sagError("IllegalParam.OutputType") };
  }
  const group = resourceGroupOf(parameters);
  if (!group.ok) return group;
  const flowLogId = textOf(parameters, "FlowLogId");
  const name = textOf(parameters, "FlowLogName");
  const description = textOf(parameters, "Description");
  return {
    ok: true,
    value: (flowLog) =>
      (flowLogId === "" || flowLog.id === flowLogId) &&
      (name === "" || flowLog.name === name) &&
      (description === "" || flowLog.description === description) &&
      (status === "" || flowLog.status === statuses[status]) &&
      (outputType === "" || outputTypeOf(flowLog) === outputType) &&
      (group.value === undefined || flowLog.resourceGroupId === group.value),
  };
}

function counts(total: number, { pageNumber, pageSize }: Page): RpcObject {
  return { TotalCount: total, PageSize: pageSize, PageNumber: pageNumber };
}

function missingParameter(): RpcResult<never> {
  return rpcFail(403, "MissingParameter", "The input parameter is missing, please check your input.");
}

function invalidParameter(): RpcResult<never> {
  return rpcFail(403, "InvalidParameter", "The specified parameter is invalid.");
}

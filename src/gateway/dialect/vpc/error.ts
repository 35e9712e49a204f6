/** The error table of the VPC API's flow-log and tag operations, and which fault of the core is which error. */
import type { Fault, Result } from "../../../base/mod.ts";
import { commonError, type RpcError, type RpcObject, type RpcResult } from "../rpc/mod.ts";

/**
 * Status and message of every code that an operation of this dialect answers, in the service's own
 * spelling. docs/reference/vpc-api.md lists the codes of the service that nothing here provokes.
 */
export const vpcErrors = {
  // Flow logs
  MissingParameter: [400, "Missing mandatory parameter"],
  ParameterInvalid: [400, "Invalid parameter."],
  "InvalidRegionId.NotFound": [400, "The RegionId provided does not exist in our records."],
  "OptInRequired.FlowLog": [
    400,
    "You are not authorized to use the requested service of flowLog. Ensure that you have subscribed to the service you are trying to use.",
  ],
  "OperationUnsupported.ResourceType": [400, "This resource type is not supported."],
  "InvalidResourceType.NotFound": [400, "Resource type no the same."],
  InvalidInstanceId: [400, "Instance does not exist."],
  "InvalidResourceId.NotFound": [400, "This resourceId already has flowlog instance existed."],
  "InvalidTrafficType.NotFound": [400, "Invalid traffic type."],
  "IllegalParam.AggregationInterval": [400, "The param of aggregationInterval is illegal."],
  "IllegalParam.TrafficPath": [400, "The param of trafficPath is illegal."],
  "DuplicatedParam.TrafficPath": [400, "The param of trafficPath is duplicated."],
  "UnsupportedFeature.UserDefinedTrafficPath": [
    400,
    "The feature of UserDefinedTrafficPath is not supported.",
  ],
  "IllegalParam.ResourceGroupId": [400, "Invalid ResourceGroupld value."],
  "InvalidName.Malformed": [400, "The specified name is not valid."],
  "QuotaExceeded.FlowlogCount": [400, "This user has reached the maximum instance number of flowlog."],
  ProjectOrLogstoreNotExist: [400, "The specified project or logstore does not exist."],
  "InvalidInstanceId.NotFound": [400, "The specfied instance is not existed."],
  InvalidStatus: [400, "Current instance status is not valid for this action."],
  "IncorrectStatus.flowlog": [400, "Invalid flowlog status."],
  "OperationDenied.FlowLogDeliverFailed": [
    400,
    "The operation is not allowed due to an invalid delivery address.",
  ],
  // The service
  "OperationFailed.ExceedPurchaseLimit": [400, "You have reached the limit of purchase quantity."],
  IdempotentParameterMismatch: [
    400,
    "The request uses the same client token as a previous, but non-identical request.",
  ],
  // Tags
  InvalidTagKey: [400, "The tag keys are not valid."],
  InvalidTagValue: [400, "The tag values are not valid."],
  MissingParam: [400, "You must specify the ResourceId or TagKey parameter."],
  "MissingParam.ResourceType": [400, "The param of ResourceType is missing."],
  "MissingParam.Tags": [400, "You must specify the Tags parameter."],
  "MissingParameter.TagKey": [
    400,
    "The input parameter TagKey that is mandatory for processing this request is not supplied.",
  ],
  "MissingParameter.TagValue": [
    400,
    "The input parameter TagValue that is mandatory for processing this request is not supplied.",
  ],
  "InvalidInstanceType.NotFound": [400, "The instance type is not found"],
  "InvalidInstanceIds.NotFound": [400, "The instanceIds are not found"],
  "Forbidden.TagKeys": [400, "The request do not allow to operate the tag keys"],
  "Forbidden.TagKey.Duplicated": [400, "The specified tag key already exists."],
  "QuotaExceeded.TagNum": [400, "Custom Tags quota exceeded"],
  "SizeLimitExceeded.TagNum": [400, "The maximum number of tags is exceeded."],
  "SizeLimitExceeded.ResourceId": [400, "The maximum number of resource IDs is exceeded."],
  "BothEmpty.TagsAndResources": [400, "The specified Tags and ResourcesIds are not allow to both empty."],
  // Resource groups
  InvalidResourceGroupId: [400, "The specified ResourceGroupId does not exist."],
  "IllegalParam.ResourceType": [400, "Invalid Resource Type value."],
  "OperationFailed.InstanceStatusNotAllowed": [
    400,
    "The current status of the resource does not support this operation.",
  ],
} as const satisfies Readonly<Record<string, readonly [number, string]>>;

export type VpcErrorCode = keyof typeof vpcErrors;

/** `message` replaces the table's where an operation words its own. */
export function vpcError(code: VpcErrorCode, message?: string): RpcError {
  const [status, usual] = vpcErrors[code];
  return { status, code, message: message ?? usual };
}

export function refuse(
  code: VpcErrorCode,
  message?: string,
): { readonly ok: false; readonly error: RpcError } {
  return { ok: false, error: vpcError(code, message) };
}

/** The error of a fault of the core. */
export function errorOfFault(fault: Fault): RpcError {
  const code = byFault[fault.code] ?? byField[fault.field ?? ""];
  return code === undefined ? commonError(fault) : vpcError(code);
}

/** What an operation answers for a result of the core whose value is not shown. */
export function answerOf(result: Result<unknown>, answer: RpcObject): RpcResult<RpcObject> {
  return result.ok ? { ok: true, value: answer } : { ok: false, error: errorOfFault(result.fault) };
}

const byFault: Partial<Record<Fault["code"], VpcErrorCode>> = {
  RegionNotFound: "InvalidRegionId.NotFound",
  ServiceNotOpen: "OptInRequired.FlowLog",
  ResourceNotFound: "InvalidInstanceId",
  ResourceAlreadyAssociated: "InvalidResourceId.NotFound",
  ResourceGroupNotFound: "IllegalParam.ResourceGroupId",
  FlowLogNotFound: "InvalidInstanceId.NotFound",
  FlowLogInTransition: "IncorrectStatus.flowlog",
  FlowLogQuotaExceeded: "QuotaExceeded.FlowlogCount",
  ProjectNotFound: "ProjectOrLogstoreNotExist",
  ProjectQuotaExceeded: "ProjectOrLogstoreNotExist",
  LogstoreNotFound: "ProjectOrLogstoreNotExist",
  LogstoreQuotaExceeded: "ProjectOrLogstoreNotExist",
  TrafficPathUnsupported: "UnsupportedFeature.UserDefinedTrafficPath",
  RequestTokenReused: "IdempotentParameterMismatch",
  TagQuotaExceeded: "QuotaExceeded.TagNum",
};

/** By the setting that is wrong. */
const byField: Readonly<Record<string, VpcErrorCode>> = {
  name: "ParameterInvalid",
  description: "ParameterInvalid",
  tags: "InvalidTagValue",
  "policy.windowS": "IllegalParam.AggregationInterval",
  "outputs.logService.project": "ParameterInvalid",
  "outputs.logService.logstore": "ParameterInvalid",
};

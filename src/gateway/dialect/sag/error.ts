/** The error table of the Smart Access Gateway API, and which fault of the core is which error. */
import type { Fault } from "../../../base/mod.ts";
import { commonError, commonErrors, type RpcError } from "../rpc/mod.ts";

const illegal = (name: string): readonly [number, string] => [400, `The specified ${name} is invalid.`];
const missing = (name: string): readonly [number, string] => [400, `Specify the ${name} parameter.`];

/** Status and message of every code that an operation of this dialect answers. */
export const sagErrors = {
  "MissingParam.FlowLogId": missing("FlowLogId"),
  "MissingParam.SlsRegionId": missing("SlsRegionId"),
  "MissingParam.ProjectName": missing("ProjectName"),
  "MissingParam.LogstoreName": missing("LogstoreName"),
  "MissingParam.NetflowServerIp": missing("NetflowServerIp"),
  "MissingParam.NetflowServerPort": missing("NetflowServerPort"),
  "MissingParam.NetflowVersion": missing("NetflowVersion"),
  "IllegalParam.ActiveAging": illegal("ActiveAging"),
  "IllegalParam.InactiveAging": illegal("InactiveAging"),
  "IllegalParam.OutputType": illegal("OutputType"),
  "IllegalParam.NetflowServerIp": illegal("NetflowServerIp"),
  "IllegalParam.NetflowServerPort": illegal("NetflowServerPort"),
  "IllegalParam.NetflowVersion": illegal("NetflowVersion"),
  "IllegalParam.RegionId": illegal("RegionId"),
  "IllegalParam.SlsRegionId": illegal("SlsRegionId"),
  "IllegalParam.Status": illegal("Status parameter"),
  "InvalidFlowLogId.NotFound": [400, "The specified FlowLogId does not exist."],
  "InvalidSmartAGId.NotFound": [400, "The specified SmartAGId does not exist."],
  "IncorrectStatus.FlowLog": [400, "The current FlowLog instance status does not support this operation."],
  "DependencyViolation.FlowLog": [400, "This FlowLog instance is bound to an SAG instance."],
  "OperationFailed.AssociateFlowLog": [
    400,
    "The operation failed. The specified SAG instance has already been associated with another FlowLog instance.",
  ],
  "OperationUnsupported.AssociateFlowLog": [
    400,
    "You cannot bind the SAG device of the current version or model to a FlowLog instance.",
  ],
  "QuotaExceeded.Flowlog": [400, "The maximum number of FlowLog instances is exceeded."],
  FeatureNotSupport: [403, "The current edition of the smart access gateway does not support this feature."],
  FeatureNotSupportForActiveSmartAG: [
    403,
    "The current edition of the active smart access gateway does not support this feature.",
  ],
  FeatureNotSupportForStandBySmartAG: [
    403,
    "The current edition of the standby smart access gateway does not support this feature.",
  ],
  // The table has no code for a log service target that does not exist; this is the one of the VPC API.
  ProjectOrLogstoreNotExist: [400, "The specified project or logstore does not exist."],
} as const satisfies Readonly<Record<string, readonly [number, string]>>;

export type SagErrorCode = keyof typeof sagErrors;

export function sagError(code: SagErrorCode): RpcError {
  const [status, message] = sagErrors[code];
  return { status, code, message };
}

/** The request parameter that sets each setting of the core. */
const parameterOf: Readonly<Record<string, string>> = {
  regionId: "RegionId",
  name: "Name",
  description: "Description",
  resourceGroupId: "ResourceGroupId",
  "policy.activeTimeoutS": "ActiveAging",
  "policy.inactiveTimeoutS": "InactiveAging",
  outputs: "OutputType",
  "outputs.logService.regionId": "SlsRegionId",
  "outputs.logService.project": "ProjectName",
  "outputs.logService.logstore": "LogstoreName",
  "outputs.netflow.address": "NetflowServerIp",
  "outputs.netflow.port": "NetflowServerPort",
  "outputs.netflow.version": "NetflowVersion",
};

const byFault: Partial<Record<Fault["code"], SagErrorCode>> = {
  FlowLogNotFound: "InvalidFlowLogId.NotFound",
  FlowLogAssociated: "DependencyViolation.FlowLog",
  FlowLogStatusConflict: "IncorrectStatus.FlowLog",
  FlowLogQuotaExceeded: "QuotaExceeded.Flowlog",
  ResourceNotFound: "InvalidSmartAGId.NotFound",
  ResourceAlreadyAssociated: "OperationFailed.AssociateFlowLog",
  ResourceNotAssociated: "IncorrectStatus.FlowLog",
  ResourceUnsupported: "OperationUnsupported.AssociateFlowLog",
  ProjectNotFound: "ProjectOrLogstoreNotExist",
  ProjectQuotaExceeded: "ProjectOrLogstoreNotExist",
  LogstoreNotFound: "ProjectOrLogstoreNotExist",
  LogstoreQuotaExceeded: "ProjectOrLogstoreNotExist",
};

/** The error of a fault of the core. */
export function errorOfFault(fault: Fault): RpcError {
  if (fault.code === "ResourceFeatureMissing") return featureError(fault.field);
  const code = byFault[fault.code];
  if (code !== undefined) return sagError(code);
  const parameter = parameterOf[fault.field ?? ""];
  if (parameter === undefined) return commonError(fault);
  const wanted = `${fault.code === "InputMissing" ? "MissingParam" : "IllegalParam"}.${parameter}`;
  return wanted in sagErrors ? sagError(wanted as SagErrorCode) : commonErrors.invalidParameter(parameter);
}

function featureError(support: string | undefined): RpcError {
  if (support === "activeDevice") return sagError("FeatureNotSupportForActiveSmartAG");
  if (support === "standbyDevice") return sagError("FeatureNotSupportForStandBySmartAG");
  return sagError("FeatureNotSupport");
}

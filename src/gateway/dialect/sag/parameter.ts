/** Reading the parameters of SAG calls: an absent one and an empty one are told apart where it matters. */
import type { FlowLogPatch, NetflowOutput } from "../../../control/mod.ts";
import { commonErrors, integerOf, type Parameters, type RpcResult, textOf } from "../rpc/mod.ts";
import { sagError } from "./error.ts";

export const pageSizeDefault = 10;

export function requiredFlowLogId(parameters: Parameters): RpcResult<string> {
  const value = textOf(parameters, "FlowLogId");
  return value === "" ? { ok: false, error: sagError("MissingParam.FlowLogId") } : { ok: true, value };
}

const outputTypes: Readonly<Record<string, { logService: boolean; netflow: boolean }>> = {
  sls: { logService: true, netflow: false },
  netflow: { logService: false, netflow: true },
  all: { logService: true, netflow: true },
};

export function isOutputType(text: string): boolean {
  return Object.hasOwn(outputTypes, text);
}

const netflowVersions: Readonly<Record<string, NetflowOutput["version"]>> = { V5: 5, V9: 9, V10: 10 };

const resourceGroupPattern = /^rg-[a-z0-9]{1,64}$/u;

/** An empty resource group is an absent one. */
export function resourceGroupOf(parameters: Parameters): RpcResult<string | undefined> {
  const value = textOf(parameters, "ResourceGroupId");
  if (value === "") return { ok: true, value: undefined };
  if (resourceGroupPattern.test(value)) return { ok: true, value };
  return { ok: false, error: commonErrors.invalidParameter("ResourceGroupId") };
}

/**
 * The settings that a call names. Absent ones stay out of the patch, empty ones clear. OutputType and
 * NetflowVersion are words of this API and are judged here, all else by the core.
 */
export function patchOf(parameters: Parameters): RpcResult<FlowLogPatch> {
  const outputType = parameters.get("OutputType");
  const enabled = outputType === undefined ? undefined : outputTypes[outputType];
  if (outputType !== undefined && !isOutputType(outputType)) {
    return { ok: false, error: sagError("IllegalParam.OutputType") };
  }
  const versionText = parameters.get("NetflowVersion");
  const version = versionText === undefined || versionText === "" ? null : netflowVersions[versionText];
  if (version === undefined) return { ok: false, error: sagError("IllegalParam.NetflowVersion") };
  const patch: FlowLogPatch = {
    ...text(parameters, "Name", "name"),
    ...text(parameters, "Description", "description"),
    policy: {
      ...integer(parameters, "ActiveAging", "activeTimeoutS"),
      ...integer(parameters, "InactiveAging", "inactiveTimeoutS"),
    },
    outputs: {
      logService: {
        ...(enabled === undefined ? {} : { enabled: enabled.logService }),
        ...text(parameters, "SlsRegionId", "regionId"),
        ...text(parameters, "ProjectName", "project"),
        ...text(parameters, "LogstoreName", "logstore"),
      },
      netflow: {
        ...(enabled === undefined ? {} : { enabled: enabled.netflow }),
        ...text(parameters, "NetflowServerIp", "address"),
        ...integer(parameters, "NetflowServerPort", "port"),
        ...(versionText === undefined ? {} : { version }),
      },
    },
  };
  return { ok: true, value: patch };
}

function text<Key extends string>(
  parameters: Parameters,
  name: string,
  key: Key,
): Partial<Record<Key, string>> {
  const value = parameters.get(name);
  return value === undefined ? {} : ({ [key]: value } as Record<Key, string>);
}

function integer<Key extends string>(
  parameters: Parameters,
  name: string,
  key: Key,
): Partial<Record<Key, number | null>> {
  const value = parameters.get(name);
  if (value === undefined) return {};
  return { [key]: value === "" ? null : integerOf(value) } as Record<Key, number | null>;
}

/** The settings of a flow log that both CreateFlowLog and ModifyFlowLogAttribute take. */
import type { FlowLogPatch } from "../../../control/mod.ts";
import { integerOf, type Parameters, type RpcResult, textOf } from "../rpc/mod.ts";
import { refuse, type VpcErrorCode } from "./error.ts";
import { ipVersions, wordOf } from "./parameter.ts";

/**
 * What is absent stays out of the patch; FlowLogName and Description are cleared by an empty value.
 * `nameCode` refuses a FlowLogName, for which the two operations have different words.
 */
export function settingsOf(parameters: Parameters, nameCode: VpcErrorCode): RpcResult<FlowLogPatch> {
  const name = labelOf(parameters, "FlowLogName", nameLengthMax, nameCode);
  if (!name.ok) return name;
  const description = labelOf(parameters, "Description", descriptionLengthMax, "ParameterInvalid");
  if (!description.ok) return description;
  const windowS = windowOf(parameters);
  if (!windowS.ok) return windowS;
  const versions = wordOf(parameters, "IpVersion", ipVersions, "ParameterInvalid");
  if (!versions.ok) return versions;
  // Its grammar is documented nowhere: one that is asked for cannot be kept.
  if (textOf(parameters, "LogFormat") !== "") return refuse("ParameterInvalid");
  return {
    ok: true,
    value: {
      ...(name.value === undefined ? {} : { name: name.value }),
      ...(description.value === undefined ? {} : { description: description.value }),
      ...(windowS.value === undefined ? {} : { policy: { windowS: windowS.value } }),
      ...(versions.value === undefined ? {} : { filter: { ipVersions: versions.value } }),
    },
  };
}

const intervalsMinutes: readonly number[] = [1, 5, 10];

/** AggregationInterval is in minutes. Absent and empty are undefined. */
function windowOf(parameters: Parameters): RpcResult<number | undefined> {
  const text = textOf(parameters, "AggregationInterval");
  if (text === "") return { ok: true, value: undefined };
  const minutes = integerOf(text);
  if (!intervalsMinutes.includes(minutes)) return refuse("IllegalParam.AggregationInterval");
  return { ok: true, value: minutes * 60 };
}

const nameLengthMax = 128;
const descriptionLengthMax = 256;

/** FlowLogName or Description: an empty one clears, an absent one is undefined. */
function labelOf(
  parameters: Parameters,
  name: string,
  lengthMax: number,
  code: VpcErrorCode,
): RpcResult<string | undefined> {
  const text = parameters.get(name);
  if (text === undefined || (text.length <= lengthMax && !/^https?:\/\//iu.test(text))) {
    return { ok: true, value: text };
  }
  return refuse(code);
}

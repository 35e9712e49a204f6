/** How a change of a flow log's settings is laid over what they were, and judged. */
import { fail, ok, parseIpv4, type Result } from "../base/mod.ts";
import {
  flowLogBounds,
  type FlowLogPatch,
  type FlowLogSettings,
  type MeteringPolicy,
  type TrafficFilter,
} from "./flow-log.ts";
import { noRegion, type Regions } from "./region.ts";
import type { Service } from "./service.ts";

const netflowVersions: readonly number[] = [5, 9, 10];
const windowsS: readonly number[] = flowLogBounds.windowS.values;

/**
 * Lays a patch over settings and judges the merged result, not the patch alone. Faults carry the dotted
 * path of the setting as `field`: `InputOutOfRange` and `InputInvalid` for values, `InputMissing` for
 * what an enabled output needs and lacks.
 */
export function mergeSettings(
  service: Service,
  base: FlowLogSettings,
  patch: FlowLogPatch,
  regions: Regions,
): Result<FlowLogSettings> {
  const { logService, netflow } = { ...patch.outputs };
  const merged: FlowLogSettings = {
    name: patch.name ?? base.name,
    description: patch.description ?? base.description,
    resourceGroupId: patch.resourceGroupId ?? base.resourceGroupId,
    policy: mergePolicy(base.policy, patch.policy),
    filter: { ...base.filter, ...patch.filter },
    outputs: {
      logService: { ...base.outputs.logService, ...logService },
      netflow: {
        enabled: netflow?.enabled ?? base.outputs.netflow.enabled,
        address: netflow?.address ?? base.outputs.netflow.address,
        port: settle(netflow?.port, base.outputs.netflow.port, flowLogBounds.netflowPort),
        version: settle(netflow?.version, base.outputs.netflow.version, flowLogBounds.netflowVersion),
      },
    },
  };
  const broken =
    policyKindFault(base.policy, patch.policy) ??
    valueFault(service, merged, regions) ??
    missingFault(merged, patch);
  return broken ?? ok(merged);
}

type PolicyPatch = FlowLogPatch["policy"];

function mergePolicy(base: MeteringPolicy, patch: PolicyPatch): MeteringPolicy {
  if (base.kind === "window") {
    return { kind: "window", windowS: settle(patch?.windowS, base.windowS, flowLogBounds.windowS) };
  }
  const { activeTimeoutS, inactiveTimeoutS } = flowLogBounds;
  return {
    kind: "aging",
    activeTimeoutS: settle(patch?.activeTimeoutS, base.activeTimeoutS, activeTimeoutS),
    inactiveTimeoutS: settle(patch?.inactiveTimeoutS, base.inactiveTimeoutS, inactiveTimeoutS),
  };
}

/** A timeout for a flow log that cuts at windows, or the other way round, would be stored and ignored. */
function policyKindFault({ kind }: MeteringPolicy, patch: PolicyPatch = {}): Result<never> | null {
  const others =
    kind === "window" ? (["activeTimeoutS", "inactiveTimeoutS"] as const) : (["windowS"] as const);
  const wrong = others.find((name) => patch[name] !== undefined);
  if (wrong === undefined) return null;
  return fail("InputInvalid", `policy.${wrong} is not a setting of this service's flow logs`, {
    field: `policy.${wrong}`,
    value: `${patch[wrong]}`,
    allowed: kind === "window" ? "windowS" : "activeTimeoutS and inactiveTimeoutS",
  });
}

function settle<T extends number>(
  change: T | null | undefined,
  kept: T,
  { default: fallback }: { default: T },
): T {
  if (change === null) return fallback;
  return change ?? kept;
}

function valueFault(
  service: Service,
  { name, description, policy, filter, outputs: { logService, netflow } }: FlowLogSettings,
  regions: Regions,
): Result<never> | null {
  return (
    textFault("description", description, flowLogBounds.descriptionLengthMax) ??
    textFault("name", name, flowLogBounds.nameLengthMax) ??
    policyFault(policy) ??
    filterFault(filter) ??
    regionFault(service, logService.regionId, regions) ??
    textFault("outputs.logService.project", logService.project, flowLogBounds.logNameLengthMax) ??
    textFault("outputs.logService.logstore", logService.logstore, flowLogBounds.logNameLengthMax) ??
    addressFault(netflow.address) ??
    rangeFault("outputs.netflow.port", netflow.port, flowLogBounds.netflowPort) ??
    versionFault(netflow.version)
  );
}

function policyFault(policy: MeteringPolicy): Result<never> | null {
  if (policy.kind === "aging") {
    return (
      rangeFault("policy.activeTimeoutS", policy.activeTimeoutS, flowLogBounds.activeTimeoutS) ??
      rangeFault("policy.inactiveTimeoutS", policy.inactiveTimeoutS, flowLogBounds.inactiveTimeoutS)
    );
  }
  if (windowsS.includes(policy.windowS)) return null;
  return fail("InputOutOfRange", `policy.windowS is ${policy.windowS}`, {
    field: "policy.windowS",
    value: `${policy.windowS}`,
    allowed: windowsS.join(", "),
  });
}

function filterFault({ ipVersions, trafficPaths }: TrafficFilter): Result<never> | null {
  if (ipVersions.length === 0 || new Set(ipVersions).size < ipVersions.length) {
    return fail("InputInvalid", "filter.ipVersions names no version, or one twice", {
      field: "filter.ipVersions",
      value: ipVersions.join(","),
      allowed: "4, 6 or both",
    });
  }
  const path = trafficPaths.find((name) => name !== "all");
  if (path === undefined && trafficPaths.length === 1) return null;
  return fail("TrafficPathUnsupported", "this host cannot tell traffic paths apart", {
    field: "filter.trafficPaths",
    value: trafficPaths.join(",").slice(0, 80),
    allowed: "all",
  });
}

function rangeFault(
  field: string,
  value: number,
  { min, max }: { min: number; max: number },
): Result<never> | null {
  if (Number.isInteger(value) && value >= min && value <= max) return null;
  return fail("InputOutOfRange", `${field} is ${value}`, {
    field,
    value: `${value}`,
    allowed: `an integer from ${min} to ${max}`,
  });
}

/** Control characters can be shown by no terminal and carried by no XML; they are refused everywhere. */
// eslint-disable-next-line no-control-regex
const controlCharacters = /[\u0000-\u001f\u007f\ufffe\uffff]|\p{Surrogate}/u;

function textFault(field: string, value: string, lengthMax: number): Result<never> | null {
  if (value.length <= lengthMax && !controlCharacters.test(value)) return null;
  return fail("InputInvalid", `${field} is too long or holds control characters`, {
    field,
    value: value.slice(0, 80),
    allowed: `at most ${lengthMax} characters, none of them a control character`,
  });
}

/** The log service of each cloud has that cloud's regions. */
function regionFault(service: Service, regionId: string, regions: Regions): Result<never> | null {
  const owner = service === "huawei" ? service : "logService";
  if (regionId === "" || regions.has(owner, regionId)) return null;
  return noRegion(regions, owner, regionId, "outputs.logService.regionId");
}

/** Unicast only: "this network", multicast, reserved and broadcast addresses are no collector's. */
function addressFault(address: string): Result<never> | null {
  if (address === "") return null;
  const first = parseIpv4(address)?.[0];
  if (first !== undefined && first !== 0 && first < 224) return null;
  return fail("InputInvalid", `${address.slice(0, 80)} is not the address of a collector`, {
    field: "outputs.netflow.address",
    value: address.slice(0, 80),
    allowed: "a unicast IPv4 address as four decimal numbers",
  });
}

function versionFault(version: number): Result<never> | null {
  if (netflowVersions.includes(version)) return null;
  return fail("InputInvalid", `there is no export version ${version}`, {
    field: "outputs.netflow.version",
    value: `${version}`,
    allowed: "5, 9 or 10",
  });
}

function missingFault(
  { outputs: { logService, netflow } }: FlowLogSettings,
  patch: FlowLogPatch,
): Result<never> | null {
  if (!logService.enabled && !netflow.enabled) return missing("outputs");
  if (logService.enabled) {
    for (const name of ["regionId", "project", "logstore"] as const) {
      if (logService[name] === "") return missing(`outputs.logService.${name}`);
    }
  }
  if (!netflow.enabled) return null;
  if (netflow.address === "") return missing("outputs.netflow.address");
  if (patch.outputs?.netflow?.port === null) return missing("outputs.netflow.port");
  return patch.outputs?.netflow?.version === null ? missing("outputs.netflow.version") : null;
}

function missing(field: string): Result<never> {
  return fail("InputMissing", `${field} is needed by an enabled output`, { field });
}

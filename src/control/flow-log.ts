/** What a flow log is, what its settings may be, and how a change of them is judged. */
import { fail, ok, parseIpv4, type Result } from "../base/mod.ts";
import { noRegion, type Regions } from "./region.ts";

/** Flows are cut by age: a long one every `activeTimeoutS`, a silent one after `inactiveTimeoutS`. */
export interface AgingPolicy {
  readonly kind: "aging";
  readonly activeTimeoutS: number;
  readonly inactiveTimeoutS: number;
}

export interface LogServiceOutput {
  readonly enabled: boolean;
  /** Region, project and logstore of the log service; "" where not set. */
  readonly regionId: string;
  readonly project: string;
  readonly logstore: string;
}

export interface NetflowOutput {
  readonly enabled: boolean;
  /** Dotted-quad IPv4 address of the collector; "" where not set. */
  readonly address: string;
  readonly port: number;
  /** The export protocol's version number: NetFlow 5, NetFlow 9, IPFIX (10). */
  readonly version: 5 | 9 | 10;
}

/** What its owner may set. An output that is not enabled keeps its settings. */
export interface FlowLogSettings {
  readonly name: string;
  readonly description: string;
  readonly resourceGroupId: string;
  readonly policy: AgingPolicy;
  readonly outputs: { readonly logService: LogServiceOutput; readonly netflow: NetflowOutput };
}

/** Which lists a flow log is in: it belongs to an account, a region and the service that created it. */
export interface FlowLogScope {
  readonly accountId: string;
  readonly regionId: string;
  readonly service: string;
}

export interface FlowLog extends FlowLogScope, FlowLogSettings {
  readonly id: string;
  /** A number (u32) that no other flow log of this installation ever had: the NetFlow observation domain. */
  readonly number: number;
  readonly status: "active" | "inactive";
  readonly createdMs: number;
  readonly updatedMs: number;
}

/**
 * A change of settings. What is absent keeps its value. A string is cleared by "", a number by null: it
 * then falls back to its default, unless an enabled output needs it, which is refused as missing.
 */
export interface FlowLogPatch {
  readonly name?: string;
  readonly description?: string;
  readonly resourceGroupId?: string;
  readonly policy?: { readonly activeTimeoutS?: number | null; readonly inactiveTimeoutS?: number | null };
  readonly outputs?: {
    readonly logService?: Partial<LogServiceOutput>;
    readonly netflow?: {
      readonly enabled?: boolean;
      readonly address?: string;
      readonly port?: number | null;
      readonly version?: NetflowOutput["version"] | null;
    };
  };
}

export const flowLogBounds = {
  activeTimeoutS: { min: 60, max: 6000, default: 300 },
  inactiveTimeoutS: { min: 10, max: 600, default: 15 },
  netflowPort: { min: 1, max: 65_535, default: 9995 },
  netflowVersion: { default: 9 },
  nameLengthMax: 256,
  descriptionLengthMax: 1024,
  logNameLengthMax: 128,
} as const;

const netflowVersions: readonly number[] = [5, 9, 10];

/** The settings that a patch is laid over when a flow log is created. */
export function blankSettings(resourceGroupId: string): FlowLogSettings {
  return {
    name: "",
    description: "",
    resourceGroupId,
    policy: {
      kind: "aging",
      activeTimeoutS: flowLogBounds.activeTimeoutS.default,
      inactiveTimeoutS: flowLogBounds.inactiveTimeoutS.default,
    },
    outputs: {
      logService: { enabled: false, regionId: "", project: "", logstore: "" },
      netflow: {
        enabled: false,
        address: "",
        port: flowLogBounds.netflowPort.default,
        version: flowLogBounds.netflowVersion.default,
      },
    },
  };
}

/**
 * Lays a patch over settings and judges the merged result, not the patch alone. Faults carry the dotted
 * path of the setting as `field`: `InputOutOfRange` and `InputInvalid` for values, `InputMissing` for
 * what an enabled output needs and lacks.
 */
export function mergeSettings(
  base: FlowLogSettings,
  patch: FlowLogPatch,
  regions: Regions,
): Result<FlowLogSettings> {
  const { logService, netflow } = { ...patch.outputs };
  const merged: FlowLogSettings = {
    name: patch.name ?? base.name,
    description: patch.description ?? base.description,
    resourceGroupId: patch.resourceGroupId ?? base.resourceGroupId,
    policy: {
      kind: "aging",
      activeTimeoutS: settle(
        patch.policy?.activeTimeoutS,
        base.policy.activeTimeoutS,
        flowLogBounds.activeTimeoutS,
      ),
      inactiveTimeoutS: settle(
        patch.policy?.inactiveTimeoutS,
        base.policy.inactiveTimeoutS,
        flowLogBounds.inactiveTimeoutS,
      ),
    },
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
  const broken = valueFault(merged, regions) ?? missingFault(merged, patch);
  return broken ?? ok(merged);
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
  { name, description, policy, outputs: { logService, netflow } }: FlowLogSettings,
  regions: Regions,
): Result<never> | null {
  return (
    textFault("description", description, flowLogBounds.descriptionLengthMax) ??
    textFault("name", name, flowLogBounds.nameLengthMax) ??
    rangeFault("policy.activeTimeoutS", policy.activeTimeoutS, flowLogBounds.activeTimeoutS) ??
    rangeFault("policy.inactiveTimeoutS", policy.inactiveTimeoutS, flowLogBounds.inactiveTimeoutS) ??
    regionFault(logService.regionId, regions) ??
    textFault("outputs.logService.project", logService.project, flowLogBounds.logNameLengthMax) ??
    textFault("outputs.logService.logstore", logService.logstore, flowLogBounds.logNameLengthMax) ??
    addressFault(netflow.address) ??
    rangeFault("outputs.netflow.port", netflow.port, flowLogBounds.netflowPort) ??
    versionFault(netflow.version)
  );
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

function regionFault(regionId: string, regions: Regions): Result<never> | null {
  if (regionId === "" || regions.has("logService", regionId)) return null;
  return noRegion(regions, "logService", regionId, "outputs.logService.regionId");
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

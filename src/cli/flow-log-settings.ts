/** The flags of a flow log's settings, and the settings they make. */
import { fail, ok, type Result } from "../base/mod.ts";
import { integerFlag, parseHostPort, textFlag } from "./command.ts";
import type { FlagWords } from "./flag-words.ts";

const outputs = ["log", "netflow", "all"] as const;
const netflowVersions = ["5", "9", "10"] as const;
const trafficTypes = ["all", "accept", "reject"] as const;
const ipVersions = { "4": [4], "6": [6], both: [4, 6] } as const;
const netflowPortDefault = 9995;

export interface SettingFlags {
  readonly name?: string;
  readonly description?: string;
  readonly output?: (typeof outputs)[number];
  readonly log?: string;
  readonly logRegion?: string;
  readonly netflow?: string;
  readonly netflowVersion?: (typeof netflowVersions)[number];
  readonly activeTimeout?: number;
  readonly inactiveTimeout?: number;
  readonly window?: number;
  readonly traffic?: (typeof trafficTypes)[number];
  readonly ipVersion?: keyof typeof ipVersions;
}

export const settingFlags = {
  name: textFlag("Name", "NAME"),
  description: textFlag("Description", "TEXT"),
  log: textFlag("Deliver to this project and logstore of the log service", "PROJECT/LOGSTORE"),
  logRegion: textFlag("Region of that project; default the flow log's", "REGION"),
  netflow: textFlag("Deliver to the NetFlow collector at this address", "ADDRESS:PORT"),
  netflowVersion: {
    kind: "enum",
    values: netflowVersions,
    brief: "NetFlow 5, NetFlow 9 or IPFIX (10); default 9",
    optional: true,
  },
  output: {
    kind: "enum",
    values: outputs,
    brief: "Which outputs are on; default those named here",
    optional: true,
  },
  activeTimeout: integerFlag("Cut a flow that goes on after this many seconds, 60 to 6000; default 300", "S"),
  inactiveTimeout: integerFlag("End a flow silent for this many seconds, 10 to 600; default 15", "S"),
  window: integerFlag(
    "Of a flow log on a VPC, subnet or interface: cut flows at windows of 60, 300 or 600 seconds; default 600",
    "S",
  ),
  traffic: {
    kind: "enum",
    values: trafficTypes,
    brief: "Which packets, by what the firewall decided; default all",
    optional: true,
  },
  ipVersion: {
    kind: "enum",
    values: ["4", "6", "both"],
    brief: "Which packets, by their version of IP; default both",
    optional: true,
  },
} as const;

/** The body of the native API's settings: only what was named. */
export interface SettingsPatch {
  name?: string;
  description?: string;
  policy?: { activeTimeoutS?: number; inactiveTimeoutS?: number; windowS?: number };
  filter?: { trafficType?: (typeof trafficTypes)[number]; ipVersions?: readonly number[] };
  outputs?: {
    logService?: { enabled?: boolean; regionId?: string; project?: string; logstore?: string };
    netflow?: { enabled?: boolean; address?: string; port?: number; version?: number };
  };
}

/** Faults: `InputInvalid` for an address or a PROJECT/LOGSTORE that is none. */
export function patchFrom(flags: SettingFlags): Result<SettingsPatch> {
  const logService = logServiceFrom(flags);
  if (!logService.ok) return logService;
  const netflow = netflowFrom(flags);
  if (!netflow.ok) return netflow;
  return ok({
    ...(flags.name === undefined ? {} : { name: flags.name }),
    ...(flags.description === undefined ? {} : { description: flags.description }),
    policy: {
      ...(flags.activeTimeout === undefined ? {} : { activeTimeoutS: flags.activeTimeout }),
      ...(flags.inactiveTimeout === undefined ? {} : { inactiveTimeoutS: flags.inactiveTimeout }),
      ...(flags.window === undefined ? {} : { windowS: flags.window }),
    },
    filter: {
      ...(flags.traffic === undefined ? {} : { trafficType: flags.traffic }),
      ...(flags.ipVersion === undefined ? {} : { ipVersions: ipVersions[flags.ipVersion] }),
    },
    outputs: { logService: logService.value, netflow: netflow.value },
  });
}

function logServiceFrom(
  flags: SettingFlags,
): Result<NonNullable<NonNullable<SettingsPatch["outputs"]>["logService"]>> {
  const region = flags.logRegion === undefined ? {} : { regionId: flags.logRegion };
  const enabled = enabledFrom(flags, "log", flags.log !== undefined);
  if (flags.log === undefined) return ok({ ...region, ...enabled });
  const [project, logstore, ...rest] = flags.log.split("/");
  if (
    project !== undefined &&
    project !== "" &&
    logstore !== undefined &&
    logstore !== "" &&
    rest.length === 0
  ) {
    return ok({ ...region, ...enabled, project, logstore });
  }
  return fail("InputInvalid", `"${flags.log}" is not PROJECT/LOGSTORE`, {
    field: "--log",
    value: flags.log,
    allowed: "a project and a logstore, such as traffic/flows",
  });
}

function netflowFrom(
  flags: SettingFlags,
): Result<NonNullable<NonNullable<SettingsPatch["outputs"]>["netflow"]>> {
  const version = flags.netflowVersion === undefined ? {} : { version: Number(flags.netflowVersion) };
  const enabled = enabledFrom(flags, "netflow", flags.netflow !== undefined);
  if (flags.netflow === undefined) return ok({ ...version, ...enabled });
  const target = parseHostPort(flags.netflow, {
    flag: "--netflow",
    portDefault: netflowPortDefault,
    ipv6: false,
  });
  return target.ok ? ok({ ...version, ...enabled, ...target.value }) : target;
}

/** --output decides about both outputs; without it an output that is named is switched on. */
function enabledFrom(
  { output }: SettingFlags,
  name: "log" | "netflow",
  isNamed: boolean,
): { enabled?: boolean } {
  if (output !== undefined) return { enabled: output === "all" || output === name };
  return isNamed ? { enabled: true } : {};
}

/** A new flow log must deliver somewhere. */
export function requireOutput(flags: SettingFlags): Result<void> {
  if (flags.log !== undefined || flags.netflow !== undefined) return ok(undefined);
  return fail("InputMissing", "a flow log needs somewhere to deliver to", {
    allowed: "--log PROJECT/LOGSTORE, --netflow ADDRESS:PORT, or both",
  });
}

/** The core's names of settings, and the flags that a person gave them by. */
export const settingWords: FlagWords = {
  name: "--name",
  description: "--description",
  "policy.activeTimeoutS": "--active-timeout",
  "policy.inactiveTimeoutS": "--inactive-timeout",
  "policy.windowS": "--window",
  "filter.trafficType": "--traffic",
  "filter.ipVersions": "--ip-version",
  targetId: "--on",
  "target.id": "--on",
  "outputs.logService.project": "--log",
  "outputs.logService.logstore": "--log",
  "outputs.logService.regionId": "--log-region",
  "outputs.netflow.address": "--netflow",
  "outputs.netflow.port": "--netflow",
  "outputs.netflow.version": "--netflow-version",
  outputs: "--output",
  regionId: "--region",
  project: "--log",
  logstore: "--log",
};

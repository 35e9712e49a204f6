/** The flags of `weir meter` that say when flows are cut, and the policy that they make. */
import { fail, ok, type Result } from "../base/mod.ts";
import type { MeterPolicy } from "../meter/mod.ts";
import { integerFlag } from "./command.ts";

const windows = { "1m": 60, "5m": 300, "10m": 600 } as const;

export interface PolicyFlags {
  readonly activeTimeout?: number;
  readonly inactiveTimeout?: number;
  readonly window?: keyof typeof windows;
}

export const policyFlags = {
  activeTimeout: integerFlag("Seconds after which a lasting flow is cut; default 300", "SECONDS"),
  inactiveTimeout: integerFlag("Seconds of silence that end a flow; default 15", "SECONDS"),
  window: {
    kind: "enum",
    values: Object.keys(windows) as (keyof typeof windows)[],
    brief: "Cut at the windows of the packets' clock instead: one record for each flow and window",
    optional: true,
  },
} as const;

/** flowActiveTimeout and flowIdleTimeout are 16 bits wide (IANA IPFIX elements 36 and 37). */
const timeoutMaxS = 65_535;

export interface CutPolicy {
  readonly policy: MeterPolicy;
  /** What a collector is told: the window is both. */
  readonly activeTimeoutS: number;
  readonly inactiveTimeoutS: number;
}

/** Faults: InputOutOfRange, InputInvalid where windows and timeouts are asked for. */
export function cutPolicyOf(flags: PolicyFlags): Result<CutPolicy> {
  if (flags.window !== undefined) return windowPolicyOf(flags, windows[flags.window]);
  const { activeTimeout = 300, inactiveTimeout = 15 } = flags;
  const timeouts: [flag: string, value: number][] = [
    ["--active-timeout", activeTimeout],
    ["--inactive-timeout", inactiveTimeout],
  ];
  for (const [flag, value] of timeouts) {
    if (value >= 1 && value <= timeoutMaxS) continue;
    const allowed = `a whole number from 1 to ${timeoutMaxS}`;
    return fail("InputOutOfRange", `${flag} is out of range`, { field: flag, value: String(value), allowed });
  }
  return ok({
    policy: {
      kind: "aging",
      activeTimeoutUs: activeTimeout * 1e6,
      inactiveTimeoutUs: inactiveTimeout * 1e6,
    },
    activeTimeoutS: activeTimeout,
    inactiveTimeoutS: inactiveTimeout,
  });
}

function windowPolicyOf(flags: PolicyFlags, windowS: number): Result<CutPolicy> {
  if (flags.activeTimeout !== undefined || flags.inactiveTimeout !== undefined) {
    const message = "flows are cut by windows or by timeouts, not by both";
    return fail("InputInvalid", message, { field: "--window", value: flags.window! });
  }
  const policy = { kind: "window", windowUs: windowS * 1e6 } as const;
  return ok({ policy, activeTimeoutS: windowS, inactiveTimeoutS: windowS });
}

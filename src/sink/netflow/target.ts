/** Where a flow log's NetFlow goes, as the spool keeps it beside each batch. */
import { fail, ok, type Result } from "../../base/mod.ts";
import type { JsonValue } from "../../spool/mod.ts";
import type { NetflowVersion } from "./flow-encoder.ts";

export interface NetflowTarget {
  readonly flowLogId: string;
  /** An IPv4 or IPv6 address. */
  readonly address: string;
  readonly port: number;
  readonly version: NetflowVersion;
  readonly observationDomain: number;
  readonly activeTimeoutS: number;
  readonly inactiveTimeoutS: number;
}

/** What tells one stream of sequence numbers from another. */
export function streamKey(target: NetflowTarget): string {
  return `${target.address}|${target.port}|${target.version}|${target.observationDomain}`;
}

/** Faults: `Malformed`, for what no writer of this spool should have left. */
export function parseTarget(value: JsonValue): Result<NetflowTarget> {
  const target = value as Partial<Record<keyof NetflowTarget, JsonValue>> | null;
  const valid =
    typeof target === "object" &&
    target !== null &&
    typeof target.flowLogId === "string" &&
    typeof target.address === "string" &&
    [target.port, target.observationDomain, target.activeTimeoutS, target.inactiveTimeoutS].every(
      (number) => typeof number === "number" && Number.isInteger(number) && number >= 0,
    ) &&
    (target.version === 5 || target.version === 9 || target.version === 10);
  if (valid) return ok(target as unknown as NetflowTarget);
  return fail("Malformed", "a batch in the spool has no NetFlow target", { value: JSON.stringify(value) });
}

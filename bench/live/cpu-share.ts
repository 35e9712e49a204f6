/** A control group that bounds the CPU time of a meter, in version 1 or 2 of the kernel's groups. */
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface CpuShare {
  add(processIds: readonly number[]): void;
  /** From now on: the fraction of one CPU, by periods of 40 ms; 1 is no bound. */
  limit(fraction: number): void;
  /** Waits for its processes, which were told to end, for a second at most. */
  remove(): void;
}

const root = "/sys/fs/cgroup";
const periodUs = 40_000;

/** Undefined where control groups cannot be made. */
export function createCpuShare(): CpuShare | undefined {
  const isVersion2 = existsSync(join(root, "cgroup.controllers"));
  const path = join(root, isVersion2 ? "" : "cpu", `weir-bench-${process.pid}`);
  const set = (file: string, value: string | number): void => writeFileSync(join(path, file), `${value}`);
  try {
    if (isVersion2) writeFileSync(join(root, "cgroup.subtree_control"), "+cpu");
    else if (!existsSync(join(root, "cpu"))) return undefined;
    mkdirSync(path);
    if (!isVersion2) set("cpu.cfs_period_us", periodUs);
  } catch {
    return undefined;
  }
  return {
    add: (processIds) => processIds.forEach((id) => set("cgroup.procs", id)),
    limit(fraction) {
      const quotaUs = fraction < 1 ? Math.round(fraction * periodUs) : undefined;
      if (isVersion2) set("cpu.max", `${quotaUs ?? "max"} ${periodUs}`);
      else set("cpu.cfs_quota_us", quotaUs ?? -1);
    },
    remove() {
      for (let tries = 1; ; tries++) {
        try {
          return rmdirSync(path);
        } catch (error) {
          if (tries === 50) throw error;
          // An exit handler cannot wait otherwise.
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
        }
      }
    },
  };
}

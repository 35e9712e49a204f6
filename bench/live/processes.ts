/** A process with its descendants, by /proc: their ids, and the CPU time that they have used. */
import { readFileSync } from "node:fs";

/** User and system time is counted in these (USER_HZ, which is 100 on every Linux of today). */
const tickMs = 10;

export function processTree(id: number): number[] {
  const children = read(`/proc/${id}/task/${id}/children`).split(" ").filter(Boolean).map(Number);
  return [id, ...children.flatMap(processTree)];
}

export function cpuMsOf(ids: readonly number[]): number {
  return ids.reduce((sum, id) => {
    // The name, in parentheses, may hold spaces; fields 14 and 15 are user and system time.
    const fields = read(`/proc/${id}/stat`)
      .replace(/^.*\) /su, "")
      .split(" ");
    return sum + (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * tickMs;
  }, 0);
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    // It has ended.
    return "";
  }
}

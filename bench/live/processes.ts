/** A process with its descendants, by /proc: their ids, and the CPU time that they have used. */
import { readdirSync, readFileSync } from "node:fs";

export function processTree(id: number): number[] {
  const children = read(`/proc/${id}/task/${id}/children`).split(" ").filter(Boolean).map(Number);
  return [id, ...children.flatMap(processTree)];
}

/** The first number of a thread's schedstat is the time that it ran, in nanoseconds. */
export function cpuMsOf(ids: readonly number[]): number {
  return ids.reduce((sum, id) => sum + threadsOf(id).reduce((ms, thread) => ms + ranMs(id, thread), 0), 0);
}

function ranMs(id: number, thread: string): number {
  return Number(read(`/proc/${id}/task/${thread}/schedstat`).split(" ")[0]) / 1e6;
}

function threadsOf(id: number): string[] {
  try {
    return readdirSync(`/proc/${id}/task`);
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    // It has ended.
    return "";
  }
}

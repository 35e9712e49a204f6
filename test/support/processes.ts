/** What the kernel says of a process. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/** The letter that the kernel has for the process's state, such as T for a stopped one; undefined if there is none. */
export function processState(processId: number): string | undefined {
  try {
    return stateIn(`/proc/${processId}/stat`);
  } catch {
    return undefined;
  }
}

/** The same of each of its threads. */
export function threadStates(processId: number): (string | undefined)[] {
  const tasks = `/proc/${processId}/task`;
  try {
    return readdirSync(tasks).map((id) => stateIn(join(tasks, id, "stat")));
  } catch {
    // A thread has just ended: the next look tells.
    return [undefined];
  }
}

function stateIn(path: string): string | undefined {
  return /\) (\w) /u.exec(readFileSync(path, "utf8"))?.[1];
}

/** Whether it runs: one that has ended may stay in the list until somebody asks how, where init does not. */
export function isAlive(processId: number): boolean {
  const state = processState(processId);
  return state !== undefined && state !== "Z" && state !== "X";
}

/** Its children, of whatever thread; none if there is no such process. */
export function childrenOf(processId: number): number[] {
  try {
    return readFileSync(`/proc/${processId}/task/${processId}/children`, "utf8")
      .trim()
      .split(" ")
      .filter(Boolean)
      .map(Number);
  } catch {
    return [];
  }
}

/** Whether a tcpdump reads packets: it sleeps until one comes to the packet socket that it has. */
export function waitsForPackets(processId: number): boolean {
  const folder = `/proc/${processId}`;
  try {
    const open = new Set(readdirSync(join(folder, "fd")).map((name) => linkAt(join(folder, "fd", name))));
    const [, ...sockets] = readFileSync(join(folder, "net/packet"), "utf8").trim().split("\n");
    const sleepsIn = readFileSync(join(folder, "wchan"), "utf8");
    return (
      sockets.some((line) => open.has(`socket:[${line.trim().split(/\s+/u).at(-1)}]`)) &&
      processState(processId) === "S" &&
      // A kernel may keep the name to itself.
      (sleepsIn.includes("poll") || sleepsIn === "0")
    );
  } catch {
    return false;
  }
}

/** What the descriptor stands for; it may have been closed meanwhile. */
function linkAt(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

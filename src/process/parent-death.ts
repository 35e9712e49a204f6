/**
 * Has the kernel end this process with its parent.
 *
 * The end of an IPC channel tells a child that its parent is gone only when the child's event loop turns. One
 * that is stopped, or busy in native code, would live on and keep what it has locked.
 */
import { loadLibc } from "../libc/mod.ts";

const prSetParentDeathSignal = 1;
const signalKill = 9n;

/**
 * Asks for SIGKILL at the death of the thread that made this process, `parentId`'s, by prctl(2). A change of
 * user or capabilities takes the request back, so it has to come after that. False where Node has no FFI or the
 * system is no Linux: then the next parent finds the process in its register.
 */
export async function endWithParent(parentId: number): Promise<boolean> {
  const libc = await loadLibc();
  const isAsked = libc.ok && libc.value.prctl(prSetParentDeathSignal, signalKill).ok;
  // One whose parent died before that hears of no death any more.
  if (process.ppid !== parentId) process.kill(process.pid, "SIGKILL");
  return isAsked;
}

/** Takes a child process into this one's care. */
import type { ChildProcess } from "node:child_process";

import type { ChildRegister } from "./child-register.ts";

/**
 * Has the child end with this process, also if it hangs and does not see that its channel is closed: when this
 * one exits by itself here, after a kill by the register, which the next Weir reads. `name` is for its log.
 */
export function adoptChild(name: string, child: ChildProcess, register: ChildRegister | undefined): void {
  const { pid } = child;
  if (pid === undefined) return;
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  register?.add(name, pid);
  child.once("exit", () => {
    process.off("exit", kill);
    register?.remove(pid);
  });
}

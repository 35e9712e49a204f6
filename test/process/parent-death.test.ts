import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { isAlive } from "../support/processes.ts";
import type { ParentReport } from "./parent-death-process.ts";

const program = join(import.meta.dirname, "parent-death-process.ts");

async function untilGone(pid: number): Promise<boolean> {
  for (let tries = 0; tries < 400 && isAlive(pid); tries++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return !isAlive(pid);
}

describe.skipIf(process.platform !== "linux")("a process that ends with its parent", () => {
  it("is gone after kill -9 of the parent, although it is stopped and sees nothing", async () => {
    const parent = fork(program, ["parent"], { execArgv: ["--disable-warning=ExperimentalWarning"] });
    const [{ childId }] = (await once(parent, "message")) as [ParentReport];
    process.kill(childId, "SIGSTOP");
    parent.kill("SIGKILL");
    await once(parent, "exit");
    const isGone = await untilGone(childId);
    if (!isGone) process.kill(childId, "SIGKILL");
    expect(isGone).toBe(true);
  });

  it("ends at once if the parent was gone before it could ask", async () => {
    // This process is its parent, and not the one that it names.
    const child = spawn(process.execPath, [program, "child", "1"], { stdio: "ignore" });
    const [, signal] = (await once(child, "exit")) as [null, string];
    expect(signal).toBe("SIGKILL");
  });
});

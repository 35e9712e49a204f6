import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { silentLogger } from "../../src/observe/mod.ts";
import { openChildRegister } from "../../src/process/mod.ts";

let directory: string;
let path: string;
let child: ChildProcess;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "weir-register-"));
  path = join(directory, "children.json");
  child = spawn("sleep", ["60"], { stdio: "ignore" });
});
afterEach(() => {
  child.kill("SIGKILL");
  rmSync(directory, { recursive: true });
});

const open = () => openChildRegister(path, { logger: silentLogger });
const text = (): string => readFileSync(path, "utf8");
/** What the next start does to the child: the signal that it died of, null if it lives. */
async function endedByNextStart(): Promise<NodeJS.Signals | null> {
  const exited = once(child, "exit");
  open();
  // A child that is stopped by SIGSTOP is killed too: it must not depend on what the child does.
  await Promise.race([exited, new Promise((resolve) => setTimeout(resolve, 300))]);
  return child.signalCode;
}

describe("the register of child processes", () => {
  it("has the next start kill a child that outlived its parent, also one that is stopped", async () => {
    open().add("sleeper", child.pid!);
    child.kill("SIGSTOP");
    expect(await endedByNextStart()).toBe("SIGKILL");
    expect(JSON.parse(text())).toMatchObject({ children: [] });
  });

  it("forgets a child that has ended", async () => {
    const register = open();
    register.add("sleeper", child.pid!);
    register.remove(child.pid!);
    expect(await endedByNextStart()).toBeNull();
  });

  it("leaves alone a process that has got the number of one that is gone", async () => {
    open().add("sleeper", child.pid!);
    const register = JSON.parse(text()) as { children: { startedTicks: number }[] };
    register.children[0]!.startedTicks -= 1;
    writeFileSync(path, JSON.stringify(register));
    expect(await endedByNextStart()).toBeNull();
  });

  it("leaves every process alone after the host was started anew", async () => {
    open().add("sleeper", child.pid!);
    writeFileSync(path, text().replace(/"bootId":"[^"]+"/u, '"bootId":"another"'));
    expect(await endedByNextStart()).toBeNull();
  });

  it.each([
    ["nothing", ""],
    ["half a file", '{"bootId":"'],
    ["another shape", '{"bootId":7,"children":{}}'],
  ])("takes %s for a register without children", async (_what, content) => {
    writeFileSync(path, content);
    expect(await endedByNextStart()).toBeNull();
    open().add("sleeper", child.pid!);
    expect(text()).toContain('"sleeper"');
  });

  it("leaves out what is no child's number", () => {
    open();
    const { bootId } = JSON.parse(text()) as { bootId: string };
    const children = [{ name: "all", processId: -1, startedTicks: 1 }, { processId: 1 }, null, "x"];
    writeFileSync(path, JSON.stringify({ bootId, children }));
    open();
    expect(JSON.parse(text())).toEqual({ bootId, children: [] });
  });
});

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
/** What the next start does to the child: whether it kills it. */
async function isEndedByNextStart(): Promise<boolean> {
  const exited = once(child, "exit");
  open();
  // Who was sent SIGKILL dies of it, whatever comes after that.
  child.kill("SIGTERM");
  child.kill("SIGCONT");
  await exited;
  return child.signalCode === "SIGKILL";
}

describe("the register of child processes", () => {
  it("has the next start kill a child that outlived its parent, also one that is stopped", async () => {
    open().add("sleeper", child.pid!);
    child.kill("SIGSTOP");
    expect(await isEndedByNextStart()).toBe(true);
    expect(JSON.parse(text())).toMatchObject({ children: [] });
  });

  it("forgets a child that has ended", async () => {
    const register = open();
    register.add("sleeper", child.pid!);
    register.remove(child.pid!);
    expect(await isEndedByNextStart()).toBe(false);
  });

  it("leaves alone a process that has got the number of one that is gone", async () => {
    open().add("sleeper", child.pid!);
    const register = JSON.parse(text()) as { children: { startedTicks: number }[] };
    register.children[0]!.startedTicks -= 1;
    writeFileSync(path, JSON.stringify(register));
    expect(await isEndedByNextStart()).toBe(false);
  });

  it("leaves every process alone after the host was started anew", async () => {
    open().add("sleeper", child.pid!);
    writeFileSync(path, text().replace(/"bootId":"[^"]+"/u, '"bootId":"another"'));
    expect(await isEndedByNextStart()).toBe(false);
  });

  it.each([
    ["nothing", ""],
    ["half a file", '{"bootId":"'],
    ["another shape", '{"bootId":7,"children":{}}'],
  ])("takes %s for a register without children", async (_what, content) => {
    writeFileSync(path, content);
    open().add("sleeper", child.pid!);
    expect(text()).toContain('"sleeper"');
    writeFileSync(path, content);
    expect(await isEndedByNextStart()).toBe(false);
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

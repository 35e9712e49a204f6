import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { openWindowMemory } from "../../src/app/window-memory.ts";
import { unwrap } from "../../src/base/mod.ts";
import { silentLogger } from "../../src/observe/mod.ts";

let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "weir-windows-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

describe("the memory of windows", () => {
  const open = () => unwrap(openWindowMemory(join(folder, "windows.sqlite"), silentLogger));

  it("is there again at the next start", () => {
    const memory = open();
    memory.update(
      new Map([
        ["packets fl-1/eni-1", 1.8e15],
        ["packets fl-2/eni-1", 2],
      ]),
      [],
    );
    memory.update(new Map([["packets fl-1/eni-1", 1.8e15 + 60e6]]), ["packets fl-2/eni-1"]);
    memory.close();
    const again = open();
    expect([...again.all()]).toEqual([["packets fl-1/eni-1", 1.8e15 + 60e6]]);
    again.close();
  });

  it("that cannot be written is no reason to stop", () => {
    const memory = open();
    memory.close();
    expect(() => memory.update(new Map([["packets fl-1/eni-1", 1]]), [])).not.toThrow();
  });
});

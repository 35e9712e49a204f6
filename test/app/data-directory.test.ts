import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { openDataDirectory } from "../../src/app/data-directory.ts";
import { unwrap } from "../../src/base/mod.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "weir-data-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe("openDataDirectory()", () => {
  it("creates the directory for its owner alone and keeps the agent id over restarts", () => {
    const path = join(root, "nested", "data");
    const first = unwrap(openDataDirectory(path));
    expect(statSync(path).mode & 0o777).toBe(0o700);
    first.release();
    const second = unwrap(openDataDirectory(path));
    expect(second.agentId).toBe(first.agentId);
    expect(readFileSync(join(path, "agent-id"), "utf8")).toBe(`${first.agentId}\n`);
    second.release();
  });

  it("refuses a directory that another Weir holds, and takes it once that one lets go", () => {
    const first = unwrap(openDataDirectory(root));
    expect(openDataDirectory(root)).toMatchObject({
      ok: false,
      fault: { code: "DataDirectoryLocked", value: root },
    });
    first.release();
    const second = unwrap(openDataDirectory(root));
    second.release();
  });

  it("closes an empty directory and one of a Weir to others", () => {
    chmodSync(root, 0o755);
    unwrap(openDataDirectory(root)).release();
    expect(statSync(root).mode & 0o777).toBe(0o700);
    chmodSync(root, 0o755);
    unwrap(openDataDirectory(root)).release();
    expect(statSync(root).mode & 0o777).toBe(0o700);
  });

  it("leaves a directory of others as it is, and refuses it", () => {
    const open = { code: "DataDirectoryUnusable", message: expect.stringContaining("open to other users") };
    chmodSync(root, 0o1777);
    expect(openDataDirectory(root)).toMatchObject({ ok: false, fault: open });
    chmodSync(root, 0o755);
    writeFileSync(join(root, "passwd"), "");
    expect(openDataDirectory(root)).toMatchObject({ ok: false, fault: open });
    expect(statSync(root).mode & 0o777).toBe(0o755);
    chmodSync(root, 0o700);
    unwrap(openDataDirectory(root)).release();
  });

  it("refuses a path that is no directory", () => {
    expect(openDataDirectory(join(root, "agent-id"))).toMatchObject({ ok: true });
    for (const path of ["/dev/null/weir", "/proc/weir/data"]) {
      expect(openDataDirectory(path)).toMatchObject({
        ok: false,
        fault: { code: "DataDirectoryUnusable", value: path },
      });
    }
  });

  it("refuses an existing file, whatever its mode", () => {
    const file = join(root, "file");
    writeFileSync(file, "text");
    for (const mode of [0o600, 0o644]) {
      chmodSync(file, mode);
      expect(openDataDirectory(file)).toMatchObject({
        ok: false,
        fault: { code: "DataDirectoryUnusable", message: `${file} is not a directory`, value: file },
      });
    }
    expect(readFileSync(file, "utf8")).toBe("text");
  });

  it("takes the longest path whose socket can be bound, and refuses a longer one before it makes it", async () => {
    const path = join(root, "d".repeat(107 - "/weir.sock".length - root.length - 1));
    const directory = unwrap(openDataDirectory(path));
    const server = createServer().listen(directory.file("weir.sock"));
    await once(server, "listening");
    server.close();
    directory.release();
    expect(openDataDirectory(`${path}d`)).toMatchObject({
      ok: false,
      fault: {
        code: "DataDirectoryUnusable",
        message: "the path of the data directory is too long for the socket in it",
        value: `${path}d`,
        remedy: "name a shorter one: --data DIR",
      },
    });
    expect(existsSync(`${path}d`)).toBe(false);
  });
});

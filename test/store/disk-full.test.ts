import { execFileSync } from "node:child_process";
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";

import { systemClock, unwrap } from "../../src/base/mod.ts";
import { createMetrics, silentLogger } from "../../src/observe/mod.ts";
import { createStore, type Store } from "../../src/store/mod.ts";
import { requireRoot } from "../support/peers.ts";
import { sampleBytes, sampleTarget } from "./sample.ts";

// A store starts a process of its own, with a database engine in it.
vi.setConfig({ hookTimeout: 120_000 });

const isRoot = requireRoot("mount a small file system");
const directory = mkdtempSync(join(tmpdir(), "weir-store-full-"));

describe.skipIf(!isRoot)("a store on a full disk", () => {
  let store: Store;

  beforeAll(async () => {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=32m", "tmpfs", directory]);
    store = createStore(
      { path: join(directory, "store"), memoryBytesMax: 512 * 1024 * 1024 },
      { logger: silentLogger, metrics: createMetrics(), clock: systemClock },
    );
    unwrap(await store.start());
  });

  afterAll(async () => {
    await store.stop();
    execFileSync("umount", ["-l", directory]);
    rmSync(directory, { recursive: true, force: true });
  });

  it("says DiskFull as a fault to be tried again, still answers queries, and goes on once space returns", async () => {
    const append = async (position: number) =>
      store.appendFlows([{ position, batch: sampleBytes(position, 1000), target: sampleTarget }]);
    const count = async () => Number(unwrap(await store.query("SELECT count() FROM flows", {})).rows[0]![0]);
    unwrap(await append(1));
    const free = Number(execFileSync("df", ["--output=avail", "-B1", directory]).toString().split("\n")[1]);
    const ballast = join(directory, "ballast");
    writeFileSync(ballast, new Uint8Array(free - 200_000));
    let position = 2;
    let result = await append(position);
    while (result.ok) result = await append(++position);
    expect(result.fault).toMatchObject({ code: "DiskFull", retryable: true });
    // The engine may have given some room back meanwhile.
    expect(() => appendFileSync(ballast, new Uint8Array(32 << 20))).toThrow("ENOSPC");
    expect(await append(position)).toMatchObject({ ok: false, fault: { code: "DiskFull" } });
    expect(await count()).toBe((position - 1) * 1000);
    rmSync(ballast);
    expect(unwrap(await append(position))).toMatchObject({ rows: 1000 });
    expect(await count()).toBe(position * 1000);
    expect(store.status().restarts).toBe(0);
  });
});

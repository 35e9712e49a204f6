import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { systemClock, unwrap } from "../../src/base/mod.ts";
import { createMetrics, silentLogger } from "../../src/observe/mod.ts";
import { openSpool, type Spool } from "../../src/spool/mod.ts";
import { requireRoot } from "../support/peers.ts";

const isRoot = requireRoot("mount a small file system");
const directory = mkdtempSync(join(tmpdir(), "weir-full-"));

describe.skipIf(!isRoot)("a spool on a full disk", () => {
  let spool: Spool;
  let sequence = 0;

  beforeAll(() => {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=48m", "tmpfs", directory]);
    spool = openHere();
  });

  afterAll(() => {
    spool.close();
    execFileSync("umount", [directory]);
    rmSync(directory, { recursive: true, force: true });
  });

  function openHere(freeBytesMin = 0): Spool {
    return unwrap(
      openSpool(
        { path: join(directory, "spool.sqlite"), bytesMax: 1 << 30, freeBytesMin, sinks: ["store"] },
        { clock: systemClock, logger: silentLogger, metrics: createMetrics() },
      ),
    );
  }

  async function append(): Promise<string> {
    const routes = [{ sink: "store", target: null }];
    const bytes = new Uint8Array(100_000).fill(sequence % 251);
    const result = await spool.append({ batchId: `agent/boot/${sequence + 1}`, bytes, rows: 1, routes });
    if (result.ok) sequence++;
    return result.ok ? result.value : result.fault.code;
  }

  function kept(): string[] {
    return spool.read("store", { entriesMax: 10_000, bytesMax: 1 << 30 }).map((entry) => entry.batchId);
  }

  it("says DiskFull, keeps what it accepted, and goes on once space returns", async () => {
    const ballast = join(directory, "ballast");
    writeFileSync(ballast, new Uint8Array(20 << 20));
    let answer = "accepted";
    while (answer === "accepted") answer = await append();
    expect(answer).toBe("DiskFull");
    expect(await append()).toBe("DiskFull");
    const accepted = Array.from({ length: sequence }, (_, index) => `agent/boot/${index + 1}`);
    expect(accepted.length).toBeGreaterThan(10);
    expect(kept()).toEqual(accepted);
    rmSync(ballast);
    expect(await append()).toBe("accepted");
    expect(kept()).toEqual([...accepted, `agent/boot/${sequence}`]);
    spool.close();
    spool = openHere();
    expect(kept()).toEqual([...accepted, `agent/boot/${sequence}`]);
  });

  it("goes on once what it held is delivered, on the disk it has, if it may leave some of it free", async () => {
    spool.close();
    for (const name of readdirSync(directory)) rmSync(join(directory, name));
    sequence = 0;
    spool = openHere(16 << 20);
    let answer = "accepted";
    while (answer === "accepted") answer = await append();
    expect(answer).toBe("DiskFull");
    const [last] = spool.read("store", { entriesMax: 10_000, bytesMax: 1 << 30 }).slice(-1);
    spool.acknowledge("store", last!.position);
    for (let attempt = 0; attempt < 20 && answer !== "accepted"; attempt++) {
      await setImmediate();
      answer = await append();
    }
    expect(answer).toBe("accepted");
    expect(kept()).toEqual([`agent/boot/${sequence}`]);
  });
});

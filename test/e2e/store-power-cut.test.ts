import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync } from "node:fs";
import * as ffi from "node:ffi";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { requireRoot } from "../support/peers.ts";
import { DeliveryHarness } from "./store/delivery-harness.ts";

const rowsPerBatch = 1000;
const cuts = 6;
const isRoot = requireRoot("cut the power of a file system");
const directory = mkdtempSync(join(tmpdir(), "weir-power-cut-"));
const image = join(directory, "disk");
const mountPoint = join(directory, "mount");

function mount(): void {
  execFileSync("mount", ["-o", "loop", image, mountPoint]);
}

/** What was not flushed to the disk is gone, as when the power fails (EXT4_IOC_SHUTDOWN, no log flush). */
function cutPower(): void {
  const libc = ffi.dlopen(null, { ioctl: { arguments: ["i32", "u64", "pointer"], return: "i32" } });
  const descriptor = openSync(mountPoint, "r");
  const flags = Uint32Array.of(2);
  expect(libc.functions.ioctl(descriptor, 0x80_04_58_7dn, flags)).toBe(0);
  closeSync(descriptor);
}

async function unmount(): Promise<void> {
  // The store's process ends a moment after its parent.
  for (let attempt = 0; spawnSync("umount", [mountPoint]).status !== 0; attempt++) {
    expect(attempt).toBeLessThan(300);
    await sleep(100);
  }
  // A process that entered a namespace meanwhile has a copy of the mount: what is mounted next must be the disk.
  for (let attempt = 0; execFileSync("losetup", ["-j", image], { encoding: "utf8" }) !== ""; attempt++) {
    expect(attempt).toBeLessThan(300);
    await sleep(100);
  }
}

describe.skipIf(!isRoot)("flows accepted by the spool", () => {
  beforeAll(() => {
    mkdirSync(mountPoint);
    execFileSync("truncate", ["-s", "400M", image]);
    execFileSync("mkfs.ext4", ["-q", "-F", image]);
    mount();
  });

  afterAll(() => {
    spawnSync("umount", ["-l", mountPoint]);
    rmSync(directory, { recursive: true, force: true });
  });

  it(`are each in the store and in its rollup tiers once after ${cuts} power cuts`, async () => {
    const harness = new DeliveryHarness({ directory: mountPoint, rowsPerBatch, deduplicate: true });
    try {
      for (let cut = 0; cut < cuts; cut++) {
        const before = harness.confirmed;
        await harness.start(0);
        await harness.next("stored");
        await sleep(Math.random() * 400);
        cutPower();
        await harness.kill();
        expect(harness.confirmed).toBeGreaterThan(before);
        await unmount();
        mount();
      }
      await harness.start(0);
      const { counts, differingTiers } = await harness.finish();
      const accepted = Array.from({ length: harness.confirmed }, (_, index) => index + 1);
      expect(differingTiers).toEqual([]);
      expect(counts).toEqual(
        accepted.map((sequence) => [`${sequence}`, rowsPerBatch, rowsPerBatch, rowsPerBatch]),
      );
    } finally {
      harness.end();
      await unmount();
    }
  });
});

import { describe, expect, it } from "vitest";

import { unwrap } from "../../../src/base/mod.ts";
import { interfaceIndex } from "../../../src/capture/interface.ts";
import { knowsGroupSizes, openRing } from "../../../src/capture/ring/ring.ts";
import { loadLibc } from "../../../src/libc/mod.ts";
import { requireRoot } from "../../support/peers.ts";

const options = { ringBytes: 65_536, blockBytes: 16_384, snapshotBytes: 128, retireTimeoutMs: 10 };

describe.skipIf(!requireRoot("open a ring"))("rings that share an interface", () => {
  it("are as many as there are workers: a further one is refused, until one has gone", async () => {
    const libc = unwrap(await loadLibc());
    const loopback = interfaceIndex("lo");
    const open = (workers: number) =>
      openRing(libc, loopback, { ...options, share: { group: process.pid, workers } });
    const rings = [unwrap(open(2)), unwrap(open(2))];
    const refused = expect.objectContaining({
      code: "CaptureUnavailable",
      message: expect.stringContaining("workers cannot share the interface (PACKET_FANOUT: E"),
      remedy: "set capture.workers to 1",
      retryable: true,
    });
    expect(open(2)).toEqual({ ok: false, fault: refused });
    rings[0]!.close();
    // A Weir with another number of workers is another Weir.
    expect(open(3)).toEqual({ ok: false, fault: refused });
    unwrap(open(2)).close();
    rings[1]!.close();
    unwrap(open(3)).close();
  });
});

describe("the size of a group", () => {
  it("is told to kernels from 5.11 on", () => {
    for (const release of ["5.11.0", "5.15.0-91-generic", "6.1.0-18-amd64", "6.12.90+deb13.1-cloud-amd64"])
      expect([release, knowsGroupSizes(release)]).toEqual([release, true]);
    for (const release of ["5.10.0-28-amd64", "5.4.0", "4.18.0-553.el8_10.x86_64"])
      expect([release, knowsGroupSizes(release)]).toEqual([release, false]);
  });
});

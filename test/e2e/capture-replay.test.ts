/** A capture file in an interface's stead. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, describe, expect, it } from "vitest";

import { agingOf, type CaptureClient, startCaptureClient, subjectOf } from "../support/capture-client.ts";
import { bytesOf, ethernet, etherTypes, ipv4, udp } from "../support/frame-builder.ts";

const folder = mkdtempSync(join(tmpdir(), "weir-replay-"));
const frame = ethernet(
  { source: "02:00:00:00:00:01", destination: "02:00:00:00:00:02" },
  etherTypes.ipv4,
  ipv4({ source: "192.0.2.1", destination: "192.0.2.2", protocol: 17 }, udp(1, 2, 20)),
);
const startSeconds = 1_800_000_000;

/** A classic pcap file (draft-ietf-opsawg-pcap) with one packet at each of `times`, in seconds from its start. */
function writePcap(name: string, times: readonly number[], cutOctets = 0): string {
  const u32 = (...values: number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer);
  const records = times.flatMap((time) => [
    u32(startSeconds + Math.floor(time), Math.round((time % 1) * 1e6), frame.length, frame.length),
    frame,
  ]);
  const file = bytesOf(u32(0xa1b2c3d4, 0x00040002, 0, 0, 65_535, 1), ...records);
  const path = join(folder, name);
  writeFileSync(path, file.subarray(0, file.length - cutOctets));
  return path;
}

async function waitForPackets(client: CaptureClient, packets: number): Promise<void> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    const flows = await client.flows();
    if (flows.reduce((sum, flow) => sum + Number(flow["packets"]), 0) >= packets) return;
    if (performance.now() > deadline) throw new Error(`only ${JSON.stringify(flows)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe("a replayed capture file", () => {
  const clients: CaptureClient[] = [];
  const replay = async (path: string, speed: number, inactiveTimeoutMs: number): Promise<CaptureClient> => {
    const client = startCaptureClient();
    clients.push(client);
    await client.start({ method: "replay", replay: { path, interfaceName: "file0", speed } });
    await client.apply({
      subjects: [subjectOf({ interfaceNames: ["file0"], policy: agingOf(60_000, inactiveTimeoutMs) })],
    });
    return client;
  };
  afterAll(() => {
    for (const client of clients) client.close();
    rmSync(folder, { recursive: true });
  });

  it("is cut into flows by its own time, as fast as it can be read", async () => {
    const client = await replay(writePcap("fast.pcap", [0, 1, 2, 100, 101, 300]), 0, 10_000);
    await waitForPackets(client, 6);
    const flows = await client.flows();
    expect(flows.map((flow) => [flow["packets"], flow["startUs"], flow["flowEndReason"]])).toEqual([
      [3, startSeconds * 1e6, 1],
      [2, (startSeconds + 100) * 1e6, 1],
      [1, (startSeconds + 300) * 1e6, 4],
    ]);
    expect(flows.every((flow) => flow["flowDirection"] === 255)).toBe(true);
    await client.stop();
    expect(await client.status()).toMatchObject({
      state: "stopped",
      batchesInFlight: 0,
      ledger: [{ interfaceName: "file0", seen: 6, metered: 6, kernelDrops: 0, unread: 0 }],
    });
  });

  it("keeps its pace", async () => {
    const begunMs = performance.now();
    const client = await replay(writePcap("paced.pcap", [0, 0.1, 20]), 10, 5000);
    await waitForPackets(client, 3);
    expect(performance.now() - begunMs).toBeGreaterThan(2000);
    await client.stop();
  });

  it("ends flows whose time has come though no packet follows at once", async () => {
    // The flow's timeout is half a second at this pace, the last packet comes after two minutes.
    const client = await replay(writePcap("silent.pcap", [0, 0.1, 1200]), 10, 5000);
    await waitForPackets(client, 2);
    await client.applyAgain();
    expect((await client.status()).ledger).toMatchObject([{ seen: 2, metered: 2 }]);
    await client.stop();
  });

  it("is metered to where it was cut", async () => {
    const client = await replay(writePcap("cut.pcap", [0, 1, 2], 5), 0, 10_000);
    await waitForPackets(client, 2);
    await client.stop();
    expect(await client.status()).toMatchObject({ ledger: [{ seen: 2, metered: 2 }] });
    expect(await client.flows()).toMatchObject([{ packets: 2 }]);
  });

  it("that cannot be read is a fault", async () => {
    const client = startCaptureClient();
    clients.push(client);
    const started = await client.start({
      method: "replay",
      replay: { path: join(folder, "none.pcap"), interfaceName: "file0", speed: 0 },
    });
    expect(started).toMatchObject({ ok: false, fault: { code: "CaptureUnavailable" } });
  });
});

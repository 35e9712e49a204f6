/** A whole Weir with two capture workers: its records are what tcpdump saw, also when one of the two is killed. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { callNative, whenDelivered } from "../support/administration.ts";
import { type Echo, echoDatagrams, echoSegments, exchangeMessages } from "../support/exchange.ts";
import { requirePeer, requireRoot } from "../support/peers.ts";
import { isComplete, sumRecords } from "../support/records.ts";
import { readSlsLogs } from "../support/sls-client.ts";
import { recordTruth, type Truth } from "../support/truth.ts";
import { createVethToPeer, type VethToPeer } from "../support/veth.ts";
import { eventually, type RunningWeir, startWeir, temporaryDirectory } from "../support/weir.ts";

const isPossible = requireRoot("capture packets") && requirePeer("ip", "tcpdump", "tshark");
const access = { accessKeyId: "workers-key", accessKeySecret: "workers-secret" };
/** So many that they are not all one worker's. */
const echoes = 12;

interface CaptureReport {
  readonly state: string;
  readonly planSinceMs: number | null;
  readonly workers: readonly { readonly processId: number; readonly restarts: number }[];
}

interface Share {
  readonly worker: number;
  readonly seen: number;
  readonly kernelDrops: number;
}

describe.skipIf(!isPossible)("a Weir with two capture workers", () => {
  const directory = temporaryDirectory("workers");
  let link: VethToPeer;
  let weir: RunningWeir;
  let flowLogId: string;
  const servers: Echo[] = [];

  beforeAll(async () => {
    link = createVethToPeer("wk");
    // Addresses of the benchmarking range (RFC 2544), so that there are several pairs to share.
    const block = `198.18.${process.pid % 256}`;
    link.peer.ip("route", "add", `${block}.0/24`, "via", link.hostAddress);
    for (let number = 1; number <= echoes; number++) {
      const address = `${block}.${number}`;
      execFileSync("ip", ["address", "add", `${address}/32`, "dev", link.interfaceName]);
      servers.push(await (number % 2 === 0 ? echoDatagrams("udp4", address) : echoSegments(address)));
    }
    servers.push(await echoDatagrams("udp6", link.hostAddressIpv6));
    weir = await startWeir({
      data: join(directory.path, "data"),
      args: ["--set", `capture.interfaces.include=${link.interfaceName}`, "--set", "capture.workers=2"],
      environment: { WEIR_ACCESS_KEY_ID: access.accessKeyId, WEIR_ACCESS_KEY_SECRET: access.accessKeySecret },
    });
    const { resources } = await callNative<{ resources: { id: string; interfaceName?: string }[] }>(
      weir.data,
      "GET",
      "/resources",
    );
    const { id } = resources.find(({ interfaceName }) => interfaceName === link.interfaceName)!;
    const logService = { enabled: true, project: "workers", logstore: "flows" };
    const settings = { policy: { windowS: 60 }, outputs: { logService } };
    ({ id: flowLogId } = await callNative<{ id: string }>(weir.data, "POST", "/flow-logs", {
      targetId: id,
      settings,
    }));
    await captureHolds();
  });

  afterAll(async () => {
    for (const server of servers) server.close();
    await weir?.stop();
    link?.remove();
    directory.remove();
  });

  const captureReport = async (): Promise<CaptureReport> =>
    (await callNative<{ capture: CaptureReport }>(weir.data, "GET", "/status")).capture;

  const captureHolds = (): Promise<CaptureReport> =>
    eventually("capture holds the plan", 60_000, async () => {
      const report = await captureReport();
      return report.state === "running" && report.planSinceMs !== null ? report : undefined;
    });

  /** What crosses the wire meanwhile, by tcpdump. */
  async function traffic(): Promise<Truth> {
    const recorder = await recordTruth(link.peer, link.peerInterfaceName, directory.path);
    for (const server of servers) await exchangeMessages(link.peer, server, 6, 300);
    return recorder.finish();
  }

  /** Ends the open flows; what is recorded once all that crossed the wire is. */
  async function recordedAll(truth: Truth): Promise<Truth> {
    await callNative(weir.data, "POST", `/flow-logs/${flowLogId}/deactivate`);
    await callNative(weir.data, "POST", `/flow-logs/${flowLogId}/activate`);
    await captureHolds();
    // An answer does not wait for ever until the flows that it ended are accepted.
    await eventually("all flows are recorded", 60_000, async () =>
      isComplete(await recorded(), truth) ? true : undefined,
    );
    await whenDelivered(weir.data);
    return recorded();
  }

  async function recorded(): Promise<Truth> {
    const place = { ...access, endpoint: weir.ready.endpoint };
    const records = await readSlsLogs(place, "workers", "flows", "log-status: OK");
    const sums = sumRecords(records);
    for (const key of sums.keys()) if (!/ (?:6|17) /u.test(key)) sums.delete(key);
    return sums;
  }

  const summed = (...truths: Truth[]): Truth => {
    const total: Truth = new Map();
    for (const [key, { packets, octets }] of truths.flatMap((truth) => [...truth])) {
      const known = total.get(key) ?? { packets: 0, octets: 0 };
      total.set(key, { packets: known.packets + packets, octets: known.octets + octets });
    }
    return total;
  };

  it("stores exactly what crossed the wire, each worker its share, over the kill of one of them", async () => {
    const before = await traffic();
    const shares = await eventually("both have packets", 60_000, async () => {
      const { delivery } = await callNative<{ delivery: { capture: { workers: Share[] } } }>(
        weir.data,
        "GET",
        `/flow-logs/${flowLogId}`,
      );
      const { workers } = delivery.capture;
      return [0, 1].every((worker) => workers.some((share) => share.worker === worker && share.seen > 0))
        ? workers
        : undefined;
    });
    for (const { kernelDrops } of shares) expect(kernelDrops).toBe(0);
    expect(await recordedAll(before)).toEqual(before);

    const { processId } = (await captureHolds()).workers[1]!;
    process.kill(processId, "SIGKILL");
    await eventually("the worker is replaced", 60_000, async () => {
      const { state, workers } = await captureReport();
      return state === "running" && workers[1]!.restarts === 1 ? true : undefined;
    });
    await captureHolds();
    const after = await traffic();
    const both = summed(before, after);
    expect(await recordedAll(both)).toEqual(both);
  });
});

/** SIGTERM at an awkward moment: a quick end, and nothing that was metered is lost. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { callNative, readStatus, whenDelivered } from "../support/administration.ts";
import { type Echo, echoSegments, streamConnections } from "../support/exchange.ts";
import { requirePeer, requireRoot } from "../support/peers.ts";
import { freePort } from "../support/ports.ts";
import { excessOf, sumRecords } from "../support/records.ts";
import { readSlsLogs } from "../support/sls-client.ts";
import { recordTruth, type Truth } from "../support/truth.ts";
import { createVethToPeer, type VethToPeer } from "../support/veth.ts";
import { eventually, type RunningWeir, startWeir, temporaryDirectory } from "../support/weir.ts";

const isPossible = requireRoot("capture packets") && requirePeer("ip", "tcpdump", "tshark");
/** Ten seconds, and what a loaded machine adds. */
const stopMsMax = 20_000;

describe.skipIf(!isPossible)("a Weir that is asked to stop while traffic flows", () => {
  const directory = temporaryDirectory("program-stop");
  let link: VethToPeer;
  let echo: Echo;
  let weir: RunningWeir;
  let access: { endpoint: string; accessKeyId: string; accessKeySecret: string };
  let truth: Truth;

  const start = async (): Promise<void> => {
    weir = await startWeir({
      data: join(directory.path, "data"),
      args: ["--set", `capture.interfaces.include=${link.interfaceName}`],
    });
    access = { ...weir.ready, accessKeySecret: weir.ready.accessKeySecret ?? access.accessKeySecret };
  };
  /** Everything, and the connections of it: the hosts' own neighbour discovery is metered too. */
  const recorded = async (): Promise<{ packets: number; connections: Truth }> => {
    const records = await readSlsLogs(access, "stopped", "flows", "*");
    const connections = sumRecords(records.filter(({ protocol }) => protocol === "6"));
    return { packets: packetsOf(sumRecords(records)), connections };
  };

  beforeAll(async () => {
    link = createVethToPeer("ps");
    echo = await echoSegments(link.hostAddress);
    await start();
    const created = await callNative<{ id: string }>(weir.data, "POST", "/flow-logs", {
      settings: {
        name: "stopped",
        outputs: {
          logService: { enabled: true, project: "stopped", logstore: "flows" },
          // Nobody listens there, so that the kernel answers datagrams with port unreachable.
          netflow: { enabled: true, address: "127.0.0.1", port: await freePort(), version: 9 },
        },
      },
    });
    const gateway = weir.ready.resources.find(({ type }) => type === "gateway")!;
    await callNative(weir.data, "PUT", `/flow-logs/${created.id}/resources/${gateway.id}`);
  });

  afterAll(async () => {
    await weir?.stop();
    echo?.close();
    link?.remove();
    directory.remove();
  });

  /** Traffic, and in the midst of it `stopIt`; returns what crossed the wire until Weir had ended. */
  const stopAmidTraffic = async (before: () => Promise<void>): Promise<Truth> => {
    const recorder = await recordTruth(link.peer, link.peerInterfaceName, directory.path);
    const stream = streamConnections(link.peer, echo, 20);
    await eventually("flows in the meter", 60_000, async () => {
      const { capture } = await readStatus(weir.data);
      return capture.subjects.some(({ packets }) => Number(packets) > 200) ? true : undefined;
    });
    await before();
    const { code, elapsedMs } = await weir.stop();
    expect(code).toBe(0);
    expect(elapsedMs).toBeLessThan(stopMsMax);
    await stream.stop();
    return recorder.finish();
  };

  /** All that was metered before the signal is stored: of the whole only the last moments are missing. */
  const expectStored = async (meteredPackets: number): Promise<void> => {
    const { packets, connections } = await recorded();
    expect(excessOf(connections, truth)).toEqual([]);
    expect(packets).toBeGreaterThanOrEqual(meteredPackets);
  };

  it("ends within ten seconds though the collector refuses, and the next start has every metered flow", async () => {
    let metered = 0;
    truth = await stopAmidTraffic(async () => {
      metered = await meteredPackets(weir);
    });
    await start();
    await whenDelivered(weir.data);
    await expectStored(metered);
  });

  it("ends within ten seconds though the store hangs, and the next start stores what it left", async () => {
    const earlier = (await recorded()).packets;
    // Of what this process has metered since it started, some may be stored by now.
    const meteredEarlier = await meteredPackets(weir);
    let metered = 0;
    const more = await stopAmidTraffic(async () => {
      process.kill((await readStatus(weir.data)).store.pid!, "SIGSTOP");
      await sleep(500);
      metered = await meteredPackets(weir);
    });
    for (const [key, flow] of more) {
      const sum = truth.get(key) ?? { packets: 0, octets: 0 };
      truth.set(key, { packets: sum.packets + flow.packets, octets: sum.octets + flow.octets });
    }
    await start();
    await whenDelivered(weir.data);
    await expectStored(earlier + metered - meteredEarlier);
  });
});

function packetsOf(truth: Truth): number {
  return [...truth.values()].reduce((sum, { packets }) => sum + packets, 0);
}

/** What capture says that it has metered so far, of every protocol. */
async function meteredPackets({ data }: RunningWeir): Promise<number> {
  const { capture } = await readStatus(data);
  const isSent = (entry: { readonly packets?: unknown }): number => Number(entry.packets);
  return capture.subjects.reduce((sum, entry) => sum + isSent(entry), 0);
}

/** A Weir that is killed within a window: what it had of it is lost, and the records say so. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { callNative, readStatus } from "../support/administration.ts";
import { echoDatagrams, exchangeMessages } from "../support/exchange.ts";
import { requirePeer, requireRoot } from "../support/peers.ts";
import { readSlsLogs } from "../support/sls-client.ts";
import { createVethToPeer, type VethToPeer } from "../support/veth.ts";
import { eventually, type RunningWeir, startWeir, temporaryDirectory } from "../support/weir.ts";

const isPossible = requireRoot("capture packets") && requirePeer("ip");
/** The shortest that there is. */
const windowS = 60;

const access = { accessKeyId: "windows-key", accessKeySecret: "windows-secret" };

interface Resource {
  readonly id: string;
  readonly interfaceName?: string;
}

interface Covered {
  readonly resourceId: string;
  readonly accountedUpToMs?: number;
}

describe.skipIf(!isPossible)("a Weir that is killed within a window", () => {
  const directory = temporaryDirectory("windows");
  let link: VethToPeer;
  let weir: RunningWeir | undefined;

  const start = async (): Promise<RunningWeir> =>
    (weir = await startWeir({
      data: join(directory.path, "data"),
      args: ["--set", `capture.interfaces.include=${link.interfaceName}`],
      environment: { WEIR_ACCESS_KEY_ID: access.accessKeyId, WEIR_ACCESS_KEY_SECRET: access.accessKeySecret },
    }));

  const recordsWith = (status: string): Promise<Record<string, string>[]> =>
    readSlsLogs({ ...access, endpoint: weir!.ready.endpoint }, "windows", "killed", `log-status: ${status}`);

  beforeAll(() => {
    link = createVethToPeer("wn");
  });
  afterAll(async () => {
    await weir?.stop();
    link.remove();
    directory.remove();
  });

  it(
    "says SKIPDATA of that window, once, and of none that it saw to its end",
    async () => {
      let { data } = await start();
      const { resources } = await callNative<{ resources: Resource[] }>(data, "GET", "/resources");
      const { id } = resources.find((resource) => resource.interfaceName === link.interfaceName)!;
      const flowLog = await callNative<{ id: string }>(data, "POST", "/flow-logs", {
        targetId: id,
        settings: {
          policy: { windowS },
          outputs: { logService: { enabled: true, project: "windows", logstore: "killed" } },
        },
      });
      const accountedUpToMs = (): Promise<number> =>
        eventually("the windows are accounted for", 60_000, async () => {
          const { delivery } = await callNative<{ delivery: { capture: { resources: Covered[] } } }>(
            data,
            "GET",
            `/flow-logs/${flowLog.id}`,
          );
          return delivery.capture.resources.find(({ resourceId }) => resourceId === id)?.accountedUpToMs;
        });
      const beganMs = await accountedUpToMs();
      const echo = await echoDatagrams("udp4", link.hostAddress);
      await exchangeMessages(link.peer, echo, 5, 100);
      echo.close();
      // A report a second tells the main process what is accounted for.
      await sleep(1500);
      await weir!.kill();
      const killedS = Date.now() / 1000;
      ({ data } = await start());
      const restartedS = await eventually("capture has begun again", 60_000, async () => {
        const { planSinceMs } = (await readStatus(data)).capture;
        return planSinceMs === null ? undefined : Date.now() / 1000;
      });

      const windowOf = (timeS: number): number => Math.floor(timeS / windowS) * windowS;
      const statuses = await eventually("the window's record", windowS * 1000 + 120_000, async () => {
        const found = await recordsWith("SKIPDATA");
        const starts = found.map((record) => Number(record["start"]));
        return starts.includes(windowOf(killedS)) ? found : undefined;
      });
      for (const record of statuses) {
        expect(record).toMatchObject({ "eni-id": id, packets: "-", srcaddr: "-", action: "-" });
      }
      const skipped = statuses.map((record) => Number(record["start"]));
      expect(new Set(skipped).size).toBe(skipped.length);
      // Of the window that it began in to the one that it was there again in.
      const first = windowOf(beganMs / 1000);
      expect(skipped.every((startS) => startS >= first && startS <= windowOf(restartedS))).toBe(true);
      const others = await recordsWith("NODATA");
      expect(
        others.map((record) => Number(record["start"])).filter((startS) => skipped.includes(startS)),
      ).toEqual([]);
    },
    10 * windowS * 1000,
  );
});

/** kill -9 of each of Weir's processes while batches are in flight: it goes on by itself, and each accepted flow is stored once. */
import { afterEach, beforeAll, afterAll, beforeEach, describe, expect, it } from "vitest";

import { requirePeer, requireRoot } from "../support/peers.ts";
import { excessOf } from "../support/records.ts";
import type { Truth } from "../support/truth.ts";
import { createVethToPeer, type VethToPeer } from "../support/veth.ts";
import { temporaryDirectory } from "../support/weir.ts";
import { type Hit, type KillOutcome, type KillRun, startKillRun, type Victim } from "./kill-run.ts";
import { startNfcapd } from "./netflow-collectors.ts";

const isPossible =
  requireRoot("capture packets") && requirePeer("ip", "nfcapd", "nfdump", "tcpdump", "tshark");
const rounds = 5;
const victims: readonly Victim[] = ["store", "capture", "store", "main"];
/** That many flows at least must be recorded in full, whatever the kills hit. */
const leastFlows = 100;
/** Each capture process needs some seconds until its first flows have ended. */
const killTimeoutMs = 1_200_000;

describe.skipIf(!isPossible)("a Weir whose processes are killed while batches are in flight", () => {
  let link: VethToPeer;
  let directory: { path: string; remove: () => void };
  let run: KillRun | undefined;

  beforeAll(() => {
    link = createVethToPeer("pk");
  });
  beforeEach(() => {
    directory = temporaryDirectory("program-kill");
  });
  afterEach(async () => {
    await run?.end();
    run = undefined;
    directory.remove();
  });
  afterAll(() => link?.remove());

  it(
    "goes on by itself each time, and stores each accepted flow once",
    async () => {
      const collector = await startNfcapd(directory.path);
      run = await startKillRun({
        link,
        folder: directory.path,
        settings: {
          OutputType: "all",
          NetflowServerIp: "127.0.0.1",
          NetflowServerPort: collector.port,
          NetflowVersion: "V10",
        },
      });
      const hits: Hit[] = [];
      for (let round = 0; round < rounds; round++) {
        for (const victim of victims) {
          // Every other kill of main comes where a batch is sure to be sent again.
          const isSentAgain = victim === "main" && round % 2 === 0;
          hits.push(await (isSentAgain ? run.killBeforeAcknowledgement() : run.kill(victim)));
          if (isSentAgain)
            await expect.poll(() => run?.duplicateFlows(), { timeout: 60_000 }).toBeGreaterThan(0);
        }
      }
      expect(hits.length).toBeGreaterThanOrEqual(20);
      expect(hits.filter(({ batchesInFlight }) => batchesInFlight === 0)).toEqual([]);
      const outcome = await run.finish();
      expectAllStored(outcome);
      expect(storedTwice(outcome)).toEqual([]);
      expect(excessOf(outcome.recorded, outcome.truth)).toEqual([]);
      // What was on its way at a kill is sent again: a collector may see it twice, but misses nothing.
      const storedRows = outcome.stored.reduce((sum, { rows }) => sum + rows, 0);
      expect((await collector.finish()).flows).toBeGreaterThanOrEqual(storedRows);
    },
    killTimeoutMs,
  );

  it(
    "has flows twice when deduplication is switched off, so that the test above can fail",
    async () => {
      run = await startKillRun({
        link,
        folder: directory.path,
        args: ["--set", "store.deduplicate=false"],
      });
      for (let kills = 0; kills < 2; kills++) await run.killBeforeAcknowledgement();
      const outcome = await run.finish();
      expectAllStored(outcome);
      expect(storedTwice(outcome).length).toBeGreaterThanOrEqual(2);
      expect(excessOf(outcome.recorded, outcome.truth).length).toBeGreaterThanOrEqual(2);
    },
    killTimeoutMs,
  );
});

/** Every batch that was ever accepted is stored, and every flow that must have been accepted is recorded in full. */
function expectAllStored({ accepted, stored, recorded, required, ...outcome }: KillOutcome): void {
  const batches = stored.map(({ batch }) => batch);
  expect(batches).toEqual(Array.from({ length: accepted }, (_, index) => index + 1));
  const rowsOf = new Map(stored.map(({ batch, distinctRows }) => [batch, distinctRows]));
  expect(outcome.inFlight.size).toBeGreaterThan(0);
  for (const [batch, rows] of outcome.inFlight) expect(rowsOf.get(batch)).toBe(rows);
  expect(shortOf(recorded, outcome.inFlightFlows)).toEqual([]);
  expect(shortOf(recorded, required)).toEqual([]);
  expect(required.size).toBeGreaterThan(leastFlows);
}

function storedTwice({ stored }: KillOutcome): number[] {
  return stored.filter(({ rows, distinctRows }) => rows > distinctRows).map(({ batch }) => batch);
}

/** Flows of which less is recorded than there was. */
function shortOf(recorded: Truth, wanted: Truth): string[] {
  return [...wanted]
    .filter(([key, { packets, octets }]) => {
      const found = recorded.get(key);
      return found === undefined || found.packets < packets || found.octets < octets;
    })
    .map(([key, flow]) => `${key}: ${JSON.stringify(recorded.get(key))} of ${JSON.stringify(flow)}`);
}

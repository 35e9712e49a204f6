/** The clock of a running Weir jumps ahead and back while traffic flows; and it is started by a clock that is wrong. */
import { rmSync } from "node:fs";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { type CaptureStatus, ledgerError } from "../../src/capture/mod.ts";
import { readMetric, readStatus } from "../support/administration.ts";
import { type Echo, echoSegments, streamConnections } from "../support/exchange.ts";
import { createFakeClock, type FakeClock } from "../support/fake-clock.ts";
import { requirePeer, requireRoot } from "../support/peers.ts";
import { isComplete, sumRecords } from "../support/records.ts";
import { accessOf, createGatewayFlowLog, type SagAccess, sagCall } from "../support/sag-client.ts";
import { countSlsLogs, readSlsLogs } from "../support/sls-client.ts";
import { recordTruth } from "../support/truth.ts";
import { createVethToPeer, type VethToPeer } from "../support/veth.ts";
import { eventually, type RunningWeir, startWeir, temporaryDirectory } from "../support/weir.ts";

const isPossible = requireRoot("capture packets") && requirePeer("ip", "faketime", "tcpdump", "tshark");
const hourS = 3600;
/** Far beyond every retention. */
const ageS = 400 * 24 * hourS;
const timeoutMs = 120_000;

describe.skipIf(!isPossible)("a Weir whose clock jumps", () => {
  const directory = temporaryDirectory("program-clock");
  let link: VethToPeer;
  let echo: Echo;
  let clock: FakeClock;
  let weir: RunningWeir;
  let access: SagAccess;
  let flows: ReturnType<typeof sumRecords>;

  const start = async (): Promise<void> => {
    weir = await startWeir({
      data: join(directory.path, "data"),
      args: ["--set", `capture.interfaces.include=${link.interfaceName}`],
      environment: clock.environment,
    });
    access = accessOf(weir, access);
  };

  beforeAll(async () => {
    link = createVethToPeer("pt");
    echo = await echoSegments(link.hostAddress);
    clock = createFakeClock(directory.path);
    await start();
    await createGatewayFlowLog(weir, sagCall(access), {
      Name: "jumping",
      InactiveAging: 10,
      ProjectName: "jumping",
      LogstoreName: "flows",
    });
  });

  afterAll(async () => {
    await weir?.stop();
    echo?.close();
    link?.remove();
    directory.remove();
  });

  const timestamp = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/u, "Z");
  /** What a signed call is answered: "OK" or the code of its error. */
  const answerTo = (parameters: Record<string, unknown>): Promise<string> =>
    sagCall(access)("DescribeFlowLogs", parameters).then(
      () => "OK",
      (error: { code?: string; message: string }) => error.code ?? error.message,
    );
  const byServersTime = () => answerTo({ Timestamp: timestamp(clock.nowMs()) });
  const byRealTime = () => answerTo({ Timestamp: timestamp(Date.now()) });
  const signedOnce = { Timestamp: timestamp(Date.now()), SignatureNonce: crypto.randomUUID() };
  const jumps = () => readMetric(weir.ready.endpoint, "weir_clock_jumps_total");
  /** Sets the clock, and waits until the program says that it noticed. */
  const jumpTo = async (aheadS: number): Promise<void> => {
    const before = await jumps();
    clock.set(aheadS);
    await eventually("the jump is noticed", timeoutMs, async () =>
      (await jumps()) > before ? true : undefined,
    );
  };
  const countRecords = () => countSlsLogs(access, "jumping", "flows", "*");
  const recorded = async () => sumRecords(await readSlsLogs(access, "jumping", "flows", "protocol: 6"));
  const whenArmed = () =>
    eventually("capture is armed", timeoutMs, async () =>
      (await readStatus(weir.data)).capture.interfaces.some(({ state }) => state === "armed")
        ? true
        : undefined,
    );

  it("stays up, judges signatures by the new time, and lets no request in twice", async () => {
    await whenArmed();
    const recorder = await recordTruth(link.peer, link.peerInterfaceName, directory.path);
    const stream = streamConnections(link.peer, echo, 20);
    const { capture, store } = await readStatus(weir.data);
    await eventually("the first record", timeoutMs, async () =>
      (await countRecords()) > 0 ? true : undefined,
    );
    expect(await answerTo(signedOnce)).toBe("OK");
    for (const aheadS of [hourS, 0, -hourS, 0]) {
      await jumpTo(aheadS);
      expect(await byServersTime()).toBe("OK");
      expect(await byRealTime()).toBe(aheadS === 0 ? "OK" : "InvalidTimeStamp.Expired");
      expect(await answerTo(signedOnce)).toBe(
        aheadS === 0 ? "SignatureNonceUsed" : "InvalidTimeStamp.Expired",
      );
    }
    await stream.stop();
    flows = await recorder.finish();
    expect(weir.errors().match(/the clock jumped/gu)).toHaveLength(4);
    expect(await readStatus(weir.data)).toMatchObject({
      ready: true,
      capture: { processId: capture.processId, restarts: 0 },
      store: { pid: store.pid, restarts: 0 },
      spool: { droppedBatches: 0 },
    });
  });

  it("has lost and doubled no flow, and its ledger adds up", async () => {
    const packets = [...flows.values()].reduce((sum, flow) => sum + flow.packets, 0);
    const ledger = await eventually("every packet is accounted for", timeoutMs, async () => {
      const [entry] = (await readStatus(weir.data)).capture.ledger as unknown as CaptureStatus["ledger"];
      return entry !== undefined && entry.metered >= packets ? entry : undefined;
    });
    expect(ledgerError(ledger)).toBe(0);
    expect(ledger.kernelDrops).toBe(0);
    await weir.stop();
    await start();
    await eventually("every flow is recorded", timeoutMs, async () =>
      isComplete(await recorded(), flows) ? true : undefined,
    );
    expect(await recorded()).toEqual(flows);
  });

  it("lets no request in twice that a start by a clock ahead has come between", async () => {
    clock.set(hourS);
    await weir.kill();
    await start();
    expect(await byServersTime()).toBe("OK");
    await jumpTo(0);
    expect(await answerTo(signedOnce)).toBe("SignatureNonceUsed");
  });

  it("keeps young records when it is started by a clock that is more than a year ahead", async () => {
    clock.set(ageS);
    await weir.stop();
    await start();
    await jumpTo(0);
    expect(await recorded()).toEqual(flows);
  });

  it("would have lost them by the wall clock alone, so that the test above can fail", async () => {
    clock.set(ageS);
    await weir.stop();
    rmSync(join(weir.data, "clock.json"));
    await start();
    await jumpTo(0);
    await eventually("the records have expired", timeoutMs, async () =>
      (await countRecords()) === 0 ? true : undefined,
    );
  });
});

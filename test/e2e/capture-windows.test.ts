/** Aligned windows live: each has its flows, or NODATA, or SKIPDATA, and says so once. */
import { setTimeout as sleep } from "node:timers/promises";

import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { flowEndReasons } from "../../src/flow/mod.ts";
import {
  type CaptureClient,
  type CapturedFlow,
  type FrameSender,
  ledgerAtRest,
  ledgerChecks,
  startCaptureClient,
  startFrameSender,
  subjectOf,
} from "../support/capture-client.ts";
import { bytesOf, ethernet, etherTypes, ipv4, udp } from "../support/frame-builder.ts";
import {
  canMakeNamespaces,
  createNamespace,
  joinNamespaces,
  macAddressOf,
  type Namespace,
} from "../support/netns.ts";
import {
  bursts,
  expectNoGap,
  type WindowReport,
  windowsOf,
  withSkipData,
} from "../support/window-reports.ts";

const runnable = canMakeNamespaces();
/** Shorter than any that a flow log may ask for. */
const windowMs = 1000;
const windowUs = windowMs * 1000;
const policy = { kind: "window", windowMs } as const;

/** From port 1000 to port 80, without options. */
function tcpHeader(flags: number): Uint8Array {
  return bytesOf([0x03, 0xe8, 0, 80], new Uint8Array(8), [0x50, flags], new Uint8Array(6));
}

const windowNow = (): number => Math.floor(Date.now() / windowMs);

/** Waits for the beginning of a window. */
async function windowBegins(): Promise<void> {
  await sleep(windowMs - (Date.now() % windowMs) + 20);
}

/** Does it from the beginning of a window on, and all once more where that ended before it was done. */
async function withinOneWindow(
  act: () => Promise<void>,
  prepare: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  for (;;) {
    await prepare();
    await windowBegins();
    const window = windowNow();
    await act();
    if (windowNow() === window) return;
  }
}

async function statusUntil(
  client: CaptureClient,
  wanted: (windows: ReadonlyMap<number, WindowReport>) => boolean,
): Promise<Map<number, WindowReport>> {
  for (;;) {
    const windows = windowsOf(await client.flows(), windowMs);
    if (wanted(windows)) return windows;
    await sleep(100);
  }
}

describe.skipIf(!runnable)("windows of an interface", { timeout: 180_000 }, () => {
  let here: Namespace;
  let there: Namespace;
  let toHere: FrameSender;
  let client: CaptureClient;
  let frameOf: (port: number) => Uint8Array;
  const subject = () => subjectOf({ interfaceNames: ["v0"], policy });

  beforeAll(async () => {
    here = createNamespace("win-here", { ipv6: false });
    there = createNamespace("win-there", { ipv6: false });
    joinNamespaces(
      { namespace: here, interfaceName: "v0", addresses: [] },
      { namespace: there, interfaceName: "v1", addresses: [] },
    );
    const eth = { source: macAddressOf(there, "v1"), destination: macAddressOf(here, "v0") };
    const addresses = { source: "10.99.0.1", destination: "10.99.0.2" };
    frameOf = (port) =>
      ethernet(eth, etherTypes.ipv4, ipv4({ ...addresses, protocol: 17 }, udp(port, 53, 100)));
    toHere = await startFrameSender(there, "v1");
  });

  afterEach(() => client?.close());

  afterAll(() => {
    toHere?.close();
    here?.remove();
    there?.remove();
  });

  it("hold their flows, or one NODATA where there was no traffic, and never both", async () => {
    client = startCaptureClient(here);
    await client.start();
    const aged = subjectOf({ interfaceNames: ["v0"], flowLogId: "fl-aged" });
    const onlyIpv6 = subjectOf({
      ...subject(),
      flowLogId: "fl-ipv6",
      filter: { trafficType: "all", ipVersions: [6] },
    });
    await client.apply({ subjects: [subject(), aged, onlyIpv6] });
    await windowBegins();
    for (let round = 0; round < 3; round++) {
      await toHere.send([{ frame: frameOf(1000), times: 100 + round }]);
      // However long that took, a whole window without traffic follows.
      await sleep(2 * windowMs);
    }
    await statusUntil(client, (windows) => Math.max(...windows.keys()) >= windowNow() - 2);
    const ledger = await ledgerAtRest(client);
    const status = await client.status();
    await client.stop();

    const flows = await client.flows();
    const of = (id: string): CapturedFlow[] => flows.filter(({ flowLogId }) => flowLogId === id);
    const windows = windowsOf(of("fl-test"), windowMs);
    expectNoGap(windows);
    expect(withSkipData(windows)).toEqual([]);
    expect(bursts(windows)).toEqual([100, 101, 102]);
    for (const flow of of("fl-test").filter(({ packets }) => packets !== 0)) {
      expect(Math.floor(Number(flow["endUs"]) / windowUs)).toBe(
        Math.floor(Number(flow["startUs"]) / windowUs),
      );
      expect([flow["windowS"], flow["flowEndReason"]]).toEqual([1, flowEndReasons.active]);
    }
    // A flow log that ages had the same packets at the same time, from the same ring.
    expect(of("fl-aged")).toMatchObject([{ packets: 303, logStatus: 0, windowS: 0 }]);
    expect(status.interfaces).toMatchObject([{ name: "v0", state: "armed" }]);
    expect(ledger.map(({ seen, metered, notSelected }) => [seen, metered, notSelected])).toEqual([
      [303, 303, 0],
      [303, 303, 0],
      [303, 0, 303],
    ]);
    // What the filter leaves out is no traffic.
    const other = windowsOf(of("fl-ipv6"), windowMs);
    expectNoGap(other);
    expect(other.size).toBeGreaterThanOrEqual(5);
    expect([...other.values()].every(({ noData }) => noData === 1)).toBe(true);
  });

  it("are SKIPDATA where the kernel dropped packets, and the ledger's error is 0 at every close", async () => {
    client = startCaptureClient(here);
    await client.start({ ringBytes: 64 * 1024, blockBytes: 16 * 1024 });
    const { processId } = await client.apply({ subjects: [subject()] });
    await windowBegins();
    await sleep(2 * windowMs);
    // The loss lies between two looks, of which each call of apply() has one.
    const from = windowNow();
    await client.applyAgain();
    const stopped = windowNow();
    process.kill(processId!, "SIGSTOP");
    await toHere.send([{ frame: frameOf(1000), times: 20_000 }]);
    const continued = windowNow();
    process.kill(processId!, "SIGCONT");
    await client.applyAgain();
    const to = windowNow();
    const windows = await statusUntil(client, (found) => Math.max(...found.keys()) >= to + 4);
    while ((await ledgerChecks(client)).checks < 5) await sleep(100);
    const { ledger } = await client.status();
    const { error } = await ledgerChecks(client);
    await client.stop();

    expectNoGap(windows);
    const skipped = withSkipData(windows);
    for (let number = stopped; number <= continued; number++) expect(skipped).toContain(number);
    expect(skipped.filter((number) => number < from || number > to)).toEqual([]);
    expect(ledger[0]!.kernelDrops).toBeGreaterThan(1000);
    expect(error).toBe(0);
  });

  it("are SKIPDATA where the capture process was killed, and while there was none", async () => {
    client = startCaptureClient(here);
    await client.start();
    const { processId } = await client.apply({ subjects: [subject()] });
    await windowBegins();
    await sleep(2 * windowMs);
    await windowBegins();
    await toHere.send([{ frame: frameOf(1000), times: 10 }]);
    const [before] = (await client.status()).subjects;
    const killed = windowNow();
    process.kill(processId!, "SIGKILL");
    for (let status = await client.status(); ; status = await client.status()) {
      if (status.restarts > 0 && status.subjects.length > 0) break;
      await sleep(50);
    }
    const to = windowNow();
    const windows = await statusUntil(client, (found) => Math.max(...found.keys()) >= to + 3);
    await client.stop();

    expectNoGap(windows);
    const skipped = withSkipData(windows);
    expect(skipped).toContain(killed);
    // A window whose word was not accepted when the process was killed is spoken of again.
    expect(before!.accountedUpToUs).toBeGreaterThan(0);
    const from = Math.floor(before!.accountedUpToUs! / windowUs);
    expect(skipped.filter((number) => number < from || number > to)).toEqual([]);
  });

  it("are SKIPDATA while nothing captured, though the flow log was active: over a stop and a start", async () => {
    client = startCaptureClient(here);
    await client.start();
    await client.apply({ subjects: [subject()] });
    await windowBegins();
    await toHere.send([{ frame: frameOf(1000), times: 10 }]);
    const stopping = windowNow();
    await client.stop();
    const stopped = windowNow();
    await sleep(2 * windowMs);
    const starting = windowNow();
    await client.start();
    await client.apply({ subjects: [subject()] });
    const started = windowNow();
    const windows = await statusUntil(client, (found) => Math.max(...found.keys()) >= started + 2);
    await client.stop();

    expectNoGap(windows);
    const skipped = withSkipData(windows);
    for (let number = stopped; number <= starting; number++) expect(skipped).toContain(number);
    expect(skipped.filter((number) => number < stopping || number > started)).toEqual([]);
    expect(bursts(windows)).toEqual([10]);
  });

  it("are SKIPDATA where an interface came back, before it was captured again", async () => {
    client = startCaptureClient(here);
    await client.start();
    const from = windowNow();
    await client.apply({ subjects: [subjectOf({ interfaceNames: ["w0"], policy })] });
    const pair = ["link", "add", "w0", "type", "veth", "peer", "name", "w1"];
    here.ip(...pair);
    here.ip("link", "set", "w0", "up");
    here.ip("link", "set", "w1", "up");
    while ((await client.status()).interfaces[0]?.state !== "armed") await sleep(50);
    const to = windowNow();
    const windows = await statusUntil(client, (found) => Math.max(...found.keys()) >= to + 3);
    await client.stop();
    here.ip("link", "del", "w0");

    expectNoGap(windows);
    const skipped = withSkipData(windows);
    expect(skipped.length).toBeGreaterThan(0);
    expect(skipped.filter((number) => number < from || number > to)).toEqual([]);
  });

  it("end with the flow log that they belong to; its next ones are told from then on", async () => {
    client = startCaptureClient(here);
    await client.start();
    let before = 0;
    await withinOneWindow(
      async () => {
        await toHere.send([{ frame: frameOf(1000), times: 10 }]);
        await client.apply({ subjects: [subjectOf({ ...subject(), revision: 2 })] });
        await client.apply({ subjects: [] });
      },
      async () => {
        before = (await client.flows()).length;
        await client.apply({ subjects: [subject()] });
      },
    );
    const flows = async (): Promise<CapturedFlow[]> => (await client.flows()).slice(before);
    const told = await flows();
    await sleep(2 * windowMs);
    expect(await flows()).toEqual(told);
    await client.apply({ subjects: [subject()] });
    const begun = windowNow();
    await statusUntil(client, (found) => Math.max(...found.keys()) > begun);
    await client.stop();

    const windows = windowsOf(await flows(), windowMs);
    const cut = told.filter(({ packets }) => packets !== 0);
    expect(cut).toMatchObject([{ packets: 10, flowEndReason: flowEndReasons.forced }]);
    // The window that ended before is told, though the change came before it was closed.
    const of = Math.floor(Number(cut[0]!["startUs"]) / windowUs);
    expect(windows.get(of - 1)).toEqual({ packets: 0, noData: 1, skipData: 0 });
    expect(withSkipData(windows)).toEqual([]);
  });

  it("tell the end of TCP connections within them", async () => {
    client = startCaptureClient(here);
    await client.start();
    await client.apply({ subjects: [subject()] });
    const eth = { source: macAddressOf(there, "v1"), destination: macAddressOf(here, "v0") };
    const addresses = { source: "10.99.0.1", destination: "10.99.0.2" };
    const segment = (flags: number): Uint8Array =>
      ethernet(eth, etherTypes.ipv4, ipv4({ ...addresses, protocol: 6 }, tcpHeader(flags)));
    const orders = [0x02, 0x10, 0x11].map((flags) => ({ frame: segment(flags), times: 1 }));
    await withinOneWindow(() => toHere.send(orders));
    const windows = await statusUntil(client, (found) =>
      [...found.values()].some(({ packets }) => packets === 3),
    );
    await client.stop();
    expectNoGap(windows);
    const flow = (await client.flows()).find(({ packets }) => packets === 3);
    expect(flow).toMatchObject({ flowEndReason: flowEndReasons.endOfFlow, tcpControlBits: 0x13 });
  });
});

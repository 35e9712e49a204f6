/** Several workers on one interface: the kernel shares the packets, each flow has one worker, and windows are told once. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { ledgerError } from "../../src/capture/mod.ts";
import {
  agingOf,
  type CaptureClient,
  type CapturedFlow,
  type FrameSender,
  ledgerAtRest,
  ledgerChecks,
  startCaptureClient,
  startFrameSender,
  subjectOf,
} from "../support/capture-client.ts";
import { ipv4, udp } from "../support/frame-builder.ts";
import type { FrameOrder } from "../support/frame-sender.ts";
import {
  canMakeNamespaces,
  createNamespace,
  joinNamespaces,
  macAddressOf,
  type Namespace,
} from "../support/netns.ts";
import { requirePeer } from "../support/peers.ts";
import { flowsOn, type Pair, placeOf, placeOfRawIp } from "../support/paired-flows.ts";
import { recordTruth } from "../support/truth.ts";
import { startTunDevice } from "../support/tun-client.ts";
import {
  bursts,
  expectNoGap,
  type WindowReport,
  windowsOf,
  withSkipData,
} from "../support/window-reports.ts";

const runnable = canMakeNamespaces() && requirePeer("tcpdump", "tshark");
const windowMs = 1000;
const policy = { kind: "window", windowMs } as const;

const ordersOf = (pairs: readonly Pair[]): FrameOrder[] => pairs.flatMap(({ orders }) => [...orders]);
const packetsIn = (orders: readonly FrameOrder[]): number =>
  orders.reduce((sum, { times }) => sum + times, 0);
const pairKey = (flow: CapturedFlow): string => `${flow["sourceAddress"]} ${flow["destinationAddress"]}`;
const packetsOf = (flows: readonly CapturedFlow[]): number =>
  flows.reduce((sum, flow) => sum + Number(flow["packets"]), 0);
const windowNow = (): number => Math.floor(Date.now() / windowMs);

const windowBegins = (): Promise<unknown> => sleep(windowMs - (Date.now() % windowMs) + 20);

describe.skipIf(!runnable)("two workers on an interface", () => {
  let here: Namespace;
  let there: Namespace;
  let toHere: FrameSender;
  let fromHere: FrameSender;
  let folder: string;
  let inbound: (times: number) => Pair[];
  let outbound: (times: number) => Pair[];
  let client: CaptureClient;
  const aged = subjectOf({ interfaceNames: ["v0"] });
  const windowed = subjectOf({ interfaceNames: ["v0"], policy });

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "weir-workers-"));
    here = createNamespace("wk-here", { ipv6: false });
    there = createNamespace("wk-there", { ipv6: false });
    joinNamespaces(
      { namespace: here, interfaceName: "v0", addresses: [] },
      { namespace: there, interfaceName: "v1", addresses: [] },
    );
    const [hereMac, thereMac] = [macAddressOf(here, "v0"), macAddressOf(there, "v1")];
    inbound = (times) => flowsOn({ source: thereMac, destination: hereMac }, false, times);
    outbound = (times) => flowsOn({ source: hereMac, destination: thereMac }, true, times);
    toHere = await startFrameSender(there, "v1");
    fromHere = await startFrameSender(here, "v0");
  });

  afterEach(async () => {
    const { checks, error } = await ledgerChecks(client);
    expect(checks).toBeGreaterThan(0);
    expect(error).toBe(0);
    client.close();
  });

  afterAll(() => {
    toHere?.close();
    fromHere?.close();
    here?.remove();
    there?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The processes of the workers, all running. */
  async function processIds(): Promise<number[]> {
    const { workers = [] } = await client.status();
    return workers.map(({ processId }) => processId!);
  }

  async function flowsUntil(wanted: (windows: ReadonlyMap<number, WindowReport>) => boolean) {
    for (;;) {
      const windows = windowsOf(await client.flows(), windowMs);
      if (wanted(windows)) return windows;
      await sleep(100);
    }
  }

  it("meter every flow once, both directions of it and all its fragments in one worker", async () => {
    client = startCaptureClient(here);
    await client.start({ workers: 2 });
    await client.apply({ subjects: [aged] });
    const recorder = await recordTruth(there, "v1", folder, "ip or ip6 or vlan");
    const [pairsIn, pairsOut] = [inbound(20), outbound(30)];
    await toHere.send(ordersOf(pairsIn));
    await fromHere.send(ordersOf(pairsOut));
    const sent = packetsIn(ordersOf(pairsIn)) + packetsIn(ordersOf(pairsOut));
    const [ledger] = await ledgerAtRest(client);
    const { workers = [], subjects } = await client.status();
    await client.stop();
    const truth = await recorder.finish();
    const flows = await client.flows();

    expect(ledger).toMatchObject({ seen: sent, metered: sent, kernelDrops: 0, unread: 0 });
    expect(subjects).toMatchObject([{ packets: sent }]);
    const shares = workers.map((worker) => worker.ledger[0]!);
    expect(shares.map(ledgerError)).toEqual([0, 0]);
    expect(shares.reduce((sum, { seen }) => sum + seen, 0)).toBe(sent);
    for (const { seen } of shares) expect(seen).toBeGreaterThan(sent / 5);

    // One record for each pair and direction: no worker has a part of another's flow.
    expect(flows.length).toBe(pairsIn.length + pairsOut.length);
    expect(new Set(flows.map((flow) => `${flow["sourcePort"]} ${flow["destinationPort"]}`))).toEqual(
      new Set(["1000 53"]),
    );
    const metered = new Map(flows.map((flow) => [pairKey(flow), [flow["packets"], flow["octets"]]]));
    const seenByTcpdump = new Map<string, [number, number]>();
    for (const [key, { packets, octets }] of truth) {
      const pair = key.split(" ").slice(0, 2).join(" ");
      const [before, octetsBefore] = seenByTcpdump.get(pair) ?? [0, 0];
      seenByTcpdump.set(pair, [before + packets, octetsBefore + octets]);
    }
    expect(metered).toEqual(seenByTcpdump);

    // Who has which is what the program says, by the kernel's order of the two.
    const bootIds = new Map(flows.map((flow) => [pairKey(flow), flow.bootId]));
    const owners = [0, 1].map(
      (place) =>
        new Set(
          [...pairsIn, ...pairsOut]
            .filter((pair) => placeOf(pair, 2) === place)
            .map(({ source, destination }) => bootIds.get(`${source} ${destination}`)),
        ),
    );
    expect(owners.map(({ size }) => size)).toEqual([1, 1]);
    expect(owners[0]).not.toEqual(owners[1]);
  });

  it("tell each window once: NODATA where neither had a packet, nothing where one had", async () => {
    client = startCaptureClient(here);
    await client.start({ workers: 2 });
    await client.apply({ subjects: [windowed, { ...aged, flowLogId: "fl-aged" }] });
    const [single] = inbound(7);
    const all = ordersOf(inbound(3));
    await windowBegins();
    await toHere.send(single!.orders);
    // However long that took, a whole window without traffic follows.
    await sleep(2 * windowMs);
    await toHere.send(all);
    await sleep(2 * windowMs);
    const told = async () => (await client.flows()).filter(({ flowLogId }) => flowLogId === "fl-test");
    const end = windowNow();
    while (!windowsOf(await told(), windowMs).has(end)) await sleep(100);
    const windows = windowsOf(await told(), windowMs);
    const withPackets = [...windows.values()].filter(({ packets }) => packets > 0).length;
    const countsOf = async () =>
      (await client.status()).subjects.find(({ flowLogId }) => flowLogId === "fl-test")?.windows;
    while ((await countsOf())?.ok !== withPackets) await sleep(100);
    expect((await countsOf())!.skipData).toBe(0);
    const rendered = await client.metrics();
    await client.stop();

    expectNoGap(windows);
    expect(withSkipData(windows)).toEqual([]);
    expect(bursts(windows)).toEqual([packetsIn(single!.orders), packetsIn(all)]);
    expect(rendered).not.toMatch(/^weir_capture_windows_total\{[^}]*worker=/mu);
    expect(rendered).toMatch(/^weir_capture_windows_total\{[^}]*status="noData"\} [1-9]/mu);
    for (const worker of ["0", "1"]) {
      const ofWorker = new RegExp(
        `^weir_capture_seen_packets_total\\{[^}]*worker="${worker}"\\} [1-9]`,
        "mu",
      );
      expect(rendered).toMatch(ofWorker);
    }
  });

  it("are SKIPDATA once where one of them dropped packets, and account for every one", async () => {
    client = startCaptureClient(here);
    await client.start({ workers: 2, ringBytes: 64 * 1024, blockBytes: 16 * 1024 });
    await client.apply({ subjects: [windowed] });
    const [processId] = await processIds();
    await windowBegins();
    await sleep(2 * windowMs);
    // The loss lies between two looks, of which each call of apply() has one.
    const from = windowNow();
    await client.applyAgain();
    const stopped = windowNow();
    process.kill(processId!, "SIGSTOP");
    const sent = ordersOf(inbound(400));
    await toHere.send(sent);
    const continued = windowNow();
    process.kill(processId!, "SIGCONT");
    await client.applyAgain();
    const to = windowNow();
    const windows = await flowsUntil((found) => Math.max(...found.keys()) >= to + 4);
    const [ledger] = await ledgerAtRest(client);
    const { workers = [] } = await client.status();
    await client.stop();

    expectNoGap(windows);
    const skipped = withSkipData(windows);
    for (let number = stopped; number <= continued; number++) expect(skipped).toContain(number);
    expect(skipped.filter((number) => number < from || number > to)).toEqual([]);
    expect(ledger!.kernelDrops).toBeGreaterThan(1000);
    expect(ledger!.seen).toBe(packetsIn(sent));
    expect(ledgerError(ledger!)).toBe(0);
    expect(workers[0]!.ledger[0]!.kernelDrops).toBeGreaterThan(1000);
    expect(packetsOf(await client.flows())).toBe(ledger!.metered);
  });

  it("go on where one is killed: the other has its packets until it is back, its windows are SKIPDATA", async () => {
    client = startCaptureClient(here);
    await client.start({ workers: 2 });
    await client.apply({ subjects: [windowed] });
    const before = await processIds();
    const inAll = ordersOf(inbound(5));
    await toHere.send(inAll);
    await flowsUntil(
      (found) => bursts(found).reduce((sum, packets) => sum + packets, 0) === packetsIn(inAll),
    );
    const [accounted] = (await client.status()).subjects;
    const killed = windowNow();
    process.kill(before[1]!, "SIGKILL");
    // Its ring is there for as long as any of its threads.
    while ((await client.status()).restarts === 0) await sleep(1);
    // The next one is not there for a quarter of a second at least.
    await toHere.send(ordersOf(inbound(2)));
    for (;;) {
      const { state, workers = [] } = await client.status();
      if (state === "running" && workers[1]!.interfaces[0]?.state === "armed") break;
      await sleep(50);
    }
    const to = windowNow();
    await toHere.send(ordersOf(inbound(1)));
    const windows = await flowsUntil((found) => Math.max(...found.keys()) >= to + 3);
    await ledgerAtRest(client);
    const status = await client.status();
    await client.stop();

    expectNoGap(windows);
    const skipped = withSkipData(windows);
    expect(skipped).toContain(killed);
    const from = Math.floor(accounted!.accountedUpToUs! / (windowMs * 1000));
    expect(skipped.filter((number) => number < from || number > to)).toEqual([]);
    // Accepted, taken over by the survivor, shared again.
    const flows = await client.flows();
    expect(packetsOf(flows)).toBe((5 + 2 + 1) * packetsIn(ordersOf(inbound(1))));
    expect(status.restarts).toBe(1);
    expect(status.workers!.map(({ processId }) => processId)).not.toContain(before[1]);
    expect(status.workers![0]!.processId).toBe(before[0]);
    const sequences = Map.groupBy(flows, ({ bootId }) => bootId);
    // Two workers, the one that follows, and the words on windows.
    expect(sequences.size).toBe(4);
    for (const sent of sequences.values()) {
      const ids = [...new Set(sent.map(({ sequence }) => sequence))].sort((one, other) => one - other);
      expect(ids).toEqual(Array.from(ids, (_, index) => index + 1));
    }
  });

  it("are SKIPDATA while nobody captured, over a stop and a start", async () => {
    client = startCaptureClient(here);
    await client.start({ workers: 2 });
    await client.apply({ subjects: [windowed] });
    await windowBegins();
    const sent = ordersOf(inbound(1));
    await toHere.send(sent);
    const stopping = windowNow();
    await client.stop();
    const stopped = windowNow();
    await sleep(2 * windowMs);
    const starting = windowNow();
    await client.start({ workers: 2 });
    await client.apply({ subjects: [windowed] });
    const started = windowNow();
    const windows = await flowsUntil((found) => Math.max(...found.keys()) >= started + 2);
    await client.stop();

    expectNoGap(windows);
    const skipped = withSkipData(windows);
    for (let number = stopped; number <= starting; number++) expect(skipped).toContain(number);
    expect(skipped.filter((number) => number < stopping || number > started)).toEqual([]);
    expect(bursts(windows)).toEqual([packetsIn(sent)]);
  });

  it("lose nothing when the plan changes under traffic", async () => {
    client = startCaptureClient(here);
    await client.start({ workers: 2, ringBytes: 128 * 1024 * 1024 });
    await client.apply({ subjects: [aged] });
    const orders = ordersOf(inbound(1000));
    const sending = toHere.send(orders);
    for (let change = 0; change < 6; change++) {
      const other = subjectOf({ interfaceNames: ["v0"], flowLogId: "fl-other", policy });
      const subjects = [
        { ...aged, policy: agingOf(60_000 + change, 10_000) },
        ...(change % 2 === 0 ? [other] : []),
      ];
      await client.apply({ subjects });
    }
    await sending;
    await ledgerAtRest(client);
    await client.stop();
    const flows = (await client.flows()).filter(({ flowLogId }) => flowLogId === aged.flowLogId);
    expect(packetsOf(flows)).toBe(packetsIn(orders));
  });

  it("take an interface when it is up, and when it is there again", async () => {
    client = startCaptureClient(here);
    here.ip("link", "set", "v0", "down");
    await client.start({ workers: 2 });
    const states = async () =>
      (await client.status()).workers!.map(({ interfaces }) => interfaces[0]?.state ?? "none");
    await client.apply({ subjects: [aged] });
    expect(await states()).toEqual(["down", "down"]);
    here.ip("link", "set", "v0", "up");
    while ((await states()).join(" ") !== "armed armed") await sleep(50);
    await toHere.send(ordersOf(inbound(2)));
    here.ip("link", "set", "v0", "down");
    while ((await states()).join(" ") !== "down down") await sleep(50);
    here.ip("link", "set", "v0", "up");
    while ((await states()).join(" ") !== "armed armed") await sleep(50);
    await toHere.send(ordersOf(inbound(3)));
    await ledgerAtRest(client);
    const { workers = [] } = await client.status();
    await client.stop();
    expect(packetsOf(await client.flows())).toBe(packetsIn(ordersOf(inbound(5))));
    for (const { ledger } of workers) expect(ledger[0]!.seen).toBeGreaterThan(0);
  });

  it("share a device without link headers too, both directions of a flow to one", async () => {
    const name = "tun9";
    const tun = await startTunDevice(here, name);
    const own = "10.77.0.1";
    here.ip("address", "add", `${own}/24`, "dev", name);
    here.ip("link", "set", name, "up");
    client = startCaptureClient(here);
    await client.start({ workers: 2 });
    await client.apply({ subjects: [subjectOf({ interfaceNames: [name] })] });
    const others = Array.from({ length: 16 }, (_, number) => `10.77.0.${10 + number}`);
    await tun.order({
      outgoing: others.map((address) => ({ address, port: 53 })),
      incoming: others.map((source) => ipv4({ source, destination: own, protocol: 17 }, udp(53, 1000, 20))),
    });
    const [ledger] = await ledgerAtRest(client);
    await client.stop();
    tun.close();

    expect(ledger).toMatchObject({ seen: 32, metered: 32 });
    const bootIds = new Map((await client.flows()).map((flow) => [pairKey(flow), flow.bootId]));
    expect(bootIds.size).toBe(32);
    const owners = [0, 1].map((place) => {
      const pairs = others.filter((other) => placeOfRawIp(own, other, 2) === place);
      return new Set(
        pairs.flatMap((other) => [`${own} ${other}`, `${other} ${own}`]).map((key) => bootIds.get(key)),
      );
    });
    expect(owners.map(({ size }) => size)).toEqual([1, 1]);
    expect(owners[0]).not.toEqual(owners[1]);
  });

  it("have CAP_NET_RAW alone, each of them", async () => {
    client = startCaptureClient(here);
    await client.start({ workers: 3 });
    await client.apply({ subjects: [aged] });
    const { workers = [], privileges } = await client.status();
    expect(new Set(workers.map(({ processId }) => processId)).size).toBe(3);
    for (const worker of workers) expect(worker.privileges).toEqual(privileges);
    expect(privileges).toMatchObject({
      userId: 65534,
      effective: "0000000000002000",
      bounding: "0000000000002000",
      noNewPrivileges: true,
      threadsDiffering: 0,
    });
    await client.stop();
  });
});

/** Every packet and every octet that crosses an interface is metered or accounted for, to the unit. */
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
import { bytesOf, ethernet, etherTypes, ipv4, ipv6, udp } from "../support/frame-builder.ts";
import {
  canMakeNamespaces,
  createNamespace,
  joinNamespaces,
  macAddressOf,
  type Namespace,
} from "../support/netns.ts";

const runnable = canMakeNamespaces();

interface Order {
  readonly frame: Uint8Array;
  readonly times: number;
  /** What the flow is told by, and the layer-3 octets of one packet; null for frames that belong to none. */
  readonly flow: { readonly key: string; readonly octets: number } | null;
}

const source = "10.99.0.1";
const destination = "10.99.0.2";
const source6 = "2001:db8::1";
const destination6 = "2001:db8::2";
const serviceTag = 0x88a8;
const fragmentHeader = 44;

/** Traffic of every kind that the decoder tells apart, with what is true of it. */
function traffic(from: string, to: string, times: number): Order[] {
  const eth = { source: from, destination: to };
  const datagram = udp(4000, 53, 100);
  const halves = [datagram.subarray(0, 64), datagram.subarray(64)] as const;
  const fragment = { source, destination, protocol: 17, identification: 77 };
  const flow = (key: string, octets: number): Order["flow"] => ({ key, octets });
  const udp4 = (port: number, payload: number): Uint8Array<ArrayBuffer> =>
    ipv4({ source, destination, protocol: 17 }, udp(port, 53, payload));
  return [
    { times, frame: ethernet(eth, etherTypes.ipv4, udp4(1000, 20)), flow: flow("4 1000 0", 48) },
    { times, frame: ethernet(eth, etherTypes.ipv4, udp4(1001, 1400)), flow: flow("4 1001 0", 1428) },
    {
      times,
      frame: ethernet({ ...eth, tags: [{ id: 7 }] }, etherTypes.ipv4, udp4(1002, 20)),
      flow: flow("4 1002 7", 48),
    },
    {
      times,
      frame: ethernet(
        { ...eth, tags: [{ type: serviceTag, id: 8 }, { id: 9 }] },
        etherTypes.ipv4,
        udp4(1003, 20),
      ),
      flow: flow("4 1003 8", 48),
    },
    {
      times,
      frame: ethernet(
        eth,
        etherTypes.ipv6,
        ipv6({ source: source6, destination: destination6, nextHeader: 17 }, udp(1004, 53, 30)),
      ),
      flow: flow("6 1004 0", 78),
    },
    {
      times,
      frame: ethernet(
        eth,
        etherTypes.ipv6,
        // An unfragmented packet behind a fragment header (an atomic fragment, RFC 6946).
        ipv6(
          { source: source6, destination: destination6, nextHeader: fragmentHeader },
          bytesOf([17, 0, 0, 0, 0, 0, 0, 1], udp(1005, 53, 30)),
        ),
      ),
      flow: flow("6 1005 0", 86),
    },
    {
      times: 1,
      frame: ethernet(eth, etherTypes.ipv4, ipv4({ ...fragment, moreFragments: true }, halves[0])),
      flow: flow("4 4000 0", 84),
    },
    {
      times: 1,
      frame: ethernet(eth, etherTypes.ipv4, ipv4({ ...fragment, fragmentOffset: 8 }, halves[1])),
      flow: flow("4 4000 0", 64),
    },
    { times, frame: ethernet(eth, etherTypes.arp, new Uint8Array(46)), flow: null },
    { times, frame: ethernet(eth, etherTypes.ipv4, Uint8Array.of(0x41, 0, 0, 20)), flow: null },
  ];
}

interface Totals {
  packets: number;
  octets: number;
}

function add(totals: Map<string, Totals>, key: string, packets: number, octets: number): void {
  const known = totals.get(key) ?? { packets: 0, octets: 0 };
  totals.set(key, { packets: known.packets + packets, octets: known.octets + octets });
}

function truthOf(orders: readonly Order[], direction: number): Map<string, Totals> {
  const totals = new Map<string, Totals>();
  for (const { flow, times } of orders) {
    if (flow !== null) add(totals, `${flow.key} ${direction}`, times, times * flow.octets);
  }
  return totals;
}

function totalsOf(flows: readonly CapturedFlow[]): Map<string, Totals> {
  const totals = new Map<string, Totals>();
  for (const flow of flows) {
    const key = `${flow["ipVersion"]} ${flow["sourcePort"]} ${flow["vlanId"]} ${flow["flowDirection"]}`;
    add(totals, key, Number(flow["packets"]), Number(flow["octets"]));
  }
  return totals;
}

function sum(orders: readonly Order[]): number {
  return orders.reduce((total, { times }) => total + times, 0);
}

describe.skipIf(!runnable)("an interface between two namespaces", () => {
  let here: Namespace;
  let there: Namespace;
  let toHere: FrameSender;
  let fromHere: FrameSender;
  let inbound: (times: number) => Order[];
  let outbound: (times: number) => Order[];
  const clients: CaptureClient[] = [];

  const startClient = (): CaptureClient => {
    const client = startCaptureClient(here);
    clients.push(client);
    return client;
  };

  beforeAll(async () => {
    here = createNamespace("here", { ipv6: false });
    there = createNamespace("there", { ipv6: false });
    joinNamespaces(
      { namespace: here, interfaceName: "v0", addresses: [] },
      { namespace: there, interfaceName: "v1", addresses: [] },
    );
    const hereMac = macAddressOf(here, "v0");
    const thereMac = macAddressOf(there, "v1");
    inbound = (times) => traffic(thereMac, hereMac, times);
    outbound = (times) => traffic(hereMac, thereMac, times);
    toHere = await startFrameSender(there, "v1");
    fromHere = await startFrameSender(here, "v0");
  });

  afterEach(async () => {
    // A process that ends has checked that all that the kernel counted is in flows, or is told what it is.
    const { checks, error } = await ledgerChecks(clients.at(-1)!);
    expect(checks).toBeGreaterThan(0);
    expect(error).toBe(0);
  });

  afterAll(() => {
    for (const client of clients) client.close();
    toHere?.close();
    fromHere?.close();
    here?.remove();
    there?.remove();
  });

  it("meters both directions exactly where nothing drops", async () => {
    const client = startClient();
    await client.start();
    await client.apply({ subjects: [subjectOf({ interfaceNames: ["v0"] })] });
    const sentIn = inbound(2000);
    const sentOut = outbound(1000);
    await Promise.all([toHere.send(sentIn), fromHere.send(sentOut)]);
    const [ledger] = await ledgerAtRest(client);
    await client.stop();

    const truth = new Map([...truthOf(sentIn, 0), ...truthOf(sentOut, 1)]);
    expect(totalsOf(await client.flows())).toEqual(truth);
    expect(ledger).toMatchObject({
      seen: sum(sentIn) + sum(sentOut),
      metered: [...truth.values()].reduce((total, { packets }) => total + packets, 0),
      kernelDrops: 0,
      undecodable: 3000,
      notSelected: 3000,
      excluded: 0,
      unread: 0,
    });
    expect(ledgerError(ledger!)).toBe(0);
  });

  it("accounts for every packet where a stalled reader and a tiny ring force drops", async () => {
    const client = startClient();
    await client.start({ ringBytes: 64 * 1024, blockBytes: 16 * 1024 });
    const { processId } = await client.apply({ subjects: [subjectOf({ interfaceNames: ["v0"] })] });
    const sent = inbound(1000);
    process.kill(processId!, "SIGSTOP");
    await toHere.send(sent);
    process.kill(processId!, "SIGCONT");
    await toHere.send(inbound(10));
    const [ledger] = await ledgerAtRest(client);
    await client.stop();

    expect(ledger!.kernelDrops).toBeGreaterThan(1000);
    expect(ledger!.seen).toBe(sum(sent) + sum(inbound(10)));
    expect(ledgerError(ledger!)).toBe(0);
    const metered = [...totalsOf(await client.flows()).values()];
    expect(metered.reduce((total, { packets }) => total + packets, 0)).toBe(ledger!.metered);
  });

  it("loses nothing when the plan changes under traffic", async () => {
    const client = startClient();
    // A reader that gets no time to run must not lose any: the ring holds all of them.
    await client.start({ ringBytes: 128 * 1024 * 1024 });
    const subject = subjectOf({ interfaceNames: ["v0"] });
    const other = subjectOf({ interfaceNames: ["v0"], flowLogId: "fl-other", scope: "gateway" });
    await client.apply({ subjects: [subject] });
    const sent = inbound(20_000);
    const sending = toHere.send(sent);
    for (let change = 0; change < 8; change++) {
      const subjects = [
        { ...subject, policy: agingOf(60_000 + change, 10_000) },
        ...(change % 2 === 0 ? [other] : []),
      ];
      await client.apply({ subjects });
    }
    await sending;
    await ledgerAtRest(client);
    await client.stop();

    const flows = await client.flows();
    expect(totalsOf(flows.filter((flow) => flow.flowLogId === subject.flowLogId))).toEqual(truthOf(sent, 0));
    const sequences = [...new Set(flows.map((flow) => flow.sequence))];
    expect(sequences).toEqual(Array.from(sequences, (_, index) => index + 1));
  });
});

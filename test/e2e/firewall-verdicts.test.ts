/** What the host's firewall does with known packets is what the flows say of them. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { unwrap } from "../../src/base/mod.ts";
import { logStatuses } from "../../src/flow/mod.ts";
import { allTraffic, type CaptureConfig, type CaptureStatus, ledgerError } from "../../src/capture/mod.ts";
import { firewallTableText } from "../../src/capture/nflog/firewall-table.ts";
import { defaultCaptureConfig } from "../../src/capture/config.ts";
import { verdictDefaults } from "../../src/capture/nflog/verdict-options.ts";
import {
  type CaptureClient,
  type CapturedFlow,
  ledgerAtRest,
  startCaptureClient,
  subjectOf,
} from "../support/capture-client.ts";
import { sendDatagrams } from "../support/datagrams.ts";
import { canMakeNamespaces, createNamespace, joinNamespaces, type Namespace } from "../support/netns.ts";
import { requirePeer } from "../support/peers.ts";
import { eventually } from "../support/weir.ts";

const runnable = canMakeNamespaces() && requirePeer("nft");

/** The user's own rules: ports that end in 1 are dropped, in 2 rejected, in 3 reset; the rest is let through. */
const ruleset = `
table inet filter {
  chain forward {
    type filter hook forward priority 0; policy accept;
    meta l4proto { tcp, udp } th dport { 1001, 2001 } drop
    udp dport { 1002, 2002 } reject
    tcp dport { 1003, 2003 } reject with tcp reset
  }
  chain input {
    type filter hook input priority 0; policy accept;
    meta l4proto { tcp, udp } th dport { 1001, 2001 } drop
    udp dport { 1002, 2002 } reject
  }
  chain output {
    type filter hook output priority 0; policy accept;
    udp dport 3001 drop
  }
}
`;

function load(namespace: Namespace, text: string): void {
  execFileSync("ip", ["netns", "exec", namespace.name, "nft", "-f", "-"], { input: text });
}

/** Of each thread of a process: its user and what it is permitted. */
function threadPrivileges(processId: number): Set<string> {
  const tasks = `/proc/${processId}/task`;
  const told = readdirSync(tasks).map((id) => {
    const status = readFileSync(`${tasks}/${id}/status`, "utf8");
    return [/^Uid:\t(\d+)/mu, /^CapPrm:\t(\w+)/mu].map((field) => field.exec(status)?.[1]).join(" ");
  });
  return new Set(told);
}

/** One SYN: the connection is reset or refused. */
function connect(from: Namespace, address: string, port: number): void {
  const script = `
    require("node:net").connect(${port}, "${address}").on("error", () => process.exit(0));`;
  from.run(process.execPath, "-e", script);
}

describe.skipIf(!runnable)("the firewall's verdicts", () => {
  let left: Namespace;
  let host: Namespace;
  let right: Namespace;

  beforeAll(() => {
    left = createNamespace("vleft");
    host = createNamespace("vhost");
    right = createNamespace("vright");
    host.sysctl("net.ipv4.ip_forward", 1);
    host.sysctl("net.ipv6.conf.all.forwarding", 1);
    joinNamespaces(
      { namespace: left, interfaceName: "v0", addresses: ["10.1.0.2/24", "fd00:1::2/64"] },
      { namespace: host, interfaceName: "inside", addresses: ["10.1.0.1/24", "fd00:1::1/64"] },
    );
    joinNamespaces(
      { namespace: right, interfaceName: "v0", addresses: ["10.2.0.2/24", "fd00:2::2/64"] },
      { namespace: host, interfaceName: "outside", addresses: ["10.2.0.1/24", "fd00:2::1/64"] },
    );
    for (const [namespace, ipv4, ipv6] of [
      [left, "10.1.0.1", "fd00:1::1"],
      [right, "10.2.0.1", "fd00:2::1"],
    ] as const) {
      namespace.ip("route", "add", "default", "via", ipv4);
      namespace.ip("-6", "route", "add", "default", "via", ipv6);
    }
    load(host, ruleset);
    load(host, firewallTableText(defaultCaptureConfig.verdictGroup, verdictDefaults.snapshotBytes));
  });

  afterAll(() => {
    for (const namespace of [left, host, right]) namespace?.remove();
  });

  it.skipIf(!requirePeer("setpriv"))(
    "are read by a process without a privilege on any thread, be its user root or one with capabilities",
    async () => {
      const own = "+net_raw,+net_admin";
      const capabilities = [
        `--inh-caps=-all,${own}`,
        `--ambient-caps=-all,${own}`,
        `--bounding-set=-all,${own}`,
      ];
      const asUser = ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", ...capabilities];
      for (const [prefix, userId] of [
        [asUser, "1000"],
        [[], "65534"],
      ] as const) {
        const client = startCaptureClient(host, { prefix });
        const started = await client.start({ method: "nflog" });
        if (!started.ok) throw new Error(started.fault.message);
        const subject = subjectOf({ resourceId: "inside", interfaceNames: ["inside"], verdicts: true });
        const { processId, privileges } = await client.apply({ subjects: [subject] });
        expect(privileges).toMatchObject({ effective: "0000000000000000", threadsDiffering: 0 });
        expect(threadPrivileges(processId!)).toEqual(new Set([`${userId} 0000000000000000`]));
        sendDatagrams(left, "10.2.0.2", 3010, 5);
        await eventually("the packets", 60_000, async () =>
          (await client.status()).subjects.some(({ packets }) => packets >= 5) ? true : undefined,
        );
        await client.stop();
        client.close();
      }
    },
  );

  /** Packets by "resource verdict source > destination:port" while `act` runs. */
  async function metered(
    act: (client: CaptureClient) => void | Promise<void>,
    config: Partial<CaptureConfig> = {},
  ): Promise<{ packets: Record<string, number>; status: CaptureStatus }> {
    const client = startCaptureClient(host);
    try {
      const started = await client.start({ method: "nflog", ...config });
      if (!started.ok) throw new Error(started.fault.message);
      const subjects = ["inside", "outside"].map((name) =>
        subjectOf({ flowLogId: `fl-${name}`, resourceId: name, interfaceNames: [name], verdicts: true }),
      );
      await client.apply({ subjects });
      await act(client);
      const ledger = await ledgerAtRest(client);
      expect(ledger.map(ledgerError)).toEqual(ledger.map(() => 0));
      const status = await client.status();
      await client.stop();
      const packets: Record<string, number> = {};
      for (const flow of await client.flows()) {
        if (flow["protocol"] !== 17 && flow["protocol"] !== 6) continue;
        if (Number(flow["destinationPort"]) > 4000) continue;
        const verdict = ["unknown", "accepted", "rejected"][Number(flow["verdict"])];
        const name = `${flow.resourceId} ${verdict} ${flow["sourceAddress"]} > ${flow["destinationAddress"]}:${flow["destinationPort"]}`;
        packets[name] = (packets[name] ?? 0) + Number(flow["packets"]);
      }
      return { packets, status };
    } finally {
      client.close();
    }
  }

  it("are those of the rules, for forwarded, received and sent packets of both IP versions", async () => {
    const { packets, status } = await metered(() => {
      sendDatagrams(left, "10.2.0.2", 1000, 50);
      sendDatagrams(left, "10.2.0.2", 1001, 40);
      sendDatagrams(right, "10.1.0.2", 1002, 30);
      sendDatagrams(left, "fd00:2::2", 2000, 25);
      sendDatagrams(left, "fd00:2::2", 2001, 20);
      sendDatagrams(left, "10.1.0.1", 1000, 15);
      sendDatagrams(left, "10.1.0.1", 1001, 10);
      sendDatagrams(host, "10.2.0.2", 3000, 8);
      connect(left, "10.2.0.2", 1003);
    });
    expect(packets).toEqual({
      "inside accepted 10.1.0.2 > 10.2.0.2:1000": 50,
      "outside accepted 10.1.0.2 > 10.2.0.2:1000": 50,
      "inside rejected 10.1.0.2 > 10.2.0.2:1001": 40,
      "outside rejected 10.2.0.2 > 10.1.0.2:1002": 30,
      "inside accepted fd00:1::2 > fd00:2::2:2000": 25,
      "outside accepted fd00:1::2 > fd00:2::2:2000": 25,
      "inside rejected fd00:1::2 > fd00:2::2:2001": 20,
      "inside accepted 10.1.0.2 > 10.1.0.1:1000": 15,
      "inside rejected 10.1.0.2 > 10.1.0.1:1001": 10,
      "outside accepted 10.2.0.1 > 10.2.0.2:3000": 8,
      "inside rejected 10.1.0.2 > 10.2.0.2:1003": 1,
    });
    expect(status.privileges).toMatchObject({ effective: "0000000000000000", threadsDiffering: 0 });
  });

  it("are told of the last packets before a flow log is taken off, too", async () => {
    const { packets } = await metered(async (client) => {
      sendDatagrams(left, "10.2.0.2", 1001, 40);
      await client.apply({ subjects: [] });
    });
    expect(packets).toEqual({ "inside rejected 10.1.0.2 > 10.2.0.2:1001": 40 });
  });

  it("are never a rejection where messages were lost", async () => {
    const act = async (client: CaptureClient): Promise<void> => {
      const { processId } = await client.status();
      process.kill(processId!, "SIGSTOP");
      for (let burst = 0; burst < 20; burst++) sendDatagrams(left, "10.2.0.2", 1000, 10_000);
      process.kill(processId!, "SIGCONT");
      await eventually("the loss is counted", 60_000, async () => {
        const { ledger } = await client.status();
        return ledger.some(({ kernelDrops }) => kernelDrops > 0) ? true : undefined;
      });
    };
    // It stands still for as long as it takes to send all that, and is not to be replaced for it.
    const { packets, status } = await metered(act, { heartbeatTimeoutMs: 600_000 });
    expect(status.restarts).toBe(0);
    // Some were read, and what was lost of the others made them nobody's.
    expect(Object.keys(packets).toSorted()).toEqual([
      "inside accepted 10.1.0.2 > 10.2.0.2:1000",
      "outside accepted 10.1.0.2 > 10.2.0.2:1000",
    ]);
  }, 300_000);

  it("come and go with the table, and the windows of the change are SKIPDATA, not NODATA", async () => {
    const client = startCaptureClient(host);
    const windowMs = 1000;
    const subject = (verdicts: boolean) =>
      subjectOf({ interfaceNames: ["inside"], policy: { kind: "window", windowMs }, verdicts });
    const available = async (wanted: boolean): Promise<void> => {
      while ((await client.status()).verdicts?.available !== wanted) await sleep(200);
    };
    try {
      unwrap(await client.startWithVerdicts());
      await available(true);
      load(host, "delete table inet weir");
      await available(false);
      await client.apply({ subjects: [subject(false)] });
      load(host, firewallTableText(defaultCaptureConfig.verdictGroup, verdictDefaults.snapshotBytes));
      await available(true);
      const windowNow = (): number => Math.floor(Date.now() / windowMs);
      /** Windows in one of which the change was. */
      const changes: number[][] = [];
      for (const verdicts of [true, false]) {
        // In the middle of a window, with traffic of both sources in it.
        await sleep(windowMs + 300 - (Date.now() % windowMs));
        sendDatagrams(left, "10.2.0.2", 1000, 5);
        const before = windowNow();
        await client.apply({ subjects: [subject(verdicts)] });
        changes.push(Array.from({ length: windowNow() - before + 1 }, (_, index) => before + index));
        await sleep(3 * windowMs);
      }
      await client.stop();
      const flows = await client.flows();
      const windowOf = (flow: CapturedFlow): number => Math.floor(Number(flow["startUs"]) / 1000 / windowMs);
      const statuses = (window: number): number[] =>
        flows.filter((flow) => windowOf(flow) === window).map((flow) => Number(flow["logStatus"]));
      for (const windows of changes) expect(windows.flatMap(statuses)).toContain(logStatuses.skipData);
      for (const flow of flows.filter((one) => one["logStatus"] === logStatuses.noData)) {
        expect(statuses(windowOf(flow))).toEqual([logStatuses.noData]);
      }
    } finally {
      client.close();
    }
  });

  it("that nobody knew for a while leave SKIPDATA in each window of that time", async () => {
    const client = startCaptureClient(host);
    const windowMs = 1000;
    const rejected = subjectOf({
      interfaceNames: ["inside"],
      policy: { kind: "window", windowMs },
      filter: { ...allTraffic, trafficType: "reject" },
      verdicts: true,
    });
    try {
      unwrap(await client.startWithVerdicts());
      await eventually("verdicts are there", 60_000, async () =>
        (await client.status()).verdicts?.available === true ? true : undefined,
      );
      await client.apply({ subjects: [], suspended: [rejected] });
      const since = Math.floor(Date.now() / windowMs);
      await sleep(3 * windowMs);
      const until = Math.floor(Date.now() / windowMs);
      await client.apply({ subjects: [rejected] });
      const known = Math.floor(Date.now() / windowMs);
      await sleep(3 * windowMs);
      await client.stop();
      const statuses = new Map(
        (await client.flows()).map((flow) => [Number(flow["startUs"]) / 1000 / windowMs, flow["logStatus"]]),
      );
      for (let window = since; window <= until; window++) {
        expect([window - since, statuses.get(window)]).toEqual([window - since, logStatuses.skipData]);
      }
      expect(statuses.get(known + 1)).toBe(logStatuses.noData);
    } finally {
      client.close();
    }
  });
});

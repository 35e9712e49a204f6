/** A gateway counts each packet that crosses the host once, whatever devices it crosses. */
import { execFileSync } from "node:child_process";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { type CapturePlan, ledgerError } from "../../src/capture/mod.ts";
import {
  type CaptureClient,
  ledgerAtRest,
  startCaptureClient,
  subjectOf,
} from "../support/capture-client.ts";
import { sendDatagrams } from "../support/datagrams.ts";
import { canMakeNamespaces, createNamespace, joinNamespaces, type Namespace } from "../support/netns.ts";
import { requirePeer } from "../support/peers.ts";

const runnable = canMakeNamespaces() && requirePeer("nft");

/** Takes datagrams to `port` and says nothing. */
function listen(on: Namespace, port: number): Promise<() => void> {
  const script = `
    const socket = require("node:dgram").createSocket("udp4");
    socket.bind(${port}, () => console.log("bound"));`;
  const child = on.start(process.execPath, ["-e", script], ["ignore", "pipe", "inherit"]);
  return new Promise((resolve) => child.stdout!.once("data", () => resolve(() => child.kill())));
}

describe.skipIf(!runnable)("a gateway's flow log", () => {
  let left: Namespace;
  let host: Namespace;
  let right: Namespace;
  const closers: (() => void)[] = [];

  beforeAll(async () => {
    left = createNamespace("left", { ipv6: false });
    host = createNamespace("host", { ipv6: false });
    right = createNamespace("right", { ipv6: false });
    host.sysctl("net.ipv4.ip_forward", 1);
    joinNamespaces(
      { namespace: left, interfaceName: "v0", addresses: ["10.1.0.2/24"] },
      { namespace: host, interfaceName: "inside", addresses: ["10.1.0.1/24"] },
    );
    joinNamespaces(
      { namespace: right, interfaceName: "v0", addresses: ["10.2.0.2/24"] },
      { namespace: host, interfaceName: "outside", addresses: ["10.2.0.1/24"] },
    );
    left.ip("route", "add", "default", "via", "10.1.0.1");
    right.ip("route", "add", "default", "via", "10.2.0.1");
    for (const namespace of [left, host, right]) closers.push(await listen(namespace, 9));
  });

  afterAll(() => {
    for (const close of closers) close();
    for (const namespace of [left, host, right]) namespace?.remove();
  });

  /** Meters while `act` runs; packets by "source > destination" of UDP to port 9 alone. */
  async function metered(
    plan: Partial<CapturePlan>,
    act: (client: CaptureClient) => void | Promise<void>,
  ): Promise<Record<string, number>> {
    const client = startCaptureClient(host);
    try {
      await client.start();
      await client.apply(plan);
      await act(client);
      const ledger = await ledgerAtRest(client);
      await client.stop();
      expect(ledger.map(ledgerError)).toEqual(ledger.map(() => 0));
      const packets: Record<string, number> = {};
      for (const flow of await client.flows()) {
        if (flow["protocol"] !== 17 || flow["destinationPort"] !== 9) continue;
        const name = `${flow["sourceAddress"]} > ${flow["destinationAddress"]}`;
        packets[name] = (packets[name] ?? 0) + Number(flow["packets"]);
      }
      return packets;
    } finally {
      client.close();
    }
  }

  const gateway = subjectOf({ scope: "gateway", interfaceNames: ["lo", "inside", "outside"] });

  const sendAll = (): void => {
    sendDatagrams(left, "10.2.0.2", 9, 50);
    sendDatagrams(right, "10.1.0.2", 9, 40);
    sendDatagrams(left, "10.1.0.1", 9, 30);
    sendDatagrams(left, "10.2.0.1", 9, 25);
    sendDatagrams(host, "10.2.0.2", 9, 20);
    sendDatagrams(host, "127.0.0.1", 9, 10);
  };

  it("counts forwarded, received and sent packets once each, and no loopback", async () => {
    expect(await metered({ subjects: [gateway] }, sendAll)).toEqual({
      "10.1.0.2 > 10.2.0.2": 50,
      "10.2.0.2 > 10.1.0.2": 40,
      "10.1.0.2 > 10.1.0.1": 30,
      "10.1.0.2 > 10.2.0.1": 25,
      "10.2.0.1 > 10.2.0.2": 20,
    });
  });

  it("counts loopback once if asked", async () => {
    const packets = await metered({ subjects: [gateway], loopback: true }, sendAll);
    expect(packets["127.0.0.1 > 127.0.0.1"]).toBe(10);
  });

  it("counts both directions of both interfaces for interface flow logs beside it", async () => {
    const subjects = ["inside", "outside"].map((name) =>
      subjectOf({ flowLogId: `fl-${name}`, resourceId: name, interfaceNames: [name] }),
    );
    const both = await metered({ subjects }, sendAll);
    expect(both["10.1.0.2 > 10.2.0.2"]).toBe(100);
    const beside = await metered({ subjects: [gateway, ...subjects] }, sendAll);
    expect(beside["10.1.0.2 > 10.2.0.2"]).toBe(150);
    expect(beside["10.2.0.1 > 10.2.0.2"]).toBe(40);
  });

  it("leaves Weir's own export out and counts it", async () => {
    const excluded = [{ address: "10.2.0.2", port: 9 }];
    const packets = await metered({ subjects: [gateway], excluded }, async (client) => {
      sendAll();
      const ledger = await ledgerAtRest(client);
      expect(ledger.map((entry) => [entry.interfaceName, entry.excluded])).toEqual([
        ["inside", 0],
        ["outside", 20],
      ]);
    });
    expect(packets["10.2.0.1 > 10.2.0.2"]).toBeUndefined();
    // What others send to the same collector is traffic like any other.
    expect(packets["10.1.0.2 > 10.2.0.2"]).toBe(50);
  });

  it("counts translated packets once where interfaces may translate, and own ones where the host does not forward", async () => {
    host.run(
      "nft",
      "add table ip nat; add chain ip nat out { type nat hook postrouting priority 100; }; add rule ip nat out oifname outside masquerade",
    );
    try {
      const named = await metered({ subjects: [gateway], natInterfaces: ["inside", "outside"] }, sendAll);
      expect(named).toMatchObject({ "10.1.0.2 > 10.2.0.2": 50, "10.2.0.1 > 10.2.0.2": 20 });
      const unnamed = await metered({ subjects: [gateway] }, sendAll);
      expect(unnamed).toMatchObject({ "10.1.0.2 > 10.2.0.2": 50, "10.2.0.1 > 10.2.0.2": 70 });
      host.sysctl("net.ipv4.ip_forward", 0);
      const still = await metered({ subjects: [gateway], natInterfaces: ["outside"] }, () =>
        sendDatagrams(host, "10.2.0.2", 9, 20),
      );
      expect(still).toMatchObject({ "10.2.0.1 > 10.2.0.2": 20 });
    } finally {
      host.sysctl("net.ipv4.ip_forward", 1);
      host.run("nft", "delete table ip nat");
    }
  });

  it("leaves a bridge out where its ports are metered", async () => {
    host.ip("link", "add", "br0", "type", "bridge");
    host.ip("address", "flush", "dev", "inside");
    host.ip("link", "set", "inside", "master", "br0");
    host.ip("address", "add", "10.1.0.1/24", "dev", "br0");
    host.ip("link", "set", "br0", "up");
    const interfaceNames = ["lo", "inside", "outside", "br0"];
    const plan = { subjects: [{ ...gateway, interfaceNames }] };
    const packets = await metered(plan, async (client) => {
      const { interfaces } = await client.status();
      expect(Object.fromEntries(interfaces.map(({ name, state }) => [name, state]))).toEqual({
        lo: "covered",
        inside: "armed",
        outside: "armed",
        br0: "covered",
      });
      sendDatagrams(left, "10.2.0.2", 9, 15);
      sendDatagrams(left, "10.1.0.1", 9, 12);
      sendDatagrams(host, "10.1.0.2", 9, 11);
      sendDatagrams(host, "10.2.0.2", 9, 7);
    });
    expect(packets).toEqual({
      "10.1.0.2 > 10.2.0.2": 15,
      "10.1.0.2 > 10.1.0.1": 12,
      "10.1.0.1 > 10.1.0.2": 11,
      "10.2.0.1 > 10.2.0.2": 7,
    });
    const kinds = Object.fromEntries(
      (
        JSON.parse(execFileSync("ip", ["-n", host.name, "-d", "-j", "link"], { encoding: "utf8" })) as {
          ifname: string;
          linkinfo?: { info_kind: string };
        }[]
      ).map((link) => [link.ifname, link.linkinfo?.info_kind ?? "loopback"]),
    );
    const client = startCaptureClient(host);
    const found = await client.interfaces();
    client.close();
    expect(Object.fromEntries(found.map(({ name, kind }) => [name, kind]))).toEqual(kinds);
  });
});

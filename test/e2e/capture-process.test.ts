/** The capture process: its privileges, its restarts, its interfaces that come and go, its end. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { type CaptureStatus, ledgerError } from "../../src/capture/mod.ts";
import { flowEndReasons } from "../../src/flow/mod.ts";
import {
  agingOf,
  type CaptureClient,
  type ClientOptions,
  type FrameSender,
  ledgerAtRest,
  startCaptureClient,
  startFrameSender,
  subjectOf,
} from "../support/capture-client.ts";
import { ethernet, etherTypes, ipv4, udp } from "../support/frame-builder.ts";
import {
  canMakeNamespaces,
  createNamespace,
  joinNamespaces,
  macAddressOf,
  type Namespace,
} from "../support/netns.ts";
import { requirePeer } from "../support/peers.ts";
import { isAlive, waitsForPackets } from "../support/processes.ts";

const runnable = canMakeNamespaces() && requirePeer("setpriv", "tcpdump");

function statusFile(processId: number): Record<string, string> {
  const lines = readFileSync(`/proc/${processId}/status`, "utf8").trimEnd().split("\n");
  return Object.fromEntries(lines.map((line) => line.split(/:\s+/u) as [string, string]));
}

async function until(met: () => Promise<boolean> | boolean, timeoutMs = 60_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await met())) {
    if (performance.now() > deadline) throw new Error(`not met within ${timeoutMs} ms: ${met.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe.skipIf(!runnable)("the capture process", () => {
  let here: Namespace;
  let there: Namespace;
  let sender: FrameSender;
  let frame: Uint8Array;
  const clients: CaptureClient[] = [];
  const subject = subjectOf({ interfaceNames: ["v0"] });

  const startClient = (options?: ClientOptions): CaptureClient => {
    const client = startCaptureClient(here, options);
    clients.push(client);
    return client;
  };
  const armed = (status: CaptureStatus): string[] =>
    status.interfaces.map(({ name, state }) => `${name} ${state}`);
  const packetsOf = async (client: CaptureClient): Promise<number> =>
    (await client.flows()).reduce((sum, flow) => sum + Number(flow["packets"]), 0);

  async function join(): Promise<void> {
    joinNamespaces(
      { namespace: here, interfaceName: "v0", addresses: [] },
      { namespace: there, interfaceName: "v1", addresses: [] },
    );
    await useLink();
  }

  async function useLink(): Promise<void> {
    here.ip("link", "set", "v0", "up");
    there.ip("link", "set", "v1", "up");
    sender = await startFrameSender(there, "v1");
    frame = ethernet(
      { source: macAddressOf(there, "v1"), destination: macAddressOf(here, "v0") },
      etherTypes.ipv4,
      ipv4({ source: "10.99.0.1", destination: "10.99.0.2", protocol: 17 }, udp(1, 2, 20)),
    );
  }

  beforeAll(async () => {
    here = createNamespace("here", { ipv6: false });
    there = createNamespace("there", { ipv6: false });
    await join();
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
  });
  afterAll(() => {
    sender?.close();
    here?.remove();
    there?.remove();
  });

  it("keeps CAP_NET_RAW alone, as nobody, and can gain nothing", async () => {
    const client = startClient();
    await client.start();
    const { processId, privileges } = await client.apply({ subjects: [subject] });
    const status = statusFile(processId!);
    expect(status).toMatchObject({
      CapEff: "0000000000002000",
      CapPrm: "0000000000002000",
      CapBnd: "0000000000002000",
      CapInh: "0000000000000000",
      CapAmb: "0000000000000000",
      NoNewPrivs: "1",
      Uid: "65534\t65534\t65534\t65534",
      Gid: "65534\t65534\t65534\t65534",
    });
    expect((status["Groups"] ?? "").trim()).toBe("");
    expect(privileges).toEqual({
      userId: 65534,
      groupId: 65534,
      groups: [],
      effective: "0000000000002000",
      permitted: "0000000000002000",
      bounding: "0000000000002000",
      noNewPrivileges: true,
      threadsDiffering: 0,
    });
    expect(readFileSync(`/proc/${processId}/environ`, "utf8")).not.toContain("PATH=");
  });

  it.each([1, 2])(
    "refuses to start without privilege and names the command that grants it, %i workers",
    async (workers) => {
      const client = startClient({
        prefix: ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all"],
      });
      const started = await client.start({ workers });
      expect(started).toMatchObject({
        ok: false,
        fault: { code: "PrivilegeMissing", remedy: "sudo ./weir serve" },
      });
      expect(await client.status()).toMatchObject({ state: "unavailable", processId: null });
      expect(await client.tryApply({ subjects: [subject] })).toMatchObject({
        fault: { code: "PrivilegeMissing" },
      });
      await client.stop();
    },
  );

  it.each(["+net_raw", "+net_raw,+net_admin"])(
    "captures as a user that has %s and nothing else",
    async (own) => {
      const capabilities = [
        `--inh-caps=-all,${own}`,
        `--ambient-caps=-all,${own}`,
        `--bounding-set=-all,${own}`,
      ];
      const client = startClient({
        prefix: ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", ...capabilities],
      });
      expect(await client.start()).toMatchObject({ ok: true });
      const { privileges } = await client.apply({ subjects: [subject] });
      // CAP_NET_RAW alone, on every thread.
      expect(privileges).toMatchObject({ userId: 1000, effective: "0000000000002000", threadsDiffering: 0 });
      await sender.send([{ frame, times: 10 }]);
      await client.stop();
      expect(await packetsOf(client)).toBe(10);
    },
  );

  it("hands over what ended soon after its timeout", async () => {
    const client = startClient();
    await client.start();
    await client.apply({ subjects: [{ ...subject, policy: agingOf(60_000, 1000) }] });
    await sender.send([{ frame, times: 3 }]);
    await until(async () => (await packetsOf(client)) === 3);
    expect((await client.flows()).map(({ flowEndReason }) => flowEndReason)).toEqual([flowEndReasons.idle]);
    await client.stop();
  });

  it("hands over what lasts every active timeout, and every packet of it once", async () => {
    const client = startClient();
    await client.start();
    await client.apply({ subjects: [{ ...subject, policy: agingOf(1000, 10_000) }] });
    let sent = 0;
    await until(async () => {
      await sender.send([{ frame, times: 1 }]);
      sent++;
      await new Promise((resolve) => setTimeout(resolve, 250));
      return (await client.flows()).length >= 2;
    });
    const cut = await client.flows();
    expect(new Set(cut.map(({ flowEndReason }) => flowEndReason))).toEqual(new Set([flowEndReasons.active]));
    await client.stop();
    expect(await packetsOf(client)).toBe(sent);
  });

  it("keeps every batch while none is accepted, and hands all over afterwards", async () => {
    const client = startClient();
    await client.start({ batchesInFlightMax: 2 });
    await client.apply({ subjects: [{ ...subject, policy: agingOf(60_000, 500) }] });
    await client.refuse(true);
    for (let round = 0; round < 4; round++) {
      await sender.send([{ frame, times: 5 }]);
      await new Promise((resolve) => setTimeout(resolve, 1500));
    }
    await until(async () => (await client.status()).batchesInFlight >= 2);
    expect((await client.status()).batchesInFlight).toBe(2);
    expect(await packetsOf(client)).toBe(0);
    await client.refuse(false);
    await until(async () => (await client.status()).batchesInFlight === 0);
    await client.stop();
    expect(await packetsOf(client)).toBe(20);
  });

  it("is replaced when it is killed, with the same plan and a new boot id", async () => {
    const client = startClient();
    await client.start();
    const before = await client.apply({ subjects: [subject] });
    await sender.send([{ frame, times: 7 }]);
    await client.apply({ subjects: [{ ...subject, policy: agingOf(61_000, 10_000) }] });
    process.kill(before.processId!, "SIGKILL");
    await until(async () => {
      const { processId, state, interfaces } = await client.status();
      return state === "running" && processId !== before.processId && interfaces[0]?.state === "armed";
    });
    await sender.send([{ frame, times: 5 }]);
    await client.stop();
    expect(await packetsOf(client)).toBe(12);
    expect(new Set((await client.flows()).map((flow) => flow.bootId)).size).toBe(2);
    expect(await client.metrics()).toContain("weir_capture_restarts_total 1\n");
  });

  it("ends when the main process does", async () => {
    const client = startClient();
    await client.start();
    const { processId } = await client.apply({ subjects: [subject] });
    client.process.kill("SIGKILL");
    await until(() => !isAlive(processId!));
    clients.splice(clients.indexOf(client), 1);
  });

  it("goes on where an interface went down, vanished and came back", async () => {
    const client = startClient();
    await client.start();
    const absent = subjectOf({ flowLogId: "fl-absent", interfaceNames: ["later0"] });
    const status = await client.apply({ subjects: [subject, absent] });
    expect(armed(status)).toEqual(["v0 armed", "later0 absent"]);
    await sender.send([{ frame, times: 1 }]);

    here.ip("link", "set", "v0", "down");
    await until(async () => armed(await client.status()).includes("v0 down"));
    here.ip("link", "set", "v0", "up");
    await until(async () => armed(await client.status()).includes("v0 armed"));
    await sender.send([{ frame, times: 2 }]);

    sender.close();
    here.ip("link", "delete", "v0");
    await until(async () => armed(await client.status()).includes("v0 absent"));
    joinNamespaces(
      { namespace: here, interfaceName: "later0", addresses: [] },
      { namespace: there, interfaceName: "later1", addresses: [] },
    );
    await join();
    await until(async () => {
      const names = armed(await client.status());
      return names.includes("v0 armed") && names.includes("later0 armed");
    });
    await sender.send([{ frame, times: 4 }]);
    const ledger = await ledgerAtRest(client);
    expect(ledger.map(ledgerError)).toEqual(ledger.map(() => 0));
    await client.stop();
    expect(await packetsOf(client)).toBe(7);
  });

  it("goes on where an interface was replaced at once by one of the same name and index", async () => {
    const client = startClient();
    await client.start();
    await client.apply({ subjects: [subject] });
    await sender.send([{ frame, times: 1 }]);
    await until(async () => (await client.status()).ledger[0]?.metered === 1);
    sender.close();
    const [{ ifindex }] = JSON.parse(here.ip("-j", "link", "show", "dev", "v0")) as [{ ifindex: number }];
    execFileSync("ip", ["-n", here.name, "-batch", "-"], {
      input: `link delete v0\nlink add v0 index ${ifindex} type veth peer name v1 netns ${there.name}\n`,
    });
    await useLink();
    expect(here.ip("-j", "link", "show", "dev", "v0")).toContain(`"ifindex":${ifindex},`);
    // It may take a moment until the change is noticed.
    await until(async () => {
      await sender.send([{ frame, times: 1 }]);
      return (await client.status()).subjects.some(({ packets }) => packets >= 4);
    });
    const ledger = await ledgerAtRest(client);
    expect(ledger.map(ledgerError)).toEqual([0]);
    await client.stop();
  });

  it("falls back on tcpdump, with directions", async () => {
    const client = startClient();
    expect(await client.start({ method: "tcpdump" })).toMatchObject({
      ok: true,
      value: { method: "tcpdump" },
    });
    const { privileges } = await client.apply({ subjects: [subject] });
    expect(privileges).toMatchObject({ userId: 65534, effective: "0000000000000000" });
    // One a direction; a packet that both take for theirs would be two.
    await until(() => tcpdumps().length === 2 && tcpdumps().every(waitsForPackets));
    await sender.send([{ frame, times: 100 }]);
    await until(async () => (await client.status()).subjects.some(({ packets }) => packets >= 100));
    await ledgerAtRest(client);
    await client.stop();
    const flows = await client.flows();
    expect(flows.map((flow) => [flow["packets"], flow["flowDirection"]])).toEqual([[100, 0]]);
    expect(tcpdumps()).toEqual([]);
  });

  function tcpdumps(): number[] {
    const shown = execFileSync("ip", ["netns", "pids", here.name], { encoding: "utf8" });
    const ids = shown.trim().split("\n").filter(Boolean).map(Number);
    return ids.filter((id) => {
      try {
        return readFileSync(`/proc/${id}/comm`, "utf8").trim() === "tcpdump";
      } catch {
        return false;
      }
    });
  }
});

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { unwrap } from "../../src/base/mod.ts";
import {
  createNetflowExporter,
  type NetflowExporterState,
  type NetflowVersion,
} from "../../src/sink/netflow/mod.ts";
import { requirePeer } from "../support/peers.ts";
import { batchOf, mixedFlows, type SampleFlow, totalsOf } from "../wire/export/sample-flows.ts";
import { type DatagramFields, tsharkFields } from "../wire/export/tshark.ts";
import {
  type CollectorReport,
  type NfcapdReport,
  startNfacctd,
  startNfcapd,
  startRelay,
} from "./netflow-collectors.ts";

const interfaces = [
  { index: 2, name: "eth0", description: "uplink" },
  { index: 3, name: "eth1" },
];

interface Reports {
  readonly nfcapd: NfcapdReport;
  readonly nfacctd: CollectorReport;
  readonly tshark: CollectorReport;
}

let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "weir-peers-"));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** Sends each part by an exporter of its own that continues the one before; every peer reads all of it. */
async function exportToPeers(
  version: NetflowVersion,
  parts: readonly (readonly SampleFlow[])[],
  dropped?: number,
): Promise<Reports> {
  const collectors = [await startNfcapd(folder), await startNfacctd(folder)] as const;
  const relay = await startRelay(
    collectors.map(({ port }) => port),
    dropped,
  );
  let state: NetflowExporterState | undefined;
  let datagrams = 0;
  for (const flows of parts) {
    const exporter = unwrap(
      createNetflowExporter({
        address: "127.0.0.1",
        port: relay.port,
        version,
        observationDomain: 77,
        activeTimeoutS: 300,
        inactiveTimeoutS: 15,
        interfaceNames: () => interfaces,
        bytesPerSecond: 1e6,
        ...(state === undefined ? {} : { initialState: state }),
      }),
    );
    await exporter.send(batchOf(flows.slice(0, 500)));
    await exporter.refresh();
    await exporter.send(batchOf(flows.slice(500)));
    datagrams += exporter.statistics().datagramsSent;
    await exporter.close();
    state = JSON.parse(JSON.stringify(exporter.state())) as NetflowExporterState;
  }
  while (relay.received.length < datagrams) await sleep(20);
  const [nfcapd, nfacctd] = await Promise.all([collectors[0].finish(), collectors[1].finish()]);
  relay.close();
  return { nfcapd, nfacctd, tshark: tsharkReport(version, relay.forwarded) };
}

function tsharkReport(version: NetflowVersion, datagrams: readonly Uint8Array[]): CollectorReport {
  const names = ["cflow.packets", "cflow.octets", "cflow.sequence", "_ws.expert.message"] as const;
  const [packets, octets, sequence, expert] = names;
  const fields = tsharkFields(datagrams, names);
  const values = (name: string) => fields.flatMap((datagram) => datagram[name]!);
  const sum = (name: string) => values(name).reduce((total, value) => total + Number(value), 0);
  const messages = values(expert);
  const gaps = messages.filter((message) => message.startsWith("Unexpected flow sequence"));
  return {
    flows: values(packets).length,
    packets: sum(packets),
    octets: sum(octets),
    sequenceErrors: version === 5 ? netflow5Gaps(fields, sequence, packets) : gaps.length,
    complaints: messages.filter((message) => !gaps.includes(message)),
  };
}

/** tshark compares the sequence numbers of v9 and IPFIX; those of v5 are compared here. */
function netflow5Gaps(fields: readonly DatagramFields[], sequence: string, packets: string): number {
  let next = Number(fields[0]?.[sequence]?.[0]);
  let gaps = 0;
  for (const datagram of fields) {
    const found = Number(datagram[sequence]?.[0]);
    if (found !== next) gaps++;
    next = found + datagram[packets]!.length;
  }
  return gaps;
}

const versions: readonly NetflowVersion[] = [5, 9, 10];

describe.skipIf(!requirePeer("nfcapd", "nfdump", "nfacctd", "tshark"))("what other collectors read", () => {
  for (const version of versions) {
    const name = version === 10 ? "IPFIX" : `NetFlow v${version}`;
    const told = (flows: readonly SampleFlow[]) =>
      version === 5 ? flows.filter((flow) => !flow.source.includes(":")) : flows;

    it(`of ${name} are the flows, packets and octets that were sent, without a complaint`, async () => {
      const flows = mixedFlows(4000, Date.now());
      const expected = { ...totalsOf(told(flows)), sequenceErrors: 0, complaints: [] };
      const firstMs = Math.min(...told(flows).map((flow) => Math.floor(flow.startUs! / 1000)));
      const lastMs = Math.max(...told(flows).map((flow) => Math.floor(flow.endUs! / 1000)));
      const reports = await exportToPeers(version, [flows]);
      // nfdump shows the description where there is one; v5 tells no names.
      const interfaceNames = version === 5 ? reports.nfcapd.interfaceNames : ["uplink", "eth1"];
      expect(reports).toEqual({
        nfcapd: { ...expected, firstMs, lastMs, interfaceNames },
        nfacctd: expected,
        tshark: expected,
      });
    });

    it(`of ${name} continues over a restart of the exporter`, async () => {
      const flows = mixedFlows(4000, Date.now());
      const expected = { ...totalsOf(told(flows)), sequenceErrors: 0, complaints: [] };
      const reports = await exportToPeers(version, [flows.slice(0, 1500), flows.slice(1500)]);
      expect(reports).toMatchObject({ nfcapd: expected, nfacctd: expected, tshark: expected });
    });

    it(`of ${name} lacks a datagram that was lost, and each says so`, async () => {
      const flows = mixedFlows(2000, Date.now());
      const reports = await exportToPeers(version, [flows], 25);
      for (const [peer, report] of Object.entries(reports)) {
        expect(report.flows, peer).toBeLessThan(told(flows).length);
        expect(report.sequenceErrors, peer).toBeGreaterThan(0);
        expect(report.complaints, peer).toEqual([]);
      }
    });
  }
});

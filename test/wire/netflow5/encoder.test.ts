import { describe, expect, it } from "vitest";

import type { FlowBatch } from "../../../src/flow/mod.ts";
import { createExportDatagram } from "../../../src/wire/export/mod.ts";
import {
  beginNetflow5Batch,
  createNetflow5Encoder,
  type Netflow5Encoder,
  nextNetflow5Datagram,
} from "../../../src/wire/netflow5/mod.ts";
import { requirePeer } from "../../support/peers.ts";
import { batchOf, mixedFlows, type SampleFlow, totalsOf } from "../export/sample-flows.ts";
import { tsharkFields } from "../export/tshark.ts";

const nowMs = 1_700_000_000_250;

function datagramsOf(encoder: Netflow5Encoder, batch: FlowBatch, timeMs = nowMs): Uint8Array[] {
  const datagram = createExportDatagram();
  const payloads: Uint8Array[] = [];
  beginNetflow5Batch(encoder, batch, timeMs);
  while (nextNetflow5Datagram(encoder, datagram)) payloads.push(datagram.bytes.slice(0, datagram.length));
  return payloads;
}

const webFlow: SampleFlow = {
  source: "192.0.2.1",
  destination: "198.51.100.7",
  sourcePort: 49152,
  destinationPort: 443,
  protocol: 6,
  ipClassOfService: 0xb8,
  tcpControlBits: 0x1b,
  packets: 10,
  octets: 4321,
  startUs: (nowMs - 5000) * 1000,
  endUs: (nowMs - 1000) * 1000 + 999,
  ingressInterface: 2,
  egressInterface: 70_000,
};

describe("the NetFlow v5 encoder", () => {
  it("writes header and record as the layout says", () => {
    const encoder = createNetflow5Encoder({
      observationDomain: 0x10203,
      sequence: 5,
      bootMs: nowMs - 60_000,
    });
    const [datagram, ...more] = datagramsOf(encoder, batchOf([webFlow]));
    expect(more).toEqual([]);
    expect(datagram!.toHex()).toBe(
      "0005" + // version 5
        "0001" + // count
        "0000ea60" + // SysUptime 60,000
        "6553f100" + // unix_secs 1,700,000,000
        "0ee6b280" + // unix_nsecs 250,000,000
        "00000005" + // flow_sequence
        "02" + // engine_type: bits 8 to 15 of the domain
        "03" + // engine_id: bits 0 to 7
        "0000" + // sampling: none
        "c0000201" + // srcaddr 192.0.2.1
        "c6336407" + // dstaddr 198.51.100.7
        "00000000" + // nexthop
        "0002" + // input
        "0000" + // output: 70,000 does not fit
        "0000000a" + // dPkts
        "000010e1" + // dOctets 4321
        "0000d6d8" + // First 55,000
        "0000e678" + // Last 59,000
        "c000" + // srcport
        "01bb" + // dstport
        "00" + // pad1
        "1b" + // tcp_flags
        "06" + // prot
        "b8" + // tos
        "0000" + // src_as
        "0000" + // dst_as
        "00" + // src_mask
        "00" + // dst_mask
        "0000", // pad2
    );
    expect(encoder.sequence).toBe(6);
  });

  it("skips IPv6 flows, counts them and numbers only what it sends", () => {
    const flows = mixedFlows(300, nowMs);
    const encoder = createNetflow5Encoder({ observationDomain: 1, sequence: 2 ** 32 - 100 });
    const datagrams = datagramsOf(encoder, batchOf(flows));
    expect(encoder.flowsSkipped).toBe(100);
    expect(datagrams.map((datagram) => datagram.length)).toEqual([
      ...Array.from({ length: 7 }, () => 24 + 28 * 48),
      24 + 4 * 48,
    ]);
    expect(encoder.sequence).toBe(100);
  });

  it("sends nothing for a batch of IPv6 flows only", () => {
    const encoder = createNetflow5Encoder({ observationDomain: 1 });
    const flow = { ...webFlow, source: "2001:db8::1", destination: "2001:db8::2" };
    expect(datagramsOf(encoder, batchOf([flow, flow]))).toEqual([]);
    expect(encoder.flowsSkipped).toBe(2);
  });

  it("splits a flow whose counters exceed 32 bits, over datagrams too, and keeps its sums", () => {
    const packets = 3 * (2 ** 32 - 1) + 1;
    const octets = 30 * (2 ** 32 - 1) + 7;
    const encoder = createNetflow5Encoder({ observationDomain: 1 });
    const datagrams = datagramsOf(encoder, batchOf([{ ...webFlow, packets, octets }, webFlow]));
    const records = datagrams.flatMap(recordsOf);
    expect(datagrams.length).toBe(2);
    expect(records.length).toBe(31 + 1);
    expect(records.slice(0, 31).reduce((sum, record) => sum + record.packets, 0)).toBe(packets);
    expect(records.slice(0, 31).reduce((sum, record) => sum + record.octets, 0)).toBe(octets);
    expect(records[31]).toEqual({ packets: 10, octets: 4321 });
    expect(encoder.sequence).toBe(32);
  });

  it("needs one record for exactly 2^32 − 1 octets", () => {
    const encoder = createNetflow5Encoder({ observationDomain: 1 });
    const datagrams = datagramsOf(encoder, batchOf([{ ...webFlow, octets: 2 ** 32 - 1 }]));
    expect(datagrams.flatMap(recordsOf)).toEqual([{ packets: 10, octets: 2 ** 32 - 1 }]);
  });

  it("says the sampling interval in its header, one interval a datagram", () => {
    const encoder = createNetflow5Encoder({ observationDomain: 1 });
    const flows = [1, 100, 100, 70_000].map((samplingInterval) => ({ ...webFlow, samplingInterval }));
    const datagrams = datagramsOf(encoder, batchOf(flows));
    expect(datagrams.map((datagram) => datagram.subarray(22, 24).toHex())).toEqual(["0000", "4064", "7fff"]);
  });

  it("tells times exactly, 40 days after its start and in a capture file of 2010 too", () => {
    for (const timeMs of [nowMs, nowMs + 40 * 86_400_000, Date.UTC(2010, 0, 1)]) {
      const encoder = createNetflow5Encoder({ observationDomain: 1, bootMs: nowMs - 60_000 });
      const flow = { ...webFlow, startUs: (timeMs - 5000) * 1000, endUs: (timeMs - 1000) * 1000 };
      const [datagram] = datagramsOf(encoder, batchOf([flow]), Math.max(timeMs, nowMs));
      const view = new DataView(datagram!.buffer);
      const bootMs = view.getUint32(8) * 1000 + view.getUint32(12) / 1e6 - view.getUint32(4);
      expect([view.getUint32(48), view.getUint32(52)].map((uptime) => bootMs + uptime)).toEqual([
        timeMs - 5000,
        timeMs - 1000,
      ]);
      expect(view.getUint32(4)).toBeGreaterThanOrEqual(view.getUint32(52));
    }
  });
});

describe.skipIf(!requirePeer("tshark"))("what tshark reads of NetFlow v5", () => {
  it("is every field of every flow", () => {
    const flows = mixedFlows(200, nowMs).filter((flow) => !flow.source.includes(":"));
    const encoder = createNetflow5Encoder({ observationDomain: 9 });
    const names = ["srcaddr", "dstaddr", "srcport", "dstport", "protocol", "tos", "tcpflags"];
    names.push("packets", "octets", "inputint", "outputint");
    const fields = tsharkFields(
      datagramsOf(encoder, batchOf(flows)),
      names.map((name) => `cflow.${name}`),
    );
    const read = Object.fromEntries(
      names.map((name) => [name, fields.flatMap((datagram) => datagram[`cflow.${name}`]!)]),
    );
    expect(read).toEqual({
      srcaddr: flows.map((flow) => flow.source),
      dstaddr: flows.map((flow) => flow.destination),
      srcport: flows.map((flow) => `${flow.sourcePort}`),
      dstport: flows.map((flow) => `${flow.destinationPort}`),
      protocol: flows.map((flow) => `${flow.protocol}`),
      tos: flows.map((flow) => `0x${flow.ipClassOfService!.toString(16).padStart(2, "0")}`),
      tcpflags: flows.map((flow) => `0x${flow.tcpControlBits!.toString(16).padStart(2, "0")}`),
      packets: flows.map((flow) => `${flow.packets}`),
      octets: flows.map((flow) => `${flow.octets}`),
      inputint: flows.map(() => "2"),
      outputint: flows.map(() => "3"),
    });
    expect(totalsOf(flows).flows).toBe(read["packets"]!.length);
  });
});

function recordsOf(datagram: Uint8Array): { packets: number; octets: number }[] {
  const view = new DataView(datagram.buffer);
  return Array.from({ length: view.getUint16(2) }, (_, index) => ({
    packets: view.getUint32(24 + index * 48 + 16),
    octets: view.getUint32(24 + index * 48 + 20),
  }));
}

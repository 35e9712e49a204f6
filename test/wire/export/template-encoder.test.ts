import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { datagramBytesMax } from "../../../src/wire/export/mod.ts";
import { createIpfixEncoder } from "../../../src/wire/ipfix/mod.ts";
import { createNetflow9Encoder } from "../../../src/wire/netflow9/mod.ts";
import { requirePeer } from "../../support/peers.ts";
import { encodeBatch, encodeRefresh, nowMs, setsOf, webFlow } from "./encode.ts";
import { batchOf, mixedFlows, type SampleFlow } from "./sample-flows.ts";
import { tsharkFields } from "./tshark.ts";

const options = { observationDomain: 7, activeTimeoutS: 300, inactiveTimeoutS: 15 };
const encoders = [
  ["NetFlow v9", createNetflow9Encoder, 0, 1],
  ["IPFIX", createIpfixEncoder, 2, 3],
] as const;

for (const [name, create, templateSet, optionsSet] of encoders) {
  const isFlows = (datagram: Uint8Array) => !setsOf(datagram).includes(optionsSet);
  const withTemplates = (datagrams: readonly Uint8Array[]) =>
    datagrams.filter(isFlows).map((datagram) => setsOf(datagram).includes(templateSet));

  describe(`the ${name} encoder`, () => {
    it("sends templates with the first flows and again after 20 datagrams", () => {
      const encoder = create(options);
      const flows = batchOf(mixedFlows(900, nowMs));
      const sent = withTemplates([...encodeBatch(encoder, flows), ...encodeBatch(encoder, flows)]);
      expect(sent.length).toBeGreaterThan(80);
      expect(sent.flatMap((has, index) => (has ? [index] : []))).toEqual(
        [0, 20, 40, 60, 80, 100].filter((at) => at < sent.length),
      );
    });

    it("sends templates and options again after 60 seconds, and options once more after 5", () => {
      const encoder = create(options);
      const flow = batchOf([webFlow]);
      const kinds = (afterMs: number) =>
        encodeBatch(encoder, flow, nowMs + afterMs).map((datagram) => {
          const sets = setsOf(datagram);
          return sets.includes(optionsSet) ? "options" : sets.includes(templateSet) ? "templates" : "flows";
        });
      expect(kinds(0)).toEqual(["options", "templates"]);
      expect(kinds(4999)).toEqual(["flows"]);
      expect(kinds(5000)).toEqual(["options", "flows"]);
      expect(kinds(59_999)).toEqual(["flows"]);
      expect(kinds(60_000)).toEqual(["templates"]);
      expect(kinds(65_000)).toEqual(["options", "flows"]);
      expect(kinds(-3_600_000)).toEqual(["options", "templates"]);
    });

    it("sends templates and options without flows when asked to", () => {
      const encoder = create(options);
      expect(encodeRefresh(encoder).map(setsOf)).toEqual([
        [optionsSet, optionsSet, optionsSet, optionsSet, 260, 261],
        [templateSet],
      ]);
      expect(encodeBatch(encoder, batchOf([webFlow])).map(setsOf)).toContainEqual([272]);
    });

    it("sends nothing for an empty batch", () => {
      expect(encodeBatch(create(options), batchOf([]))).toEqual([]);
    });

    it("groups flows by template and keeps to the datagram's size, whatever the flows", () => {
      const arbitraryFlow = fc.record({ ipv6: fc.boolean(), icmp: fc.boolean(), old: fc.boolean() });
      fc.assert(
        fc.property(fc.array(arbitraryFlow, { maxLength: 120 }), fc.nat(40), (shapes, interfaces) => {
          const named = Array.from({ length: interfaces }, (_, index) => ({ index, name: "eth" }));
          const encoder = create({ ...options, interfaceNames: () => named });
          const flows = shapes.map(({ ipv6, icmp, old }): SampleFlow => {
            const age = old ? 100 * 86_400_000_000 : 0;
            return {
              source: ipv6 ? "2001:db8::1" : "10.0.0.1",
              destination: ipv6 ? "2001:db8::2" : "10.0.0.2",
              protocol: icmp ? (ipv6 ? 58 : 1) : 17,
              startUs: nowMs * 1000 - age,
              endUs: nowMs * 1000 - age,
            };
          });
          const datagrams = encodeBatch(encoder, batchOf(flows));
          for (const datagram of datagrams) {
            expect(datagram.length).toBeLessThanOrEqual(datagramBytesMax);
            expect(datagram.length % 4).toBe(0);
          }
          expect(encoder.statistics.flows).toBe(flows.length);
          expect(encoder.statistics.messages).toBe(datagrams.length);
        }),
        { numRuns: 100 },
      );
    });

    it("sends a flow once that is longer than a 32-bit clock can tell", () => {
      const day = 86_400_000_000;
      const long = { ...webFlow, startUs: webFlow.endUs! - 60 * day };
      const datagrams = encodeBatch(create(options), batchOf([webFlow, long, long, webFlow]));
      const flows = datagrams.filter((datagram) => setsOf(datagram).includes(272));
      expect(flows.length).toBe(name === "IPFIX" ? 1 : 4);
      expect(datagrams.length).toBeLessThan(10);
    });

    it("spreads the names of many interfaces over datagrams of their own, before the flows", () => {
      const named = Array.from({ length: 500 }, (_, index) => ({
        index: index + 1,
        name: `veth${index}`,
      }));
      const encoder = create({ ...options, interfaceNames: () => named });
      const datagrams = encodeBatch(encoder, batchOf([webFlow]));
      const flowsAt = datagrams.findIndex(isFlows);
      expect(flowsAt).toBe(datagrams.length - 1);
      expect(flowsAt).toBeGreaterThan(20);
    });
  });

  describe.skipIf(!requirePeer("tshark"))(`what tshark reads of ${name}`, () => {
    it("is every field of every flow", () => {
      const flows = mixedFlows(300, nowMs).map((flow, index) => ({
        ...flow,
        vlanId: index % 4095,
        verdict: index % 3,
        octets: flow.octets! + 2 ** 41,
      }));
      const expected = columnsOf(grouped(flows));
      const fields = tsharkFields(encodeBatch(create(options), batchOf(flows)), Object.keys(expected));
      for (const [field, values] of Object.entries(expected)) {
        const read = fields.flatMap((datagram) => datagram[field]!);
        expect(field.startsWith("cflow.abs") ? read.map(Date.parse) : read, field).toEqual(values);
      }
    });

    it("are the times of flows of 2010 and of 2030, side by side", () => {
      const starts = [2010, 2030, 2026, 2010].map((year) => Date.UTC(year, 0, 1) + 123);
      const flows = starts.map((startMs) => ({ ...webFlow, startUs: startMs * 1000, endUs: startMs * 1000 }));
      const datagrams = encodeBatch(create(options), batchOf(flows));
      const absolute = tsharkFields(datagrams, ["cflow.abstimestart"]);
      expect(absolute.flatMap((datagram) => datagram["cflow.abstimestart"]!).map(Date.parse)).toEqual(starts);
      if (name === "IPFIX") return;
      const fields = ["cflow.unix_secs", "cflow.sysuptime", "cflow.timestart"];
      const relative = tsharkFields(datagrams, fields).flatMap((datagram) => {
        const [seconds, uptime, firsts] = fields.map((field) => datagram[field]!.map(Number));
        const bootMs = (seconds![0]! - uptime![0]!) * 1000;
        return firsts!.map((first) => Math.round(bootMs + first * 1000));
      });
      expect(relative).toEqual(starts);
    });

    it("are interface names, timeouts and what was exported", () => {
      const named = [
        { index: 2, name: "eth0" },
        { index: 3, name: "wlan0", description: "Büro" },
      ];
      const encoder = create({ ...options, interfaceNames: () => named });
      encodeBatch(encoder, batchOf(mixedFlows(100, nowMs)));
      const { messages, octets } = encoder.statistics;
      const names = ["if_name", "if_descr", "inputint", "flow_active_timeout", "flow_inactive_timeout"];
      names.push("octetsexp", "packetsexp", "flowsexp", "notsent_flows");
      const [fields] = tsharkFields(
        encodeRefresh(encoder),
        names.map((field) => `cflow.${field}`),
      );
      expect(Object.values(fields!)).toEqual([
        ["eth0", "wlan0"],
        ["eth0", "Büro"],
        ["2", "3", "2", "3"],
        ["300"],
        ["15"],
        [`${octets}`],
        [`${messages}`],
        ["100"],
        ["0"],
      ]);
    });
  });
}

/** Flows in the order of their templates. */
function grouped(flows: readonly SampleFlow[]): SampleFlow[] {
  const group = (flow: SampleFlow) =>
    (flow.verdict === 0 ? 0 : 4) +
    (flow.protocol === 1 || flow.protocol === 58 ? 2 : 0) +
    (flow.source.includes(":") ? 1 : 0);
  return flows.toSorted((left, right) => group(left) - group(right));
}

/** What tshark should read, by its field names. */
function columnsOf(flows: readonly SampleFlow[]): Record<string, unknown[]> {
  const ipv6 = flows.filter((flow) => flow.source.includes(":"));
  const ipv4 = flows.filter((flow) => !flow.source.includes(":"));
  const judged = flows.filter((flow) => flow.verdict !== 0);
  const hex = (value: number) => `0x${value.toString(16).padStart(2, "0")}`;
  return {
    "cflow.srcaddr": ipv4.map((flow) => flow.source),
    "cflow.dstaddr": ipv4.map((flow) => flow.destination),
    "cflow.srcaddrv6": ipv6.map((flow) => flow.source),
    "cflow.dstaddrv6": ipv6.map((flow) => flow.destination),
    "cflow.srcport": flows.map((flow) => `${flow.sourcePort}`),
    "cflow.dstport": flows.map((flow) => `${flow.destinationPort}`),
    "cflow.protocol": flows.map((flow) => `${flow.protocol}`),
    "cflow.tos": flows.map((flow) => hex(flow.ipClassOfService!)),
    "cflow.tcpflags": flows.map((flow) => hex(flow.tcpControlBits!)),
    "cflow.packets": flows.map((flow) => `${flow.packets}`),
    "cflow.octets": flows.map((flow) => `${flow.octets}`),
    "cflow.abstimestart": flows.map((flow) => Math.floor(flow.startUs! / 1000)),
    "cflow.abstimeend": flows.map((flow) => Math.floor(flow.endUs! / 1000)),
    "cflow.inputint": flows.map(() => "2"),
    "cflow.outputint": flows.map(() => "3"),
    "cflow.direction": flows.map((flow) => `${flow.flowDirection}`),
    "cflow.flow_end_reason": flows.map((flow) => `${flow.flowEndReason}`),
    "cflow.vlanid": flows.map((flow) => `${flow.vlanId}`),
    "cflow.forwarding_status": judged.map((flow) => `${flow.verdict}`),
    "cflow.firewall_event": judged.map((flow) => (flow.verdict === 2 ? "3" : "5")),
    "cflow.icmp_type_code_ipv4": ipv4.filter((flow) => flow.protocol === 1).map(() => "0x0800"),
  };
}

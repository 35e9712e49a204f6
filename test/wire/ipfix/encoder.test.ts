import { describe, expect, it } from "vitest";

import { createIpfixEncoder, ipfixOptionsDomain } from "../../../src/wire/ipfix/mod.ts";
import { encodeBatch, encodeRefresh, nowMs, pingFlow, webFlow } from "../export/encode.ts";
import { batchOf, mixedFlows } from "../export/sample-flows.ts";

const options = { observationDomain: 0x0a0b0c0d, activeTimeoutS: 6000, inactiveTimeoutS: 600 };

// RFC 7011 section 3.4.2.2: id, field count with the scope, scope field count, then the fields.
const optionsTemplates =
  "0003 002c 0104 0008 0001 0095 0004" + // exporter statistics of an observation domain
  "00a0 0008 0028 0008 0029 0008 002a 0008 00a6 0008 00a7 0008 00a8 0008 0000" +
  "0003 0024 0105 0006 0001 0095 0004" + // metering
  "0024 0002 0025 0002 0130 0002 0131 0004 0132 0004 0000" +
  "0003 0018 0106 0003 0001 0095 0004 000a 0004 0052 0010 0000" + // interface names
  "0003 0018 0107 0003 0001 0095 0004 000a 0004 0053 0020 0000"; // interface descriptions

const optionsData =
  "0104 0040 0a0b0c0d" + // statistics of the flows' domain
  "0000018bcfe568fa" + // systemInitTimeMilliseconds 1,700,000,000,250
  "0000000000000000 0000000000000000 0000000000000000" + // octets, messages, flows exported
  "0000000000000000 0000000000000000 0000000000000000" + // flows, packets, octets not sent
  "0105 0018 0a0b0c0d 1770 0258" + // active 6000 s, inactive 600 s
  "0001 00000001 00000000 0000"; // systematic, interval 1, space 0; padding

const ipv4 = "0008 0004 000c 0004";
const ipv6 = "001b 0010 001c 0010";
const transport = "0007 0002 000b 0002 0004 0001 0005 0001 0006 0001";
const verdict = "0059 0001 00e9 0001";
const flow = "0002 0008 0001 0008 0098 0008 0099 0008 000a 0004 000e 0004 003d 0001 0088 0001 003a 0002";
const templates =
  "0002 0254" +
  `0100 0010 ${ipv4} ${transport} ${flow}` +
  `0101 0010 ${ipv6} ${transport} ${flow}` +
  `0102 0011 ${ipv4} ${transport} ${flow} 0020 0002` +
  `0103 0011 ${ipv6} ${transport} ${flow} 008b 0002` +
  `0110 0012 ${ipv4} ${transport} ${flow} ${verdict}` +
  `0111 0012 ${ipv6} ${transport} ${flow} ${verdict}` +
  `0112 0013 ${ipv4} ${transport} ${flow} 0020 0002 ${verdict}` +
  `0113 0013 ${ipv6} ${transport} ${flow} 008b 0002 ${verdict}`;

const webRecord =
  "0110 0044" + // set of 4 + 61 bytes and 3 of padding
  "c0000201 c6336407 c000 01bb 06 b8 1b" + // addresses, ports, TCP, TOS, the low 8 TCP control bits
  "000000000000000a 00000100000010e1" + // packets, octets
  "0000018bcfe55572 0000018bcfe56512" + // start 1,699,999,995,250, end 1,699,999,999,250
  "00000002 00011170 01 03 0064" + // interfaces, egress, end of flow, VLAN 100
  "81 03 000000"; // forwardingStatus: dropped by an ACL; firewallEvent: denied; padding

const pingRecord =
  "0103 005c" + // set of 4 + 85 bytes and 3 of padding
  "20010db8000000000000000000000001 20010db8000000000000000000000002" +
  "0000 8000 3a 00 00" +
  "0000000000000001 0000000000000068" +
  "0000018bcfe55572 0000018bcfe55572" +
  "00000000 00000000 00 00 0000" +
  "8000 000000"; // ICMPv6 type 128, code 0; padding

function bytes(text: string): string {
  return text.replaceAll(" ", "");
}

describe("the IPFIX encoder", () => {
  it("writes options and flows as RFC 7011 says, options in a domain of their own", () => {
    const encoder = createIpfixEncoder({ ...options, sequence: 2 ** 32 - 1, optionsSequence: 7 });
    const datagrams = encodeBatch(encoder, batchOf([pingFlow, webFlow]));
    expect(datagrams.map((datagram) => datagram.toHex())).toEqual([
      bytes(`000a 00e8 6553f100 00000007 8a0b0c0d ${optionsTemplates} ${optionsData}`),
      bytes(`000a 0304 6553f100 ffffffff 0a0b0c0d ${templates} ${pingRecord} ${webRecord}`),
    ]);
    expect(encoder.sequence).toBe(1);
    expect(encoder.optionsSequence).toBe(9);
  });

  it("numbers messages by the data records before them, templates not counted", () => {
    const encoder = createIpfixEncoder({ ...options, sequence: 1000 });
    const datagrams = encodeBatch(encoder, batchOf(mixedFlows(500, nowMs)));
    const refreshed = encodeRefresh(encoder);
    const more = encodeBatch(encoder, batchOf(mixedFlows(1, nowMs)));
    const flows = [...datagrams, ...refreshed, ...more].filter(
      (datagram) => domainOf(datagram) === options.observationDomain,
    );
    expect(sequenceOf(flows[0]!)).toBe(1000);
    expect(sequenceOf(flows.at(-2)!)).toBe(1500); // templates only
    expect(sequenceOf(flows.at(-1)!)).toBe(1500);
  });

  it("announces sampling in the flows' own domain", () => {
    const encoder = createIpfixEncoder(options);
    const datagrams = encodeBatch(encoder, batchOf([{ ...webFlow, samplingInterval: 100 }]));
    expect(datagrams.map(domainOf)).toEqual([options.observationDomain, options.observationDomain]);
    expect(datagrams.map(sequenceOf)).toEqual([0, 2]);
    expect(datagrams[0]!.toHex()).toContain(bytes("0001 00000001 00000063"));
    expect(ipfixOptionsDomain(0x80000001, 1)).toBe(1);
  });
});

function sequenceOf(datagram: Uint8Array): number {
  return new DataView(datagram.buffer).getUint32(8);
}

function domainOf(datagram: Uint8Array): number {
  return new DataView(datagram.buffer).getUint32(12);
}

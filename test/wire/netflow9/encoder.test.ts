import { describe, expect, it } from "vitest";

import { createNetflow9Encoder } from "../../../src/wire/netflow9/mod.ts";
import { encodeBatch, nowMs, pingFlow, webFlow } from "../export/encode.ts";
import { batchOf } from "../export/sample-flows.ts";

const options = {
  observationDomain: 0x0a0b0c0d,
  activeTimeoutS: 300,
  inactiveTimeoutS: 15,
  sequence: 2 ** 32 - 1,
  bootMs: nowMs - 60_000,
};

/** Header of RFC 3954 section 5.1; sysUpTime is 1,700,000,000,000 − boot instant = 59,750. */
function header(count: string, sequence: string): string {
  return `0009${count}0000e9666553f100${sequence}0a0b0c0d`;
}

// RFC 3954 section 6.1: id, option scope length 4, option length, scope field System, option fields.
const optionsTemplates =
  "0001 002c 0104 0004 001c 0001 0004" + // exporter statistics: set of 44 bytes, seven fields
  "00a0 0008 0028 0008 0029 0008 002a 0008 00a6 0008 00a7 0008 00a8 0008 0000" +
  "0001 002c 0105 0004 001c 0001 0004" + // metering
  "0024 0002 0025 0002 0130 0002 0131 0004 0132 0004 0022 0004 0023 0001 0000" +
  "0001 0018 0106 0004 0008 0001 0004 000a 0004 0052 0010 0000" + // interface names
  "0001 0018 0107 0004 0008 0001 0004 000a 0004 0053 0020 0000"; // interface descriptions

const optionsData =
  "0104 0040 0a0b0c0d" + // statistics of domain
  "0000018bcfe47e9a" + // systemInitTimeMilliseconds 1,699,999,940,250
  "0000000000000000 0000000000000000 0000000000000000" + // octets, datagrams, flows exported
  "0000000000000000 0000000000000000 0000000000000000" + // flows, packets, octets not sent
  "0105 001c 0a0b0c0d" + // metering of domain
  "012c 000f" + // active 300 s, inactive 15 s
  "0001 00000001 00000000" + // systematic, interval 1, space 0
  "00000001 01 00" + // one of one packets, deterministic; padding
  "0106 001c 0a0b0c0d 00000002 65746830000000000000000000000000" + // interface 2: eth0
  "0107 002c 0a0b0c0d 00000002" + // its description: uplink
  "75706c696e6b0000000000000000000000000000000000000000000000000000";

// RFC 3954 section 5.2: id, field count, then type and length of each field.
const ipv4 = "0008 0004 000c 0004";
const ipv6 = "001b 0010 001c 0010";
const transport = "0007 0002 000b 0002 0004 0001 0005 0001 0006 0001";
const verdict = "0059 0001 00e9 0001";
const flow =
  "0002 0008 0001 0008 0016 0004 0015 0004 0098 0008 0099 0008 000a 0004 000e 0004 003d 0001 0088 0001 003a 0002";
const templates =
  "0000 0294" +
  `0100 0012 ${ipv4} ${transport} ${flow}` +
  `0101 0012 ${ipv6} ${transport} ${flow}` +
  `0102 0013 ${ipv4} ${transport} ${flow} 0020 0002` +
  `0103 0013 ${ipv6} ${transport} ${flow} 008b 0002` +
  `0110 0014 ${ipv4} ${transport} ${flow} ${verdict}` +
  `0111 0014 ${ipv6} ${transport} ${flow} ${verdict}` +
  `0112 0015 ${ipv4} ${transport} ${flow} 0020 0002 ${verdict}` +
  `0113 0015 ${ipv6} ${transport} ${flow} 008b 0002 ${verdict}`;

const webRecord =
  "0110 004c" + // set of 4 + 69 bytes and 3 of padding
  "c0000201 c6336407 c000 01bb 06 b8 1b" + // addresses, ports, TCP, TOS, the low 8 TCP flags
  "000000000000000a 00000100000010e1" + // packets, octets
  "0000d6d8 0000e678" + // first and last switched: 55,000 and 59,000
  "0000018bcfe55572 0000018bcfe56512" + // the same, absolute
  "00000002 00011170 01 03 0064" + // interfaces, egress, end of flow, VLAN 100
  "81 03 000000"; // forwardingStatus: dropped by an ACL; firewallEvent: denied; padding

const pingRecord =
  "0103 0064" + // set of 4 + 93 bytes and 3 of padding
  "20010db8000000000000000000000001 20010db8000000000000000000000002" +
  "0000 8000 3a 00 00" +
  "0000000000000001 0000000000000068" +
  "0000d6d8 0000d6d8 0000018bcfe55572 0000018bcfe55572" +
  "00000000 00000000 00 00 0000" +
  "8000 000000"; // ICMPv6 type 128, code 0; padding

function bytes(text: string): string {
  return text.replaceAll(" ", "");
}

describe("the NetFlow v9 encoder", () => {
  it("writes options and flows as RFC 3954 says", () => {
    const interfaceNames = () => [{ index: 2, name: "eth0", description: "uplink" }];
    const encoder = createNetflow9Encoder({ ...options, interfaceNames });
    const datagrams = encodeBatch(encoder, batchOf([pingFlow, webFlow]));
    expect(datagrams.map((datagram) => datagram.toHex())).toEqual([
      bytes(header("0008", "ffffffff") + optionsTemplates + optionsData),
      bytes(header("000a", "00000000") + templates + pingRecord + webRecord),
    ]);
    expect(encoder.sequence).toBe(1);
  });
});

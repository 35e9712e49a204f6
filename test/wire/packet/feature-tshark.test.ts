/** The feature capture beside Wireshark: the flows of the innermost headers that it shows are those of the case table. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { captureOf, featureCases, featureFrames } from "../../../bench/feature/mod.ts";
import { requirePeer } from "../../support/peers.ts";
import { type FlowWords, textOf } from "./feature-flows.ts";

const fields = [
  "frame.protocols",
  "ip.src",
  "ip.dst",
  "ip.len",
  "ip.proto",
  "ip.dsfield",
  "ipv6.src",
  "ipv6.dst",
  "ipv6.plen",
  "ipv6.tclass",
  "tcp.srcport",
  "tcp.dstport",
  "tcp.flags",
  "udp.srcport",
  "udp.dstport",
  "sctp.srcport",
  "sctp.dstport",
  "icmp.type",
  "icmp.code",
  "icmpv6.type",
  "icmpv6.code",
  "vlan.id",
  "ieee8021ad.id",
] as const;
type Dissection = Readonly<Record<(typeof fields)[number], readonly string[]>>;

const comparable = featureCases.filter(({ notAsTshark }) => notAsTshark === undefined);

describe.skipIf(!requirePeer("tshark"))("tshark", () => {
  let directory = "";
  let dissections: Dissection[] = [];
  beforeAll(() => {
    directory = mkdtempSync(joinPath(tmpdir(), "weir-feature-"));
    const path = joinPath(directory, "feature.pcapng");
    writeFileSync(path, captureOf(featureFrames(comparable)));
    dissections = dissect(path);
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  it("reads as many frames, and the cases that it reads otherwise are the fewer", () => {
    expect(dissections.length).toBe(featureFrames(comparable).length);
    expect(comparable.length).toBeGreaterThan(featureCases.length / 2);
  });

  let firstFrame = 0;
  for (const { name, frames, flows, inside } of comparable) {
    const first = firstFrame;
    firstFrame += frames.length;
    it(`finds the flows of: ${name}`, () => {
      const shown = flowsOf(dissections.slice(first, first + frames.length));
      expect(shown).toEqual((inside ?? flows).toSorted());
    });
  }
});

function dissect(path: string): Dissection[] {
  const arguments_ = ["-r", path, "-n", "-T", "fields", "-E", "occurrence=a", "-E", "separator=|"];
  for (const field of fields) arguments_.push("-e", field);
  // Each fragment alone, as a meter sees it; and what it does not guess: Linux's old port, and a pseudowire.
  arguments_.push("-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE");
  arguments_.push("-d", "udp.port==8472,vxlan", "-d", "mpls.label==500,pwethcw");
  const text = execFileSync("tshark", arguments_, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  return text
    .trimEnd()
    .split("\n")
    .map((line) => {
      const values = line.split("|");
      const lists = fields.map((field, index) => [field, (values[index] ?? "").split(",")] as const);
      return Object.fromEntries(lists) as unknown as Dissection;
    });
}

const transports: Readonly<Record<string, number>> = {
  icmp: 1,
  tcp: 6,
  udp: 17,
  gre: 47,
  icmpv6: 58,
  sctp: 132,
};

function flowsOf(dissections: readonly Dissection[]): string[] {
  const flows = new Map<string, FlowWords>();
  for (const packet of dissections.flatMap(packetOf)) {
    const key = textOf({ ...packet, packets: 0, octets: 0, tos: 0, flags: 0 });
    const flow = flows.get(key);
    if (flow === undefined) flows.set(key, packet);
    else {
      flow.packets++;
      flow.octets += packet.octets;
      flow.flags |= packet.flags;
    }
  }
  return [...flows.values()].map(textOf).toSorted();
}

/** The innermost packet: the last IP header in Wireshark's list of protocols, and the transport behind it. */
function packetOf(shown: Dissection): FlowWords[] {
  const protocols = shown["frame.protocols"][0]!.split(":");
  const at = protocols.findLastIndex((name) => name === "ip" || name === "ipv6");
  if (at < 0) return [];
  const last = (field: (typeof fields)[number]): string => shown[field].at(-1)!;
  const isIpv4 = protocols[at] === "ip";
  const transport = protocols.slice(at + 1).find((name) => name in transports);
  const hasPorts = transport === "tcp" || transport === "udp" || transport === "sctp";
  const isIcmp = transport === "icmp" || transport === "icmpv6";
  const icmpPort = isIcmp ? Number(last(`${transport}.type`)) * 256 + Number(last(`${transport}.code`)) : 0;
  return [
    {
      protocol: transport === undefined ? Number(last("ip.proto")) : transports[transport]!,
      source: isIpv4 ? last("ip.src") : last("ipv6.src"),
      destination: isIpv4 ? last("ip.dst") : last("ipv6.dst"),
      sourcePort: hasPorts ? Number(last(`${transport}.srcport`)) : 0,
      destinationPort: hasPorts ? Number(last(`${transport}.dstport`)) : icmpPort,
      packets: 1,
      octets: isIpv4 ? Number(last("ip.len")) : 40 + Number(last("ipv6.plen")),
      // The outermost one that names a VLAN; a service tag is the outer one wherever it is met.
      vlanId: [...shown["ieee8021ad.id"], ...shown["vlan.id"]].map(Number).find((id) => id !== 0) ?? 0,
      tos: Number(isIpv4 ? last("ip.dsfield") : last("ipv6.tclass")),
      flags: transport === "tcp" ? Number(last("tcp.flags")) : 0,
    },
  ];
}

/** Files that other programs wrote. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { requirePeer } from "../../support/peers.ts";
import { ethernet, ipv4, tcp, udp } from "../packet/frames.ts";
import { classicHeader, classicRecord, concat } from "./files.ts";
import { readFile } from "./read.ts";

const options = { littleEndian: true };
const frames = Array.from({ length: 50 }, (_, index) => {
  const payload = new Uint8Array(index * 7);
  return ethernet(
    0x0800,
    index % 2 === 0 ? ipv4({}, udp(index, 53, payload)) : ipv4({ protocol: 6 }, tcp(index, 80, 2)),
  );
});
const original = concat(
  classicHeader(options),
  ...frames.map((frame, index) => classicRecord(options, 1_700_000_000 + index, index * 19_999, frame)),
);

// editcap and mergecap come with tshark.
describe.skipIf(!requirePeer("tshark", "tcpdump"))("a file written by", () => {
  let directory = "";
  const path = (name: string) => join(directory, name);
  const run = (program: string, ...inputs: string[]) => execFileSync(program, inputs, { stdio: "pipe" });
  const read = (name: string) => readFile(readFileSync(path(name)), 1000);

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "weir-pcap-"));
    writeFileSync(path("original.pcap"), original);
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  it("tcpdump reads back as it was", () => {
    run("tcpdump", "-r", path("original.pcap"), "-w", path("tcpdump.pcap"), "-Z", "root");
    expect(read("tcpdump.pcap")).toEqual(readFile(original));
    expect(read("tcpdump.pcap").packets.length).toBe(frames.length);
  });

  it.each(["pcapng", "pcap", "nsecpcap"])("editcap as %s holds the same packets", (format) => {
    run("editcap", "-F", format, path("original.pcap"), path(`editcap.${format}`));
    expect(read(`editcap.${format}`)).toEqual(readFile(original));
  });

  it("editcap with a snap length keeps the lengths that the packets had", () => {
    run("editcap", "-F", "pcapng", "-s", "60", path("original.pcap"), path("cut.pcapng"));
    const { packets, fault } = read("cut.pcapng");
    expect(fault).toBeUndefined();
    expect(packets.map(({ wireLength }) => wireLength)).toEqual(frames.map(({ length }) => length));
    expect(Math.max(...packets.map(({ data }) => data.length / 2))).toBe(60);
  });

  it("mergecap has an interface for each file that went in", () => {
    const raw = { littleEndian: false, linkType: 101 };
    const other = concat(classicHeader(raw), classicRecord(raw, 1_600_000_000, 5, ipv4({}, udp(1, 2))));
    writeFileSync(path("raw.pcap"), other);
    run("mergecap", "-w", path("merged.pcapng"), path("original.pcap"), path("raw.pcap"));
    const { packets, fault } = read("merged.pcapng");
    expect(fault).toBeUndefined();
    expect(packets.length).toBe(frames.length + 1);
    expect(packets[0]).toMatchObject({ linkType: 101, interfaceId: 1, timestampUs: 1_600_000_000_000_005 });
    expect(packets[1]).toMatchObject({ linkType: 1, interfaceId: 0 });
  });
});

/** What tshark reads in export datagrams. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const collectorPort = 9995;

/** One field's values in one datagram, in order. */
export type DatagramFields = Readonly<Record<string, readonly string[]>>;

/** Decodes UDP payloads; every datagram gives the named fields. */
export function tsharkFields(payloads: readonly Uint8Array[], fields: readonly string[]): DatagramFields[] {
  const folder = mkdtempSync(join(tmpdir(), "weir-tshark-"));
  try {
    const file = join(folder, "export.pcap");
    writeFileSync(file, pcapOf(payloads));
    const text = execFileSync(
      "tshark",
      [
        "-n",
        "-r",
        file,
        "-d",
        `udp.port==${collectorPort},cflow`,
        "-T",
        "fields",
        "-E",
        "separator=/t",
        "-E",
        "occurrence=a",
        "-E",
        "aggregator=;",
        ...fields.flatMap((field) => ["-e", field]),
      ],
      { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], maxBuffer: 1 << 28 },
    );
    return text
      .trimEnd()
      .split("\n")
      .map((line) => {
        const values = line.split("\t");
        return Object.fromEntries(
          fields.map((field, index) => [
            field,
            values[index] === "" ? [] : (values[index]?.split(";") ?? []),
          ]),
        );
      });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A classic pcap of raw IPv4 packets (link type 101) that carry the payloads over UDP. */
function pcapOf(payloads: readonly Uint8Array[]): Uint8Array {
  const head = Buffer.alloc(24);
  head.writeUInt32LE(0xa1b2c3d4, 0);
  head.writeUInt16LE(2, 4);
  head.writeUInt16LE(4, 6);
  head.writeUInt32LE(65535, 16);
  head.writeUInt32LE(101, 20);
  return Buffer.concat([
    head,
    ...payloads.flatMap((payload, index) => [recordHead(payload, index), payload]),
  ]);
}

function recordHead(payload: Uint8Array, index: number): Uint8Array {
  const head = Buffer.alloc(16 + 28);
  head.writeUInt32LE(1_700_000_000 + index, 0);
  head.writeUInt32LE(payload.length + 28, 8);
  head.writeUInt32LE(payload.length + 28, 12);
  head.writeUInt8(0x45, 16);
  head.writeUInt16BE(payload.length + 28, 18);
  head.writeUInt8(64, 24);
  head.writeUInt8(17, 25);
  head.set([127, 0, 0, 1, 127, 0, 0, 1], 28);
  head.writeUInt16BE(40_000, 36);
  head.writeUInt16BE(collectorPort, 38);
  head.writeUInt16BE(payload.length + 8, 40);
  return head;
}

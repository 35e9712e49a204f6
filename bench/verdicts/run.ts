/**
 * What the firewall's log costs a host that forwards: packets a second through it, with and without Weir's table.
 *
 *     node bench/verdicts/run.ts [--packets 200000] [--rounds 5] [--payload 72]
 *
 * Three network namespaces of its own in a row; the middle one forwards by a small nftables ruleset. On veth
 * pairs the kernel forwards on the sender's CPU, so the sender's rate is what forwarding costs. The variants take
 * turns within each round. Needs root and nft, and sends nowhere else; everything goes with it.
 */
import { execFileSync } from "node:child_process";
import { availableParallelism, cpus, release } from "node:os";
import { parseArgs } from "node:util";

import { unwrap } from "../../src/base/mod.ts";
import { createFirewall } from "../../src/capture/mod.ts";
import {
  ledgerAtRest,
  startCaptureClient,
  startFrameSender,
  subjectOf,
} from "../../test/support/capture-client.ts";
import {
  canMakeNamespaces,
  createNamespace,
  joinNamespaces,
  macAddressOf,
} from "../../test/support/netns.ts";

const { values } = parseArgs({
  options: {
    packets: { type: "string", default: "200000" },
    rounds: { type: "string", default: "5" },
    payload: { type: "string", default: "72" },
  },
});
const packets = Number(values.packets);
const rounds = Number(values.rounds);
const payloadBytes = Number(values.payload);
const group = 3021;

if (!canMakeNamespaces()) process.exit(1);
const left = createNamespace("bench-left", { ipv6: false });
const host = createNamespace("bench-host", { ipv6: false });
const right = createNamespace("bench-right", { ipv6: false });
process.on("exit", () => {
  for (const namespace of [left, host, right]) namespace.remove();
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(1));

host.sysctl("net.ipv4.ip_forward", 1);
joinNamespaces(
  { namespace: left, interfaceName: "v0", addresses: ["10.1.0.2/24"] },
  { namespace: host, interfaceName: "inside", addresses: ["10.1.0.1/24"] },
);
joinNamespaces(
  { namespace: right, interfaceName: "v0", addresses: ["10.2.0.2/24"] },
  { namespace: host, interfaceName: "outside", addresses: ["10.2.0.1/24"] },
);
host.ip("neigh", "replace", "10.2.0.2", "lladdr", macAddressOf(right, "v0"), "dev", "outside");
load(`table inet filter {
  chain forward {
    type filter hook forward priority 0; policy accept;
    ct state established,related accept
    tcp dport { 22, 23 } drop
    udp dport { 53, 123 } accept
  }
}`);

const sender = await startFrameSender(left, "v0");
const frame = udpFrame();
const variants = ["no table", "table, nobody reads", "table, Weir reads"] as const;
const rates = new Map<string, number[]>(variants.map((name) => [name, []]));
const lostShares: number[] = [];
for (let round = 0; round < rounds; round++) {
  for (const variant of variants) rates.get(variant)!.push(await measure(variant));
}
print(`${cpus()[0]?.model.trim()}, ${availableParallelism()} CPUs, Linux ${release()}`);
print(`${packets} UDP packets of ${payloadBytes + 28} octets, median of ${rounds} rounds:\n`);
const base = median(rates.get("no table")!);
print("variant                  packets/s   of the rate without");
for (const variant of variants) {
  const rate = median(rates.get(variant)!);
  print(`${variant.padEnd(22)} ${`${Math.round(rate)}`.padStart(11)}   ${(rate / base).toFixed(2)}`);
}
print(
  `\nPackets without a verdict at that rate, for messages that were lost: ${(median(lostShares) * 100).toFixed(1)} %`,
);
sender.close();
process.exit(0);

/** Forwarded packets a second, as the receiver's device counts them. */
async function measure(variant: (typeof variants)[number]): Promise<number> {
  if (variant !== "no table") load(createFirewall(group).text());
  const client = variant === "table, Weir reads" ? startCaptureClient(host) : undefined;
  if (client !== undefined) {
    unwrap(await client.start({ method: "nflog", verdictGroup: group }));
    await client.apply({ subjects: [subjectOf({ interfaceNames: ["inside"], verdicts: true })] });
  }
  const before = received();
  const startedMs = performance.now();
  await sender.send([{ frame, times: packets }]);
  const forwarded = received() - before;
  const elapsedS = (performance.now() - startedMs) / 1000;
  if (client !== undefined) {
    const [ledger] = await ledgerAtRest(client);
    await client.stop();
    lostShares.push(1 - (ledger?.metered ?? 0) / packets);
    client.close();
  }
  if (variant !== "no table") load("delete table inet weir");
  return forwarded / elapsedS;
}

function received(): number {
  return Number(right.run("cat", "/sys/class/net/v0/statistics/rx_packets"));
}

function load(text: string): void {
  execFileSync("ip", ["netns", "exec", host.name, "nft", "-f", "-"], { input: text });
}

function udpFrame(): Uint8Array {
  const bytes = new Uint8Array(14 + 28 + payloadBytes);
  const view = new DataView(bytes.buffer);
  const octets = (address: string): number[] => address.split(":").map((octet) => Number.parseInt(octet, 16));
  bytes.set(octets(macAddressOf(host, "inside")), 0);
  bytes.set(octets(macAddressOf(left, "v0")), 6);
  view.setUint16(12, 0x0800);
  bytes.set([0x45, 0, 0, 0, 0, 1, 0x40, 0, 64, 17], 14);
  view.setUint16(16, 28 + payloadBytes);
  bytes.set([10, 1, 0, 2, 10, 2, 0, 2], 26);
  view.setUint16(24, headerChecksum(view));
  view.setUint16(34, 40_000);
  view.setUint16(36, 9);
  view.setUint16(38, 8 + payloadBytes);
  return bytes;
}

/** RFC 1071, of the IPv4 header at 14, whose checksum field is 0. */
function headerChecksum(view: DataView): number {
  let sum = 0;
  for (let at = 14; at < 34; at += 2) sum += view.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((one, other) => one - other)[Math.floor(numbers.length / 2)] ?? 0;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

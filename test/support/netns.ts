/** Network namespaces joined by veth pairs, for tests that need packets of their own. Root and iproute2 only. */
import { execFileSync, spawn, type ChildProcess, type StdioOptions } from "node:child_process";

import { requirePeer, requireRoot } from "./peers.ts";

export interface Namespace {
  readonly name: string;
  /** Runs `ip` within the namespace. */
  ip(...args: string[]): string;
  /** Runs a command within the namespace and returns its standard output. */
  run(command: string, ...args: string[]): string;
  /** Starts a command within the namespace. */
  start(command: string, args: readonly string[], stdio?: StdioOptions): ChildProcess;
  sysctl(setting: string, value: string | number): void;
  remove(): void;
}

/** Whether namespaces can be made here; what is missing is named, and a failure under CI. */
export function canMakeNamespaces(): boolean {
  return requireRoot("make network namespaces") && requirePeer("ip");
}

export interface NamespaceOptions {
  /** Off: the kernel sends no neighbour discovery, so that every packet is one of the test's own. Default on. */
  readonly ipv6?: boolean;
}

/** Makes a namespace whose name no other test has: `label` and this process's id. Loopback is up. */
export function createNamespace(label: string, { ipv6 = true }: NamespaceOptions = {}): Namespace {
  const name = `weir-${process.pid}-${label}`;
  execFileSync("ip", ["netns", "add", name]);
  const run = (command: string, ...args: string[]): string =>
    execFileSync("ip", ["netns", "exec", name, command, ...args], { encoding: "utf8" });
  const namespace: Namespace = {
    name,
    run,
    ip: (...args) => execFileSync("ip", ["-n", name, ...args], { encoding: "utf8" }),
    start: (command, args, stdio = "inherit") =>
      spawn("ip", ["netns", "exec", name, command, ...args], { stdio }),
    sysctl: (setting, value) => void run("sysctl", "-qw", `${setting}=${value}`),
    remove: () => execFileSync("ip", ["netns", "del", name], { stdio: "ignore" }),
  };
  if (!ipv6) namespace.sysctl("net.ipv6.conf.all.disable_ipv6", 1);
  if (!ipv6) namespace.sysctl("net.ipv6.conf.default.disable_ipv6", 1);
  namespace.ip("link", "set", "lo", "up");
  return namespace;
}

export interface VethEnd {
  readonly namespace: Namespace;
  readonly interfaceName: string;
  /** With prefix length. */
  readonly addresses: readonly string[];
}

/** Joins two namespaces by a veth pair: both ends up, addresses set. */
export function joinNamespaces(one: VethEnd, other: VethEnd): void {
  one.namespace.ip(
    "link",
    "add",
    one.interfaceName,
    "type",
    "veth",
    "peer",
    other.interfaceName,
    "netns",
    other.namespace.name,
  );
  for (const { namespace, interfaceName, addresses } of [one, other]) {
    for (const address of addresses) {
      const noDad = address.includes(":") ? ["nodad"] : [];
      namespace.ip("address", "add", address, "dev", interfaceName, ...noDad);
    }
    namespace.ip("link", "set", interfaceName, "up");
  }
}

/** The hardware address of an interface. */
export function macAddressOf(namespace: Namespace, interfaceName: string): string {
  const shown = namespace.ip("-j", "link", "show", "dev", interfaceName);
  return (JSON.parse(shown) as { address: string }[])[0]!.address;
}

/** The host's network interfaces, as /sys/class/net and getifaddrs(3) tell them. */
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { basename, join } from "node:path";

/**
 * What an interface is. `tunnel` encapsulates in the kernel (SIT, GRE, IPIP, VXLAN, WireGuard), `tun` hands
 * packets to a program, `intermediate` is an ifb device, which sees what others saw before.
 */
export type InterfaceKind =
  | "loopback"
  | "physical"
  | "bridge"
  | "bond"
  | "vlan"
  | "veth"
  | "tun"
  | "tunnel"
  | "intermediate"
  | "virtual";

export interface HostInterface {
  readonly name: string;
  readonly index: number;
  /** Lower case with colons; empty where the device has none. */
  readonly macAddress: string;
  /** IPv4 and IPv6 addresses without prefix length. */
  readonly addresses: readonly string[];
  readonly kind: InterfaceKind;
  readonly up: boolean;
  /** Devices beneath this one: a bridge's ports, a bond's members, a VLAN's parent. */
  readonly lowerNames: readonly string[];
  /** Devices above this one. */
  readonly upperNames: readonly string[];
}

const sysfs = "/sys/class/net";
const flagUp = 0x1;
const flagNoArp = 0x80;
const hardwareLoopback = 772;
const hardwareEthernet = 1;

/** Every interface of this network namespace, in the order of their indexes. */
export function discoverInterfaces(): HostInterface[] {
  const addresses = networkInterfaces();
  return entriesOf("")
    .map((name) => readInterface(name, addresses))
    .filter((found) => found !== null)
    .sort((one, other) => one.index - other.index);
}

/** One interface by its name; null if there is none (any more). */
export function readInterface(name: string, addresses = networkInterfaces()): HostInterface | null {
  const index = interfaceIndex(name);
  if (index === 0) return null;
  const lowerNames = linkNames(name, "lower_");
  return {
    name,
    index,
    macAddress: macAddress(name),
    addresses: (addresses[name] ?? []).map((entry) => entry.address),
    kind: kindOf(name, lowerNames),
    up: isUp(name),
    lowerNames,
    upperNames: linkNames(name, "upper_"),
  };
}

export function isUp(name: string): boolean {
  return (Number.parseInt(attribute(name, "flags"), 16) & flagUp) !== 0;
}

/** The kernel's index of the interface; 0 if there is none of that name. */
export function interfaceIndex(name: string): number {
  return isInterfaceName(name) ? Number(attribute(name, "ifindex")) : 0;
}

/** Names that the kernel accepts (dev_valid_name): 1–15 bytes, no slash, no white space, no colon, not `.` or `..`. */
export function isInterfaceName(name: string): boolean {
  return /^[^\s/:]{1,15}$/u.test(name) && name !== "." && name !== "..";
}

function attribute(name: string, file: string): string {
  try {
    return readFileSync(join(sysfs, name, file), "utf8").trim();
  } catch {
    // A device may go between being listed and being read; an empty attribute is how it looks then.
    return "";
  }
}

function linkNames(name: string, prefix: string): string[] {
  return entriesOf(name)
    .filter((entry) => entry.startsWith(prefix))
    .map((entry) => entry.slice(prefix.length));
}

/** Empty where the device is gone, or where there is no sysfs at all. */
function entriesOf(name: string): string[] {
  try {
    return readdirSync(join(sysfs, name));
  } catch {
    return [];
  }
}

function macAddress(name: string): string {
  const address = attribute(name, "address");
  const isMac = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/u.test(address) && address !== "00:00:00:00:00:00";
  return isMac ? address : "";
}

function kindOf(name: string, lowerNames: readonly string[]): InterfaceKind {
  const hardware = Number(attribute(name, "type"));
  if (hardware === hardwareLoopback) return "loopback";
  const deviceType = /^DEVTYPE=(.*)$/mu.exec(attribute(name, "uevent"))?.[1] ?? "";
  const known = kindsByDeviceType[deviceType];
  if (known !== undefined) return known;
  if (has(name, "tun_flags")) return "tun";
  if (has(name, "bridge")) return "bridge";
  if (has(name, "bonding")) return "bond";
  if (has(name, "device")) return "physical";
  if (hardware !== hardwareEthernet) return "tunnel";
  // sysfs names none of the rest: an ifb is told by its name, a dummy by its missing ARP, a veth by neither.
  if (/^ifb\d+$/u.test(name)) return "intermediate";
  const hasArp = (Number.parseInt(attribute(name, "flags"), 16) & flagNoArp) === 0;
  return hasArp && lowerNames.length === 0 ? "veth" : "virtual";
}

const kindsByDeviceType: Readonly<Record<string, InterfaceKind>> = {
  bridge: "bridge",
  bond: "bond",
  vlan: "vlan",
  vxlan: "tunnel",
  geneve: "tunnel",
  wireguard: "tunnel",
  wlan: "physical",
  wwan: "physical",
};

function has(name: string, entry: string): boolean {
  return existsSync(join(sysfs, name, entry));
}

/** The name of the bridge, bond or other master that the interface is a port of; empty if of none. */
export function masterOf(name: string): string {
  try {
    return basename(readlinkSync(join(sysfs, name, "master")));
  } catch {
    return "";
  }
}

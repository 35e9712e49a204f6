/** A veth pair between this namespace and one of the test's own: traffic of the test's own on a real interface. */
import { execFileSync } from "node:child_process";

import { createNamespace, type Namespace } from "./netns.ts";

export interface VethToPeer {
  /** The end in this namespace. */
  readonly interfaceName: string;
  readonly hostAddress: string;
  readonly hostAddressIpv6: string;
  readonly peerAddress: string;
  readonly peerAddressIpv6: string;
  readonly peerInterfaceName: string;
  readonly peer: Namespace;
  remove(): void;
}

let made = 0;

/** Addresses are of TEST-NET-2 (RFC 5737) and the documentation prefix (RFC 3849), of each link its own. */
export function createVethToPeer(label: string): VethToPeer {
  const number = made++;
  const peer = createNamespace(`${label}${number}`);
  const interfaceName = `wr${process.pid % 100_000}h${number}`;
  const peerInterfaceName = "peer0";
  const ip = (...args: string[]): void => void execFileSync("ip", args);
  ip("link", "add", interfaceName, "type", "veth", "peer", "name", peerInterfaceName, "netns", peer.name);
  // Beyond the last of them tests may have an address that nobody has.
  const base = 4 * ((process.pid + number) % 60);
  const [hostAddress, peerAddress] = [`198.51.100.${base + 1}`, `198.51.100.${base + 2}`];
  const prefix = `2001:db8:${(process.pid % 65_536).toString(16)}:${number}`;
  const [hostAddressIpv6, peerAddressIpv6] = [`${prefix}::1`, `${prefix}::2`];
  // The host's end too must send nothing of its own accord.
  for (const setting of ["accept_ra", "router_solicitations", "accept_dad"]) {
    execFileSync("sysctl", ["-qw", `net.ipv6.conf.${interfaceName}.${setting}=0`]);
  }
  ip("address", "add", `${hostAddress}/30`, "dev", interfaceName);
  ip("address", "add", `${hostAddressIpv6}/64`, "dev", interfaceName, "nodad");
  ip("link", "set", interfaceName, "up");
  peer.ip("address", "add", `${peerAddress}/30`, "dev", peerInterfaceName);
  peer.ip("address", "add", `${peerAddressIpv6}/64`, "dev", peerInterfaceName, "nodad");
  peer.ip("link", "set", peerInterfaceName, "up");
  return {
    interfaceName,
    hostAddress,
    hostAddressIpv6,
    peerAddress,
    peerAddressIpv6,
    peerInterfaceName,
    peer,
    remove: () => {
      // The pair goes at once; a namespace stays for as long as some process is in it.
      execFileSync("ip", ["link", "del", interfaceName], { stdio: "ignore" });
      peer.remove();
    },
  };
}

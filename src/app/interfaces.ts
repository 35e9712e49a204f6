/** Which of the host's interfaces Weir looks at, and what it sees of them. */
import { networkInterfaces } from "node:os";

import type { HostInterface } from "../capture/mod.ts";
import { type DiscoveredInterface, matchesName } from "../control/mod.ts";

export interface InterfaceSelection {
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

/** The names that `include` matches and `exclude` does not; `*` stands for any characters. */
export function selectInterfaces(
  names: readonly string[],
  { include, exclude }: InterfaceSelection,
): string[] {
  return names.filter((name) => matchesName(include, name) && !matchesName(exclude, name));
}

/** The devices as the list of resources knows them: with their networks, and the bridge or bond that each is a port of. */
export function discoveredInterfaces(
  devices: readonly HostInterface[],
  addresses = networkInterfaces(),
): DiscoveredInterface[] {
  const isMaster = ({ kind }: HostInterface): boolean => kind === "bridge" || kind === "bond";
  const masters = new Set(devices.filter(isMaster).map(({ name }) => name));
  return devices.map(({ name, upperNames }) => {
    const masterName = upperNames.find((upper) => masters.has(upper));
    const networks = (addresses[name] ?? []).flatMap(({ cidr }) => cidr ?? []);
    return { name, networks, ...(masterName === undefined ? {} : { masterName }) };
  });
}

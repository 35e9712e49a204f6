/** The list of resources, from what is on the host and what the configuration declares. */
import { hostname } from "node:os";

import type { Result } from "../base/mod.ts";
import { discoverInterfaces, type HostInterface } from "../capture/mod.ts";
import type { DeclaredResource } from "../control/mod.ts";
import type { Configuration } from "./config/mod.ts";
import { discoveredInterfaces, selectInterfaces } from "./interfaces.ts";
import type { System } from "./system.ts";

/** The host's interfaces that are resources; loopback only where it is to be metered. */
export function hostInterfaces({ capture: { interfaces, loopback } }: Configuration): HostInterface[] {
  const devices = discoverInterfaces().filter(({ kind }) => loopback || kind !== "loopback");
  const names = new Set(
    selectInterfaces(
      devices.map(({ name }) => name),
      interfaces,
    ),
  );
  return devices.filter(({ name }) => names.has(name));
}

/** Brings the list of resources up to date with the host and the configuration. */
export function syncResources({
  configuration,
  control,
  data,
}: Pick<System, "configuration" | "control" | "data">): Result<unknown> {
  const interfaces = discoveredInterfaces(hostInterfaces(configuration));
  return control.resources.sync({
    hosts: [{ agentId: data.agentId, name: hostname(), interfaces }],
    declared: declaredResources(configuration),
  });
}

/** What the configuration declares, as the list of resources takes it. */
export function declaredResources({ resources }: Configuration): DeclaredResource[] {
  return resources.map(({ region, interfaces, interface: interfaceName, ...declared }) => {
    const given = {
      ...declared,
      ...(region === undefined ? {} : { regionId: region }),
      ...(interfaces === undefined ? {} : { interfaceNames: interfaces }),
      ...(interfaceName === undefined ? {} : { interfaceName }),
    };
    // The schema holds each type to its own settings.
    return Object.fromEntries(
      Object.entries(given).filter(([, value]) => value !== undefined),
    ) as unknown as DeclaredResource;
  });
}

/** The list of resources, from what is on the host and what the configuration declares. */
import { hostname } from "node:os";

import { fail, ok, type Result } from "../base/mod.ts";
import { discoverInterfaces, type HostInterface } from "../capture/mod.ts";
import type { Accounts, DeclaredResource } from "../control/mod.ts";
import type { Configuration } from "./config/mod.ts";
import { discoveredInterfaces, selectInterfaces } from "./interfaces.ts";
import type { System } from "./system.ts";

type Declared = Configuration["resources"][number];

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
  const declared = declaredResources(configuration, control.accounts);
  if (!declared.ok) return declared;
  const interfaces = discoveredInterfaces(hostInterfaces(configuration));
  return control.resources.sync({
    hosts: [{ agentId: data.agentId, name: hostname(), interfaces }],
    declared: declared.value,
  });
}

/** What the configuration declares, as the list of resources takes it. Fault: `ConfigInvalid` for an unknown account. */
export function declaredResources(
  { resources }: Pick<Configuration, "resources">,
  accounts: Pick<Accounts, "named">,
): Result<DeclaredResource[]> {
  const owners = new Map<string, string>();
  for (const [index, { account }] of resources.entries()) {
    if (account === undefined) continue;
    const owner = accounts.named(account);
    if (!owner.ok) return noOwner(`resources[${index}].account`, account);
    owners.set(account, owner.value.id);
  }
  return ok(resources.map((declared) => declaredResource(declared, owners)));
}

function declaredResource(
  { account = "", region, interfaces, interface: interfaceName, ...declared }: Declared,
  owners: ReadonlyMap<string, string>,
): DeclaredResource {
  const accountId = owners.get(account);
  const given = {
    ...declared,
    ...(accountId === undefined ? {} : { accountId }),
    ...(region === undefined ? {} : { regionId: region }),
    ...(interfaces === undefined ? {} : { interfaceNames: interfaces }),
    ...(interfaceName === undefined ? {} : { interfaceName }),
  };
  // The schema holds each type to its own settings.
  return Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  ) as unknown as DeclaredResource;
}

function noOwner(field: string, value: string): Result<never> {
  return fail("ConfigInvalid", `there is no account ${value}`, {
    field,
    value,
    allowed: "the id or name of an account",
    remedy: "start Weir without it, make the account with ./weir account create, and start again",
  });
}

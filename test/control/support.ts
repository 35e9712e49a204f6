/** A control plane on a directory of its own, and hosts to find. */
import { join } from "node:path";

import { systemClock, unwrap } from "../../src/base/mod.ts";
import {
  type Control,
  type ControlOptions,
  type DiscoveredInterface,
  openControl,
  type Resource,
  type Service,
} from "../../src/control/mod.ts";
import { silentLogger } from "../../src/observe/mod.ts";
import { scratchFolder } from "../support/scratch.ts";

export function controlPath(): string {
  return join(scratchFolder("control"), "control.sqlite");
}

export function openTestControl(options: Partial<ControlOptions> = {}): Control {
  const path = options.path ?? controlPath();
  return unwrap(openControl({ ...options, path }, { clock: systemClock, logger: silentLogger }));
}

export function scopeOf(control: Control, service: Service, regionId = "cn-shanghai") {
  return { accountId: control.accounts.default.id, regionId, service };
}

/** A host with these interfaces: `{ eth0: ["10.0.0.7/24"] }`. */
export function hostWith(networks: Readonly<Record<string, readonly string[]>>) {
  const interfaces = Object.entries(networks).map(([name, own]) => ({ name, networks: own }));
  return hostOf(interfaces);
}

export function hostOf(interfaces: readonly DiscoveredInterface[]) {
  return { agentId: "agent-one", name: "host", interfaces };
}

/** The present resources by name, where a name is of one alone. */
export function byName(resources: readonly Resource[], type: Resource["type"]): Map<string, Resource> {
  return new Map(resources.filter((one) => one.type === type).map((one) => [one.name, one]));
}

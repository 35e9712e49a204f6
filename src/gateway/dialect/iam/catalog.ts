/**
 * The service catalog: where clients find each service, by the type under which each of them looks.
 *
 * Open Telekom Cloud's provider takes the type `network` without a path for the VPC service, and finds the
 * log service by replacing `evs` in the address of `volumev2`, which therefore has to be one that it can use
 * as it is. `vpc` and `ltsv2` are what the Python SDK looks for.
 */
import { createHash } from "node:crypto";

import type { CloudProject } from "../../../control/mod.ts";

interface Entry {
  readonly name: string;
  readonly type: string;
  readonly path: (projectId: string) => string;
  /** Whether the service is there for a token that is good for no project. */
  readonly isGlobal?: boolean;
}

const entries: readonly Entry[] = [
  { name: "keystone", type: "identity", path: () => "/v3", isGlobal: true },
  { name: "iam", type: "iam", path: () => "/v3.0", isGlobal: true },
  { name: "neutron", type: "network", path: () => "" },
  { name: "vpcv2.0", type: "vpc2.0", path: () => "" },
  { name: "vpc", type: "vpc", path: (id) => `/v1/${id}` },
  { name: "evsv2", type: "volumev2", path: (id) => `/v2/${id}` },
  { name: "lts", type: "lts", path: (id) => `/v2/${id}` },
  { name: "ltsv2", type: "ltsv2", path: (id) => `/v2/${id}` },
];

/** The services of a project, or without one those that need none. */
export function catalogOf(origin: string, project: CloudProject | undefined): readonly object[] {
  return entries
    .filter(({ isGlobal = false }) => isGlobal || project !== undefined)
    .map(({ name, type, path, isGlobal = false }) => ({
      id: idOf(type),
      name,
      type,
      endpoints: [
        {
          id: idOf(`${type}/public`),
          interface: "public",
          region: isGlobal ? "*" : (project?.regionId ?? "*"),
          region_id: isGlobal ? "*" : (project?.regionId ?? "*"),
          url: `${origin}${path(project?.id ?? "")}`,
        },
      ],
    }));
}

function idOf(name: string): string {
  return createHash("sha256").update(`catalog/${name}`).digest("hex").slice(0, 32);
}

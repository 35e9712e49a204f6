/**
 * Projects and domains: how Huawei Cloud and Open Telekom Cloud name a region of an account, and an account.
 *
 * A project is an account's view of one region and has the region's name, as those clouds' own projects do;
 * a domain is an account. Their ids are made from what they name, so that nothing needs to be kept.
 */
import { createHash } from "node:crypto";

import type { Accounts } from "./account.ts";
import type { Regions } from "./region.ts";

export interface CloudProject {
  /** 32 hexadecimal digits. */
  readonly id: string;
  readonly accountId: string;
  readonly regionId: string;
}

export interface CloudDomain {
  /** 32 hexadecimal digits. */
  readonly id: string;
  readonly name: string;
}

export interface CloudProjects {
  /** An account's, one for each of the service's regions. */
  list(accountId: string): readonly CloudProject[];
  find(accountId: string, id: string): CloudProject | undefined;
  domainOf(accountId: string): CloudDomain;
}

export function createCloudProjects(deps: {
  readonly accounts: Pick<Accounts, "get" | "default">;
  readonly regions: Regions;
}): CloudProjects {
  const known = new Map<string, readonly CloudProject[]>();
  const list = (accountId: string): readonly CloudProject[] => {
    const projects =
      known.get(accountId) ??
      deps.regions
        .list("huawei")
        .map((regionId) => ({ id: cloudProjectId(accountId, regionId), accountId, regionId }));
    known.set(accountId, projects);
    return projects;
  };
  return {
    list,
    find: (accountId, id) => list(accountId).find((project) => project.id === id),
    domainOf: (accountId) => {
      const { name } = deps.accounts.get(accountId) ?? deps.accounts.default;
      return { id: hexadecimalId(`domain/${accountId}`), name };
    },
  };
}

/** The id of an account's project in a region: 32 hexadecimal digits, the same for ever. */
export function cloudProjectId(accountId: string, regionId: string): string {
  return hexadecimalId(`project/${accountId}/${regionId}`);
}

function hexadecimalId(name: string): string {
  return createHash("sha256").update(name).digest("hex").slice(0, 32);
}

/** Projects, domains and users as the identity service shows them. */
import { createHash } from "node:crypto";

import type { CloudDomain, CloudProject, Principal } from "../../../control/mod.ts";

export function describeProject(project: CloudProject, domain: CloudDomain, origin: string): object {
  return {
    id: project.id,
    name: project.regionId,
    domain_id: domain.id,
    parent_id: domain.id,
    description: "",
    enabled: true,
    is_domain: false,
    links: { self: `${origin}/v3/projects/${project.id}` },
  };
}

export function describeDomain({ id, name }: CloudDomain, origin: string): object {
  return { id, name, description: "", enabled: true, links: { self: `${origin}/v3/domains/${id}` } };
}

export function describeUser(principal: Principal, domain: CloudDomain, origin: string): object {
  const id = userId(principal);
  return {
    id,
    name: userName(principal, domain),
    domain_id: domain.id,
    description: "",
    enabled: true,
    password_expires_at: null,
    links: { self: `${origin}/v3/users/${id}` },
  };
}

/** 32 hexadecimal digits, as these clouds' users have. */
export function userId({ arn }: Principal): string {
  return createHash("sha256").update(`user/${arn}`).digest("hex").slice(0, 32);
}

/** The account itself has its domain's name. */
export function userName({ kind, name }: Principal, domain: CloudDomain): string {
  return kind === "account" ? domain.name : name;
}

/** Lists are whole: there is no further page. */
export function listLinks(self: string): object {
  return { self, next: null, previous: null };
}

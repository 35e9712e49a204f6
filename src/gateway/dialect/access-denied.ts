/** The detail of a denial, as the services of Alibaba Cloud put it into their error bodies. */
import type { Fault } from "../../base/mod.ts";
import { denialOf } from "../auth/mod.ts";

const noPermissionTypes = { explicitDeny: "ExplicitDeny", implicitDeny: "ImplicitDeny" } as const;
const principalTypes = { account: "RootUser", user: "SubUser", role: "AssumedRoleUser" } as const;

/** Every member is text; undefined for a fault that is no denial. */
export function accessDeniedDetail(fault: Fault): Readonly<Record<string, string>> | undefined {
  const denial = denialOf(fault);
  if (denial === undefined) return undefined;
  const { principal, action, kind, policyType } = denial;
  const { name, session } = principal;
  return {
    PolicyType: policyType,
    NoPermissionType: noPermissionTypes[kind],
    AuthAction: action,
    AuthPrincipalType: principalTypes[principal.kind],
    AuthPrincipalDisplayName: session === undefined ? principal.id : `${name}:${session.name}`,
    AuthPrincipalOwnerId: principal.accountId,
  };
}

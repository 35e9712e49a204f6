/**
 * Decides whether a principal may do what its request asks.
 *
 * The account itself may do everything that is its own. A user may what the policies say that it and its
 * groups have; a role's session what the role's say and, if the session was begun with a policy, what that says as well.
 */
import { type Clock, fail, type Fault, ok, type Result } from "../../base/mod.ts";
import {
  type Access,
  type AccessRequest,
  accountArn,
  evaluate,
  evaluateTrust,
  parsePolicyDocument,
  type PolicyDocument,
  type Principal,
  type Role,
  roleArn,
} from "../../control/mod.ts";
import type { Metrics } from "../../observe/mod.ts";

export interface Authorizer {
  /**
   * `acs:CurrentTime` and `acs:MFAPresent` need not be among the request's conditions. Fault:
   * `AccessDenied` with the action as `value` and the resource as `field`; `denialOf` tells the rest.
   */
  authorize(principal: Principal, request: AccessRequest): Result<void>;
}

export interface RoleTrust {
  /** Whether the role's trust policy lets the principal assume it. Fault: `AccessDenied`. */
  authorizeAssumption(
    principal: Principal,
    role: Role,
    conditions: AccessRequest["conditions"],
  ): Result<void>;
}

/** Why a request was denied. */
export interface AccessDenial {
  readonly principal: Principal;
  readonly action: string;
  /** The first resource that is not allowed. */
  readonly resource: string;
  readonly kind: "explicitDeny" | "implicitDeny";
  /** Whose policies are meant: those of the user or role, its session's own, or those of a role that is to be assumed. */
  readonly policyType: "AccountLevelIdentityBasedPolicy" | "SessionPolicy" | "AssumeRolePolicy";
}

interface Dependencies {
  readonly access: Pick<Access, "policiesOf" | "roles">;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

export function createAuthorizer({ access, clock, metrics }: Dependencies): Authorizer & RoleTrust {
  const denials = metrics.counter(
    "weir_access_denials_total",
    "Signed requests that policies do not allow, by action and whether one denies it",
  );
  const deny = (denial: AccessDenial): Result<never> => {
    denials.add(1, { action: denial.action, kind: denial.kind });
    return denied(denial);
  };
  return {
    authorize: (principal, request) => {
      if (principal.kind === "account") return ok(undefined);
      const conditions = { ...surroundings(clock), ...request.conditions };
      const denial = firstDenial(access, principal, { ...request, conditions });
      return denial === undefined ? ok(undefined) : deny(denial);
    },
    authorizeAssumption: (principal, role, given) => {
      const conditions = { ...surroundings(clock), ...given };
      const verdict = evaluateTrust(access.roles.trustOf(role.id), trustNames(principal), conditions);
      if (verdict === "allowed") return ok(undefined);
      const resource = roleArn(role.accountId, role.name);
      const action = "sts:AssumeRole";
      return deny({ principal, action, resource, kind: verdict, policyType: "AssumeRolePolicy" });
    },
  };
}

/** What an `AccessDenied` of the authorizer was about. */
export function denialOf({ cause }: Fault): AccessDenial | undefined {
  return typeof cause === "object" && cause !== null && "policyType" in cause
    ? (cause as AccessDenial)
    : undefined;
}

function denied(denial: AccessDenial): Result<never> {
  const { principal, action, resource, kind } = denial;
  const reason = kind === "explicitDeny" ? "a policy denies it" : "no policy allows it";
  return fail("AccessDenied", `${principal.arn} may not ${action} on ${resource}: ${reason}`, {
    field: resource,
    value: action,
    cause: denial,
  });
}

function firstDenial(
  access: Dependencies["access"],
  principal: Principal,
  request: AccessRequest,
): AccessDenial | undefined {
  const judge = (
    documents: readonly PolicyDocument[],
    policyType: AccessDenial["policyType"],
  ): AccessDenial | undefined => {
    const verdict = evaluate(documents, request);
    return verdict.kind === "allowed"
      ? undefined
      : { principal, action: request.action, resource: verdict.resource, kind: verdict.kind, policyType };
  };
  const own = judge(access.policiesOf(principal.id), "AccountLevelIdentityBasedPolicy");
  const sessionPolicy = principal.session?.policy;
  if (sessionPolicy === undefined) return own;
  const parsed = parsePolicyDocument(sessionPolicy);
  const narrowed = judge(parsed.ok ? [parsed.value] : [], "SessionPolicy");
  return narrowed?.kind === "explicitDeny" ? narrowed : (own ?? narrowed);
}

/** Whom a trust policy may name to mean the principal: its account stands for whoever the account lets. */
function trustNames({ kind, accountId, arn, name }: Principal): readonly string[] {
  return [accountArn(accountId), kind === "role" ? roleArn(accountId, name) : arn];
}

function surroundings(clock: Clock): AccessRequest["conditions"] {
  return { "acs:CurrentTime": new Date(clock.nowMs()).toISOString(), "acs:MFAPresent": "false" };
}

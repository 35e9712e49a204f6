/** What a set of policies says to a request: an explicit Deny wins, then an Allow, and silence is a denial. */
import type { PolicyDocument, Statement, TrustStatement } from "./policy-document.ts";
import { matchesWildcard } from "./wildcard.ts";

/** What is asked: one action on some resources, and what is known of the request besides. */
export interface AccessRequest {
  /** As policies spell it: `vpc:CreateFlowLog`, `vpc:flowLogs:create`. */
  readonly action: string;
  /** ARNs; each must be allowed. */
  readonly resources: readonly string[];
  /** Values of condition keys, such as `acs:SourceIp`; the keys are the same in any case. */
  readonly conditions: Readonly<Record<string, string>>;
}

export type Verdict =
  | { readonly kind: "allowed" }
  | { readonly kind: "explicitDeny" | "implicitDeny"; readonly resource: string };

const allowed: Verdict = { kind: "allowed" };
/** No resource has a longer name. A caller may send any, and may have chosen the patterns to compare it with. */
const resourceLengthMax = 1024;

/** The verdict on all resources together: that on the first which is not allowed, explicit denials first. */
export function evaluate(policies: readonly PolicyDocument[], request: AccessRequest): Verdict {
  const action = request.action.toLowerCase();
  const values = conditionValues(request.conditions);
  const statements = policies
    .flatMap((policy) => policy.statements)
    .filter((statement) => coversAction(statement, action) && conditionsHold(statement, values));
  const covers = (effect: Statement["effect"], resource: string): boolean =>
    statements.some(
      (statement) =>
        statement.effect === effect &&
        resource.length <= resourceLengthMax &&
        statement.resources.some((pattern) => matchesWildcard(pattern, resource)),
    );
  // An action on nothing in particular is one on everything, lest a forgotten list allows what nobody did.
  const resources = request.resources.length === 0 ? ["*"] : request.resources;
  const denied = resources.find((resource) => covers("Deny", resource));
  if (denied !== undefined) return { kind: "explicitDeny", resource: denied };
  const missed = resources.find((resource) => !covers("Allow", resource));
  return missed === undefined ? allowed : { kind: "implicitDeny", resource: missed };
}

/** What a trust policy says to whoever has one of the ARNs and wants the role. */
export function evaluateTrust(
  statements: readonly TrustStatement[],
  principalArns: readonly string[],
  conditions: AccessRequest["conditions"],
): "allowed" | "explicitDeny" | "implicitDeny" {
  const values = conditionValues(conditions);
  const applying = statements.filter(
    (statement) =>
      statement.principals.some((arn) => principalArns.includes(arn)) && conditionsHold(statement, values),
  );
  if (applying.length === 0) return "implicitDeny";
  return applying.every(({ effect }) => effect === "Allow") ? "allowed" : "explicitDeny";
}

function coversAction({ actions, isNotAction }: Statement, action: string): boolean {
  return actions.some((pattern) => matchesWildcard(pattern, action)) !== isNotAction;
}

function conditionsHold(
  { conditions }: Pick<Statement, "conditions">,
  values: ReadonlyMap<string, string>,
): boolean {
  return conditions.every((condition) => condition.holds(values.get(condition.key)));
}

function conditionValues(conditions: AccessRequest["conditions"]): ReadonlyMap<string, string> {
  return new Map(Object.entries(conditions).map(([key, value]) => [key.toLowerCase(), value]));
}

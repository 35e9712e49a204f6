/**
 * Policies as RAM writes them (Version 1): what is allowed or denied, to whom it is attached not being said;
 * and trust policies, which say who may assume a role.
 *
 * A document is judged when it is given, whole: an operator, a name or a value that could not be compared
 * with is refused then, so that no statement is silently without effect.
 */
import { fail, ok, type Result } from "../../base/mod.ts";
import { compileCondition, type Condition, conditionOperators } from "./condition.ts";

export interface Statement {
  readonly effect: "Allow" | "Deny";
  /** Patterns in lower case, for actions are the same in any case. */
  readonly actions: readonly string[];
  /** Whether the statement is about every action but these. */
  readonly isNotAction: boolean;
  readonly resources: readonly string[];
  /** All must hold. */
  readonly conditions: readonly Condition[];
}

export interface PolicyDocument {
  readonly statements: readonly Statement[];
}

/** One statement of a trust policy. */
export interface TrustStatement {
  readonly effect: "Allow" | "Deny";
  /** ARNs of accounts (`acs:ram::<id>:root`, which stands for whoever the account lets), users and roles. */
  readonly principals: readonly string[];
  readonly conditions: readonly Condition[];
}

/** RAM's own bounds of a custom policy and of a trust policy. */
export const documentLengthMax = 6144;
const valuesMax = 200;
const actionPattern = /^(?:\*|[a-zA-Z0-9*?-]{1,64}:[a-zA-Z0-9*?:_/-]{1,128})$/u;
const resourcePattern = /^(?:\*|acs:[^\s]{1,1000}|[a-zA-Z0-9*?-]{1,64}:[^\s]{1,1000})$/u;
const keyPattern = /^[a-zA-Z][a-zA-Z0-9-]{0,63}:[^\s]{1,128}$/u;
const assumeRole = "sts:assumerole";

type Json = Readonly<Record<string, unknown>>;

/** Fault: `PolicyMalformed`, with the place in the document as `field`. */
export function parsePolicyDocument(text: string): Result<PolicyDocument> {
  const found = statementsOf(text);
  if (!found.ok) return found;
  const statements: Statement[] = [];
  for (const [index, statement] of found.value.entries()) {
    const parsed = parseStatement(statement, `Statement[${index}]`);
    if (!parsed.ok) return parsed;
    statements.push(parsed.value);
  }
  return ok({ statements });
}

/** Fault: `PolicyMalformed`, with the place in the document as `field`. */
export function parseTrustPolicy(text: string): Result<readonly TrustStatement[]> {
  const found = statementsOf(text);
  if (!found.ok) return found;
  const statements: TrustStatement[] = [];
  for (const [index, statement] of found.value.entries()) {
    const parsed = parseTrustStatement(statement, `Statement[${index}]`);
    if (!parsed.ok) return parsed;
    statements.push(parsed.value);
  }
  return ok(statements);
}

function statementsOf(text: string): Result<readonly Json[]> {
  if (text.length > documentLengthMax) {
    return malformed("", "is too long", `at most ${documentLengthMax} characters`);
  }
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    return malformed("", `is not JSON: ${(error as Error).message}`);
  }
  if (!isObject(document)) return malformed("", "is not a JSON object");
  const unknown = unknownMember(document, ["Version", "Statement"]);
  if (unknown !== undefined) return malformed(unknown, "is no element of a policy", "Version, Statement");
  if (document["Version"] !== "1") return malformed("Version", "is not the version of policies", '"1"');
  const statements = document["Statement"];
  if (!Array.isArray(statements) || statements.length === 0 || !statements.every(isObject)) {
    return malformed("Statement", "is not a list of statements");
  }
  return ok(statements);
}

function parseStatement(statement: Json, at: string): Result<Statement> {
  const allowed = ["Effect", "Action", "NotAction", "Resource", "Condition"];
  const unknown = unknownMember(statement, allowed);
  if (unknown !== undefined) {
    return malformed(`${at}.${unknown}`, "is no element of a statement", allowed.join(", "));
  }
  const effect = effectOf(statement, at);
  if (!effect.ok) return effect;
  const isNotAction = statement["NotAction"] !== undefined;
  if (isNotAction === (statement["Action"] !== undefined)) {
    return malformed(`${at}.Action`, "is needed, or NotAction, and not both");
  }
  const name = isNotAction ? "NotAction" : "Action";
  const actions = textsOf(statement[name], `${at}.${name}`, actionPattern, "service:Operation, with * and ?");
  if (!actions.ok) return actions;
  const form = "* or an ARN such as acs:vpc:*:*:flowlog/*";
  const resources = textsOf(statement["Resource"], `${at}.Resource`, resourcePattern, form);
  if (!resources.ok) return resources;
  const conditions = conditionsOf(statement["Condition"], `${at}.Condition`);
  if (!conditions.ok) return conditions;
  return ok({
    effect: effect.value,
    actions: actions.value.map((action) => action.toLowerCase()),
    isNotAction,
    resources: resources.value,
    conditions: conditions.value,
  });
}

function parseTrustStatement(statement: Json, at: string): Result<TrustStatement> {
  const allowed = ["Effect", "Action", "Principal", "Condition"];
  const unknown = unknownMember(statement, allowed);
  if (unknown !== undefined) {
    return malformed(`${at}.${unknown}`, "is no element of a trust policy's statement", allowed.join(", "));
  }
  const effect = effectOf(statement, at);
  if (!effect.ok) return effect;
  const actions = textsOf(statement["Action"], `${at}.Action`, actionPattern, "sts:AssumeRole");
  if (!actions.ok) return actions;
  if (!actions.value.every((action) => action.toLowerCase() === assumeRole)) {
    return malformed(`${at}.Action`, "is not what a role can be asked for", "sts:AssumeRole");
  }
  const principal = statement["Principal"];
  if (!isObject(principal) || unknownMember(principal, ["RAM"]) !== undefined) {
    return malformed(`${at}.Principal`, "names nobody that this installation knows", '{"RAM": [ARN, …]}');
  }
  const arn = /^acs:ram::\d{1,32}:(?:root|(?:user|role)\/[\w.@-]{1,64})$/u;
  const principals = textsOf(
    principal["RAM"],
    `${at}.Principal.RAM`,
    arn,
    "acs:ram::ACCOUNT:root, user/NAME or role/NAME",
  );
  if (!principals.ok) return principals;
  const conditions = conditionsOf(statement["Condition"], `${at}.Condition`);
  if (!conditions.ok) return conditions;
  return ok({ effect: effect.value, principals: principals.value, conditions: conditions.value });
}

function effectOf(statement: Json, at: string): Result<"Allow" | "Deny"> {
  const effect = statement["Effect"];
  if (effect === "Allow" || effect === "Deny") return ok(effect);
  return malformed(`${at}.Effect`, "is neither of the two effects", '"Allow" or "Deny"');
}

function conditionsOf(block: unknown, at: string): Result<readonly Condition[]> {
  if (block === undefined) return ok([]);
  if (!isObject(block)) return malformed(at, "is not an object of operators");
  const conditions: Condition[] = [];
  for (const [operator, keys] of Object.entries(block)) {
    if (!isObject(keys)) return malformed(`${at}.${operator}`, "is not an object of keys and values");
    for (const [key, given] of Object.entries(keys)) {
      const place = `${at}.${operator}.${key}`;
      if (!keyPattern.test(key)) return malformed(place, "is not a condition key", "service:Name");
      const values = textsOf(scalarText(given), place, /^.{0,1024}$/su, "texts, numbers or true and false");
      if (!values.ok) return values;
      const condition = compileCondition(operator, key, values.value);
      if (condition === null) {
        return malformed(`${at}.${operator}`, "is no condition operator", conditionOperators.join(", "));
      }
      if ("unreadable" in condition) {
        return malformed(
          place,
          `has a value that ${operator} cannot compare with: ${condition.unreadable.slice(0, 80)}`,
        );
      }
      conditions.push(condition);
    }
  }
  return ok(conditions);
}

/** Numbers and booleans may stand without quotes. */
function scalarText(given: unknown): unknown {
  if (Array.isArray(given)) return given.map(scalarText);
  return typeof given === "number" || typeof given === "boolean" ? String(given) : given;
}

/** One text or a list of them, each of the form. */
function textsOf(given: unknown, at: string, form: RegExp, allowed: string): Result<readonly string[]> {
  const list: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (given === undefined) return malformed(at, "is missing", allowed);
  if (list.length === 0 || list.length > valuesMax) {
    return malformed(at, `has ${list.length} values`, `1 to ${valuesMax}`);
  }
  const texts: string[] = [];
  for (const value of list) {
    if (typeof value !== "string" || !form.test(value))
      return malformed(at, "has a value of another form", allowed);
    texts.push(value);
  }
  return ok(texts);
}

function unknownMember(object: Json, known: readonly string[]): string | undefined {
  return Object.keys(object).find((name) => !known.includes(name));
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function malformed(field: string, what: string, allowed?: string): Result<never> {
  const subject = field === "" ? "the policy" : `${field} of the policy`;
  return fail("PolicyMalformed", `${subject} ${what}`, {
    ...(field === "" ? {} : { field }),
    ...(allowed === undefined ? {} : { allowed }),
  });
}

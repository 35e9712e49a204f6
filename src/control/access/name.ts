/** Names of users, groups, roles and policies, and ids as RAM hands them out. */
import { fail, ok, randomText, type Result } from "../../base/mod.ts";

interface NameRule {
  readonly pattern: RegExp;
  readonly allowed: string;
}

const entityName: NameRule = {
  pattern: /^[A-Za-z0-9_.-]{1,64}$/u,
  allowed: "1 to 64 letters, digits, dots, hyphens and underscores",
};
const policyName: NameRule = {
  pattern: /^[A-Za-z0-9-]{1,128}$/u,
  allowed: "1 to 128 letters, digits and hyphens",
};
const rules: Readonly<Record<"user" | "group" | "role" | "policy", NameRule>> = {
  user: entityName,
  group: entityName,
  role: entityName,
  policy: policyName,
};
const descriptionLengthMax = 1024;

/** Fault: `InputInvalid`. */
export function checkName(what: keyof typeof rules, name: string): Result<string> {
  const { pattern, allowed } = rules[what];
  if (pattern.test(name)) return ok(name);
  return fail("InputInvalid", `that is not a name that a ${what} can have`, {
    field: "name",
    value: name.slice(0, 80),
    allowed,
  });
}

/** Fault: `InputInvalid`. */
export function checkDescription(field: string, text: string): Result<string> {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (text.length <= descriptionLengthMax && !/[\u0000-\u001f\u007f]/u.test(text)) return ok(text);
  return fail("InputInvalid", `${field} is too long or holds control characters`, {
    field,
    allowed: `at most ${descriptionLengthMax} characters, none of them a control character`,
  });
}

const firstDigits = { user: "2", role: "3", group: "4" } as const;

/** 18 digits: users' begin with 2, roles' with 3, groups' with 4. */
export function newEntityId(what: keyof typeof firstDigits): string {
  return `${firstDigits[what]}${randomText(17, "0123456789")}`;
}

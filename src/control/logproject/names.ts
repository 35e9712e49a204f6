/**
 * Which names and numbers projects and logstores may have. The log service's own API has strict rules
 * (CreateProject, CreateLogstore); what a flow log names is made under wider ones, for the services that
 * have flow logs take names that the log service would not.
 */
import { fail, ok, type Result } from "../../base/mod.ts";

const projectName = /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/u;
const logstoreName = /^[a-z0-9][a-z0-9_-]{1,61}[a-z0-9]$/u;

/** Without `.` and `..`, which no path can name. */
const targetName = /^(?!\.{1,2}$)[\w.-]{1,128}$/u;

export const retentionDaysMax = 3650;
const descriptionCharactersMax = 64;

export function checkProjectName(name: string): Result<void> {
  if (projectName.test(name)) return ok(undefined);
  return fail("InputInvalid", `project name ${name} is invalid`, {
    field: "project",
    value: name,
    allowed: "3 to 63 characters a-z, 0-9 and -, the first and last a letter or digit",
  });
}

export function checkLogstoreName(name: string): Result<void> {
  if (logstoreName.test(name)) return ok(undefined);
  return fail("InputInvalid", `store name ${name} is invalid`, {
    field: "logstore",
    value: name,
    allowed: "3 to 63 characters a-z, 0-9, - and _, the first and last a letter or digit",
  });
}

/** The name of a project or logstore that is made because a flow log names it. */
export function checkTargetName(field: "project" | "logstore", name: string): Result<void> {
  if (targetName.test(name)) return ok(undefined);
  return fail("InputInvalid", `${field} name ${name} is invalid`, {
    field,
    value: name,
    allowed: "1 to 128 letters, digits, hyphens, underscores and dots",
  });
}

/** The service refuses `<>'"\` and more than 64 characters. */
export function checkDescription(description: string): Result<void> {
  if (description.length <= descriptionCharactersMax && !/[<>'"\\]/u.test(description)) return ok(undefined);
  return fail("InputInvalid", "the project description is invalid", {
    field: "description",
    value: description.slice(0, descriptionCharactersMax),
    allowed: `at most ${descriptionCharactersMax} characters without < > ' " \\`,
  });
}

export function checkRetention(days: number): Result<void> {
  if (Number.isSafeInteger(days) && days >= 1 && days <= retentionDaysMax) return ok(undefined);
  return fail("InputOutOfRange", `ttl ${days} is not in range`, {
    field: "ttl",
    value: `${days}`,
    allowed: `1 to ${retentionDaysMax} days`,
  });
}

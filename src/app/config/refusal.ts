/** What is said when a configuration is refused: where, which setting, which value, what would do. */
import type { z } from "zod";

import { fail, type Result } from "../../base/mod.ts";
import { listSettings, type Setting } from "./setting.ts";

interface Problem {
  readonly field: string;
  readonly sentence: string;
  readonly value?: string;
  readonly allowed?: string;
  readonly remedy?: string;
}

/**
 * One `ConfigInvalid` fault for all problems of `error`, a line each. Details (value, allowed, remedy)
 * are those of the first.
 */
export function refuse(
  error: z.ZodError,
  tree: unknown,
  locate: (path: readonly PropertyKey[]) => string | undefined,
): Result<never> {
  const settings = listSettings();
  const problems = error.issues.flatMap((issue) =>
    problemsOf(issue, tree, settings).map((problem) => ({
      ...problem,
      place: locate(pathOf(problem.field)),
    })),
  );
  const lines = problems.map(({ place, sentence }) =>
    place === undefined ? sentence : `${place}: ${sentence}`,
  );
  const first = problems[0];
  return fail("ConfigInvalid", lines.join("\n"), {
    ...(first === undefined ? {} : { field: first.field }),
    ...(first?.value === undefined ? {} : { value: first.value }),
    ...(first?.allowed === undefined ? {} : { allowed: first.allowed }),
    ...(first?.remedy === undefined ? {} : { remedy: first.remedy }),
  });
}

function problemsOf(issue: z.core.$ZodIssue, tree: unknown, settings: readonly Setting[]): Problem[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => unknownSetting(join([...issue.path, key]), settings));
  }
  const field = join(issue.path);
  const setting = findSetting(field, settings);
  const found = lookUp(tree, issue.path);
  if (found === undefined && setting !== undefined && issue.code === "invalid_type") {
    return [{ field, sentence: `${field} is missing`, allowed: setting.allowed }];
  }
  // A mapping is not shown: one of its values may be a secret.
  const isHidden = setting?.secret === true || (setting === undefined && typeof found === "object");
  const value = isHidden ? undefined : show(found);
  const allowed = setting?.allowed ?? groupAllowed(field, settings);
  const reason = issue.code === "custom" ? issue.message : `must be ${allowed ?? issue.message}`;
  const sentence = `${field}${value === undefined ? "" : ` (${value})`} ${reason}`;
  return [
    {
      field,
      sentence,
      ...(value === undefined ? {} : { value }),
      ...(allowed === undefined ? {} : { allowed }),
    },
  ];
}

function unknownSetting(field: string, settings: readonly Setting[]): Problem {
  const generic = withoutIndexes(field);
  const groups = settings.flatMap(({ path, elements }) => [
    path,
    ...path.split(".").map((_, index, parts) => parts.slice(0, index + 1).join(".")),
    ...elements.map((element) => `${path}.${element.path}`),
  ]);
  const suggestion = nearest(generic, [...new Set(groups)]);
  const remedy = suggestion === undefined ? undefined : `did you mean ${suggestion}?`;
  return {
    field,
    sentence: `there is no setting ${field}${remedy === undefined ? "" : `; ${remedy}`}`,
    allowed: "a setting of docs/reference/configuration.md",
    ...(remedy === undefined ? {} : { remedy }),
  };
}

function findSetting(field: string, settings: readonly Setting[]): Setting | undefined {
  const generic = withoutIndexes(field);
  for (const setting of settings) {
    if (setting.path === generic) return setting;
    const element = setting.elements.find(({ path }) => `${setting.path}.${path}` === generic);
    if (element !== undefined) return element;
  }
  return undefined;
}

function groupAllowed(field: string, settings: readonly Setting[]): string | undefined {
  const names = settings
    .filter(({ path }) => path.startsWith(`${field}.`))
    .map(({ path }) => path.slice(field.length + 1).split(".")[0]);
  return names.length === 0 ? undefined : `a mapping of ${[...new Set(names)].join(", ")}`;
}

/** The candidate that differs from `text` by the fewest edits; undefined if none is near. */
export function nearest(text: string, candidates: readonly string[]): string | undefined {
  const near = Math.max(2, Math.floor(text.length / 4));
  let best: string | undefined;
  let bestDistance = near + 1;
  for (const candidate of candidates) {
    const distance = editDistance(text.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** Levenshtein distance. */
function editDistance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const substitution = previous[column - 1]! + (left[row - 1] === right[column - 1] ? 0 : 1);
      current.push(Math.min(substitution, previous[column]! + 1, current[column - 1]! + 1));
    }
    previous = current;
  }
  return previous[right.length]!;
}

/** `["resources", 0, "name"]` as `resources[0].name`. */
function join(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) =>
      typeof part === "number" ? `[${part}]` : `${index === 0 ? "" : "."}${String(part)}`,
    )
    .join("");
}

function pathOf(field: string): PropertyKey[] {
  return field
    .split(/\.|(?=\[)/u)
    .map((part) => (/^\[\d+\]$/u.test(part) ? Number(part.slice(1, -1)) : part));
}

function withoutIndexes(field: string): string {
  return field.replaceAll(/\[\d+\]/gu, "");
}

function lookUp(tree: unknown, path: readonly PropertyKey[]): unknown {
  let value = tree;
  for (const part of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[part];
  }
  return value;
}

function show(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const text = typeof value === "string" ? `"${value}"` : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

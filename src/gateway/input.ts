/** What a client sent, checked against a schema before anything is done with it. */
import type { z } from "zod";

import { fail, type Result } from "../base/mod.ts";

/** Faults: `InputMissing` and `InputInvalid`, with the dotted path of the first wrong field. */
export function parseInput<S extends z.ZodType>(schema: S, input: unknown): Result<z.output<S>> {
  const parsed = schema.safeParse(input ?? {});
  if (parsed.success) return { ok: true, value: parsed.data };
  const issue = parsed.error.issues[0];
  if (issue === undefined) return fail("InputInvalid", "the input is not valid");
  if (issue.code === "unrecognized_keys") {
    const field = [...issue.path, issue.keys[0] ?? ""].join(".");
    return fail("InputInvalid", `there is no field ${field}`, { field });
  }
  const field = issue.path.join(".");
  // A field of several forms fits none of them where it is absent.
  const isShape = issue.code === "invalid_type" || issue.code === "invalid_union";
  const isMissing = isShape && lookUp(input, issue.path) === undefined;
  if (isMissing) return fail("InputMissing", `${field} is missing`, { field });
  return fail("InputInvalid", `${field}: ${issue.message}`, { field });
}

function lookUp(tree: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, part) =>
      typeof value === "object" && value !== null ? (value as Record<PropertyKey, unknown>)[part] : undefined,
    tree,
  );
}

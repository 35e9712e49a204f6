/** The parameters of an RPC call: those of the query and those of the form, as one map. */
import { fail, ok, type Result } from "../../../base/mod.ts";

/** More than any operation has, lists of tags included. */
const parametersMax = 500;

/**
 * Decodes `application/x-www-form-urlencoded` text, `+` as space. Faults: `Malformed` for a broken escape
 * or bytes that are not UTF-8, or for a name that comes twice with different values; `InputTooLarge` for
 * too many parameters. `field` is the name as far as it is known.
 */
export function parseParameters(text: string): Result<Map<string, string>> {
  const parameters = new Map<string, string>();
  const pairs = text.split("&", parametersMax + 1);
  if (pairs.length > parametersMax) return tooMany();
  for (const pair of pairs) {
    if (pair === "") continue;
    const middle = pair.indexOf("=");
    const name = decode(middle < 0 ? pair : pair.slice(0, middle));
    const value = middle < 0 ? "" : decode(pair.slice(middle + 1));
    if (name === null || value === null) return malformed(name ?? "");
    const known = parameters.get(name);
    if (known !== undefined && known !== value) return malformed(name);
    parameters.set(name, value);
  }
  return ok(parameters);
}

/** Query and form together. A name in both must have one value, for only one of them would be signed. */
export function mergeParameters(
  query: ReadonlyMap<string, string>,
  form: ReadonlyMap<string, string>,
): Result<ReadonlyMap<string, string>> {
  if (form.size === 0) return ok(query);
  if (query.size === 0) return ok(form);
  const merged = new Map(query);
  for (const [name, value] of form) {
    if ((merged.get(name) ?? value) !== value) return malformed(name);
    merged.set(name, value);
  }
  return merged.size > parametersMax ? tooMany() : ok(merged);
}

function decode(text: string): string | null {
  if (!/[%+]/u.test(text)) return text;
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return null;
  }
}

function malformed(name: string): Result<never> {
  return fail("Malformed", "a parameter cannot be read or has two values", { field: name.slice(0, 80) });
}

function tooMany(): Result<never> {
  return fail("InputTooLarge", "too many parameters", { allowed: `at most ${parametersMax}` });
}

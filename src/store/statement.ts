/** Text of statements whose values come from outside: parameters as the engine takes them. */
import { fail, ok, type Result } from "../base/mod.ts";
import type { StoreParameters } from "./protocol.ts";

const namePattern = /^[A-Za-z_]\w*$/u;
const placeholderPattern = /\{\s*(\w+)\s*:/gu;

// What the engine's parser of parameter values takes as one tab-separated field.
const fieldEscapes: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "\0": "\\0",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

/**
 * A SET statement that gives `{name:Type}` placeholders their values, and settings theirs. The engine
 * substitutes them as typed values after parsing, so they are never part of a statement's text. (The
 * binding's own parameters are kept in one place for the whole process, so that two queries at once mix
 * them up; those of a SET belong to its session.)
 */
export function setStatement(
  settings: Readonly<Record<string, number>>,
  parameters: StoreParameters,
): string {
  const assignments = [
    ...Object.entries(settings).map(([name, value]) => `${name} = ${value}`),
    ...Object.entries(parameters).map(
      ([name, value]) => `param_${name} = ${literal(escapeField(`${value}`))}`,
    ),
  ];
  return assignments.length === 0 ? "" : `SET ${assignments.join(", ")};`;
}

/**
 * Refuses what is not one reading statement, or lacks a parameter: a session still knows those of earlier
 * queries. A semicolon has no place in it, since values are parameters.
 */
export function checkStatement(sql: string, parameters: StoreParameters): Result<void> {
  if (!/^\s*(?:SELECT|WITH)\b/iu.test(sql)) return fail("QueryUnsupported", "a query may only read");
  if (sql.includes(";")) return fail("QuerySyntax", "a query is one statement, without a semicolon");
  const wrong = Object.keys(parameters).find((name) => !namePattern.test(name));
  if (wrong !== undefined)
    return fail("InputInvalid", `"${wrong}" is not a parameter name`, { field: "parameters" });
  for (const [, name] of sql.matchAll(placeholderPattern)) {
    if (!Object.hasOwn(parameters, name!)) {
      return fail("InputMissing", `query parameter ${name} has no value`, { field: name! });
    }
  }
  return ok(undefined);
}

function escapeField(text: string): string {
  return text.replace(/[\\\0\b\f\n\r\t]/gu, (character) => fieldEscapes[character]!);
}

function literal(text: string): string {
  return `'${text.replace(/[\\']/gu, (character) => `\\${character}`)}'`;
}

/** SQL of an array of strings, written so that no character of theirs can matter. */
export function stringArray(values: readonly string[]): string {
  const hexadecimal = values.map((value) => new TextEncoder().encode(value).toHex());
  return `arrayMap(text -> unhex(text), splitByChar(',', '${hexadecimal.join(",")}'))`;
}

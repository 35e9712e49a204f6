/**
 * Conditions of policies: an operator, a key of the request, and values.
 *
 * A condition holds if the request's value is in the wanted relation to one of the values; one that denies
 * (`…Not…`), if it is so to none of them. A key that a request does not have is in no relation to anything:
 * only denying operators hold then.
 */
import { parseAddress } from "../../base/mod.ts";
import { isInRange, parseAddressRange } from "./address-range.ts";
import { matchesWildcard } from "./wildcard.ts";

export interface Condition {
  readonly key: string;
  /** Whether the condition holds for the request's value, which is undefined if it has none. */
  holds(actual: string | undefined): boolean;
}

/** Whether a request's value is as the policy's wants it. */
type Test = (actual: string) => boolean;
/** Reads a policy's value; null if the operator cannot compare with it. */
type Compile = (wanted: string) => Test | null;

const timestamp = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2}))?$/u;
const decimal = /^[+-]?\d{1,15}(?:\.\d{1,15})?$/u;

const text = (equal: (actual: string, wanted: string) => boolean): Compile => {
  return (wanted) => (actual) => equal(actual, wanted);
};

/** For values on a scale: NaN, which no comparison holds for, stands for what is not on it. */
const scaled = (
  read: (value: string) => number,
  relation: (actual: number, wanted: number) => boolean,
): Compile => {
  return (wantedText) => {
    const wanted = read(wantedText);
    return Number.isNaN(wanted) ? null : (actual) => relation(read(actual), wanted);
  };
};

const readNumber = (value: string): number => (decimal.test(value) ? Number(value) : Number.NaN);
const readTime = (value: string): number => (timestamp.test(value) ? Date.parse(value) : Number.NaN);

const relations = {
  Equals: (actual: number, wanted: number) => actual === wanted,
  LessThan: (actual: number, wanted: number) => actual < wanted,
  LessThanEquals: (actual: number, wanted: number) => actual <= wanted,
  GreaterThan: (actual: number, wanted: number) => actual > wanted,
  GreaterThanEquals: (actual: number, wanted: number) => actual >= wanted,
} as const;

const addressIn: Compile = (wanted) => {
  const range = parseAddressRange(wanted);
  if (range === null) return null;
  return (actual) => {
    const address = parseAddress(actual);
    return address.ok && isInRange(address.value, range);
  };
};

const bool: Compile = (wanted) => {
  const value = wanted.toLowerCase();
  return value === "true" || value === "false" ? (actual) => actual.toLowerCase() === value : null;
};

/** Operators that want a relation to one value. */
const positive = new Map<string, Compile>([
  ["StringEquals", text((actual, wanted) => actual === wanted)],
  ["StringEqualsIgnoreCase", text((actual, wanted) => actual.toLowerCase() === wanted.toLowerCase())],
  ["StringLike", text((actual, wanted) => matchesWildcard(wanted, actual))],
  ["Bool", bool],
  ["IpAddress", addressIn],
  ...Object.entries(relations).flatMap(([name, relation]): [string, Compile][] => [
    [`Numeric${name}`, scaled(readNumber, relation)],
    [`Date${name}`, scaled(readTime, relation)],
  ]),
]);

/** Operators that hold where the one they deny does not. */
const denied = new Map<string, string>([
  ["StringNotEquals", "StringEquals"],
  ["StringNotEqualsIgnoreCase", "StringEqualsIgnoreCase"],
  ["StringNotLike", "StringLike"],
  ["NumericNotEquals", "NumericEquals"],
  ["DateNotEquals", "DateEquals"],
  ["NotIpAddress", "IpAddress"],
]);

export const conditionOperators: readonly string[] = [...positive.keys(), ...denied.keys()];

/** The condition, or the first value that the operator cannot compare with; null for an unknown operator. */
export function compileCondition(
  operator: string,
  key: string,
  values: readonly string[],
): Condition | { readonly unreadable: string } | null {
  const affirmed = denied.get(operator);
  const compile = positive.get(affirmed ?? operator);
  if (compile === undefined) return null;
  const tests: Test[] = [];
  for (const value of values) {
    const test = compile(value);
    if (test === null) return { unreadable: value };
    tests.push(test);
  }
  const isDenied = affirmed !== undefined;
  return {
    key: key.toLowerCase(),
    holds: (actual) => (actual === undefined ? isDenied : tests.some((test) => test(actual)) !== isDenied),
  };
}

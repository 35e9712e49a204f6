/**
 * Predicates to ClickHouse SQL. Nothing that a user wrote is ever part of the text: every value is a bound
 * parameter of a declared type (`{p1:String}`); what is interpolated are a format's own expressions.
 */
import type { RecordField, RecordFormat } from "../record-format.ts";
import type { AddressRange } from "./address-match.ts";
import type { NumberRange, Predicate } from "./plan.ts";
import { likePattern, type Pattern } from "./pattern.ts";

export interface BoundSql {
  readonly sql: string;
  readonly parameters: Readonly<Record<string, string | number>>;
}

export type ParameterType = "String" | "UInt32" | "UInt64" | "IPv6" | "Array(UInt32)";

export interface Parameters {
  /** Binds a value; gives the placeholder for the SQL text. */
  bind(type: ParameterType, value: string | number): string;
  readonly values: Record<string, string | number>;
}

const unsigned64Max = 2n ** 64n - 1n;

export function createParameters(): Parameters {
  const values: Record<string, string | number> = {};
  const placeholders = new Map<string, string>();
  return {
    values,
    bind: (type, value) => {
      // A word is asked of many fields: its value is sent once.
      const key = `${type} ${value}`;
      const known = placeholders.get(key);
      if (known !== undefined) return known;
      const name = `p${placeholders.size + 1}`;
      const placeholder = `{${name}:${type}}`;
      values[name] = value;
      placeholders.set(key, placeholder);
      return placeholder;
    },
  };
}

/** The predicate as an SQL condition that is 0 or 1. */
export function predicateSql(predicate: Predicate, format: RecordFormat, parameters: Parameters): string {
  switch (predicate.kind) {
    case "constant":
      return predicate.value ? "1" : "0";
    case "and":
    case "or": {
      const operands = predicate.operands.map((operand) => predicateSql(operand, format, parameters));
      return `(${operands.join(predicate.kind === "and" ? " AND " : " OR ")})`;
    }
    case "not":
      return `NOT ${predicateSql(predicate.operand, format, parameters)}`;
    case "exists":
      return predicate.field.presence === undefined ? "1" : `(${predicate.field.presence})`;
    case "empty":
      return emptySql(predicate.field);
    case "number":
      return present(predicate.field, numberSql(predicate.field, predicate.range, parameters));
    case "address":
    case "whole":
    case "token":
    case "phrase":
      return present(predicate.field, textSql(predicate, format, parameters));
  }
}

/** A field that the record lacks matches nothing. */
function present(field: RecordField, condition: string): string {
  if (condition === "0") return condition;
  return field.presence === undefined ? condition : `((${field.presence}) AND ${condition})`;
}

function emptySql(field: RecordField): string {
  if (field.kind === "long" || field.kind === "address") return "0";
  return present(field, `(${field.expression} = '')`);
}

function numberSql({ expression }: RecordField, { low, high }: NumberRange, parameters: Parameters): string {
  const from = low === null || low < 0n ? 0n : low;
  const to = high === null || high > unsigned64Max ? unsigned64Max : high;
  if (from > to || to < 0n) return "0";
  if (from === to) return `(${expression} = ${parameters.bind("UInt64", `${from}`)})`;
  const bounds: string[] = [];
  if (from > 0n) bounds.push(`${expression} >= ${parameters.bind("UInt64", `${from}`)}`);
  if (to < unsigned64Max) bounds.push(`${expression} <= ${parameters.bind("UInt64", `${to}`)}`);
  return bounds.length === 0 ? "1" : `(${bounds.join(" AND ")})`;
}

type TextPredicate = Extract<Predicate, { kind: "address" | "whole" | "token" | "phrase" }>;

function textSql(predicate: TextPredicate, format: RecordFormat, parameters: Parameters): string {
  const { expression } = predicate.field;
  switch (predicate.kind) {
    case "address": {
      const { match } = predicate;
      if (match.kind === "nothing") return "0";
      if (match.kind === "range") return rangeSql(expression, match.range, parameters);
      const text = `replaceRegexpOne(toString(${expression}), '^::ffff:([0-9]+[.])', '\\\\1')`;
      const like = likeSql(text, match.pattern, parameters);
      if (match.range === null) return like;
      return `(${rangeSql(expression, match.range, parameters)} AND ${like})`;
    }
    case "whole":
      return likeSql(`lower(toString(${expression}))`, predicate.pattern, parameters);
    case "token": {
      const tokens = tokensSql(expression, format);
      if (predicate.pattern.hasWildcard) {
        return `arrayExists(token -> ${likeSql("token", predicate.pattern, parameters)}, ${tokens})`;
      }
      return `has(${tokens}, ${parameters.bind("String", predicate.pattern.text)})`;
    }
    case "phrase": {
      const words = predicate.tokens.map((token) => parameters.bind("String", token));
      return `hasSubstr(${tokensSql(expression, format)}, [${words.join(", ")}])`;
    }
  }
}

function rangeSql(expression: string, { low, high }: AddressRange, parameters: Parameters): string {
  if (low === high) return `(${expression} = ${parameters.bind("IPv6", low)})`;
  return `(${expression} BETWEEN ${parameters.bind("IPv6", low)} AND ${parameters.bind("IPv6", high)})`;
}

function likeSql(text: string, pattern: Pattern, parameters: Parameters): string {
  if (!pattern.hasWildcard) return `(${text} = ${parameters.bind("String", pattern.text)})`;
  return `(${text} LIKE ${parameters.bind("String", likePattern(pattern))})`;
}

/** The field's tokens, as `tokensOf` makes them. */
function tokensSql(expression: string, format: RecordFormat): string {
  const delimiters = Array.from(
    format.delimiters,
    (character) => `\\\\x${character.codePointAt(0)!.toString(16).padStart(2, "0")}`,
  );
  return `arrayFilter(token -> token != '', splitByRegexp('[${delimiters.join("")}]+', lower(${expression})))`;
}

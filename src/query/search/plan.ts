/**
 * A search checked against a record format: what is left is predicates over fields that exist, with
 * values of the field's own kind. Two-valued throughout: a field that a record lacks matches nothing,
 * so that NOT of it matches.
 */
import { type Result, ok } from "../../base/mod.ts";
import { lowerAscii, type RecordField, type RecordFormat } from "../record-format.ts";
import { type AddressMatch, addressMatch } from "./address-match.ts";
import { complexityFault, syntaxFault } from "./fault.ts";
import { searchLimits } from "./parser.ts";
import type { FieldName, SearchNode, SearchWord } from "./syntax-tree.ts";
import { hasWildcard, isLike, type Pattern, patternsOf } from "./pattern.ts";

/** Bounds are included; null is unbounded. */
export interface NumberRange {
  readonly low: bigint | null;
  readonly high: bigint | null;
}

export type Predicate =
  | { readonly kind: "constant"; readonly value: boolean }
  | { readonly kind: "and" | "or"; readonly operands: readonly Predicate[] }
  | { readonly kind: "not"; readonly operand: Predicate }
  | { readonly kind: "exists"; readonly field: RecordField }
  | { readonly kind: "empty"; readonly field: RecordField }
  | { readonly kind: "number"; readonly field: RecordField; readonly range: NumberRange }
  | { readonly kind: "address"; readonly field: RecordField; readonly match: AddressMatch }
  /** The text, as one token, is like the pattern. */
  | { readonly kind: "whole"; readonly field: RecordField; readonly pattern: Pattern }
  /** One of the field's tokens is like the pattern. */
  | { readonly kind: "token"; readonly field: RecordField; readonly pattern: Pattern }
  /** The tokens stand in the field one after another. */
  | { readonly kind: "phrase"; readonly field: RecordField; readonly tokens: readonly string[] };

const nothing: Predicate = { kind: "constant", value: false };
const everything: Predicate = { kind: "constant", value: true };

interface Planner {
  readonly query: string;
  readonly format: RecordFormat;
  tokens: number;
}

/** Checks the search. Faults: `QuerySyntax` (no such field, a wildcard that cannot be), `QueryTooComplex`. */
export function planSearch(query: string, tree: SearchNode, format: RecordFormat): Result<Predicate> {
  return planNode({ query, format, tokens: 0 }, tree);
}

function planNode(planner: Planner, node: SearchNode): Result<Predicate> {
  switch (node.kind) {
    case "all":
      return ok(everything);
    case "and":
    case "or":
      return planOperands(planner, node.kind, node.operands);
    case "not": {
      const operand = planNode(planner, node.operand);
      return operand.ok ? ok({ kind: "not", operand: operand.value }) : operand;
    }
    case "anywhere":
      return planAnywhere(planner, node.word);
    case "match":
      return planMatch(planner, node.field, node.word);
    case "exists":
    case "empty": {
      const field = findField(planner, node.field);
      if (!field.ok) return field;
      return ok(field.value === null ? nothing : { kind: node.kind, field: field.value });
    }
    case "compare":
    case "range":
      return planNumbers(planner, node);
  }
}

function planOperands(planner: Planner, kind: "and" | "or", nodes: readonly SearchNode[]): Result<Predicate> {
  const operands: Predicate[] = [];
  for (const node of nodes) {
    const operand = planNode(planner, node);
    if (!operand.ok) return operand;
    operands.push(operand.value);
  }
  return ok({ kind, operands });
}

/** The field of that name, in any case of A–Z; null for a tag, which flow records never have. */
function findField(planner: Planner, { name, span }: FieldName): Result<RecordField | null> {
  const { format, query } = planner;
  if (name.startsWith("__tag__:")) return ok(null);
  const wanted = lowerAscii(name === "source" ? "__source__" : name);
  const known = [...format.fields, format.topic, format.source];
  const field = known.find((candidate) => lowerAscii(candidate.name) === wanted);
  if (field !== undefined) return ok(field);
  const problem = `key (${name}) is not config as key value config,if symbol : is in your log,please wrap : with quotation mark "`;
  return { ok: false, fault: { ...syntaxFault(query, span, problem), allowed: fieldNames(format) } };
}

function fieldNames(format: RecordFormat): string {
  return [...format.fields, format.topic, format.source].map((field) => field.name).join(", ");
}

/** A word without a field: each of its tokens in some field, or its phrase in one. */
function planAnywhere(planner: Planner, word: SearchWord): Result<Predicate> {
  const { fields } = planner.format;
  const patterns = patternsOfWord(planner, word);
  if (!patterns.ok) return patterns;
  if (word.quoted && patterns.value.length > 1) {
    const tokens = patterns.value.map((pattern) => pattern.text);
    return ok(anyOf(fields.map((field) => phraseIn(field, tokens))));
  }
  return ok(allOf(patterns.value.map((pattern) => anyOf(fields.map((field) => tokenIn(field, pattern))))));
}

function planMatch(planner: Planner, name: FieldName, word: SearchWord): Result<Predicate> {
  const found = findField(planner, name);
  if (!found.ok) return found;
  const field = found.value;
  if (field === null) return ok(nothing);
  if (field.kind === "long") return planLong(planner, field, word);
  if (field.kind === "exact") {
    const pattern = patternsOf(word, "");
    if (!pattern.ok) return wildcardFault(planner, word, pattern.problem);
    return ok(allOf(pattern.patterns.map((each): Predicate => ({ kind: "whole", field, pattern: each }))));
  }
  const patterns = patternsOfWord(planner, word);
  if (!patterns.ok) return patterns;
  if (word.quoted && patterns.value.length > 1) {
    return ok(
      phraseIn(
        field,
        patterns.value.map((pattern) => pattern.text),
      ),
    );
  }
  return ok(allOf(patterns.value.map((pattern) => tokenIn(field, pattern))));
}

function planLong(planner: Planner, field: RecordField, word: SearchWord): Result<Predicate> {
  if (!word.quoted && hasWildcard(word.text)) {
    return wildcardFault(planner, word, `the field ${field.name} is a number: it has no wildcards`);
  }
  if (!/^-?\d{1,40}$/u.test(word.text)) return ok(nothing);
  const value = BigInt(word.text);
  return ok({ kind: "number", field, range: { low: value, high: value } });
}

/** The word's tokens, counted against the keywords that a query may have. */
function patternsOfWord(planner: Planner, word: SearchWord): Result<readonly Pattern[]> {
  const patterns = patternsOf(word, planner.format.delimiters);
  if (!patterns.ok) return wildcardFault(planner, word, patterns.problem);
  planner.tokens += patterns.patterns.length;
  if (planner.tokens > searchLimits.keywordsMax) {
    return { ok: false, fault: complexityFault("keywords", searchLimits.keywordsMax) };
  }
  return ok(patterns.patterns);
}

function wildcardFault(planner: Planner, word: SearchWord, problem: string): Result<never> {
  return { ok: false, fault: syntaxFault(planner.query, word.span, `syntax error: ${problem}`) };
}

function tokenIn(field: RecordField, pattern: Pattern): Predicate {
  if (field.values?.some((value) => isLike(pattern, value)) === false) return nothing;
  if (field.kind === "address") {
    return { kind: "address", field, match: addressMatch(pattern) };
  }
  if (field.kind === "long" && !pattern.hasWildcard) {
    // In text 0443 is another word than 443, so only the canonical form can be in a number's text.
    if (!/^(?:0|[1-9]\d{0,19})$/u.test(pattern.text)) return nothing;
    const value = BigInt(pattern.text);
    return { kind: "number", field, range: { low: value, high: value } };
  }
  return { kind: field.kind === "long" || field.isWord === true ? "whole" : "token", field, pattern };
}

/** Several words one after another. */
function phraseIn(field: RecordField, tokens: readonly string[]): Predicate {
  const canHold = field.kind === "text" && field.isWord !== true;
  return canHold ? { kind: "phrase", field, tokens } : nothing;
}

type NumberNode = Extract<SearchNode, { kind: "compare" | "range" }>;

/** A comparison of a number; of any other field or value it is a search for its words, as the service has it. */
function planNumbers(planner: Planner, node: NumberNode): Result<Predicate> {
  const field = findField(planner, node.field);
  if (!field.ok) return field;
  const range = node.kind === "compare" ? comparedRange(node) : includedRange(node);
  if (field.value?.kind === "long" && range !== null) {
    return ok({ kind: "number", field: field.value, range });
  }
  const words = node.kind === "compare" ? [node.word] : [node.low, node.high];
  const name: SearchWord = { text: node.field.name, quoted: true, span: node.field.span };
  return planOperands(
    planner,
    "and",
    [name, ...words].map((word) => ({ kind: "anywhere", word })),
  );
}

function comparedRange(node: Extract<NumberNode, { kind: "compare" }>): NumberRange | null {
  const number = parseNumber(node.word.text);
  if (number === null) return null;
  const { floor, isWhole } = number;
  const ceiling = isWhole ? floor : floor + 1n;
  switch (node.operator) {
    case "=":
      return isWhole ? { low: floor, high: floor } : { low: 1n, high: 0n };
    case ">":
      return { low: floor + 1n, high: null };
    case ">=":
      return { low: ceiling, high: null };
    case "<":
      return { low: null, high: ceiling - 1n };
    case "<=":
      return { low: null, high: floor };
  }
}

function includedRange(node: Extract<NumberNode, { kind: "range" }>): NumberRange | null {
  const low = parseNumber(node.low.text);
  const high = parseNumber(node.high.text);
  if (low === null || high === null) return null;
  return {
    low: low.isWhole && node.lowIncluded ? low.floor : low.floor + 1n,
    high: high.isWhole && !node.highIncluded ? high.floor - 1n : high.floor,
  };
}

/** A decimal number as its floor and whether that is all of it; null for anything else. */
function parseNumber(text: string): { floor: bigint; isWhole: boolean } | null {
  const match = /^(-?)(\d{1,40})(?:\.(\d{1,40}))?$/u.exec(text);
  if (match === null) return null;
  const [, sign, digits, fraction = ""] = match;
  const isWhole = /^0*$/u.test(fraction);
  const magnitude = BigInt(digits!);
  if (sign === "") return { floor: magnitude, isWhole };
  return { floor: isWhole ? -magnitude : -magnitude - 1n, isWhole };
}

function anyOf(operands: readonly Predicate[]): Predicate {
  const kept = operands.filter((operand) => operand.kind !== "constant" || operand.value);
  return kept.length === 0 ? nothing : { kind: "or", operands: kept };
}

/** A word of delimiters alone has no token and asks for nothing. */
function allOf(operands: readonly Predicate[]): Predicate {
  return operands.length === 0 ? everything : { kind: "and", operands };
}

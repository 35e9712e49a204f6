/**
 * Search text to its tree, by recursive descent.
 *
 *   search  := '*' | or-list
 *   or      := and ('or' and)*
 *   and     := unary ('and'? unary)*            adjacency is AND; `a not b` is a AND NOT b
 *   unary   := 'not' unary | '(' or ')' | term
 *   term    := word | field ':' value | field operator word | field 'in' bracket word word bracket
 *
 * `and`, `or` and `not` in any case, `in` in lower case. Bounded: query length, keywords and nesting.
 */
import { type Result, ok } from "../../base/mod.ts";
import { complexityFault, syntaxFault } from "./fault.ts";
import { type Lexeme, lexSearch } from "./lexer.ts";
import type { ComparisonOperator, FieldName, SearchNode, SearchWord } from "./syntax-tree.ts";

export const searchLimits = {
  queryCharactersMax: 65_536,
  keywordsMax: 30,
  nestingMax: 64,
  wordCharactersMax: 10_240,
} as const;

/** Words of the service's SQL that a search may hold only in quotes. */
const reservedWords = new Set(["sort", "asc", "desc", "group", "by", "avg", "sum", "min", "max", "limit"]);
const comparisonOperators = new Set<string>(["=", ">", ">=", "<", "<="]);

interface Reader {
  readonly query: string;
  readonly lexemes: readonly Lexeme[];
  next: number;
  keywords: number;
  nesting: number;
}

/** Parses a search. Faults: `QuerySyntax` with the place, `QueryTooComplex`. */
export function parseSearch(query: string): Result<SearchNode> {
  if (query.length > searchLimits.queryCharactersMax) {
    return { ok: false, fault: complexityFault("characters", searchLimits.queryCharactersMax) };
  }
  const lexemes = lexSearch(query);
  if (!lexemes.ok) return lexemes;
  if (lexemes.value.length === 0) return ok({ kind: "all" });
  const reader: Reader = { query, lexemes: lexemes.value, next: 0, keywords: 0, nesting: 0 };
  const tree = parseOr(reader);
  if (!tree.ok) return tree;
  const rest = reader.lexemes[reader.next];
  return rest === undefined ? tree : refuse(reader, rest);
}

function refuse(reader: Reader, at: Lexeme | undefined, problem = "syntax error"): Result<never> {
  const end = reader.query.length;
  const span = at?.span ?? { from: Math.max(end, 1), to: Math.max(end, 1) };
  const unexpectedEnd = at === undefined ? `${problem}: the query ends too early` : problem;
  return { ok: false, fault: syntaxFault(reader.query, span, unexpectedEnd) };
}

function isKeyword(lexeme: Lexeme | undefined, keyword: "and" | "or" | "not"): boolean {
  return lexeme?.kind === "word" && lexeme.text.toLowerCase() === keyword;
}

function parseOr(reader: Reader): Result<SearchNode> {
  const operands: SearchNode[] = [];
  for (;;) {
    const operand = parseAnd(reader);
    if (!operand.ok) return operand;
    operands.push(operand.value);
    if (!isKeyword(reader.lexemes[reader.next], "or")) break;
    reader.next++;
  }
  return ok(operands.length === 1 ? operands[0]! : { kind: "or", operands });
}

function parseAnd(reader: Reader): Result<SearchNode> {
  const operands: SearchNode[] = [];
  for (;;) {
    const operand = parseUnary(reader);
    if (!operand.ok) return operand;
    operands.push(operand.value);
    const lexeme = reader.lexemes[reader.next];
    if (isKeyword(lexeme, "and")) reader.next++;
    else if (lexeme === undefined || lexeme.kind === ")" || isKeyword(lexeme, "or")) break;
  }
  return ok(operands.length === 1 ? operands[0]! : { kind: "and", operands });
}

function parseUnary(reader: Reader): Result<SearchNode> {
  const lexeme = reader.lexemes[reader.next];
  if (lexeme === undefined) return refuse(reader, undefined);
  const isNot = isKeyword(lexeme, "not");
  if (!isNot && lexeme.kind !== "(") return parseTerm(reader, lexeme);
  if (++reader.nesting > searchLimits.nestingMax) {
    return { ok: false, fault: complexityFault("levels of nesting", searchLimits.nestingMax) };
  }
  reader.next++;
  const inner = isNot ? parseUnary(reader) : parseOr(reader);
  reader.nesting--;
  if (!inner.ok) return inner;
  if (isNot) return ok({ kind: "not", operand: inner.value });
  const closing = reader.lexemes[reader.next];
  if (closing?.kind !== ")") return refuse(reader, closing);
  reader.next++;
  return inner;
}

function parseTerm(reader: Reader, first: Lexeme): Result<SearchNode> {
  if (++reader.keywords > searchLimits.keywordsMax) {
    return { ok: false, fault: complexityFault("keywords", searchLimits.keywordsMax) };
  }
  const word = takeWord(reader);
  if (!word.ok) return word;
  const operator = reader.lexemes[reader.next];
  const field: FieldName = { name: word.value.text, span: first.span };
  if (operator?.kind === ":") return parseMatch(reader, field);
  if (operator !== undefined && comparisonOperators.has(operator.kind)) {
    reader.next++;
    const value = takeWord(reader);
    if (!value.ok) return value;
    return ok({ kind: "compare", field, operator: operator.kind as ComparisonOperator, word: value.value });
  }
  if (operator?.kind === "word" && operator.text === "in") return parseRange(reader, field);
  const isAll = word.value.text === "*" && !word.value.quoted;
  return ok(isAll ? { kind: "all" } : { kind: "anywhere", word: word.value });
}

function parseMatch(reader: Reader, field: FieldName): Result<SearchNode> {
  reader.next++;
  const word = takeWord(reader);
  if (!word.ok) return word;
  if (!word.value.quoted && word.value.text === "*") return ok({ kind: "exists", field });
  if (word.value.quoted && word.value.text === "") return ok({ kind: "empty", field });
  return ok({ kind: "match", field, word: word.value });
}

function parseRange(reader: Reader, field: FieldName): Result<SearchNode> {
  reader.next++;
  const open = reader.lexemes[reader.next++];
  if (open?.kind !== "[" && open?.kind !== "(") return refuse(reader, open);
  const low = takeWord(reader);
  if (!low.ok) return low;
  const high = takeWord(reader);
  if (!high.ok) return high;
  const close = reader.lexemes[reader.next++];
  if (close?.kind !== "]" && close?.kind !== ")") return refuse(reader, close);
  return ok({
    kind: "range",
    field,
    low: low.value,
    lowIncluded: open.kind === "[",
    high: high.value,
    highIncluded: close.kind === "]",
  });
}

/** The next lexeme as a word: not an operator, and not a reserved one unless in quotes. */
function takeWord(reader: Reader): Result<SearchWord> {
  const lexeme = reader.lexemes[reader.next];
  if (lexeme === undefined || (lexeme.kind !== "word" && lexeme.kind !== "quoted")) {
    return refuse(reader, lexeme);
  }
  reader.next++;
  if (lexeme.text.length > searchLimits.wordCharactersMax) {
    return { ok: false, fault: complexityFault("characters in a word", searchLimits.wordCharactersMax) };
  }
  const quoted = lexeme.kind === "quoted";
  if (!quoted && /^(?:and|or|not)$/iu.test(lexeme.text)) return refuse(reader, lexeme);
  if (!quoted && reservedWords.has(lexeme.text.toLowerCase())) {
    return refuse(reader, lexeme, "syntax error: a reserved word is searched for in quotes");
  }
  return ok({ text: lexeme.text, quoted, span: lexeme.span });
}

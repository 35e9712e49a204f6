/** Search text to tokens. Total: every text gives tokens or a fault; work is linear in its length. */
import { type Result, ok } from "../../base/mod.ts";
import { syntaxFault } from "./fault.ts";
import type { Span } from "./syntax-tree.ts";

export type LexemeKind = "word" | "quoted" | "(" | ")" | "[" | "]" | ":" | "=" | ">" | ">=" | "<" | "<=";

export interface Lexeme {
  readonly kind: LexemeKind;
  /** The word, unescaped; for the others the characters themselves. */
  readonly text: string;
  readonly span: Span;
}

const space = /\s/u;
const wordEnd = /[\s()[\]:=<>"]/u;
/** After `field:` a colon belongs to the value, so that an IPv6 address needs no quotes. */
const valueEnd = /[\s()[\]=<>"]/u;
const tagPrefix = "__tag__:";

export function lexSearch(query: string): Result<readonly Lexeme[]> {
  const lexemes: Lexeme[] = [];
  let index = 0;
  while (index < query.length) {
    if (space.test(query[index]!)) {
      index++;
      continue;
    }
    const lexeme = lexemeAt(query, index, lexemes.at(-1)?.kind === ":");
    if (!lexeme.ok) return lexeme;
    lexemes.push(lexeme.value);
    index = lexeme.value.span.to;
  }
  return ok(lexemes);
}

function lexemeAt(query: string, start: number, afterColon: boolean): Result<Lexeme> {
  const character = query[start]!;
  if (character === '"') return quotedAt(query, start);
  if (character === "<" || character === ">") {
    return ok(symbolAt(query, start, query[start + 1] === "=" ? 2 : 1));
  }
  if ("()[]=".includes(character)) return ok(symbolAt(query, start, 1));
  if (character === ":" && !(afterColon && query[start + 1] === ":")) return ok(symbolAt(query, start, 1));
  return ok(wordAt(query, start, afterColon));
}

function symbolAt(query: string, start: number, length: number): Lexeme {
  const text = query.slice(start, start + length);
  return { kind: text as LexemeKind, text, span: { from: start + 1, to: start + length } };
}

function wordAt(query: string, start: number, afterColon: boolean): Lexeme {
  const isTag = !afterColon && query.startsWith(tagPrefix, start);
  let end = isTag ? start + tagPrefix.length : start + 1;
  while (end < query.length && !(afterColon ? valueEnd : wordEnd).test(query[end]!)) end++;
  return { kind: "word", text: query.slice(start, end), span: { from: start + 1, to: end } };
}

/** A quoted phrase: `\"` is a quote and `\\` a backslash; any other backslash is itself. */
function quotedAt(query: string, start: number): Result<Lexeme> {
  let text = "";
  for (let index = start + 1; index < query.length; index++) {
    const character = query[index]!;
    if (character === '"') return ok({ kind: "quoted", text, span: { from: start + 1, to: index + 1 } });
    const next = query[index + 1];
    if (character === "\\" && (next === '"' || next === "\\")) {
      text += next;
      index++;
    } else {
      text += character;
    }
  }
  const span = { from: start + 1, to: query.length };
  return { ok: false, fault: syntaxFault(query, span, 'syntax error: a phrase lacks its closing "') };
}

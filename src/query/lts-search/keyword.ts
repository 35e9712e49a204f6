/**
 * Keywords of the log service of Huawei Cloud and Open Telekom Cloud, made the plan of a search.
 *
 * A keyword is a word between two delimiters of the line, in any case of its letters, with `*` and `?` past
 * its first character; `"…"` is a phrase. Words may be combined by AND, OR, NOT and parentheses, and by
 * nothing, which is AND. `field:value`, by the names that the record's fields have, asks one field alone.
 */
import { type Result, ok } from "../../base/mod.ts";
import { tokensOf } from "../record-format.ts";
import { parseSearch } from "../search/parser.ts";
import { planSearch, type Predicate } from "../search/plan.ts";
import type { SearchNode, SearchWord } from "../search/syntax-tree.ts";
import { contentFieldName, flowLines, lineDelimiters } from "./line-format.ts";

export interface Keywords {
  readonly predicate: Predicate;
  /** The tokens that were searched for, A–Z lowered, with `*` and `?`; those under NOT were not. */
  readonly tokens: readonly string[];
}

/** An IPv6 address is one word; elsewhere a colon follows a field's name. */
const phraseOrAddress = /"(?:[^"\\]|\\.)*"?|(?<![\w:."])[\da-f]{0,4}(?::[\da-f.]{0,15}){2,8}(?![\w:.*?"])/giu;

/** For the lines of that format; flow records if none is given. Faults: `QuerySyntax`, `QueryTooComplex`. */
export function compileKeywords(text: string, format = flowLines.format): Result<Keywords> {
  const query = text.replaceAll(phraseOrAddress, (part) => (part.startsWith('"') ? part : `"${part}"`));
  const tree = parseSearch(query);
  if (!tree.ok) return tree;
  const predicate = planSearch(query, inContent(tree.value), format);
  if (!predicate.ok) return predicate;
  return ok({ predicate: predicate.value, tokens: [...new Set(tokensIn(tree.value))] });
}

/** A word is looked for in the fields, which is fast; what only the whole line can tell, in the line. */
function inContent(node: SearchNode): SearchNode {
  switch (node.kind) {
    case "and":
    case "or":
      return { ...node, operands: node.operands.map(inContent) };
    case "not":
      return { ...node, operand: inContent(node.operand) };
    case "anywhere": {
      const { word } = node;
      const tokens = tokensOf(word.text, lineDelimiters);
      // No field has the value `-`: it stands for that there is none.
      const isOfLine = (word.quoted && tokens.length > 1) || tokens.includes("-");
      if (!isOfLine) return node;
      return { kind: "match", field: { name: contentFieldName, span: word.span }, word };
    }
    case "all":
    case "match":
    case "exists":
    case "empty":
    case "compare":
    case "range":
      return node;
  }
}

function tokensIn(node: SearchNode): string[] {
  switch (node.kind) {
    case "and":
    case "or":
      return node.operands.flatMap(tokensIn);
    case "anywhere":
    case "match":
      return tokensOfWord(node.word);
    case "all":
    case "not":
    case "exists":
    case "empty":
    case "compare":
    case "range":
      return [];
  }
}

function tokensOfWord({ text, quoted }: SearchWord): string[] {
  return tokensOf(text, quoted ? lineDelimiters : lineDelimiters.replace("?", ""));
}

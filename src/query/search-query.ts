/** A query text, `search | SQL`, checked and made ready to be run. */
import { type Result, ok } from "../base/mod.ts";
import type { RecordFormat } from "./record-format.ts";
import { sqlUnsupportedFault } from "./search/fault.ts";
import { parseSearch } from "./search/parser.ts";
import { planSearch, type Predicate } from "./search/plan.ts";
import type { SearchNode } from "./search/syntax-tree.ts";

/** A word that was searched for, and in which field; no field is any. */
export interface SearchTerm {
  readonly field: string;
  readonly word: string;
}

export interface SearchQuery {
  /** The search part as written; `*` if there is none. */
  readonly search: string;
  readonly terms: readonly SearchTerm[];
  readonly predicate: Predicate;
}

/**
 * Parses and checks a query. Faults: `QuerySyntax` with the place in the text, `QueryTooComplex`,
 * `QueryUnsupported` for a part after `|`.
 */
export function compileQuery(query: string, format: RecordFormat): Result<SearchQuery> {
  const pipe = pipeIndex(query);
  if (pipe !== -1) return { ok: false, fault: sqlUnsupportedFault() };
  const tree = parseSearch(query);
  if (!tree.ok) return tree;
  const predicate = planSearch(query, tree.value, format);
  if (!predicate.ok) return predicate;
  const search = query.trim() === "" ? "*" : query.trim();
  return ok({ search, terms: termsOf(tree.value), predicate: predicate.value });
}

/** Where the search ends: the first `|` that is not in double quotes; -1 if there is none. */
function pipeIndex(query: string): number {
  let isQuoted = false;
  for (let index = 0; index < query.length; index++) {
    const character = query[index];
    if (isQuoted && character === "\\") index++;
    else if (character === '"') isQuoted = !isQuoted;
    else if (character === "|" && !isQuoted) return index;
  }
  return -1;
}

/** The words that the query asks for; those under NOT are not asked for. */
function termsOf(node: SearchNode): SearchTerm[] {
  switch (node.kind) {
    case "and":
    case "or":
      return node.operands.flatMap(termsOf);
    case "anywhere":
      return [{ field: "", word: node.word.text }];
    case "match":
    case "compare":
      return [{ field: node.field.name, word: node.word.text }];
    case "all":
    case "not":
    case "exists":
    case "empty":
    case "range":
      return [];
  }
}

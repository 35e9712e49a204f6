/** How a search is refused: in the words of the service, with the place in the text. */
import { fault, type Fault } from "../../base/mod.ts";
import type { Span } from "./syntax-tree.ts";

const nearCharactersMax = 32;

/** `QuerySyntax`: the text is no search. */
export function syntaxFault(query: string, span: Span, problem: string): Fault {
  const near = query.slice(span.from - 1, Math.min(span.to, span.from - 1 + nearCharactersMax));
  return fault(
    "QuerySyntax",
    `${problem}; error position is from column:${span.from} to column:${span.to},error near < ${near} >`,
    { field: "query", value: near },
  );
}

/** `QueryTooComplex`: the text is a search, but past one of the bounds. */
export function complexityFault(bound: string, allowed: number): Fault {
  return fault("QueryTooComplex", `the query has more than ${allowed} ${bound}`, {
    field: "query",
    allowed: `at most ${allowed} ${bound}`,
  });
}

/** `QueryUnsupported`: the part after `|`. */
export function sqlUnsupportedFault(): Fault {
  return fault(
    "QueryUnsupported",
    "SQL analysis after | is not supported by this log service; send the search part alone",
    { field: "query", allowed: "a search without |" },
  );
}

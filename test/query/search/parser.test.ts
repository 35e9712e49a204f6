import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { unwrap } from "../../../src/base/mod.ts";
import { compileQuery, sagRecordFormat, searchLimits } from "../../../src/query/mod.ts";
import { parseSearch } from "../../../src/query/search/parser.ts";
import { createParameters, predicateSql } from "../../../src/query/search/sql.ts";
import type { SearchNode, SearchWord } from "../../../src/query/search/syntax-tree.ts";

/** The tree in one line, every grouping shown. */
function shown(node: SearchNode): string {
  const word = ({ text, quoted }: SearchWord): string => (quoted ? JSON.stringify(text) : text);
  switch (node.kind) {
    case "all":
      return "*";
    case "and":
    case "or":
      return `(${node.operands.map(shown).join(` ${node.kind} `)})`;
    case "not":
      return `not ${shown(node.operand)}`;
    case "anywhere":
      return word(node.word);
    case "match":
      return `${node.field.name}:${word(node.word)}`;
    case "exists":
      return `${node.field.name}:*`;
    case "empty":
      return `${node.field.name}:""`;
    case "compare":
      return `${node.field.name}${node.operator}${word(node.word)}`;
    case "range": {
      const { field, low, high, lowIncluded, highIncluded } = node;
      return `${field.name} in ${lowIncluded ? "[" : "("}${low.text} ${high.text}${highIncluded ? "]" : ")"}`;
    }
  }
}

function refusal(query: string): string {
  const compiled = compileQuery(query, sagRecordFormat);
  return compiled.ok ? "ok" : `${compiled.fault.code}: ${compiled.fault.message}`;
}

describe("the search language", () => {
  it.each([
    ["", "*"],
    ["  ", "*"],
    ["*", "*"],
    ["a", "a"],
    ["a b c", "(a and b and c)"],
    ["a and b or c and d", "((a and b) or (c and d))"],
    ["a or b and not c", "(a or (b and not c))"],
    ["a not b", "(a and not b)"],
    ["not not a", "not not a"],
    ["not a b", "(not a and b)"],
    ["a AND b Or NOT c", "((a and b) or not c)"],
    ["(a or b) (c or d)", "((a or b) and (c or d))"],
    ["((a))", "a"],
    ['"and" or "not"', '("and" or "not")'],
    ['"a \\"b\\" \\\\ \\n"', '"a \\"b\\" \\\\ \\\\n"'],
    [
      "srcaddr: 10.0.0.1 and dstport: 443 not protocol: 17",
      "(srcaddr:10.0.0.1 and dstport:443 and not protocol:17)",
    ],
    ["srcaddr:2001:db8::1", "srcaddr:2001:db8::1"],
    ["srcaddr:::1", "srcaddr:::1"],
    ["srcaddr: ::1 and a", "(srcaddr:::1 and a)"],
    [
      "(srcaddr:10.0.0.1 AND dstaddr:10.0.0.*) OR (srcaddr:10.0.0.* AND dstaddr:10.0.0.1 )",
      "((srcaddr:10.0.0.1 and dstaddr:10.0.0.*) or (srcaddr:10.0.0.* and dstaddr:10.0.0.1))",
    ],
    ["direction: 'in' and srcaddr: 10.0.0.*", "(direction:'in' and srcaddr:10.0.0.*)"],
    ["tcp-flags:18", "tcp-flags:18"],
    ['"tcp-flags":18', "tcp-flags:18"],
    ["snid:*", "snid:*"],
    ['snid:""', 'snid:""'],
    ["bytes>=100 bytes < 200", "(bytes>=100 and bytes<200)"],
    ["bytes in [100 200) or bytes in (1 2]", "(bytes in [100 200) or bytes in (1 2])"],
    ["__tag__:path:x", "__tag__:path:x"],
    ["source: a", "source:a"],
    ["pin", "pin"],
    ["a|b", undefined],
  ])("reads %j as %s", (query, expected) => {
    if (expected === undefined) expect(refusal(query)).toMatch(/^QueryUnsupported/u);
    else expect(shown(unwrap(parseSearch(query)))).toBe(expected);
  });

  it.each([
    ["a and", "from column:5 to column:5"],
    ["and a", "from column:1 to column:3,error near < and >"],
    ["a or or b", "from column:6 to column:7,error near < or >"],
    ["(a", "the query ends too early"],
    ["a)", "from column:2 to column:2,error near < ) >"],
    ["()", "from column:2 to column:2"],
    ["srcaddr:", "the query ends too early"],
    ["srcaddr: and", "from column:10 to column:12"],
    [": a", "from column:1 to column:1"],
    ['a "b c', 'lacks its closing "; error position is from column:3 to column:6'],
    ["bytes > > 1", "from column:9 to column:9"],
    ["bytes in 1 2]", "from column:10 to column:10"],
    ["bytes in [1 2", "the query ends too early"],
    ["bytes in [1, 2, 3]", "from column:17 to column:17"],
    ["group", "a reserved word is searched for in quotes"],
    ["srcaddr: MAX", "from column:10 to column:12"],
    ["nosuch: 1", "key (nosuch) is not config as key value config"],
    ["nosuch > 1", "key (nosuch) is not config as key value config"],
    ["*a", "a word cannot start with * or ?"],
    ["srcaddr:?1", "a word cannot start with * or ?"],
    ["snid:a/*b", "a word cannot start with * or ?"],
    [`snid:a${"b".repeat(64)}*`, "at most 64 characters"],
    ["dstport: 44*", "it has no wildcards"],
  ])("refuses %j and says where", (query, expected) => {
    expect(refusal(query)).toContain("QuerySyntax: ");
    expect(refusal(query)).toContain(expected);
  });

  it("refuses the SQL part in words of its own, but not a bar in quotes", () => {
    expect(refusal("* | select count(1)")).toBe(
      "QueryUnsupported: SQL analysis after | is not supported by this log service; send the search part alone",
    );
    expect(refusal('snid:"a|b" and "\\"|"')).toBe("ok");
  });

  it("is bounded in keywords, nesting, length and words", () => {
    const { keywordsMax, nestingMax, queryCharactersMax, wordCharactersMax } = searchLimits;
    const words = (count: number): string =>
      Array.from({ length: count }, (_, index) => `w${index}`).join(" ");
    expect(refusal(words(keywordsMax))).toBe("ok");
    expect(refusal(words(keywordsMax + 1))).toMatch(/^QueryTooComplex.*keywords/u);
    expect(refusal(words(keywordsMax + 1).replaceAll(" ", ","))).toMatch(/^QueryTooComplex.*keywords/u);
    expect(refusal(`${"(".repeat(nestingMax)}a${")".repeat(nestingMax)}`)).toBe("ok");
    expect(refusal(`${"(".repeat(nestingMax + 1)}a${")".repeat(nestingMax + 1)}`)).toMatch(
      /^QueryTooComplex/u,
    );
    expect(refusal("not ".repeat(nestingMax + 1) + "a")).toMatch(/^QueryTooComplex/u);
    expect(refusal("a".repeat(wordCharactersMax))).toBe("ok");
    expect(refusal("a".repeat(wordCharactersMax + 1))).toMatch(/^QueryTooComplex/u);
    expect(refusal("(".repeat(queryCharactersMax))).toMatch(/^QueryTooComplex/u);
    expect(refusal(" ".repeat(queryCharactersMax + 1))).toMatch(/^QueryTooComplex/u);
  });
});

describe("any text", () => {
  const pieces = fc.constantFrom(
    ..."a srcaddr dstport snid __topic__ __tag__: in and or not * ? ( ) [ ] : = > >= < <= | \" \\ ' 10.0.0.* 1 -1 1.5".split(
      " ",
    ),
    " ",
    "  ",
    "\n",
    "\u0000",
    "é",
    "\u{1f600}",
    "\ud800",
    "{p1:String}",
    "';--",
    "%",
    "_",
    "2001:db8::*",
    "min",
  );
  const texts = fc.oneof(
    fc.array(pieces, { maxLength: 24 }).map((parts) => parts.join("")),
    fc.array(pieces, { maxLength: 24 }).map((parts) => parts.join(" ")),
    fc.string({ unit: "binary", maxLength: 200 }),
  );

  it("is a search or a fault, at once, and never part of the SQL", () => {
    fc.assert(
      fc.property(texts, (text) => {
        const startMs = performance.now();
        const compiled = compileQuery(text, sagRecordFormat);
        expect(performance.now() - startMs).toBeLessThan(1000);
        if (!compiled.ok) {
          expect(["QuerySyntax", "QueryTooComplex", "QueryUnsupported"]).toContain(compiled.fault.code);
          return;
        }
        const sql = predicateSql(compiled.value.predicate, sagRecordFormat, createParameters());
        expect(withoutOwnText(sql)).toMatch(/^[\s()[\],]*$/u);
      }),
      { numRuns: 20_000 },
    );
  });

  /** What is left of a condition without the expressions, functions and placeholders that we wrote. */
  function withoutOwnText(sql: string): string {
    return sql
      .replaceAll(/'(?:[^'\\]|\\.)*'/gu, "")
      .replaceAll(/\{p\d+:\w+\}/gu, "")
      .replaceAll(/\b(?:AND|OR|NOT|LIKE|BETWEEN|has|hasSubstr|lower|toString|intDiv|token|array\w+)\b/gu, "")
      .replaceAll(
        /\b(?:replaceRegexpOne|splitByRegexp|resource_id|resource_serial|account_id|agent_id)\b/gu,
        "",
      )
      .replaceAll(
        /\b(?:start_us|end_us|protocol|packets|octets|tcp_control_bits|ip_class_of_service)\b/gu,
        "",
      )
      .replaceAll(/\b(?:source|destination)_(?:address|port)\b|\b(?:in|e)gress_interface\b/gu, "")
      .replaceAll(/->|[<>=!]+|\b(?:0|1|1000000)\b/gu, "");
  }
});

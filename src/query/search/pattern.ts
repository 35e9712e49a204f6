/** Search words as patterns: the tokens of a word, with `*` (any characters) and `?` (one) as wildcards. */
import { lowerAscii, tokensOf } from "../record-format.ts";
import type { SearchWord } from "./syntax-tree.ts";

export interface Pattern {
  /** A–Z lowered; with wildcards where `hasWildcard`. */
  readonly text: string;
  readonly hasWildcard: boolean;
}

/** The service matches no longer words by wildcard. */
const wildcardWordCharactersMax = 64;

export function hasWildcard(text: string): boolean {
  return /[*?]/u.test(text);
}

/** The word's tokens as patterns. With no delimiters the whole word is one token. */
export function patternsOf(
  word: SearchWord,
  delimiters: string,
): { ok: true; patterns: readonly Pattern[] } | { ok: false; problem: string } {
  if (word.quoted || !hasWildcard(word.text)) {
    const tokens = delimiters === "" ? [lowerAscii(word.text)] : tokensOf(word.text, delimiters);
    return { ok: true, patterns: tokens.map((text) => ({ text, hasWildcard: false })) };
  }
  const patterns: Pattern[] = [];
  for (const text of tokensOf(word.text, delimiters.replace("?", ""))) {
    if (/^[*?]/u.test(text)) return { ok: false, problem: "a word cannot start with * or ?" };
    if (hasWildcard(text) && text.length > wildcardWordCharactersMax) {
      const problem = `a word with * or ? has at most ${wildcardWordCharactersMax} characters`;
      return { ok: false, problem };
    }
    patterns.push({ text, hasWildcard: hasWildcard(text) });
  }
  return { ok: true, patterns };
}

/** Whether a word of a record is like the pattern. */
export function isLike({ text, hasWildcard: isPattern }: Pattern, word: string): boolean {
  if (!isPattern) return lowerAscii(word) === text;
  const source = Array.from(text, (character) => {
    if (character === "*") return ".*";
    return character === "?" ? "." : RegExp.escape(character);
  });
  return new RegExp(`^${source.join("")}$`, "su").test(lowerAscii(word));
}

/** The pattern as an SQL LIKE pattern, its own special characters escaped. */
export function likePattern({ text }: Pattern): string {
  return text
    .replaceAll(/[\\%_]/gu, (character) => `\\${character}`)
    .replaceAll("*", "%")
    .replaceAll("?", "_");
}

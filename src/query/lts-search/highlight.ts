/** Marks the words of a line that a search was for, as the log service does unless it is told not to. */
import { lowerAscii } from "../record-format.ts";
import { lineDelimiters } from "./line-format.ts";

const opening = "<HighLightTag>";
const closing = "</HighLightTag>";

/** `tokens` as Keywords has them. */
export function createHighlighter(tokens: readonly string[]): (line: string) => string {
  if (tokens.length === 0) return (line) => line;
  const delimiters = RegExp.escape(lineDelimiters);
  const word = new RegExp(`[^${delimiters}]+`, "gu");
  const patterns = tokens.map(tokenPattern).join("|");
  const isWanted = new RegExp(`^(?:${patterns})$`, "u");
  return (line) =>
    line.replaceAll(word, (text) => (isWanted.test(lowerAscii(text)) ? `${opening}${text}${closing}` : text));
}

function tokenPattern(token: string): string {
  return Array.from(token, (character) => {
    if (character === "*") return ".*";
    return character === "?" ? "." : RegExp.escape(character);
  }).join("");
}

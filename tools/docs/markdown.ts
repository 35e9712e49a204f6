/** Pieces of Markdown. */
export const generatedNote =
  "<!-- Generated from the code by `npm run docs`. Do not edit: a test compares it. -->\n";

/** A table; pipes in cells are escaped. */
export function markdownTable(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", String.raw`\|`).replaceAll("\n", " ")).join(" | ")} |\n`;
  return line(titles) + line(titles.map(() => "---")) + rows.map(line).join("");
}

export function code(text: string): string {
  return text === "" ? "" : `\`${text}\``;
}

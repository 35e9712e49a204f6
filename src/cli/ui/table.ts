/** Tables for people: columns as wide as their widest cell, numbers to the right. */
import { stripVTControlCharacters } from "node:util";

export interface TableColumn {
  readonly title: string;
  /** Default left. */
  readonly align?: "left" | "right";
  readonly widthMin?: number;
  /** Cells longer than this are cut, with an ellipsis; unbounded if absent. */
  readonly widthMax?: number;
}

/** Lines of the table, each ended by a newline; the title row only when there are no rows. */
export function formatTable(columns: readonly TableColumn[], rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) =>
    columns.map((column, index) => cutText(printable(row[index] ?? ""), column.widthMax)),
  );
  const widths = columns.map((column, index) =>
    cells.reduce(
      (widest, row) => Math.max(widest, textWidth(row[index]!)),
      Math.max(textWidth(column.title), column.widthMin ?? 0),
    ),
  );
  const lines = [columns.map((column) => column.title), ...cells].map((row) =>
    row
      .map((cell, index) => padText(cell, widths[index]!, columns[index]!.align ?? "left"))
      .join("  ")
      .trimEnd(),
  );
  return `${lines.join("\n")}\n`;
}

/** Name and value pairs, one a line, values aligned. */
export function formatPairs(pairs: readonly (readonly [name: string, value: string])[]): string {
  const width = pairs.reduce((widest, [name]) => Math.max(widest, textWidth(name)), 0);
  return pairs.map(([name, value]) => `${padText(name, width, "left")}  ${printable(value)}\n`).join("");
}

/** 1234567 as "1,234,567". */
export function formatCount(value: number): string {
  return Math.trunc(value)
    .toString()
    .replaceAll(/\B(?=(?:\d{3})+$)/gu, ",");
}

/** One noun with its number: "1 record", "2 records". */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** Octets in the largest binary unit that leaves at least one: "1.4 MiB". */
export function formatOctets(octets: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let value = octets;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return unit === 0 ? `${value} B` : `${value.toFixed(1)} ${units[unit]}`;
}

/** Styles stay; what else could move the cursor or forge a line is shown as a replacement character. */
function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.replaceAll(/\u001b(?!\[[\d;]*m)|[\u0000-\u001a\u001c-\u001f\u007f-\u009f]/gu, "\u{fffd}");
}

function cutText(text: string, widthMax: number | undefined): string {
  if (widthMax === undefined || textWidth(text) <= widthMax) return text;
  return `${Array.from(stripVTControlCharacters(text))
    .slice(0, Math.max(0, widthMax - 1))
    .join("")}…`;
}

function padText(text: string, width: number, align: "left" | "right"): string {
  const padding = " ".repeat(Math.max(0, width - textWidth(text)));
  return align === "left" ? text + padding : padding + text;
}

function textWidth(text: string): number {
  return Array.from(stripVTControlCharacters(text)).length;
}

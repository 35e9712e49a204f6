/** Any JSON value for people: nested names indented, lists of alike objects as tables. */
import { formatPairs, formatTable } from "./table.ts";

/** "activeTimeoutS" as "active timeout s". */
export function humanName(name: string): string {
  return name.replaceAll(/([a-z0-9])([A-Z])/gu, "$1 $2").toLowerCase();
}

export function describeTree(value: Readonly<Record<string, unknown>>): string {
  const scalars: [string, string][] = [];
  let branches = "";
  for (const [name, child] of Object.entries(value)) {
    if (child === undefined) continue;
    if (isBranch(child)) branches += `\n${humanName(name)}\n${indent(describeBranch(child))}`;
    else scalars.push([humanName(name), scalarText(child)]);
  }
  return formatPairs(scalars) + branches;
}

function isBranch(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  return !Array.isArray(value) || value.some((element) => typeof element === "object");
}

function describeBranch(value: object): string {
  if (!Array.isArray(value)) return describeTree(value as Record<string, unknown>);
  const rows = value as readonly Readonly<Record<string, unknown>>[];
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return formatTable(
    names.map((name) => ({ title: humanName(name).toUpperCase() })),
    rows.map((row) => names.map((name) => scalarText(row[name]))),
  );
}

function scalarText(value: unknown): string {
  if (value === undefined || value === null) return "-";
  if (Array.isArray(value)) return value.length === 0 ? "-" : value.map(scalarText).join(", ");
  return typeof value === "string" ? value : JSON.stringify(value);
}

function indent(text: string): string {
  return text.replaceAll(/^(?=.)/gmu, "  ");
}

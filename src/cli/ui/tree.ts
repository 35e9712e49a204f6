/** Any JSON value for people: nested names indented, lists of alike objects as tables. */
import { formatPairs, formatTable } from "./table.ts";

/** 2001-09-09 as milliseconds since 1970: no duration is as long, no time of a record's delivery as early. */
const timeMsMin = 1e12;

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
    else scalars.push([titleOf(name, child), scalarText(child, name)]);
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
    names.map((name) => ({ title: titleOf(name, ...rows.map((row) => row[name])).toUpperCase() })),
    rows.map((row) => names.map((name) => scalarText(row[name], name))),
  );
}

/** Whether the value is a point in time: then it is shown as a date, and its name without the unit. */
function isTime(name: string, value: unknown): value is number {
  return name.endsWith("Ms") && typeof value === "number" && value >= timeMsMin && value <= 8.64e15;
}

function titleOf(name: string, ...values: readonly unknown[]): string {
  return humanName(values.some((value) => isTime(name, value)) ? name.slice(0, -2) : name);
}

function scalarText(value: unknown, name: string): string {
  if (value === undefined || value === null) return "-";
  if (Array.isArray(value))
    return value.length === 0 ? "-" : value.map((element) => scalarText(element, name)).join(", ");
  if (isTime(name, value)) return new Date(value).toISOString();
  return typeof value === "string" ? value : JSON.stringify(value);
}

function indent(text: string): string {
  return text.replaceAll(/^(?=.)/gmu, "  ");
}

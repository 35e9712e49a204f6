/** Flows as lines of text: every field of the field table, under its name. */
import { formatAddress } from "../../base/mod.ts";
import { addressAt, type FlowBatch, flowFieldList } from "../../flow/mod.ts";

export const flowFileFormats = ["jsonl", "csv"] as const;
export type FlowFileFormat = (typeof flowFileFormats)[number];

/** The first line of a CSV file, with its newline. */
export function csvHeader(): string {
  return `${flowFieldList.map(({ name }) => name).join(",")}\n`;
}

/**
 * Row `row` as one line with its newline. Numbers are decimal integers, addresses text: no value of either
 * format ever needs quoting beyond JSON's own around addresses.
 */
export function formatFlow(batch: FlowBatch, row: number, format: FlowFileFormat): string {
  let line = "";
  for (const { name, type } of flowFieldList) {
    const column = batch.columns[name];
    const isAddress = type === "address";
    const value = isAddress ? formatAddress(addressAt(column as Uint32Array, row)) : String(column[row]);
    if (line !== "") line += ",";
    if (format === "csv") line += value;
    else line += isAddress ? `"${name}":"${value}"` : `"${name}":${value}`;
  }
  return format === "csv" ? `${line}\n` : `{${line}}\n`;
}

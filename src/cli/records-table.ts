/** Records as a table: what a person looks at first; --json has every field. */
import { formatTable } from "./ui/table.ts";

export type LogRecord = Readonly<Record<string, string>>;

// Least widths keep a followed logstore's lines aligned.
const columnsOfAll = [
  { title: "START (UTC)", field: "start", widthMin: 19 },
  { title: "END (UTC)", field: "end", widthMin: 19 },
  { title: "SOURCE", field: "srcaddr", widthMin: 15 },
  { title: "PORT", field: "srcport", align: "right", widthMin: 5 },
  { title: "DESTINATION", field: "dstaddr", widthMin: 15 },
  { title: "PORT", field: "dstport", align: "right", widthMin: 5 },
  { title: "PROTOCOL", field: "protocol", align: "right" },
  { title: "PACKETS", field: "packets", align: "right", widthMin: 9 },
  { title: "BYTES", field: "bytes", align: "right", widthMin: 12 },
] as const;

/** Of services whose records tell the firewall's verdict and what is known of their window. */
const columnsOfWindows = [
  { title: "ACTION", field: "action", widthMin: 6 },
  { title: "STATUS", field: "log-status", widthMin: 8 },
] as const;

/** Titles and rows; the titles alone if there is no record. */
export function recordTable(records: readonly LogRecord[]): string {
  const columns = records.some((record) => "log-status" in record)
    ? [...columnsOfAll, ...columnsOfWindows]
    : columnsOfAll;
  const rows = records.map((record) => columns.map(({ field }) => cellText(field, record[field])));
  return formatTable(columns, rows);
}

function cellText(field: string, value: string | undefined): string {
  if (value === undefined) return "-";
  if (field !== "start" && field !== "end") return value;
  return new Date(Number(value) * 1000).toISOString().slice(0, 19).replace("T", " ");
}

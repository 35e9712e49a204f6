/** One block into the table, by the path that works here. */
import { formatAddress } from "../base/mod.ts";
import { addressAt, type FlowField, flowFieldList } from "../flow/mod.ts";
import { type ArrowType, arrowColumn, runOverColumns } from "./arrow.ts";
import type { Block } from "./block.ts";
import type { Connection } from "./engine.ts";
import { stringArray } from "./statement.ts";
import { flowsTable, sourceColumns } from "./table.ts";

const arrowTypes: Record<FlowField["type"], ArrowType> = {
  u8: "u8",
  u16: "u16",
  u32: "u32",
  f64: "f64",
  address: "address",
};

// One insert is one block is one part: no threads to spread it over and no size at which it is cut.
const insertSettings =
  "max_threads = 1, max_insert_threads = 1, min_insert_block_size_rows = 4194304, min_insert_block_size_bytes = 4294967296";

const columnNames = flowsTable.columns.map((column) => column.name).join(", ");

/** Inserts the block through Arrow columns: nothing is formatted, parsed or copied on the way. */
export async function insertArrow(writer: Connection, block: Block): Promise<void> {
  const columns = [
    arrowColumn("position", "u64", block.rows, block.positions),
    arrowColumn("received_ms", "f64", block.rows, block.receivedMs),
    arrowColumn("source", "u16", block.rows, block.sourceIndexes),
    ...flowFieldList.map((field) =>
      arrowColumn(field.column, arrowTypes[field.type], block.rows, block.flows.columns[field.name]),
    ),
  ];
  const values = flowsTable.columns.map((column) => arrowExpression(column, block));
  await runOverColumns(
    writer,
    columns,
    `INSERT INTO ${flowsTable.name} (${columnNames}) SELECT ${values.join(", ")}
     FROM arrowstream('block') SETTINGS ${insertSettings}`,
  );
}

function arrowExpression({ name, type, field }: (typeof flowsTable.columns)[number], block: Block): string {
  if (field !== undefined || name === "position" || name === "received_ms") {
    return `CAST(assumeNotNull(${name}) AS ${type})`;
  }
  switch (name) {
    case "logstore":
      return `${block.logstore}`;
    case "shard":
      return "0";
    case "time":
      return "toDateTime(least(intDiv(toUInt64(assumeNotNull(end_us)), 1000000), 4294967295), 'UTC')";
    default: {
      const values = block.sources.map((source) => source[name as keyof typeof source]);
      const [first] = values;
      // One value for all rows is a constant to the engine, which costs nothing for each.
      if (values.every((value) => value === first)) return `${stringArray([first!])}[1]`;
      return `${stringArray(values)}[assumeNotNull(source) + 1]`;
    }
  }
}

/** Inserts the block as tab-separated text: the documented way, several times slower. */
export async function insertText(writer: Connection, block: Block): Promise<void> {
  const lines: string[] = [];
  const positions = new BigUint64Array(block.positions.buffer, 0, block.rows);
  for (let row = 0; row < block.rows; row++) {
    const source = block.sources[block.sourceIndexes[row]!]!;
    const seconds = Math.min(Math.floor(block.flows.columns.endUs[row]! / 1_000_000), 0xff_ff_ff_ff);
    const cells = [
      `${block.logstore}`,
      "0",
      `${positions[row]}`,
      `${block.receivedMs[row]}`,
      `${seconds}`,
      ...sourceColumns.map((name) => escapeCell(source[name])),
      ...flowFieldList.map((field) => cellText(block, field, row)),
    ];
    lines.push(cells.join("\t"), "\n");
  }
  const text = Buffer.from(lines.join(""));
  await writer.use((session) =>
    session.insert({
      table: flowsTable.name,
      columns: flowsTable.columns.map((column) => column.name),
      values: text,
      format: "TabSeparated",
      settings: {
        input_format_parallel_parsing: 0,
        max_insert_block_size: 4_194_304,
        min_insert_block_size_rows: 4_194_304,
        min_insert_block_size_bytes: 4_294_967_296,
      },
    }),
  );
}

function cellText(block: Block, field: FlowField, row: number): string {
  if (field.type !== "address") return `${block.flows.columns[field.name][row]}`;
  const text = formatAddress(addressAt(block.flows.columns[field.name] as Uint32Array, row));
  return text.includes(":") ? text : `::ffff:${text}`;
}

function escapeCell(text: string): string {
  return text.replace(
    /[\\\t\n\r\0]/gu,
    (character) => `\\${{ "\\": "\\", "\t": "t", "\n": "n", "\r": "r", "\0": "0" }[character]}`,
  );
}

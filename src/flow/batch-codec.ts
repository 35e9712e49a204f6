/**
 * The byte form of a FlowBatch: what crosses processes, the spool, an upgrade and the network.
 *
 *     magic        u32   "WFB1" (0x31424657 little-endian)
 *     version      u16   1
 *     columnCount  u16
 *     rowCount     u32
 *     headerLength u32   bytes of the JSON header that follows the directory
 *     directory    columnCount × { fieldId u16 | type u8 | encoding u8 | byteLength u32 }
 *     header       JSON of FlowBatchHeader, UTF-8
 *     columns      one after the other, in directory order, each at a multiple of 8
 *
 * Little-endian throughout. Encoding 0 is the column's array as it stands, 1 is one element that holds
 * for every row. A reader skips fields it does not know and fills those it misses with the field table's
 * fallback, so either side may be the newer one. The version changes only if this layout does.
 */
import { addressWords, fail, ok, type Result } from "../base/mod.ts";
import {
  type ColumnArray,
  createFlowBatch,
  emptyHeader,
  type FlowBatch,
  type FlowBatchHeader,
  type FlowColumns,
} from "./batch.ts";
import { type FieldType, type FlowField, flowFieldList } from "./field.ts";

const magic = 0x31424657;
const version = 1;
const fixedBytes = 16;
const directoryEntryBytes = 8;
const encodingRaw = 0;
const encodingConstant = 1;
const typeNumbers: Record<FieldType, number> = { u8: 1, u16: 2, u32: 3, f64: 4, address: 5 };
const typeBytes: Record<FieldType, number> = { u8: 1, u16: 2, u32: 4, f64: 8, address: 16 };

/** A batch larger than this is no batch of ours; it bounds what a decoder allocates. */
export const flowBatchRowsMax = 1 << 20;

const fieldsById = new Map<number, FlowField>(flowFieldList.map((field) => [field.id, field]));

/** Encodes the rows in use. */
export function encodeFlowBatch(batch: FlowBatch): Uint8Array<ArrayBuffer> {
  const header = new TextEncoder().encode(JSON.stringify(batch.header));
  const columns = flowFieldList.map((field) => encodeColumn(field, batch));
  const dataStart = align8(fixedBytes + columns.length * directoryEntryBytes + header.length);
  const total = columns.reduce((end, column) => align8(end) + column.bytes.length, dataStart);
  const out = new Uint8Array(total);
  const view = new DataView(out.buffer);
  view.setUint32(0, magic, true);
  view.setUint16(4, version, true);
  view.setUint16(6, columns.length, true);
  view.setUint32(8, batch.count, true);
  view.setUint32(12, header.length, true);
  out.set(header, fixedBytes + columns.length * directoryEntryBytes);
  let at = dataStart;
  for (const [index, column] of columns.entries()) {
    const entry = fixedBytes + index * directoryEntryBytes;
    view.setUint16(entry, column.field.id, true);
    view.setUint8(entry + 2, typeNumbers[column.field.type]);
    view.setUint8(entry + 3, column.encoding);
    view.setUint32(entry + 4, column.bytes.length, true);
    at = align8(at);
    out.set(column.bytes, at);
    at += column.bytes.length;
  }
  return out;
}

interface EncodedColumn {
  readonly field: FlowField;
  readonly encoding: number;
  readonly bytes: Uint8Array;
}

function encodeColumn(field: FlowField, batch: FlowBatch): EncodedColumn {
  const column = batch.columns[field.name];
  const width = field.type === "address" ? addressWords : 1;
  const used = column.subarray(0, batch.count * width);
  const constant = batch.count > 1 && isConstant(used, width);
  const kept = constant ? used.subarray(0, width) : used;
  return {
    field,
    encoding: constant ? encodingConstant : encodingRaw,
    bytes: new Uint8Array(kept.buffer, kept.byteOffset, kept.byteLength),
  };
}

function isConstant(values: ColumnArray, width: number): boolean {
  for (let index = width; index < values.length; index++) {
    if (values[index] !== values[index - width]) return false;
  }
  return true;
}

/** What a batch says of itself before its columns. */
export interface FlowBatchHead {
  readonly header: FlowBatchHeader;
  readonly rowCount: number;
  readonly columnCount: number;
  /** Where the columns begin. */
  readonly dataStart: number;
}

/** Reads the head alone, for those who route a batch without looking into it. Total, like decodeFlowBatch(). */
export function readFlowBatchHead(bytes: Uint8Array): Result<FlowBatchHead> {
  if (bytes.length < fixedBytes)
    return fail("Truncated", `flow batch of ${bytes.length} bytes has no header`);
  const view = viewOf(bytes);
  if (view.getUint32(0, true) !== magic) return fail("Malformed", "not a flow batch: wrong magic number");
  const found = view.getUint16(4, true);
  if (found !== version) {
    const details = { field: "version", value: `${found}`, allowed: `${version}` };
    return fail("Unsupported", "flow batch of another layout", details);
  }
  const columnCount = view.getUint16(6, true);
  const rowCount = view.getUint32(8, true);
  if (rowCount > flowBatchRowsMax) {
    const details = { field: "rowCount", value: `${rowCount}`, allowed: `at most ${flowBatchRowsMax}` };
    return fail("Malformed", "flow batch declares too many rows", details);
  }
  const headerStart = fixedBytes + columnCount * directoryEntryBytes;
  const headerEnd = headerStart + view.getUint32(12, true);
  const dataStart = align8(headerEnd);
  if (dataStart > bytes.length) return fail("Truncated", "flow batch ends inside its header");
  const header = decodeHeader(bytes.subarray(headerStart, headerEnd));
  return header.ok ? ok({ header: header.value, rowCount, columnCount, dataStart }) : header;
}

/**
 * Decodes a batch. Total: any bytes give a batch or a fault (`Truncated`, `Malformed`, `Unsupported`),
 * and allocate no more than the fields of the table for the rows they declare.
 */
export function decodeFlowBatch(bytes: Uint8Array): Result<FlowBatch> {
  const head = readFlowBatchHead(bytes);
  if (!head.ok) return head;
  const { header, rowCount, columnCount, dataStart } = head.value;
  const spans = columnSpans(viewOf(bytes), columnCount, dataStart, rowCount);
  if (!spans.ok) return spans;
  const batch = createFlowBatch(rowCount, header);
  batch.count = rowCount;
  for (const field of flowFieldList) {
    const span = spans.value.get(field.id);
    if (span === undefined) fillFallback(field, batch.columns);
    else readColumn(bytes, span, batch.columns[field.name]);
  }
  return ok(batch);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

interface ColumnSpan {
  readonly start: number;
  readonly byteLength: number;
  readonly constant: boolean;
}

function columnSpans(
  view: DataView,
  columnCount: number,
  dataStart: number,
  rowCount: number,
): Result<Map<number, ColumnSpan>> {
  const spans = new Map<number, ColumnSpan>();
  let at = dataStart;
  for (let index = 0; index < columnCount; index++) {
    const entry = fixedBytes + index * directoryEntryBytes;
    const id = view.getUint16(entry, true);
    const encoding = view.getUint8(entry + 3);
    const byteLength = view.getUint32(entry + 4, true);
    const start = align8(at);
    at = start + byteLength;
    if (at > view.byteLength) return fail("Truncated", `flow batch ends inside column ${id}`);
    const field = fieldsById.get(id);
    if (field === undefined) continue;
    const rows = encoding === encodingConstant ? 1 : rowCount;
    const expected = typeBytes[field.type] * rows;
    if (
      encoding > encodingConstant ||
      view.getUint8(entry + 2) !== typeNumbers[field.type] ||
      byteLength !== expected
    ) {
      return fail("Malformed", `column ${field.name} has a wrong type, encoding or length`, {
        field: field.name,
      });
    }
    spans.set(id, { start, byteLength, constant: encoding === encodingConstant });
  }
  return ok(spans);
}

function readColumn(bytes: Uint8Array, span: ColumnSpan, column: ColumnArray): void {
  const target = new Uint8Array(column.buffer, column.byteOffset, column.byteLength);
  const source = bytes.subarray(span.start, span.start + span.byteLength);
  if (!span.constant) target.set(source);
  else if (source.length > 0)
    for (let at = 0; at < target.length; at += source.length) target.set(source, at);
}

function fillFallback(field: FlowField, columns: FlowColumns): void {
  if (field.fallback !== 0) columns[field.name].fill(field.fallback);
}

function decodeHeader(bytes: Uint8Array): Result<FlowBatchHeader> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    return fail("Malformed", "flow batch header is not JSON", { cause: error });
  }
  if (typeof parsed !== "object" || parsed === null)
    return fail("Malformed", "flow batch header is not an object");
  const fields: Record<string, unknown> = { ...parsed };
  const header: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(emptyHeader)) {
    if (typeof fields[name] !== typeof value)
      return fail("Malformed", `flow batch header lacks ${name}`, { field: name });
    header[name] = fields[name];
  }
  return ok(header as unknown as FlowBatchHeader);
}

function align8(value: number): number {
  return Math.ceil(value / 8) * 8;
}

/**
 * FlowBatch: flows as columns, one typed array a field of the field table.
 *
 * Counters and times are integers in Float64Arrays: exact to 2^53, without a BigInt in any hot loop.
 * An address is four 32-bit words whose bytes in memory are in network order, so that a Uint8Array over
 * the same buffer is the address as the wire has it.
 */
import { addressWords } from "../base/mod.ts";
import { type FieldType, flowFieldList, type flowFields, logStatuses } from "./field.ts";

interface ColumnArrays {
  u8: Uint8Array<ArrayBuffer>;
  u16: Uint16Array<ArrayBuffer>;
  u32: Uint32Array<ArrayBuffer>;
  f64: Float64Array<ArrayBuffer>;
  address: Uint32Array<ArrayBuffer>;
}

export type ColumnArray = ColumnArrays[FieldType];

export type FlowColumns = {
  readonly [Field in (typeof flowFields)[number] as Field["name"]]: ColumnArrays[Field["type"]];
};

/** Who metered the batch and for what. Strings that hold for every row stay out of the columns. */
export interface FlowBatchHeader {
  /** The agent that metered: a host or, later, a remote one. */
  readonly agentId: string;
  /** Unique for each start of the agent. */
  readonly bootId: string;
  /** 1, 2, 3 … within (agent, boot). The three together are the batch's id. */
  readonly sequence: number;
  readonly flowLogId: string;
  /** The associated resource whose traffic this is: a gateway or an interface. */
  readonly resourceId: string;
}

export interface FlowBatch {
  header: FlowBatchHeader;
  readonly capacity: number;
  /** Rows in use. */
  count: number;
  readonly columns: FlowColumns;
}

export const emptyHeader: FlowBatchHeader = {
  agentId: "",
  bootId: "",
  sequence: 0,
  flowLogId: "",
  resourceId: "",
};

/** A batch with room for `capacity` rows, all zero. */
export function createFlowBatch(capacity: number, header: FlowBatchHeader = emptyHeader): FlowBatch {
  // Not by assignment to computed names: V8 then keeps the object as a hash table, slow to read in hot loops.
  const columns = Object.fromEntries(
    flowFieldList.map(({ name, type }) => [name, createColumn(type, capacity)]),
  );
  return { header, capacity, count: 0, columns: columns as unknown as FlowColumns };
}

export function createColumn(type: FieldType, capacity: number): ColumnArray {
  switch (type) {
    case "u8":
      return new Uint8Array(capacity);
    case "u16":
      return new Uint16Array(capacity);
    case "u32":
      return new Uint32Array(capacity);
    case "f64":
      return new Float64Array(capacity);
    case "address":
      return new Uint32Array(capacity * addressWords);
  }
}

/**
 * Takes out the rows that are no flows but words on a window, for receivers that have no word for them, and
 * says how many there were. The others keep their order.
 */
export function removeWindowStatuses(batch: FlowBatch): number {
  const { columns, count } = batch;
  const isFlow = (row: number): boolean => columns.logStatus[row] === logStatuses.ok;
  let kept = 0;
  while (kept < count && isFlow(kept)) kept++;
  for (let row = kept; row < count; row++) {
    if (!isFlow(row)) continue;
    for (const { name, type } of flowFieldList) {
      const width = type === "address" ? addressWords : 1;
      columns[name].copyWithin(kept * width, row * width, (row + 1) * width);
    }
    kept++;
  }
  batch.count = kept;
  return count - kept;
}

/** The batch's id: unique over agents, restarts and batches. */
export function batchId(header: FlowBatchHeader): string {
  return `${header.agentId}/${header.bootId}/${header.sequence}`;
}

/** The 16 bytes of row `row` of an address column. A view, not a copy. */
export function addressAt(column: Uint32Array, row: number): Uint8Array {
  return new Uint8Array(column.buffer, column.byteOffset + row * addressWords * 4, addressWords * 4);
}

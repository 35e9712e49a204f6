/**
 * Rows on their way into the table: the batches of one logstore and day as one set of columns, so that one
 * insert makes one part, which is stored as a whole or not at all.
 */
import { addressWords, fail, ok, type Result } from "../base/mod.ts";
import { createFlowBatch, decodeFlowBatch, type FlowBatch, flowFieldList } from "../flow/mod.ts";
import type { StoreInsert } from "./protocol.ts";
import { rowsPerPosition, type SourceColumn } from "./table.ts";

export type BlockSource = Readonly<Record<SourceColumn, string>>;

export interface Block {
  readonly logstore: number;
  readonly rows: number;
  /** The flow fields of every row. */
  readonly flows: FlowBatch;
  /** 64-bit positions, little-endian. */
  readonly positions: Uint32Array<ArrayBuffer>;
  readonly receivedMs: Float64Array<ArrayBuffer>;
  /** Which of `sources` each row is from. */
  readonly sourceIndexes: Uint16Array<ArrayBuffer>;
  readonly sources: readonly BlockSource[];
}

export interface DecodedInsert {
  readonly insert: StoreInsert;
  readonly batch: FlowBatch;
}

/** Decodes a batch and checks that its numbers are ones that the table can hold. */
export function decodeInsert(insert: StoreInsert): Result<DecodedInsert> {
  const decoded = decodeFlowBatch(insert.batch);
  if (!decoded.ok) return decoded;
  const batch = decoded.value;
  for (const field of flowFieldList) {
    if (field.type !== "f64") continue;
    for (const value of batch.columns[field.name]) {
      if (!(value >= 0 && value <= Number.MAX_SAFE_INTEGER)) {
        return fail("Malformed", `${field.name} is no count`, { field: field.name, value: `${value}` });
      }
    }
  }
  return ok({ insert, batch });
}

/** Makes one block of batches for the same logstore and day. */
export function createBlock(logstore: number, decoded: readonly DecodedInsert[]): Block {
  const rows = decoded.reduce((sum, { batch }) => sum + batch.count, 0);
  const flows = createFlowBatch(rows);
  flows.count = rows;
  const positions = new Uint32Array(rows * 2);
  const receivedMs = new Float64Array(rows);
  const sourceIndexes = new Uint16Array(rows);
  const sources: BlockSource[] = [];
  const sourceNumbers = new Map<string, number>();
  let at = 0;
  for (const { insert, batch } of decoded) {
    for (const field of flowFieldList) {
      const width = field.type === "address" ? addressWords : 1;
      const from = batch.columns[field.name].subarray(0, batch.count * width);
      flows.columns[field.name].set(from, at * width);
    }
    fillPositions(positions, at, insert.position, batch.count);
    receivedMs.fill(insert.receivedMs ?? 0, at, at + batch.count);
    sourceIndexes.fill(sourceNumber(sources, sourceNumbers, insert, batch), at, at + batch.count);
    at += batch.count;
  }
  return { logstore, rows, flows, positions, receivedMs, sourceIndexes, sources };
}

/** position × 2^20 + row, as two words: a shift of one and the rest of the other. */
function fillPositions(positions: Uint32Array, at: number, position: number, rows: number): void {
  const high = Math.floor((position * rowsPerPosition) / 2 ** 32);
  const low = (position * rowsPerPosition) % 2 ** 32;
  for (let row = 0; row < rows; row++) {
    positions[(at + row) * 2] = low + row;
    positions[(at + row) * 2 + 1] = high;
  }
}

function sourceNumber(
  sources: BlockSource[],
  numbers: Map<string, number>,
  { target }: StoreInsert,
  batch: FlowBatch,
): number {
  const source: BlockSource = {
    flow_log_id: target.flowLogId,
    resource_id: target.resourceId,
    resource_serial: target.resourceSerial,
    account_id: target.accountId,
    region_id: target.regionId,
    agent_id: batch.header.agentId,
    service: target.service ?? "",
    vpc_id: target.vpcId ?? "",
    subnet_id: target.subnetId ?? "",
    instance_id: target.instanceId ?? "",
    project_id: target.projectId ?? "",
  };
  const key = JSON.stringify(source);
  const known = numbers.get(key);
  if (known !== undefined) return known;
  numbers.set(key, sources.length);
  return sources.push(source) - 1;
}

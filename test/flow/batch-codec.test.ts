import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  createFlowBatch,
  decodeFlowBatch,
  encodeFlowBatch,
  type FlowBatch,
  flowFieldList,
} from "../../src/flow/mod.ts";

function sampleBatch(rows: number): FlowBatch {
  const batch = createFlowBatch(rows + 3, {
    agentId: "a",
    bootId: "b",
    sequence: 7,
    flowLogId: "fl-1",
    resourceId: "sag-1",
  });
  batch.count = rows;
  for (const [index, field] of flowFieldList.entries()) {
    const column = batch.columns[field.name];
    for (let at = 0; at < column.length; at++) column[at] = (at * (index + 1)) % 251;
  }
  batch.columns.protocol.fill(6);
  return batch;
}

// Version 1 as the layout comment writes it: a constant column of a known field, then one of a future field.
const version1Directory =
  "57464231" + // magic
  "0100" + // version
  "0200" + // two columns
  "02000000" + // two rows
  "00000000" + // header length, set below
  "0800010101000000" + // field 8 (protocol), u8, constant, 1 byte
  "e703020004000000"; // field 999, u16, raw, 4 bytes

describe("decodeFlowBatch()", () => {
  it("gives back what encodeFlowBatch() was given, for any number of rows", () => {
    for (const rows of [0, 1, 2, 5, 100]) {
      const batch = sampleBatch(rows);
      const decoded = decodeFlowBatch(encodeFlowBatch(batch));
      expect(decoded.ok).toBe(true);
      if (!decoded.ok) return;
      expect(decoded.value.header).toEqual(batch.header);
      expect(decoded.value.count).toBe(rows);
      for (const field of flowFieldList) {
        const width = field.type === "address" ? 4 : 1;
        expect(decoded.value.columns[field.name]).toEqual(batch.columns[field.name].slice(0, rows * width));
      }
    }
  });

  it("reads version 1 with an unknown field and without the others", () => {
    const header = '{"agentId":"a","bootId":"b","sequence":1,"flowLogId":"","resourceId":"r"}';
    const bytes = version1With(header);
    const decoded = decodeFlowBatch(bytes);
    expect(decoded).toMatchObject({ ok: true, value: { count: 2, header: { agentId: "a", sequence: 1 } } });
    if (!decoded.ok) return;
    expect([...decoded.value.columns.protocol]).toEqual([17, 17]);
    expect([...decoded.value.columns.samplingInterval]).toEqual([1, 1]);
    expect([...decoded.value.columns.flowDirection]).toEqual([255, 255]);
  });

  it("answers every truncation with a fault", () => {
    const bytes = encodeFlowBatch(sampleBatch(3));
    for (let length = 0; length < bytes.length; length++) {
      expect(decodeFlowBatch(bytes.subarray(0, length)).ok, `${length} bytes`).toBe(false);
    }
  });

  it("never throws, whatever the bytes", () => {
    const bytes = encodeFlowBatch(sampleBatch(3));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { maxLength: 8 }), (edits) => {
        const mutated = bytes.slice();
        for (const [at, value] of edits) mutated[at] = value;
        decodeFlowBatch(mutated);
      }),
      { numRuns: 2000 },
    );
  });
});

function version1With(header: string): Uint8Array {
  const text = new TextEncoder().encode(header);
  const directory = Uint8Array.fromHex(version1Directory);
  new DataView(directory.buffer).setUint32(12, text.length, true);
  const dataStart = (directory.length + text.length + 7) & ~7;
  const bytes = new Uint8Array(dataStart + 12);
  bytes.set(directory);
  bytes.set(text, directory.length);
  bytes[dataStart] = 17;
  return bytes;
}

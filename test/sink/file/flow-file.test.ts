import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { FaultError, parseAddress, unwrap } from "../../../src/base/mod.ts";
import { addressAt, createFlowBatch, type FlowBatch, flowFieldList } from "../../../src/flow/mod.ts";
import { createFlowFile } from "../../../src/sink/file/mod.ts";

let directory = "";
const path = (name: string) => join(directory, name);
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "weir-flows-"));
});
afterAll(() => rmSync(directory, { recursive: true }));

function sampleBatch(rows: number): FlowBatch {
  const batch = createFlowBatch(rows + 1);
  batch.count = rows;
  for (let row = 0; row < rows; row++) {
    batch.columns.startUs[row] = 1_700_000_000_123_456 + row;
    batch.columns.octets[row] = 2 ** 53 - 1;
    batch.columns.sourcePort[row] = row;
    addressAt(batch.columns.sourceAddress, row).set(unwrap(parseAddress("192.0.2.1")));
    addressAt(batch.columns.destinationAddress, row).set(unwrap(parseAddress("2001:db8::1")));
  }
  return batch;
}

async function write(name: string, batches: FlowBatch[], overwrite = false): Promise<string> {
  const file = unwrap(await createFlowFile({ path: path(name), overwrite }));
  for (const batch of batches) await file.accept(batch);
  await file.close();
  expect(file.flowsWritten()).toBe(batches.reduce((sum, { count }) => sum + count, 0));
  return readFileSync(path(name), "utf8");
}

describe("a file of flows", () => {
  it("is JSON lines with every field of the field table under its name", async () => {
    const lines = (await write("flows.jsonl", [sampleBatch(2), sampleBatch(1)])).trimEnd().split("\n");
    expect(lines.length).toBe(3);
    const flow = JSON.parse(lines[1]!) as Record<string, unknown>;
    expect(Object.keys(flow)).toEqual(flowFieldList.map(({ name }) => name));
    expect(flow).toMatchObject({
      startUs: 1_700_000_000_123_457,
      sourceAddress: "192.0.2.1",
      destinationAddress: "2001:db8::1",
      sourcePort: 1,
      octets: 2 ** 53 - 1,
    });
  });

  it("is CSV with the same fields in the same order", async () => {
    const [header, ...rows] = (await write("flows.csv", [sampleBatch(2)])).trimEnd().split("\n");
    expect(header).toBe(flowFieldList.map(({ name }) => name).join(","));
    const at = header!.split(",").indexOf("destinationAddress");
    expect(rows.map((row) => row.split(",")[at])).toEqual(["2001:db8::1", "2001:db8::1"]);
    expect(rows.every((row) => row.split(",").length === flowFieldList.length)).toBe(true);
  });

  it("is there, empty but for its header, when there are no flows", async () => {
    expect(await write("none.jsonl", [])).toBe("");
    expect((await write("none.csv", [])).split("\n").length).toBe(2);
  });

  it("does not replace another file unless told to", async () => {
    writeFileSync(path("mine.csv"), "precious");
    expect(await createFlowFile({ path: path("mine.csv") })).toMatchObject({
      ok: false,
      fault: { code: "InputInvalid", remedy: expect.stringContaining("--force") },
    });
    expect(readFileSync(path("mine.csv"), "utf8")).toBe("precious");
    expect(await write("mine.csv", [], true)).not.toContain("precious");
  });

  it("is refused with an ending that names no format, or where it cannot be", async () => {
    expect(await createFlowFile({ path: path("flows.xml") })).toMatchObject({
      fault: { code: "InputInvalid", allowed: "*.jsonl, *.csv" },
    });
    expect(existsSync(path("flows.xml"))).toBe(false);
    expect(await createFlowFile({ path: path("no/such/folder.csv") })).toMatchObject({ ok: false });
  });

  it.skipIf(!existsSync("/dev/full"))("says that the disk is full", async () => {
    const { symlinkSync } = await import("node:fs");
    symlinkSync("/dev/full", path("full.jsonl"));
    const file = unwrap(await createFlowFile({ path: path("full.jsonl"), overwrite: true }));
    const thrown = await file.accept(sampleBatch(1)).catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(FaultError);
    expect((thrown as FaultError).fault).toMatchObject({ code: "DiskFull" });
    await file.close();
  });
});

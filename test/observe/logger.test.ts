import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { createLineWriter } from "../../src/observe/logger.ts";
import { createMetrics, type Metrics } from "../../src/observe/mod.ts";

const name = "weir_log_dropped_lines_total";
let directory: string;
let metrics: Metrics;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "weir-logger-"));
  metrics = createMetrics();
});
afterEach(() => rmSync(directory, { recursive: true }));

describe("the log's writer", () => {
  it("writes each line at once", () => {
    const path = join(directory, "log");
    const descriptor = openSync(path, "w");
    const writer = createLineWriter(descriptor, metrics.counter(name, ""));
    writer.write("one\n");
    expect(readFileSync(path, "utf8")).toBe("one\n");
    writer.write("two\n");
    closeSync(descriptor);
    expect(readFileSync(path, "utf8")).toBe("one\ntwo\n");
    expect(metrics.value(name)).toBe(0);
  });

  it("counts the lines that the kernel does not take, and keeps none of them", () => {
    // Each write to it is ENOSPC.
    const descriptor = openSync("/dev/full", "w");
    const writer = createLineWriter(descriptor, metrics.counter(name, ""));
    const line = `${"x".repeat(1023)}\n`;
    const before = process.memoryUsage.rss();
    for (let round = 0; round < 100_000; round++) writer.write(line);
    closeSync(descriptor);
    expect(metrics.value(name)).toBe(100_000);
    expect(process.memoryUsage.rss() - before).toBeLessThan(80_000_000);
  });
});

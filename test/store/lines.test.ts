import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { type Clock, systemClock, unwrap } from "../../src/base/mod.ts";
import { createMetrics, silentLogger } from "../../src/observe/mod.ts";
import { createStore, linesTable, type Store } from "../../src/store/mod.ts";

// A store starts a process of its own, with a database engine in it.
vi.setConfig({ hookTimeout: 120_000 });

const timeS = 1_750_000_000;
const dayMs = 86_400_000;

let directory: string;
let store: Store;
let nowMs: number;
const clock: Clock = { nowMs: () => nowMs, monotonicMs: () => systemClock.monotonicMs() };

async function open(): Promise<void> {
  store = createStore(
    { path: join(directory, "store"), readers: 1, memoryBytesMax: 512 * 1024 * 1024 },
    { logger: silentLogger, metrics: createMetrics(), clock },
  );
  unwrap(await store.start());
}

beforeEach(async () => {
  nowMs = timeS * 1000;
  directory = mkdtempSync(join(tmpdir(), "weir-lines-"));
  await open();
});
afterEach(async () => {
  await store.stop();
  rmSync(directory, { recursive: true, force: true });
});

async function append(logstore: number, contents: readonly string[], labels = {}): Promise<void> {
  const lines = contents.map((content, index) => ({ timeS, nanosecond: index, content }));
  unwrap(await store.appendLines({ logstore, lines, labels }));
}

async function rows(columns: string): Promise<readonly (readonly unknown[])[]> {
  const sql = `SELECT ${columns} FROM ${linesTable.name} ORDER BY position`;
  return unwrap(await store.query(sql, {})).rows;
}

describe("lines of clients", () => {
  it("are kept with their time, labels and whatever characters they have", async () => {
    const contents = ["plain", "", "tab\tquote\"'\\ {p1:String} \u0000 流日志 🙂", "a\nb"];
    await append(7, contents, { host: "a", "odd key'": '"b"' });
    expect(await rows("logstore, toUnixTimestamp(time), nanosecond, content, toJSONString(labels)")).toEqual(
      contents.map((content, index) => [
        7,
        timeS,
        index,
        content,
        JSON.stringify({ host: "a", "odd key'": '"b"' }),
      ]),
    );
  });

  it("have positions of their own when many arrive at once, and after a restart", async () => {
    await Promise.all(Array.from({ length: 50 }, (_, index) => append(1 + (index % 3), [`${index}`, "x"])));
    await store.stop();
    await open();
    await append(1, ["after"]);
    const positions = (await rows("toString(position)")).map(([position]) => Number(position));
    expect(positions).toHaveLength(101);
    expect(new Set(positions).size).toBe(101);
    expect(positions[0]).toBe(linesTable.positionMin);
    expect(positions.at(-1)).toBe(linesTable.positionMin + 100);
  });

  it("go with their logstore, and with their retention", async () => {
    await append(1, ["old"]);
    await append(2, ["other"]);
    await append(3, ["deleted"]);
    nowMs += 3 * dayMs;
    await append(1, ["new"]);
    unwrap(await store.dropLogstore(2));
    expect(await rows("content")).toEqual([["old"], ["deleted"], ["new"]]);
    unwrap(await store.expire([{ logstore: 1, days: 2 }]));
    expect(await rows("content")).toEqual([["new"]]);
  });
});

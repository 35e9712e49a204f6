import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { systemClock, unwrap } from "../../src/base/mod.ts";
import { createMetrics, silentLogger } from "../../src/observe/mod.ts";
import { openSpool, type Spool } from "../../src/spool/mod.ts";

const sinks = ["store", "netflow"];
const bytesMax = 500;
/** Fewer than may wait, so that some are on their way and others are not. */
const entriesRead = 2;

/** The spool as a list: no transactions, no files, no clearing. */
interface Model {
  positions: number;
  accepted: Set<string>;
  held: { position: number; batchId: string; size: number; sinks: string[] }[];
  cursors: Map<string, number>;
  /** Positions up to which each sink was given batches. */
  given: Map<string, number>;
  states: Map<string, number>;
  dropped: Map<string, number>;
}

interface Real {
  spool: Spool;
  readonly path: string;
}

type Command = fc.AsyncCommand<Model, Real>;

function openAt(path: string): Spool {
  const dependencies = { clock: systemClock, logger: silentLogger, metrics: createMetrics() };
  return unwrap(openSpool({ path, bytesMax, sinks }, dependencies));
}

function pendingOf(model: Model, sink: string) {
  return model.held.filter(
    (batch) => batch.sinks.includes(sink) && batch.position > model.cursors.get(sink)!,
  );
}

function clearModel(model: Model): void {
  model.held = model.held.filter((batch) =>
    batch.sinks.some((sink) => batch.position > model.cursors.get(sink)!),
  );
  while (model.held.reduce((sum, batch) => sum + batch.size, 0) > bytesMax) {
    // What is on its way to a sink goes last.
    const isIdle = ({ position }: Model["held"][number]): boolean =>
      sinks.every((sink) => position <= model.cursors.get(sink)! || position > (model.given.get(sink) ?? 0));
    const oldest = model.held.find(isIdle) ?? model.held[0]!;
    for (const sink of oldest.sinks) {
      if (oldest.position > model.cursors.get(sink)!) {
        model.dropped.set(sink, (model.dropped.get(sink) ?? 0) + 1);
      }
    }
    model.held.splice(model.held.indexOf(oldest), 1);
  }
}

function check(model: Model, { spool }: Real): void {
  for (const sink of sinks) {
    const expected = pendingOf(model, sink).slice(0, entriesRead);
    const read = spool.read(sink, { entriesMax: entriesRead, bytesMax: 1 << 20 });
    if (read.length > 0) model.given.set(sink, Math.max(model.given.get(sink) ?? 0, read.at(-1)!.position));
    expect(read.map(({ position, batchId, bytes }) => ({ position, batchId, size: bytes.length }))).toEqual(
      expected.map(({ position, batchId, size }) => ({ position, batchId, size })),
    );
    expect(spool.sinkState(sink)).toBe(model.states.get(sink));
    const status = spool.status().sinks.find(({ name }) => name === sink);
    expect(status).toEqual({
      name: sink,
      cursor: model.cursors.get(sink),
      pending: pendingOf(model, sink).length,
    });
    const lost = spool.status().losses.filter((loss) => loss.sink === sink);
    expect(lost.reduce((sum, loss) => sum + loss.batches, 0)).toBe(model.dropped.get(sink) ?? 0);
  }
}

class Append implements Command {
  readonly batches: readonly { origin: string; sequence: number; size: number; sinks: string[] }[];
  constructor(batches: Append["batches"]) {
    this.batches = batches;
  }
  check = () => true;
  toString = () => `append ${JSON.stringify(this.batches)}`;
  async run(model: Model, real: Real): Promise<void> {
    const results = await Promise.all(
      this.batches.map(({ origin, sequence, size, sinks: names }) =>
        real.spool.append({
          batchId: `${origin}/${sequence}`,
          bytes: new Uint8Array(size),
          rows: 1,
          routes: names.map((sink) => ({ sink, target: { flowLogId: origin } })),
        }),
      ),
    );
    for (const [index, batch] of this.batches.entries()) {
      const batchId = `${batch.origin}/${batch.sequence}`;
      expect(unwrap(results[index]!)).toBe(model.accepted.has(batchId) ? "duplicate" : "accepted");
      if (model.accepted.has(batchId)) continue;
      model.accepted.add(batchId);
      if (batch.sinks.length > 0)
        model.held.push({ position: ++model.positions, batchId, size: batch.size, sinks: batch.sinks });
    }
    clearModel(model);
    check(model, real);
  }
}

class Acknowledge implements Command {
  readonly sink: string;
  readonly entries: number;
  readonly state: number | undefined;
  constructor(sink: string, entries: number, state: number | undefined) {
    this.sink = sink;
    this.entries = entries;
    this.state = state;
  }
  check = (model: Readonly<Model>) => pendingOf(model, this.sink).length > 0;
  toString = () => `acknowledge ${this.sink} ${this.entries} ${this.state}`;
  async run(model: Model, real: Real): Promise<void> {
    const pending = pendingOf(model, this.sink);
    const last = pending[Math.min(this.entries, pending.length) - 1]!;
    real.spool.acknowledge(this.sink, last.position, this.state);
    model.cursors.set(this.sink, last.position);
    if (this.state !== undefined) model.states.set(this.sink, this.state);
    check(model, real);
  }
}

class Reopen implements Command {
  check = () => true;
  toString = () => "reopen";
  async run(model: Model, real: Real): Promise<void> {
    real.spool.close();
    real.spool = openAt(real.path);
    model.given.clear();
    check(model, real);
  }
}

describe("a spool and a list", { timeout: 120_000 }, () => {
  it("behave alike under any mix of appends, acknowledgements and reopenings", async () => {
    const batch = fc.record({
      origin: fc.constantFrom("a/1", "a/2"),
      sequence: fc.integer({ min: 1, max: 12 }),
      size: fc.integer({ min: 0, max: 200 }),
      sinks: fc.subarray(sinks),
    });
    const commands = fc.commands(
      [
        fc.array(batch, { minLength: 1, maxLength: 4 }).map((batches) => new Append(batches)),
        fc
          .tuple(
            fc.constantFrom(...sinks),
            fc.integer({ min: 1, max: 4 }),
            fc.option(fc.nat(), { nil: undefined }),
          )
          .map(([sink, entries, state]) => new Acknowledge(sink, entries, state)),
        fc.constant(new Reopen()),
      ],
      { maxCommands: 40 },
    );
    await fc.assert(
      fc.asyncProperty(commands, async (run) => {
        const directory = mkdtempSync(join(tmpdir(), "weir-spool-model-"));
        const path = join(directory, "spool.sqlite");
        const real: Real = { spool: openAt(path), path };
        try {
          const cursors = new Map(sinks.map((sink) => [sink, 0]));
          const model: Model = {
            positions: 0,
            accepted: new Set(),
            held: [],
            cursors,
            given: new Map(),
            states: new Map(),
            dropped: new Map(),
          };
          await fc.asyncModelRun(() => ({ model, real }), run);
        } finally {
          real.spool.close();
          rmSync(directory, { recursive: true, force: true });
        }
      }),
      { numRuns: 60 },
    );
  });
});

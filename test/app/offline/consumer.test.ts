import { describe, expect, it } from "vitest";

import { createFlowQueue, type FlowConsumer } from "../../../src/app/offline/consumer.ts";
import { createFlowBatch, emptyHeader, type FlowBatch, flowFieldList } from "../../../src/flow/mod.ts";

const capacity = 8;

/** Two batches that are filled by turns, as a meter fills its own: each put changes what was put two before. */
function createTurns() {
  const batches = [createFlowBatch(capacity), createFlowBatch(capacity)] as const;
  let turn = 0;
  return {
    /** A batch with `count` rows, in every field other values than those of any other `sequence`. */
    next(sequence: number, count = capacity): FlowBatch {
      const batch = batches[turn++ % 2]!;
      batch.header = { ...emptyHeader, sequence };
      batch.count = count;
      flowFieldList.forEach(({ name }, field) => {
        const column = batch.columns[name];
        for (let at = 0; at < column.length; at++) column[at] = (sequence * 37 + field * 5 + at) % 251;
      });
      return batch;
    },
  };
}

/** All that rows in use say. */
function valuesOf({ header, count, columns }: FlowBatch) {
  const values = flowFieldList.map(({ name, type }) =>
    Array.from(columns[name].subarray(0, type === "address" ? count * 4 : count)),
  );
  return { sequence: header.sequence, count, values };
}

function expected(sequences: readonly number[], count = capacity) {
  return sequences.map((sequence) => valuesOf(createTurns().next(sequence, count)));
}

function createKeeper(name = "keeper") {
  const kept: ReturnType<typeof valuesOf>[] = [];
  const keeper: FlowConsumer = {
    name,
    // What it is given must last for as long as it takes.
    accept: async (flows) => {
      await new Promise((resolve) => setImmediate(resolve));
      kept.push(valuesOf(flows));
    },
    close: () => {},
  };
  return { ...keeper, kept };
}

describe("createFlowQueue()", () => {
  it("delivers every batch as it was put, though two are filled by turns", async () => {
    const keeper = createKeeper();
    const queue = createFlowQueue([keeper]);
    const turns = createTurns();
    for (const sequence of [1, 2, 3, 4, 5]) queue.put(turns.next(sequence));
    expect(queue.isEmpty()).toBe(false);
    await queue.deliver();
    expect(queue.isEmpty()).toBe(true);
    expect(keeper.kept).toEqual(expected([1, 2, 3, 4, 5]));
  });

  it("delivers what is put after a delivery, into copies that were used before too", async () => {
    const keeper = createKeeper();
    const queue = createFlowQueue([keeper]);
    const turns = createTurns();
    const sequences = Array.from({ length: 18 }, (_, index) => index + 1);
    // More at once than copies are kept, one that is only lent, and again some of both.
    for (const [from, to] of [
      [0, 7],
      [7, 8],
      [8, 10],
      [10, 18],
    ]) {
      for (const sequence of sequences.slice(from, to)) queue.put(turns.next(sequence));
      await queue.deliver();
      expect(keeper.kept).toEqual(expected(sequences.slice(0, to)));
    }
  });

  it("copies the rows in use, also over a copy that had more", async () => {
    const keeper = createKeeper();
    const queue = createFlowQueue([keeper]);
    const turns = createTurns();
    for (const count of [capacity, 3, 0]) {
      keeper.kept.length = 0;
      for (const sequence of [1, 2, 3]) queue.put(turns.next(sequence, count));
      await queue.deliver();
      expect(keeper.kept).toEqual(expected([1, 2, 3], count));
    }
  });

  it("hands a single batch on without a copy, and never keeps it as one", async () => {
    const seen: FlowBatch[] = [];
    const queue = createFlowQueue([
      { name: "witness", accept: (flows) => void seen.push(flows), close: () => {} },
    ]);
    const turns = createTurns();
    const put = [turns.next(1), turns.next(2)];
    queue.put(put[0]!);
    await queue.deliver();
    queue.put(put[1]!);
    await queue.deliver();
    expect(seen[0]).toBe(put[0]);
    expect(seen[1]).toBe(put[1]);
    for (const sequence of [3, 4, 5]) queue.put(turns.next(sequence));
    await queue.deliver();
    // The last is lent, and the others are copies, none of them in memory that somebody else fills.
    expect(put.includes(seen[4]!)).toBe(true);
    expect(put.includes(seen[2]!)).toBe(false);
    expect(put.includes(seen[3]!)).toBe(false);
  });

  it("does not look at a batch again that was delivered", async () => {
    const keeper = createKeeper();
    const queue = createFlowQueue([keeper]);
    const turns = createTurns();
    const { header, count, columns } = turns.next(1);
    let isDelivered = false;
    queue.put({
      header,
      capacity,
      count,
      get columns() {
        if (isDelivered) throw new Error("these columns are somebody else's by now");
        return columns;
      },
    });
    await queue.deliver();
    isDelivered = true;
    queue.put(turns.next(2));
    await queue.deliver();
    expect(keeper.kept).toEqual(expected([1, 2]));
  });

  it("gives a consumer that threw no more flows, and the others all of them", async () => {
    const keeper = createKeeper();
    let asked = 0;
    const broken: FlowConsumer = {
      name: "broken",
      accept: () => {
        if (++asked === 2) throw new Error("the disk is full");
      },
      close: () => {},
    };
    const queue = createFlowQueue([broken, keeper]);
    const turns = createTurns();
    for (const sequence of [1, 2, 3, 4]) queue.put(turns.next(sequence));
    await queue.deliver();
    for (const sequence of [5, 6]) queue.put(turns.next(sequence));
    await queue.deliver();
    await queue.close();
    expect(asked).toBe(2);
    expect(keeper.kept).toEqual(expected([1, 2, 3, 4, 5, 6]));
    expect(queue.faults()).toHaveLength(1);
    expect(JSON.stringify(queue.faults()[0])).toContain("the disk is full");
  });

  it("queues nothing when no consumer is left", async () => {
    const queue = createFlowQueue([
      { name: "broken", accept: () => Promise.reject(new Error("gone")), close: () => {} },
    ]);
    const turns = createTurns();
    for (const sequence of [1, 2, 3]) queue.put(turns.next(sequence));
    await queue.deliver();
    expect(queue.isEmpty()).toBe(true);
    queue.put(turns.next(4));
    expect(queue.isEmpty()).toBe(true);
    expect(queue.faults()).toHaveLength(1);
  });
});

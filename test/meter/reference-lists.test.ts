import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  chunkEntries,
  clearReferences,
  createReferenceLists,
  peekReference,
  popReference,
  pushReference,
  type ReferenceLists,
  takeReferences,
} from "../../src/meter/reference-lists.ts";
import { allocateTable } from "../../src/meter/table-memory.ts";

const listCount = 3;

/** The same lists as plain arrays, the last put in at the end. */
interface Model {
  readonly lists: number[][];
  next: number;
}

type Step = (lists: ReferenceLists, model: Model) => void;

const list = fc.nat(listCount - 1);
/** Few, or about as many as end or begin a chunk. */
const some = fc.oneof(
  fc.integer({ min: 1, max: 5 }),
  fc.integer({ min: chunkEntries - 2, max: chunkEntries + 2 }),
  fc.integer({ min: 2 * chunkEntries - 2, max: 2 * chunkEntries + 2 }),
);

const steps = fc.oneof(
  fc.tuple(list, some).map(([at, count]): Step => {
    return (lists, model) => {
      for (let done = 0; done < count; done++) {
        pushReference(lists, at, model.next);
        model.lists[at]!.push(model.next++);
      }
    };
  }),
  fc.tuple(list, some).map(([at, count]): Step => {
    return (lists, model) => {
      for (let done = 0; done < count; done++) {
        expect(popReference(lists, at)).toBe(model.lists[at]!.pop() ?? -1);
      }
    };
  }),
  list.map((at): Step => {
    return (lists, model) => expect(takeChunk(lists, at)).toEqual(takeFromModel(model.lists[at]!));
  }),
  fc.constant<Step>((lists, model) => {
    clearReferences(lists);
    for (const references of model.lists) references.length = 0;
  }),
);

/** What takeReferences() takes, and nothing of what was in `into` before. */
function takeChunk(lists: ReferenceLists, at: number): number[] {
  const into = new Int32Array(chunkEntries).fill(-7);
  const count = takeReferences(lists, at, into);
  expect(into.subarray(count).every((reference) => reference === -7)).toBe(true);
  return Array.from(into.subarray(0, count));
}

/** The references behind the last full chunk, or that chunk: those that were put in last. */
function takeFromModel(references: number[]): number[] {
  const count = references.length % chunkEntries || Math.min(references.length, chunkEntries);
  return references.splice(references.length - count);
}

/** How many references can be seen without popping any: those of the first two chunks. */
function peekable(length: number): number {
  return length <= chunkEntries ? length : chunkEntries + (length % chunkEntries || chunkEntries);
}

function expectPeeks(lists: ReferenceLists, model: Model): void {
  model.lists.forEach((references, at) => {
    const seen = peekable(references.length);
    const peeked = Array.from({ length: 2 * chunkEntries + 3 }, (_, ahead) =>
      peekReference(lists, at, ahead),
    );
    const wanted = peeked.map((_, ahead) => (ahead < seen ? references.at(-1 - ahead) : -1));
    expect(peeked).toEqual(wanted);
  });
}

function createModel(): Model {
  return { lists: Array.from({ length: listCount }, () => []), next: 0 };
}

describe("reference lists", () => {
  it("give back what was put in, as plain arrays do, over the borders of chunks", () => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 40 }), (taken) => {
        const lists = createReferenceLists(allocateTable, listCount);
        const model = createModel();
        for (const step of taken) {
          step(lists, model);
          expectPeeks(lists, model);
        }
        model.lists.forEach((references, at) => {
          while (references.length > 0) expect(popReference(lists, at)).toBe(references.pop());
          expect(popReference(lists, at)).toBe(-1);
        });
      }),
      { numRuns: 150 },
    );
  });

  it("are seen as far as the second chunk reaches, and no further", () => {
    const lists = createReferenceLists(allocateTable, 1);
    for (let reference = 0; reference < 2 * chunkEntries + 10; reference++) {
      pushReference(lists, 0, reference);
    }
    const last = 2 * chunkEntries + 9;
    expect(peekReference(lists, 0, 0)).toBe(last);
    expect(peekReference(lists, 0, 9)).toBe(2 * chunkEntries);
    expect(peekReference(lists, 0, 10)).toBe(2 * chunkEntries - 1);
    expect(peekReference(lists, 0, 9 + chunkEntries)).toBe(chunkEntries);
    expect(peekReference(lists, 0, 10 + chunkEntries)).toBe(-1);
    expect(peekReference(createReferenceLists(allocateTable, 1), 0, 0)).toBe(-1);
  });

  it("use the chunks again that were emptied, whichever list had them", () => {
    const lists = createReferenceLists(allocateTable, listCount);
    const into = new Int32Array(chunkEntries);
    for (let round = 0; round < 50; round++) {
      const at = round % listCount;
      for (let reference = 0; reference < 3 * chunkEntries; reference++) pushReference(lists, at, reference);
      for (let chunk = 0; chunk < 3; chunk++) expect(takeReferences(lists, at, into)).toBe(chunkEntries);
      expect(takeReferences(lists, at, into)).toBe(0);
    }
    expect(lists.usedChunks).toBe(3);
    clearReferences(lists);
    expect([lists.usedChunks, lists.usedChunksMax]).toEqual([0, 3]);
  });
});

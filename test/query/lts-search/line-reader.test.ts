import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { parseAddress, unwrap } from "../../../src/base/mod.ts";
import { createLineReader, type LinePage, type LineReader, type LineSearch } from "../../../src/query/mod.ts";
import { type FlowStore, openFlowStore, type StoredFlow } from "../flow-store.ts";

const projectId = "5f67944957444bd6bb4fe3b367de8f3d";
const portId = "1d515d18-1b36-47dc-a983-bd6512aed4bd";
/** The window of the service's own example. */
const windowStartS = 1_548_752_400;

const place = { service: "huawei", vpcId: "", subnetId: "", instanceId: "", projectId } as const;

function flow(fields: StoredFlow["fields"]): StoredFlow {
  const owner = { resourceId: portId, resourceSerial: "", accountId: "1", agentId: "agent" };
  return { fields: { windowS: 600, ...fields }, ...owner, place };
}

interface Sample {
  readonly source?: string;
  readonly destination?: string;
  readonly sourcePort?: number;
  readonly verdict?: number;
  readonly atS: number;
}

function sample(wanted: Sample): StoredFlow {
  const {
    source = "192.168.0.154",
    destination = "192.168.3.25",
    sourcePort = 38929,
    verdict = 1,
    atS,
  } = wanted;
  return flow({
    sourceAddress: unwrap(parseAddress(source)),
    destinationAddress: unwrap(parseAddress(destination)),
    sourcePort,
    destinationPort: 53,
    protocol: 17,
    packets: 1,
    octets: 96,
    startUs: atS * 1e6,
    endUs: atS * 1e6,
    verdict,
  });
}

function empty(logStatus: number, startS: number): StoredFlow {
  return flow({ logStatus, startUs: startS * 1e6, endUs: (startS + 600) * 1e6 });
}

let stored: FlowStore;
let reader: LineReader;
const logstore = 1;
const many = 2;

beforeAll(async () => {
  stored = await openFlowStore();
  reader = createLineReader({ store: stored.store });
  await stored.append(logstore, [
    sample({ atS: windowStartS + 10 }),
    sample({ atS: windowStartS + 20, verdict: 2, sourcePort: 22, source: "10.0.0.7" }),
    sample({ atS: windowStartS + 30, verdict: 0, source: "2001:db8::1", destination: "2001:db8::2" }),
    empty(1, windowStartS + 600),
    empty(2, windowStartS + 1200),
  ]);
  // Ten lines, some of one second.
  await stored.append(
    many,
    [0, 1, 1, 1, 2, 3, 3, 4, 5, 6].map((offset, index) =>
      sample({ atS: windowStartS + offset, sourcePort: 1000 + index }),
    ),
  );
});
afterAll(() => stored.close());

const all = { fromMs: windowStartS * 1000, toMs: (windowStartS + 3600) * 1000 };

async function search(wanted: Partial<LineSearch>): Promise<LinePage> {
  return unwrap(
    await reader.search({
      logstore,
      ...all,
      keywords: "",
      limit: 50,
      descending: false,
      highlighted: false,
      counted: false,
      ...wanted,
    }),
  );
}

async function contents(wanted: Partial<LineSearch>): Promise<string[]> {
  return (await search(wanted)).lines.map(({ content }) => content);
}

const ids = `1 ${projectId} ${portId}`;
const window = `${windowStartS} ${windowStartS + 600}`;

describe("the lines of a flow log", () => {
  it("are the service's: 14 fields, and - for what a window without flows does not have", async () => {
    expect(await contents({})).toEqual([
      `${ids} 192.168.0.154 192.168.3.25 38929 53 17 1 96 ${window} ACCEPT OK`,
      `${ids} 10.0.0.7 192.168.3.25 22 53 17 1 96 ${window} REJECT OK`,
      `${ids} 2001:db8::1 2001:db8::2 38929 53 17 1 96 ${window} - OK`,
      `${ids} - - - - - - - ${windowStartS + 600} ${windowStartS + 1200} - NODATA`,
      `${ids} - - - - - - - ${windowStartS + 1200} ${windowStartS + 1800} - SKIPDATA`,
    ]);
  });

  it("are found by their time, both ends included", async () => {
    const at = (fromS: number, toS: number) =>
      contents({ fromMs: (windowStartS + fromS) * 1000, toMs: (windowStartS + toS) * 1000 });
    expect(await at(10, 20)).toHaveLength(2);
    expect(await at(11, 19)).toHaveLength(0);
    expect(await contents({ fromMs: (windowStartS + 10) * 1000 + 1 })).toHaveLength(4);
  });
});

describe("keywords", () => {
  it.each([
    ["REJECT", 1],
    ["reject", 1],
    ["192.168.0.154", 1],
    ["192.168.3.25", 2],
    ["192.168.*", 2],
    ["2001:db8::1", 1],
    ["NODATA", 1],
    ["SKIPDATA or NODATA", 2],
    ["OK not REJECT", 2],
    ["OK and 22", 1],
    ["OK 22", 1],
    [portId, 5],
    ["1d515d18", 0],
    ["53", 3],
    ["5", 0],
    ["3892?", 2],
    ['"ACCEPT OK"', 1],
    ['"OK ACCEPT"', 0],
    ['"192.168.0.154 192.168.3.25 38929"', 1],
    ['"- NODATA"', 1],
    ["-", 3],
    ["srcport:22", 1],
    ["", 5],
    ["(REJECT or NODATA) and not 22", 1],
  ])("%j are in %d lines", async (keywords, count) => {
    expect(await contents({ keywords })).toHaveLength(count);
    expect((await search({ keywords, counted: true, limit: 1 })).count).toBe(count);
  });

  it("are marked where that is wanted, those under NOT are not", async () => {
    const [line] = await contents({ keywords: "accept and 192.168.0.* not nodata", highlighted: true });
    expect(line).toBe(
      `${ids} <HighLightTag>192.168.0.154</HighLightTag> 192.168.3.25 38929 53 17 1 96 ${window} <HighLightTag>ACCEPT</HighLightTag> OK`,
    );
  });

  it.each(["*a", "?a", '"open', "(a", "a )"])("%j are a fault of syntax", async (keywords) => {
    const found = await reader.search({
      ...all,
      logstore,
      keywords,
      limit: 1,
      descending: false,
      highlighted: true,
      counted: false,
    });
    expect(found.ok ? "ok" : found.fault.code).toBe("QuerySyntax");
  });

  it("of any text give lines or a fault, and never more than there are", async () => {
    const words = fc.constantFrom(
      "OK",
      "not",
      "and",
      "or",
      "(",
      ")",
      '"',
      "53",
      "*",
      "-",
      ":",
      "[",
      ">",
      "a\\",
      "|",
    );
    await fc.assert(
      fc.asyncProperty(fc.array(words, { maxLength: 8 }), async (parts) => {
        const keywords = parts.join(" ");
        const found = await reader.search({
          ...all,
          logstore,
          keywords,
          limit: 50,
          descending: false,
          highlighted: true,
          counted: false,
        });
        if (found.ok) expect(found.value.lines.length).toBeLessThanOrEqual(5);
        else expect(["QuerySyntax", "QueryTooComplex"]).toContain(found.fault.code);
      }),
      { numRuns: 60 },
    );
  });
});

describe("paging", () => {
  const portsOf = ({ lines }: LinePage) => lines.map(({ content }) => Number(content.split(" ")[5]) - 1000);

  it("goes on from a line to both sides, in the order asked for", async () => {
    const { lines } = await search({ logstore: many });
    expect(lines.map(({ lineNumber }) => lineNumber)).toEqual(
      lines.map((line) => line.lineNumber).toSorted(),
    );
    const { lineNumber } = lines[4]!;
    const page = async (descending: boolean, direction: "forwards" | "backwards") =>
      portsOf(await search({ logstore: many, limit: 3, descending, cursor: { lineNumber, direction } }));
    expect(await page(false, "forwards")).toEqual([5, 6, 7]);
    expect(await page(true, "backwards")).toEqual([7, 6, 5]);
    expect(await page(false, "backwards")).toEqual([1, 2, 3]);
    expect(await page(true, "forwards")).toEqual([3, 2, 1]);
  });

  it.each([false, true])("reaches every line once, newest first: %s", async (descending) => {
    const seen: number[] = [];
    let cursor: LineSearch["cursor"];
    for (;;) {
      const page = await search({ logstore: many, limit: 3, descending, ...(cursor && { cursor }) });
      seen.push(...portsOf(page));
      const last = page.lines.at(-1);
      if (last === undefined) break;
      cursor = { lineNumber: last.lineNumber, direction: "forwards" };
    }
    const inOrder = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
    expect(seen).toEqual(descending ? inOrder.toReversed() : inOrder);
  });

  it.each(["", "12", "x".repeat(26), "1".repeat(27)])(
    "from a line that there is not, %j, is refused",
    async (lineNumber) => {
      const cursor = { lineNumber, direction: "forwards" } as const;
      const found = await reader.search({
        ...all,
        logstore,
        keywords: "",
        limit: 1,
        descending: false,
        highlighted: false,
        counted: false,
        cursor,
      });
      expect(found.ok ? "ok" : found.fault.code).toBe("InputInvalid");
    },
  );
});

describe("a histogram", () => {
  it("counts what a search finds, each line in one interval", async () => {
    const range = {
      logstore: many,
      fromMs: windowStartS * 1000,
      toMs: (windowStartS + 6) * 1000,
      keywords: "",
    };
    const { count, buckets } = unwrap(await reader.histogram(range, 2000));
    expect(count).toBe(10);
    expect(buckets.map((bucket) => bucket.count)).toEqual([4, 3, 3]);
    const some = unwrap(await reader.histogram({ ...range, keywords: "1003" }, 6000));
    expect(some.buckets).toEqual([{ fromMs: range.fromMs, toMs: range.toMs, count: 1 }]);
  });

  it("has a bound on its intervals", async () => {
    const range = { logstore, fromMs: 0, toMs: 20_000, keywords: "" };
    const found = await reader.histogram(range, 1);
    expect(found.ok ? "ok" : found.fault.code).toBe("InputOutOfRange");
    const turned = await reader.histogram({ ...range, fromMs: 2, toMs: 1 }, 1);
    expect(turned.ok ? "ok" : turned.fault.code).toBe("TimeRangeInvalid");
  });
});

describe("a search that is given up", () => {
  it("has no lines, for those that it did not come to would be passed over", async () => {
    const slow = createLineReader({
      store: {
        query: async (sql, parameters, limits) =>
          sql.includes("FROM lines")
            ? { ok: false, fault: { code: "Timeout", message: "too long", retryable: true } }
            : stored.store.query(sql, parameters, limits),
      },
    });
    const found = unwrap(
      await slow.search({
        ...all,
        logstore,
        keywords: "",
        limit: 5,
        descending: false,
        highlighted: false,
        counted: true,
      }),
    );
    expect(found).toMatchObject({ progress: "Incomplete", lines: [] });
  });
});

describe("lines that clients wrote", () => {
  const mixed = 3;

  beforeAll(async () => {
    await stored.append(mixed, [sample({ atS: windowStartS + 1 }), sample({ atS: windowStartS + 3 })]);
    const line = (offsetS: number, nanosecond: number, content: string) => ({
      timeS: windowStartS + offsetS,
      nanosecond,
      content,
    });
    const labels = { host: "a" };
    const { store } = stored;
    // Out of the order of their times.
    unwrap(await store.appendLines({ logstore: mixed, labels, lines: [line(2, 500, "second Accept 53")] }));
    unwrap(await store.appendLines({ logstore: mixed, labels: {}, lines: [line(2, 7, "first: 4711")] }));
    unwrap(await store.appendLines({ logstore: mixed, labels: {}, lines: [line(3, 1, "third {x}")] }));
  });

  const shown = async (wanted: Partial<LineSearch>) =>
    (await contents({ logstore: mixed, ...wanted })).map((content) =>
      content.startsWith("1 ") ? "flow" : content,
    );

  it("stand among the records of flows, in the order of time to the nanosecond", async () => {
    const inOrder = ["flow", "first: 4711", "second Accept 53", "flow", "third {x}"];
    expect(await shown({})).toEqual(inOrder);
    expect(await shown({ descending: true })).toEqual(inOrder.toReversed());
    const { lines } = await search({ logstore: mixed });
    expect(lines[2]!.labels).toEqual({ host: "a" });
    expect(lines[1]!.lineNumber.slice(0, 19)).toBe(`${windowStartS + 2}000000007`);
  });

  it.each([false, true])("are each reached once by paging, newest first: %s", async (descending) => {
    const seen: string[] = [];
    let cursor: LineSearch["cursor"];
    for (;;) {
      const page = await search({ logstore: mixed, limit: 2, descending, ...(cursor && { cursor }) });
      seen.push(...page.lines.map(({ lineNumber }) => lineNumber));
      const last = page.lines.at(-1);
      if (last === undefined) break;
      cursor = { lineNumber: last.lineNumber, direction: "forwards" };
    }
    const { lines } = await search({ logstore: mixed, descending });
    expect(seen).toEqual(lines.map(({ lineNumber }) => lineNumber));
  });

  it.each([
    ["accept", ["flow", "second Accept 53", "flow"]],
    ["4711", ["first: 4711"]],
    ['"second accept"', ["second Accept 53"]],
    ["x", ["third {x}"]],
    ["53 not accept", []],
    ["srcport:38929", ["flow", "flow"]],
    ["not ok", ["first: 4711", "second Accept 53", "third {x}"]],
  ])("are found by %j with them", async (keywords, found) => {
    expect(await shown({ keywords })).toEqual(found);
    expect((await search({ logstore: mixed, keywords, counted: true })).count).toBe(found.length);
  });

  it("are counted with them", async () => {
    const range = {
      logstore: mixed,
      fromMs: windowStartS * 1000,
      toMs: (windowStartS + 4) * 1000,
      keywords: "",
    };
    const { buckets } = unwrap(await reader.histogram(range, 2000));
    expect(buckets.map((bucket) => bucket.count)).toEqual([1, 4]);
  });
});

import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { parseAddress, unwrap } from "../../src/base/mod.ts";
import {
  createLogReader,
  type Histograms,
  type HistogramsRequest,
  type LogReader,
  type LogReaderConfig,
  sagRecordFormat,
  vpcRecordFormat,
} from "../../src/query/mod.ts";
import { tiersThatDiffer } from "../store/tier-equality.ts";
import { type FlowStore, openFlowStore, type StoredFlow } from "./flow-store.ts";

/** A whole hour. */
const beginS = 1_699_999_200;
const hours = 9;
const endS = beginS + hours * 3600;

const ports = [0, 22, 80, 443, 1023, 1024, 1025, 3306, 32_767, 32_768, 40_000, 65_535];
const addresses = ["10.0.0.1", "192.0.2.7", "2001:db8::1"].map((text) => unwrap(parseAddress(text)));

const flowFields = fc.record({
  endUs: fc.integer({ min: beginS * 1e6, max: endS * 1e6 - 1 }),
  sourceAddress: fc.constantFrom(...addresses),
  destinationAddress: fc.constantFrom(...addresses),
  sourcePort: fc.constantFrom(...ports),
  destinationPort: fc.constantFrom(...ports),
  protocol: fc.constantFrom(1, 6, 17),
  packets: fc.constantFrom(1, 2, 1000),
  octets: fc.constantFrom(40, 1500),
  ingressInterface: fc.constantFrom(0, 2),
  verdict: fc.constantFrom(0, 1, 2),
  flowDirection: fc.constantFrom(0, 1, 255),
  logStatus: fc.constantFrom(0, 0, 0, 1),
});

const storedFlow: fc.Arbitrary<StoredFlow> = fc.record({
  // A word on a window is no flow.
  fields: flowFields.map((fields) =>
    fields.logStatus === 0 ? fields : { ...fields, packets: 0, octets: 0 },
  ),
  resourceId: fc.constantFrom("sag-1", "eni-2"),
  resourceSerial: fc.constantFrom("SN-1", ""),
  accountId: fc.constant("1234567890123456"),
  agentId: fc.constantFrom("host-a", "host b/1"),
});

/** What a search asks for: what every tier keeps, what some keep, and what only the records tell. */
const commonTerms = [
  "*",
  "__source__: host*",
  "protocol: 6",
  "protocol in [6 17)",
  "dstport: 443",
  "dstport: 3306",
  "dstport < 1024",
  "srcport >= 1024",
  "srcport in [1000 32768)",
  "dstport > 32767",
  "dstport: 40000",
  "srcaddr: 10.0.0.1",
  "packets > 1",
  "443",
];
const sagTerms = ["Instance_id: sag-1", "snid: *", 'snid: ""', "inport: 2"];
const vpcTerms = ["eni-id: eni-2", "action: ACCEPT", "direction: in", "log-status: NODATA"];

const searchOf = (own: readonly string[]): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.array(fc.tuple(fc.boolean(), fc.constantFrom(...commonTerms, ...own)), {
        minLength: 1,
        maxLength: 3,
      }),
      fc.constantFrom(" and ", " or "),
    )
    .map(([terms, by]) => terms.map(([isNot, text]) => (isNot ? `not ${text}` : text)).join(by));

const second = fc.oneof(
  fc.integer({ min: beginS - 4000, max: endS + 4000 }),
  fc.integer({ min: -1, max: hours + 1 }).map((hour) => beginS + hour * 3600),
  fc.integer({ min: 0, max: hours * 60 }).map((minute) => beginS + minute * 60),
);

const range = fc
  .tuple(second, second)
  .filter(([a, b]) => a !== b)
  .map(([a, b]) => ({ fromS: Math.min(a, b), toS: Math.max(a, b) }));

const width = fc.oneof(
  fc.constantFrom(60, 300, 600, 3600, 7200, undefined),
  fc.integer({ min: 30, max: 20_000 }),
);

type Buckets = readonly (readonly [count: number, packets: number, octets: number])[];

function bucketsOf({ buckets }: Histograms): Buckets {
  return buckets.map(({ count, traffic }) => [count, traffic!.packets, traffic!.octets]);
}

/** The same from the records themselves, which have no rollups: every field of each that matches. */
async function countRecords(reader: LogReader, request: HistogramsRequest, widthS: number): Promise<Buckets> {
  const { fromS, toS } = request;
  const page = unwrap(await reader.getLogs({ ...request, line: 10_000, offset: 0, reverse: false }));
  expect(page.tiers).toEqual([{ tier: "raw", records: page.records.length }]);
  const sums = Array.from(
    { length: Math.ceil((toS - fromS) / widthS) },
    () => [0, 0, 0] as [number, number, number],
  );
  for (const record of page.records) {
    const sum = sums[Math.floor((Number(record["__time__"]) - fromS) / widthS)]!;
    sum[0]++;
    sum[1] += numberOf(record["packets"]);
    sum[2] += numberOf(record["bytes"]);
  }
  return sums;
}

function numberOf(text = "-"): number {
  return text === "-" ? 0 : Number(text);
}

let flowStore: FlowStore;
beforeAll(async () => void (flowStore = await openFlowStore()));
afterAll(() => flowStore.close());

/** Fills a logstore: flows in the tiers, late ones among them, and flows that are not in them yet. */
async function fill(logstore: number): Promise<void> {
  const sample = (count: number): StoredFlow[] => fc.sample(storedFlow, count);
  for (const count of [300, 150, 1]) {
    await flowStore.append(logstore, sample(count));
    await flowStore.rollUp();
  }
  await flowStore.append(logstore, sample(100));
}

async function expectTiersToAgree(
  logstore: number,
  formats: LogReaderConfig["formats"],
  terms: readonly string[],
): Promise<void> {
  const reader = createLogReader({ formats }, { store: flowStore.store });
  await fill(logstore);
  const asked = new Map<string, number>();
  let matched = 0;
  await fc.assert(
    fc.asyncProperty(range, width, searchOf(terms), async ({ fromS, toS }, intervalS, query) => {
      const request = { logstore, fromS, toS, query, ...(intervalS !== undefined && { intervalS }) };
      const histograms = unwrap(await reader.getHistograms({ ...request, traffic: true }));
      const widthS = histograms.buckets[0]!.toS - histograms.buckets[0]!.fromS;
      expect(bucketsOf(histograms)).toEqual(await countRecords(reader, request, widthS));
      expect(histograms.tiers.reduce((sum, { records }) => sum + records, 0)).toBe(histograms.count);
      for (const { tier, records } of histograms.tiers) asked.set(tier, (asked.get(tier) ?? 0) + records);
      if (histograms.count > 0) matched++;
    }),
    { numRuns: 150 },
  );
  expect(matched).toBeGreaterThan(60);
  for (const tier of ["1h", "5m", "1m", "raw"]) expect(asked.get(tier), tier).toBeGreaterThan(100);
}

describe("histograms from rollup tiers", () => {
  it("are those of the records, for any search, range and interval", async () => {
    await expectTiersToAgree(1, { sag: sagRecordFormat }, sagTerms);
  }, 300_000);

  it("are those of the records where records differ by service", async () => {
    await expectTiersToAgree(2, { vpc: vpcRecordFormat }, vpcTerms);
    await flowStore.rollUp();
    expect(await tiersThatDiffer(flowStore.store)).toEqual([]);
  }, 300_000);
});

describe("which tier answers", () => {
  const day = { logstore: 3, query: "", fromS: beginS, toS: beginS + 24 * 3600 };
  let reader: LogReader;
  beforeAll(async () => {
    reader = createLogReader({}, { store: flowStore.store });
    await fill(3);
  });

  const tiersOf = async (request: Partial<HistogramsRequest>): Promise<string> => {
    const { tiers } = unwrap(await reader.getHistograms({ ...day, ...request }));
    return tiers.map(({ tier }) => tier).join(" ");
  };

  it("is the coarsest whose spans the intervals leave whole, and the records that it lacks", async () => {
    const { tiers } = unwrap(await reader.getHistograms({ ...day, intervalS: 3600 }));
    expect(tiers).toEqual([
      { tier: "1h", records: 451 },
      { tier: "raw", records: 100 },
    ]);
    expect(await tiersOf({ intervalS: 1200 })).toBe("5m raw");
    expect(await tiersOf({ intervalS: 120 })).toBe("1m raw");
    expect(await tiersOf({ intervalS: 59 })).toBe("raw");
  });

  it("is a finer one as well where borders cut spans of the coarse one, down to the records", async () => {
    expect(await tiersOf({ intervalS: 3 * 3600 + 300 })).toBe("1h 5m raw");
    expect(await tiersOf({ fromS: beginS + 1, intervalS: 4 * 3600 })).toBe("1h 5m 1m raw");
  });

  it("keeps what is searched for", async () => {
    const query = (text: string): Promise<string> => tiersOf({ intervalS: 3600, query: text });
    expect(await query("dstport: 443 and not Instance_id: sag-1")).toBe("1h raw");
    expect(await query("dstport < 1024")).toBe("1h raw");
    expect(await query("dstport <= 1024")).toBe("1m raw");
    expect(await query("dstport: 3306")).toBe("1m raw");
    expect(await query("dstport: 40000")).toBe("raw");
    expect(await query("srcaddr: 10.0.0.1")).toBe("raw");
  });
});

describe("a histogram of a range without end", () => {
  it("counts all there is", async () => {
    const reader = createLogReader({}, { store: flowStore.store });
    const request = { logstore: 3, query: "", fromS: 0, toS: 2 ** 40, intervalS: 2 ** 30 };
    const { buckets, tiers } = unwrap(await reader.getHistograms(request));
    expect(buckets[1]!.count).toBe(551);
    expect(tiers.map(({ tier }) => tier)).toEqual(["1h", "5m", "1m", "raw"]);
  });
});

describe("a histogram that is read while flows are rolled up", () => {
  it("counts each record once at every moment", async () => {
    const reader = createLogReader({}, { store: flowStore.store });
    const request = { logstore: 4, query: "", fromS: beginS, toS: endS, intervalS: 3600 };
    const progress = { stored: 0, isOver: false };
    const write = async (): Promise<void> => {
      for (let round = 0; round < 20; round++) {
        await flowStore.append(4, fc.sample(storedFlow, 25));
        progress.stored += 25;
        await flowStore.rollUp();
      }
      progress.isOver = true;
    };
    const writing = write();
    let reads = 0;
    for (; !progress.isOver; reads++) {
      const least = progress.stored;
      const { count } = unwrap(await reader.getHistograms(request));
      expect(count).toBeGreaterThanOrEqual(least);
      // At most the batches that were being stored the while.
      expect(count).toBeLessThanOrEqual(progress.stored + 25);
      expect(count % 25).toBe(0);
    }
    await writing;
    expect(reads).toBeGreaterThan(20);
  }, 300_000);
});

describe("a histogram of days whose records have gone", () => {
  const dayMs = 86_400_000;
  let nowMs = 20_000 * dayMs;
  let kept: FlowStore;
  let reader: LogReader;
  let gone: readonly StoredFlow[];
  let later: readonly StoredFlow[];

  beforeAll(async () => {
    kept = await openFlowStore({ rollupDays: { "5m": 400 } }, () => nowMs);
    reader = createLogReader({}, { store: kept.store });
    gone = fc.sample(storedFlow, 300);
    await kept.append(1, gone);
    nowMs += 40 * dayMs;
    expect(unwrap(await kept.store.expire([{ logstore: 1, days: 30 }]))).toEqual({ partitions: 1 });
    // Late ones, some of which are in the tiers and some not.
    later = fc.sample(storedFlow, 200);
    await kept.append(1, later.slice(0, 120));
    await kept.rollUp();
    await kept.append(1, later.slice(120));
  });
  afterAll(() => kept.close());

  const secondOf = ({ fields }: StoredFlow): number => Math.floor(Number(fields.endUs) / 1e6);

  async function expectCounts(fromS: number, widthS: number): Promise<void> {
    const counts = Array.from({ length: Math.ceil((endS - fromS) / widthS) }, () => 0);
    const count = (second: number): void => {
      if (second >= fromS) counts[Math.floor((second - fromS) / widthS)]!++;
    };
    for (const flow of later) count(secondOf(flow));
    // What is left of these are five minutes, which count where they begin.
    for (const flow of gone) count(secondOf(flow) - (secondOf(flow) % 300));
    const request = { logstore: 1, query: "", fromS, toS: endS, intervalS: widthS };
    const { buckets } = unwrap(await reader.getHistograms(request));
    expect(buckets.map((bucket) => bucket.count)).toEqual(counts);
  }

  it("is what it was where its intervals are whole spans of a tier that is left", async () => {
    await expectCounts(beginS, 3600);
    await expectCounts(beginS + 300, 1500);
  });

  it("has a span that an interval cuts where the span begins", async () => {
    await expectCounts(beginS + 1, 3600);
    await expectCounts(beginS + 7, 2000);
    await expectCounts(beginS, 700);
  });
});

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { fail, parseAddress, type Result, unwrap } from "../../src/base/mod.ts";
import { createLogReader, type LogReader, type LogRecord } from "../../src/query/mod.ts";
import { type FlowStore, openFlowStore, type StoredFlow } from "./flow-store.ts";

const endS = 1_700_000_000;
let flowStore: FlowStore;
let reader: LogReader;

function flowAt(secondsLater: number, sourcePort = 1): StoredFlow {
  return {
    fields: {
      startUs: endS * 1e6,
      endUs: (endS + secondsLater) * 1e6 + 999_999,
      sourceAddress: unwrap(parseAddress("10.0.0.1")),
      destinationAddress: unwrap(parseAddress("2001:db8::1")),
      sourcePort,
      destinationPort: 443,
      protocol: 6,
      packets: 3,
      octets: 2 ** 53 - 1,
      tcpControlBits: 18,
      ipClassOfService: 184,
      ingressInterface: 2,
      egressInterface: 3,
    },
    resourceId: "sag-1",
    resourceSerial: "SN-1",
    accountId: "1234567890123456",
    agentId: "host-a",
  };
}

const all = { query: "", fromS: endS, toS: endS + 3600, offset: 0, line: 1000, reverse: false };

async function portsOf(request: Parameters<LogReader["getLogs"]>[0]): Promise<number[]> {
  return unwrap(await reader.getLogs(request)).records.map((record) => Number(record["srcport"]));
}

function codeOf(result: Result<unknown>): string {
  return result.ok ? "ok" : result.fault.code;
}

beforeAll(async () => {
  flowStore = await openFlowStore();
  reader = createLogReader({}, { store: flowStore.store });
  await flowStore.append(1, [flowAt(0)]);
  // Out of order, many in the same second: only (time, position) tells them apart.
  await flowStore.append(
    2,
    Array.from({ length: 250 }, (_, index) => flowAt((index * 7) % 10, index)),
  );
});
afterAll(() => flowStore.close());

describe("a stored flow", () => {
  it("is shown as the record of a Smart Access Gateway, every value text", async () => {
    const record: LogRecord = {
      __time__: `${endS}`,
      __source__: "host-a",
      __topic__: "flow_log",
      Instance_id: "sag-1",
      snid: "SN-1",
      "ali-uid": "1234567890123456",
      start: `${endS}`,
      end: `${endS}`,
      protocol: "6",
      srcaddr: "10.0.0.1",
      srcport: "1",
      dstaddr: "2001:db8::1",
      dstport: "443",
      packets: "3",
      bytes: "9007199254740991",
      "tcp-flags": "18",
      tos: "184",
      inport: "2",
      outport: "3",
    };
    const page = unwrap(await reader.getLogs({ ...all, logstore: 1 }));
    expect(page.records).toEqual([record]);
    expect(Object.keys(page.records[0]!)).toEqual(Object.keys(record));
    expect(page).toMatchObject({ progress: "Complete", search: "*", terms: [] });
    expect(page.processedRows).toBeGreaterThan(0);
  });
});

describe("GetLogs", () => {
  it("is in the order of time and, within a second, of arrival", async () => {
    const ports = await portsOf({ ...all, logstore: 2 });
    const expected = Array.from({ length: 250 }, (_, index) => index).toSorted(
      (a, b) => ((a * 7) % 10) - ((b * 7) % 10) || a - b,
    );
    expect(ports).toEqual(expected);
    expect(await portsOf({ ...all, logstore: 2, reverse: true })).toEqual(expected.toReversed());
  });

  it.each([false, true])("gives pages that neither overlap nor leave gaps (reverse %s)", async (reverse) => {
    const whole = await portsOf({ ...all, logstore: 2, reverse });
    const pages: number[] = [];
    for (let offset = 0; offset < 260; offset += 37) {
      pages.push(...(await portsOf({ ...all, logstore: 2, reverse, offset, line: 37 })));
    }
    expect(pages).toEqual(whole);
    expect(await portsOf({ ...all, logstore: 2, line: 0 })).toEqual([]);
  });

  it("takes from, leaves to", async () => {
    const count = async (fromS: number, toS: number): Promise<number> =>
      (await portsOf({ ...all, logstore: 1, fromS, toS })).length;
    expect(await count(endS, endS + 1)).toBe(1);
    expect(await count(endS - 1, endS)).toBe(0);
    expect(await count(endS + 1, endS + 2)).toBe(0);
    expect(await count(0, 2 ** 40)).toBe(1);
    expect(await count(2 ** 32, 2 ** 40)).toBe(0);
  });

  it("leaves other logstores and other topics out", async () => {
    expect(await portsOf({ ...all, logstore: 3 })).toEqual([]);
    expect(await portsOf({ ...all, logstore: 1, topic: "flow_log" })).toHaveLength(1);
    expect(await portsOf({ ...all, logstore: 1, topic: "" })).toHaveLength(1);
    expect(await portsOf({ ...all, logstore: 1, topic: "other" })).toEqual([]);
  });

  it("refuses a range that is none, and a query that is none", async () => {
    expect(codeOf(await reader.getLogs({ ...all, logstore: 1, toS: endS }))).toBe("TimeRangeInvalid");
    expect(codeOf(await reader.getLogs({ ...all, logstore: 1, fromS: -1 }))).toBe("TimeRangeInvalid");
    expect(codeOf(await reader.getLogs({ ...all, logstore: 1, fromS: 0.5 }))).toBe("TimeRangeInvalid");
    expect(codeOf(await reader.getLogs({ ...all, logstore: 1, query: "(" }))).toBe("QuerySyntax");
  });

  it("says Incomplete when time ran out, and passes other faults on", async () => {
    const failing = (code: "Timeout" | "StoreUnavailable"): LogReader =>
      createLogReader({}, { store: { query: async () => Promise.resolve(fail(code, code)) } });
    const page = unwrap(await failing("Timeout").getLogs({ ...all, logstore: 1 }));
    expect(page).toMatchObject({ progress: "Incomplete", records: [] });
    expect(codeOf(await failing("StoreUnavailable").getLogs({ ...all, logstore: 1 }))).toBe(
      "StoreUnavailable",
    );
  });

  it("takes the largest query that the language allows", async () => {
    const words = Array.from({ length: 30 }, (_, index) => `"\\\\%${"x".repeat(2000)}${index}"`);
    const query = `not (${words.join(" or ")})`;
    expect(await portsOf({ ...all, logstore: 1, query })).toHaveLength(1);
  });
});

describe("GetHistograms", () => {
  it("counts what GetLogs gives, in even sub-intervals", async () => {
    const query = "srcport < 100";
    const request = { logstore: 2, query, fromS: endS - 5, toS: endS + 20 };
    const { buckets, count } = unwrap(await reader.getHistograms({ ...request, intervalS: 2 }));
    expect(count).toBe(100);
    expect(buckets[0]).toEqual({ fromS: endS - 5, toS: endS - 3, count: 0 });
    expect(buckets.at(-1)).toEqual({ fromS: endS + 19, toS: endS + 20, count: 0 });
    for (const { fromS, toS, count } of buckets) {
      expect(await portsOf({ ...all, ...request, fromS, toS })).toHaveLength(count);
    }
  });

  it.each([
    [1, 1],
    [60, 60],
    [61, 31],
    [3600, 60],
    [86_400 * 30, 60],
  ])("cuts %d seconds into %d, the same each time", async (range, expected) => {
    const request = { logstore: 2, query: "", fromS: endS, toS: endS + range };
    const first = unwrap(await reader.getHistograms(request));
    expect(first.buckets).toHaveLength(expected);
    expect(unwrap(await reader.getHistograms(request)).buckets).toEqual(first.buckets);
  });

  it("refuses more sub-intervals than it would answer", async () => {
    const request = { logstore: 2, query: "", fromS: 0, toS: endS, intervalS: 1 };
    expect(codeOf(await reader.getHistograms(request))).toBe("InputOutOfRange");
  });
});

describe("a tail", () => {
  it("starts with the newest and goes on in the order of arrival", async () => {
    const first = unwrap(await reader.tail({ logstore: 2, query: "", line: 3 }));
    expect(first.records.map((record) => record["srcport"])).toEqual(["247", "248", "249"]);
    await flowStore.append(2, [flowAt(0, 1000), flowAt(5, 1001)]);
    const next = unwrap(
      await reader.tail({ logstore: 2, query: "", line: 1, afterPosition: first.position! }),
    );
    expect(next.records.map((record) => record["srcport"])).toEqual(["1000"]);
    const last = unwrap(
      await reader.tail({ logstore: 2, query: "", line: 9, afterPosition: next.position! }),
    );
    expect(last.records.map((record) => record["srcport"])).toEqual(["1001"]);
    const none = unwrap(
      await reader.tail({ logstore: 2, query: "", line: 9, afterPosition: last.position! }),
    );
    expect(none).toMatchObject({ records: [], position: last.position });
    expect(unwrap(await reader.tail({ logstore: 99, query: "", line: 9 })).position).toBeUndefined();
  });
});

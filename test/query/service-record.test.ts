/** Rows of several services in one logstore, each as its own service's record. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { parseAddress, unwrap } from "../../src/base/mod.ts";
import { createLogReader, type LogReader, type LogRecord } from "../../src/query/mod.ts";
import { type FlowStore, openFlowStore, type StoredFlow } from "./flow-store.ts";

const windowS = 600;
const beginS = 1_700_000_400;
let flowStore: FlowStore;
let reader: LogReader;

const at = (secondsLater: number): number => (beginS + secondsLater) * 1e6;

/** A TCP connection that was opened and closed within the interval, and accepted. */
const connection: StoredFlow["fields"] = {
  startUs: at(12) + 345_678,
  endUs: at(47) + 999_999,
  sourceAddress: unwrap(parseAddress("10.1.0.9")),
  destinationAddress: unwrap(parseAddress("10.1.0.4")),
  sourcePort: 51_234,
  destinationPort: 443,
  protocol: 6,
  tcpControlBits: 27,
  packets: 10,
  octets: 4321,
  flowDirection: 0,
  flowEndReason: 3,
  verdict: 1,
  windowS,
};

const flow = (fields: StoredFlow["fields"], service?: string, resourceId = "eni-1"): StoredFlow => ({
  fields,
  resourceId,
  resourceSerial: "SN-1",
  accountId: "1234567890123456",
  agentId: "host-a",
  ...(service === undefined
    ? {}
    : { place: { service, vpcId: "vpc-1", subnetId: "vsw-1", instanceId: "i-1", projectId: "p-1" } }),
});

const record = {
  __time__: `${beginS + 47}`,
  __source__: "host-a",
  __topic__: "flow_log",
  version: "1",
  "vswitch-id": "vsw-1",
  "vm-id": "i-1",
  "vpc-id": "vpc-1",
  "account-id": "1234567890123456",
  "eni-id": "eni-1",
  region: "cn-shanghai",
  type: "IPv4",
  srcaddr: "10.1.0.9",
  srcport: "51234",
  dstaddr: "10.1.0.4",
  dstport: "443",
  protocol: "6",
  direction: "in",
  packets: "10",
  bytes: "4321",
  start: `${beginS + 12}`,
  end: `${beginS + 47}`,
  "log-status": "OK",
  action: "ACCEPT",
  "tcp-flags": "27",
  traffic_path: "-",
};

const windowEnd = `${beginS + windowS}`;

/** What differs from `connection`, and from its record. */
const variants: readonly (readonly [string, StoredFlow["fields"], LogRecord])[] = [
  ["a connection that goes on at the interval's end", { flowEndReason: 2 }, { end: windowEnd }],
  ["a connection that was refused", { verdict: 2 }, { action: "REJECT" }],
  ["what nobody told the verdict of", { verdict: 0 }, { action: "-" }],
  ["what the interface sent", { flowDirection: 1 }, { direction: "out" }],
  ["what went nobody knows which way", { flowDirection: 255 }, { direction: "-" }],
  ["a datagram", { protocol: 17, tcpControlBits: 0 }, { protocol: "17", "tcp-flags": "-" }],
  [
    "an echo request, which has no ports",
    { protocol: 1, sourcePort: 0, destinationPort: 2048, flowEndReason: 2 },
    { protocol: "1", srcport: "-", dstport: "-", "tcp-flags": "-", end: windowEnd },
  ],
  [
    "IPv6",
    {
      ipVersion: 6,
      sourceAddress: unwrap(parseAddress("2001:db8::9")),
      destinationAddress: unwrap(parseAddress("2001:db8::4")),
    },
    { type: "IPv6", srcaddr: "2001:db8::9", dstaddr: "2001:db8::4" },
  ],
];

/** A row for an interval, with nothing of a flow. */
const ofInterval = (logStatus: number): StoredFlow["fields"] => ({
  logStatus,
  startUs: at(0),
  endUs: at(windowS),
  windowS,
});

const noFlow = Object.fromEntries(
  "type srcaddr srcport dstaddr dstport protocol direction packets bytes action tcp-flags"
    .split(" ")
    .map((name) => [name, "-"]),
);
const intervalRecord = {
  ...record,
  ...noFlow,
  __time__: windowEnd,
  start: `${beginS}`,
  end: windowEnd,
};

beforeAll(async () => {
  flowStore = await openFlowStore();
  reader = createLogReader({}, { store: flowStore.store });
});
afterAll(() => flowStore.close());

let logstore = 0;
async function recordsOf(flows: readonly StoredFlow[], query = ""): Promise<readonly LogRecord[]> {
  await flowStore.append(++logstore, flows);
  return search(query);
}

async function search(query: string): Promise<readonly LogRecord[]> {
  const range = { fromS: beginS, toS: beginS + 3600, offset: 0, line: 100, reverse: false };
  return unwrap(await reader.getLogs({ ...range, logstore, query })).records;
}

describe("the record of a VPC flow log", () => {
  it("has every field of the service's documentation, each as text", async () => {
    const [found] = await recordsOf([flow(connection, "vpc")]);
    expect(found).toEqual(record);
    expect(Object.keys(found!)).toEqual(Object.keys(record));
  });

  it.each(variants)("tells %s", async (_, fields, expected) => {
    expect(await recordsOf([flow({ ...connection, ...fields }, "vpc")])).toEqual([
      { ...record, ...expected },
    ]);
  });

  it("has - in each field of a flow where there was none, or some were not recorded", async () => {
    const [nodata, skipdata] = await recordsOf([flow(ofInterval(1), "vpc"), flow(ofInterval(2), "vpc")]);
    expect(nodata).toEqual({ ...intervalRecord, "log-status": "NODATA" });
    expect(skipdata).toEqual({ ...intervalRecord, "log-status": "SKIPDATA" });
  });

  it("has - for an instance that nobody knows", async () => {
    const place = { service: "vpc", vpcId: "vpc-1", subnetId: "vsw-1", instanceId: "" };
    const [found] = await recordsOf([{ ...flow(connection), place }]);
    expect(found).toEqual({ ...record, "vm-id": "-" });
  });
});

describe("records of several services in a logstore", () => {
  const three = [flow(connection), flow(connection, "vpc"), flow(connection, "huawei")];

  it("are each in the format of their own, those that name no service the gateway's", async () => {
    const [sag, vpc, huawei] = await recordsOf(three);
    expect(sag).toMatchObject({ Instance_id: "eni-1", tos: "0", srcport: "51234" });
    expect(sag).not.toHaveProperty("action");
    expect(vpc).toEqual(record);
    expect(huawei).toMatchObject({ "project-id": "p-1", "interface-id": "eni-1", srcport: "51234" });
    expect(huawei).not.toHaveProperty("vpc-id");
  });

  it.each([
    ["srcport: 51234", 3],
    ["Instance_id: eni-1", 1],
    ["eni-id: eni-1", 1],
    ["action: ACCEPT", 2],
    ["not action: ACCEPT", 1],
    ["vswitch-id:*", 1],
    ["direction: in and dstaddr: 10.1.*", 1],
    ["action: ACCEPT and srcaddr: 10.1.* and dstaddr: 10.1.*", 2],
    [`end = ${beginS + 47}`, 2],
    [`end = ${windowEnd}`, 1],
  ])("are searched by %s, which finds %d of three", async (query, count) => {
    expect(await recordsOf(three, query)).toHaveLength(count);
  });

  it("that are no flows are found by their status, and by no value of a flow", async () => {
    await recordsOf([flow(ofInterval(1), "vpc"), flow(ofInterval(2), "vpc"), flow(connection, "vpc")]);
    expect(await search("log-status: NODATA")).toHaveLength(1);
    expect(await search("not log-status: OK")).toHaveLength(2);
    expect(await search("packets < 5")).toEqual([]);
    expect(await search("protocol: 0 or srcport: 0 or dstaddr: 0.*")).toEqual([]);
    expect(await search("srcaddr:*")).toHaveLength(1);
  });
});

import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { parseAddress, unwrap } from "../../../src/base/mod.ts";
import {
  createLogReader,
  type LogRecord,
  type RecordFormat,
  sagRecordFormat,
  vpcRecordFormat,
} from "../../../src/query/mod.ts";
import { type FlowStore, openFlowStore, type StoredFlow } from "../flow-store.ts";

/** A search in text, and what it means, said a second time without the parser, the plan or SQL. */
interface Search {
  readonly text: string;
  readonly matches: (record: LogRecord) => boolean;
}

const addresses = [
  "10.0.0.1 10.0.0.2 10.0.0.12 10.0.1.1 10.1.0.1 100.0.0.1 192.168.20.7 255.255.255.255",
  "2001:db8::1 2001:db8:1::1 2001:db8:0:1:: 20:1:: 2001::1 fe80::1 :: ::1 ::1.2.3.4",
  "::ffff:0:1.2.3.4 ::10.0.0.1 1:2:3:4:5:6:7:8 a0::0.0.0.1 0:0:1::",
].flatMap((line) => line.split(" "));
const serials = [
  "",
  "SN-0001",
  "sag Rack 7/b",
  "a,b",
  "443",
  "b_c%d",
  "Ünit;443",
  "x\ty",
  "tcp_flags\\n",
  "a b c",
];
const portPool = [0, 1, 22, 44, 80, 443, 4430, 65_535];

/** The fields that searches name. */
interface Fields {
  readonly long: readonly string[];
  readonly text: readonly string[];
}

const sagFields: Fields = {
  long: ["start", "end", "protocol", "srcport", "dstport", "packets", "bytes", "tcp-flags", "tos"],
  text: ["Instance_id", "snid", "ali-uid", "srcaddr", "dstaddr"],
};
const bothFields: Fields = {
  long: [...sagFields.long, "version"],
  text: [...sagFields.text, "eni-id", "vm-id", "action", "log-status", "direction", "type", "account-id"],
};

/** As sagRecordFormat, but a record without serial number lacks the field. */
const optionalFormat: RecordFormat = {
  ...sagRecordFormat,
  fields: sagRecordFormat.fields.map((field) =>
    field.name === "snid" ? { ...field, presence: "resource_serial != ''" } : field,
  ),
};

const address = fc.constantFrom(...addresses).map((text) => unwrap(parseAddress(text)));
const port = fc.constantFrom(...portPool);
const storedFlow: fc.Arbitrary<StoredFlow> = fc.record({
  fields: fc.record({
    startUs: fc.integer({ min: 0, max: 999_999 }).map((us) => 1_700_000_000_000_000 + us * 7),
    endUs: fc.integer({ min: 0, max: 5_000_000 }).map((us) => 1_700_000_007_000_000 + us),
    sourceAddress: address,
    destinationAddress: address,
    sourcePort: port,
    destinationPort: port,
    protocol: fc.constantFrom(1, 6, 17, 58),
    packets: fc.constantFrom(1, 2, 443, 2 ** 53 - 1),
    octets: fc.constantFrom(40, 80, 1500, 2 ** 53 - 1),
    tcpControlBits: fc.constantFrom(0, 2, 18),
    ipClassOfService: fc.constantFrom(0, 184),
    ingressInterface: fc.constantFrom(0, 2),
    egressInterface: fc.constantFrom(0, 3),
  }),
  resourceId: fc.constantFrom("sag-abc123", "sag-ABD9"),
  resourceSerial: fc.constantFrom(...serials),
  accountId: fc.constantFrom("1234567890123456", "443"),
  agentId: fc.constantFrom("Host-A", "host b/1"),
});

/** As the VPC service's flow logs make them: within windows, with verdicts, and with rows that are no flows. */
const vpcFlow: fc.Arbitrary<StoredFlow> = fc
  .tuple(
    storedFlow,
    fc.record({
      logStatus: fc.constantFrom(0, 0, 0, 1, 2),
      windowS: fc.constantFrom(0, 60, 600),
      verdict: fc.constantFrom(0, 1, 2),
      flowDirection: fc.constantFrom(0, 1, 255),
      flowEndReason: fc.constantFrom(2, 3),
      ipVersion: fc.constantFrom(4, 6),
    }),
    fc.constantFrom("i-443", ""),
  )
  .map(([flow, fields, instanceId]) => ({
    ...flow,
    fields: { ...flow.fields, ...fields },
    place: { service: "vpc", vpcId: "vpc-1", subnetId: "", instanceId },
  }));

function lower(text: string): string {
  return text.replaceAll(/[A-Z]/gu, (letter) => String.fromCodePoint(letter.codePointAt(0)! + 32));
}

function tokens(text: string): string[] {
  return lower(text)
    .split(/[, '";=()[\]{}?@&<>/\n\t\r]+/u)
    .filter((token) => token !== "");
}

function likeRegExp(pattern: string): RegExp {
  const source = Array.from(pattern, (character) => {
    if (character === "*") return ".*";
    return character === "?" ? "." : RegExp.escape(character);
  });
  return new RegExp(`^${source.join("")}$`, "su");
}

/** The words and phrases that are worth asking for: tokens of the pools, and what nearly is one. */
const plainWord = fc.constantFrom(
  ...addresses.filter((address) => !address.startsWith(":")),
  ..."sn-0001 SAG rack 7 b a 443 0443 17 Ünit ünit sag-abc123 10.0.0 nope 10.0.0.01 b_c%d".split(" "),
  ..."9007199254740991 99999999999999999999999 1234567890123456 10.0.0.1/24".split(" "),
);
const wildcardWord = fc.constantFrom(
  ..."10.0.0.* 10.* 10.0.*.1 10.0.0.1* 10.0.0.1? 10.0.?.1 1* 192.168.2?.* 01.* 300.1.* 2001:*".split(" "),
  ..."2001:db8:* 2001:DB8::? 20* f* 2001:db8:0* 1:2:* 1.2.3.4.* 2*.1 10.0.0.1.* 44* 4?3 s* SAG-*".split(" "),
  ..."b_* b?c%? sn-???1 a*z* ün* 1234*6 99*1".split(" "),
);
const phrase = fc.constantFrom(
  "a b",
  "b c",
  "sag rack 7",
  "rack b",
  "7/b",
  "10.0.0.1",
  "a*",
  "443",
  "a b c d",
  "::1",
);

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/gu, (character) => `\\${character}`)}"`;
}

function hasSequence(values: string[], sequence: string[]): boolean {
  return values.some((_, start) => sequence.every((token, index) => values[start + index] === token));
}

function hasWord(record: LogRecord, fields: readonly string[], word: string): boolean {
  return tokens(word.replaceAll("?", "\u0001"))
    .map((token) => likeRegExp(token.replaceAll("\u0001", "?")))
    .every((pattern) =>
      fields.some((name) => tokens(record[name] ?? "").some((token) => pattern.test(token))),
    );
}

function hasPhrase(record: LogRecord, fields: readonly string[], text: string): boolean {
  return fields.some((name) => hasSequence(tokens(record[name] ?? ""), tokens(text)));
}

function ownFields(record: LogRecord): string[] {
  return Object.keys(record).filter((name) => !name.startsWith("__"));
}

/** What a record shows as `-` is no value, and is not found as one. */
function hasValue(record: LogRecord, name: string): boolean {
  return record[name] !== undefined && record[name] !== "-";
}

const anywhere: fc.Arbitrary<Search> = fc.oneof(
  fc
    .oneof(plainWord, wildcardWord)
    .filter((word) => !word.includes(":"))
    .map((word): Search => ({ text: word, matches: (record) => hasWord(record, ownFields(record), word) })),
  phrase.map((text): Search => ({
    text: quoted(text),
    matches: (record) => hasPhrase(record, ownFields(record), text),
  })),
);

const textMatch = (fields: Fields): fc.Arbitrary<Search> =>
  fc.constantFrom(...fields.text).chain((name) =>
    fc.oneof(
      fc.oneof(plainWord, wildcardWord).map((word): Search => ({
        text: `${name}:${word}`,
        matches: (record) => hasWord(record, [name], word),
      })),
      phrase.map((text): Search => ({
        text: `"${name}": ${quoted(text)}`,
        matches: (record) => hasPhrase(record, [name], text),
      })),
      fc.constant<Search>({ text: `${name}:*`, matches: (record) => hasValue(record, name) }),
      fc.constant<Search>({ text: `${name}:""`, matches: (record) => record[name] === "" }),
    ),
  );

const numberMatch = (fields: Fields): fc.Arbitrary<Search> =>
  fc
    .tuple(
      fc.constantFrom(...fields.long),
      fc.constantFrom(-1, 0, 2, 18, 22, 80, 443, 1500, 2 ** 53 - 1, 1_700_000_009),
      fc.constantFrom(":", "=", ">", ">=", "<", "<=", ":'"),
      fc.boolean(),
    )
    .map(([name, value, operator, hasFraction]): Search => {
      if (operator === ":'") return { text: `${name}:abc`, matches: () => false };
      const isFraction = hasFraction && operator !== ":" && Math.abs(value) < 2 ** 40;
      const number = isFraction ? value + 0.5 : value;
      return {
        text: `${name} ${operator} ${number}`,
        matches: (record) => {
          const stored = Number(record[name]);
          if (operator === ">") return stored > number;
          if (operator === ">=") return stored >= number;
          if (operator === "<") return stored < number;
          return operator === "<=" ? stored <= number : stored === number;
        },
      };
    });

const rangeMatch = (fields: Fields): fc.Arbitrary<Search> =>
  fc
    .tuple(
      fc.constantFrom(...fields.long),
      fc.constantFrom(...portPool),
      fc.constantFrom(...portPool),
      fc.boolean(),
      fc.boolean(),
    )
    .map(([name, low, high, lowIncluded, highIncluded]) => ({
      text: `${name} in ${lowIncluded ? "[" : "("}${low} ${high}${highIncluded ? "]" : ")"}`,
      matches: (record) => {
        const stored = Number(record[name]);
        return (
          (lowIncluded ? stored >= low : stored > low) && (highIncluded ? stored <= high : stored < high)
        );
      },
    }));

const reservedMatch = fc.constantFrom<Search>(
  { text: "__topic__: flow_log", matches: () => true },
  { text: "__topic__: flow", matches: () => false },
  { text: "source: HOST-a", matches: (record) => record["__source__"] === "Host-A" },
  { text: '__source__: "host b/1"', matches: (record) => record["__source__"] === "host b/1" },
  { text: "__source__: ho*1", matches: (record) => record["__source__"] === "host b/1" },
  { text: "__tag__:path: x", matches: () => false },
  { text: "*", matches: () => true },
);

const joinedBy = fc.constantFrom(" and ", " AND ", " ");
/** Searches that name these fields. */
function searchOver(fields: Fields): fc.Arbitrary<Search> {
  const leaf = fc.oneof(anywhere, textMatch(fields), numberMatch(fields), rangeMatch(fields), reservedMatch);
  return fc.letrec<{ search: Search; conjunction: Search; unary: Search }>((tie) => ({
    search: fc.array(tie("conjunction"), { minLength: 1, maxLength: 3 }).map((operands) => ({
      text: operands.map((operand) => operand.text).join(" or "),
      matches: (record: LogRecord) => operands.some((operand) => operand.matches(record)),
    })),
    conjunction: fc
      .tuple(fc.array(tie("unary"), { minLength: 1, maxLength: 3 }), joinedBy)
      .map(([operands, by]) => ({
        text: operands.map((operand) => operand.text).join(by),
        matches: (record: LogRecord) => operands.every((operand) => operand.matches(record)),
      })),
    unary: fc.oneof(
      { weight: 5, arbitrary: leaf },
      {
        weight: 2,
        arbitrary: tie("unary").map((operand) => ({
          text: `not ${operand.text}`,
          matches: (record: LogRecord) => !operand.matches(record),
        })),
      },
      {
        weight: 1,
        arbitrary: tie("search").map((operand) => ({ text: `(${operand.text})`, matches: operand.matches })),
      },
    ),
  })).search;
}

let flowStore: FlowStore;
beforeAll(async () => void (flowStore = await openFlowStore()));
afterAll(() => flowStore.close());

interface Stored {
  readonly logstore: number;
  readonly formats: Readonly<Record<string, RecordFormat>>;
  readonly fields: Fields;
  readonly flow: fc.Arbitrary<StoredFlow>;
}

async function expectSearchesToAgree({ logstore, formats, fields, flow }: Stored): Promise<void> {
  const reader = createLogReader({ formats }, { store: flowStore.store });
  const range = { logstore, fromS: 1_600_000_000, toS: 1_800_000_000, offset: 0, line: 1000 };
  await flowStore.append(logstore, fc.sample(flow, 300));
  const all = unwrap(await reader.getLogs({ ...range, query: "", reverse: false })).records;
  expect(all).toHaveLength(300);
  let matched = 0;
  await fc.assert(
    fc.asyncProperty(searchOver(fields), fc.boolean(), async ({ text, matches }, reverse) => {
      const keywords = text.match(/[^\s()]+/gu)?.length ?? 0;
      fc.pre(keywords <= 20);
      const { records } = unwrap(await reader.getLogs({ ...range, query: text, reverse }));
      const expected = (reverse ? all.toReversed() : all).filter(matches);
      expect(records).toEqual(expected);
      const histograms = unwrap(await reader.getHistograms({ ...range, query: text }));
      expect(histograms.count).toBe(expected.length);
      if (expected.length > 0 && expected.length < all.length) matched++;
    }),
    { numRuns: 400 },
  );
  expect(matched).toBeGreaterThan(100);
}

describe("a search over stored flows", () => {
  it("finds the records that a naive reading of it finds", async () => {
    await expectSearchesToAgree({
      logstore: 7,
      formats: { sag: sagRecordFormat },
      fields: sagFields,
      flow: storedFlow,
    });
  }, 300_000);

  it("finds them where records lack a field", async () => {
    await expectSearchesToAgree({
      logstore: 8,
      formats: { sag: optionalFormat },
      fields: sagFields,
      flow: storedFlow,
    });
  }, 300_000);

  it("finds them where a logstore holds records of two services", async () => {
    await expectSearchesToAgree({
      logstore: 9,
      formats: { sag: sagRecordFormat, vpc: vpcRecordFormat },
      fields: bothFields,
      flow: fc.oneof(storedFlow, { weight: 2, arbitrary: vpcFlow }),
    });
  }, 300_000);
});

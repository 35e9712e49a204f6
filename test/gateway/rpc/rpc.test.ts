import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { fail, fault, type FaultCode } from "../../../src/base/mod.ts";
import { render } from "../../../src/gateway/dialect/rpc/answer.ts";
import { createRpcDialect } from "../../../src/gateway/dialect/rpc/dialect.ts";
import { commonError } from "../../../src/gateway/dialect/rpc/error.ts";
import { mergeParameters, parseParameters } from "../../../src/gateway/dialect/rpc/parameters.ts";
import { silentLogger } from "../../../src/observe/mod.ts";

describe("parameters", () => {
  it("are read as URLSearchParams reads them, wherever a name comes once", () => {
    const pairs = fc.uniqueArray(
      fc.tuple(fc.string({ unit: "grapheme", minLength: 1 }), fc.string({ unit: "grapheme" })),
      {
        selector: ([name]) => name,
        maxLength: 20,
      },
    );
    fc.assert(
      fc.property(pairs, (written) => {
        const text = new URLSearchParams(written).toString();
        const expected = new Map(new URLSearchParams(text));
        expect(parseParameters(text)).toEqual({ ok: true, value: expected });
      }),
    );
  });

  it("are a map or a fault, whatever the text", () => {
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: fc.constantFrom("%", "&", "=", "+", "a", "2", "F", "é") }),
    );
    fc.assert(
      fc.property(text, (written) => {
        const read = parseParameters(written);
        if (!read.ok) expect(["Malformed", "InputTooLarge"]).toContain(read.fault.code);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ["", []],
    ["&&", []],
    ["a", [["a", ""]]],
    ["a=", [["a", ""]]],
    ["a=b=c", [["a", "b=c"]]],
    ["a+b=c%20d%2B", [["a b", "c d+"]]],
    [
      "__proto__=x&constructor=y",
      [
        ["__proto__", "x"],
        ["constructor", "y"],
      ],
    ],
    ["a=1&a=1", [["a", "1"]]],
  ])("of %j are %j", (text, expected) => {
    expect(parseParameters(text)).toEqual({ ok: true, value: new Map(expected as [string, string][]) });
  });

  it.each([
    ["a=1&a=2", "Malformed", "a"],
    ["a=%zz", "Malformed", "a"],
    ["a=%ff", "Malformed", "a"],
    ["%c3=1", "Malformed", ""],
  ])("refuse %j", (text, code, field) => {
    expect(parseParameters(text)).toMatchObject({ ok: false, fault: { code, field } });
  });

  it("are at most 500, however they are divided", () => {
    const many = (prefix: string, count: number) =>
      Array.from({ length: count }, (_, index) => `${prefix}${index}=`).join("&");
    expect(parseParameters(many("a", 500)).ok).toBe(true);
    expect(parseParameters(many("a", 501))).toMatchObject({ fault: { code: "InputTooLarge" } });
    expect(parseParameters(`${"&".repeat(600)}a=1`)).toMatchObject({ fault: { code: "InputTooLarge" } });
    const [left, right] = [parseParameters(many("a", 300)), parseParameters(many("b", 300))];
    if (!left.ok || !right.ok) throw new Error("both are allowed");
    expect(mergeParameters(left.value, right.value)).toMatchObject({ fault: { code: "InputTooLarge" } });
  });
});

describe("a call at the root", () => {
  const dialect = createRpcDialect({
    services: [],
    authenticator: { authenticate: async () => Promise.reject(new Error("not asked")) },
    authorizer: { authorize: () => fail("AccessDenied", "not asked") },
    logger: silentLogger,
  });
  it.each([
    ["POST", "/", { "content-type": "Application/X-WWW-Form-Urlencoded; charset=UTF-8" }, true],
    ["GET", "/?Action=DescribeRegions", {}, true],
    ["POST", "/", { "x-acs-action": "DescribeRegions" }, true],
    ["POST", "/", { "content-type": "application/json" }, false],
    ["GET", "/other?Action=DescribeRegions", {}, false],
    ["GET", "/?Action=DescribeRegions", { "x-log-apiversion": "0.6.0" }, false],
  ])("%s %s with %o is this style's: %s", (method, target, headers, expected) => {
    const head = { method, target, path: target.split("?")[0]!, host: "127.0.0.1", headers };
    expect(dialect.matches(head)).toBe(expected);
  });
});

describe("the common errors", () => {
  const table: readonly (readonly [FaultCode, number, string])[] = [
    ["TooManyRequests", 400, "Throttling"],
    ["DiskFull", 503, "ServiceUnavailable"],
    ["NonceReused", 400, "SignatureNonceUsed"],
    ["TimestampSkewed", 400, "InvalidTimeStamp.Expired"],
    ["Internal", 500, "InternalError"],
    ["StoreUnavailable", 500, "InternalError"],
  ];
  it.each(table)("of %s is %d %s", (code, status, name) => {
    expect(commonError(fault(code, "the cause"))).toMatchObject({ status, code: name });
    expect(commonError(fault(code, "the cause")).message).not.toContain("the cause");
  });
});

describe("XML answers", () => {
  it("are well formed whatever the values", () => {
    const value = fc.record({
      Text: fc.string({ unit: "binary" }),
      List: fc.record({ Item: fc.array(fc.string()) }),
    });
    fc.assert(
      fc.property(value, (answer) => {
        const text = render("XML", "R", answer);
        expect(text.replace(/<\/?[A-Za-z]+>|<\?xml[^>]*\?>|&(?:amp|lt|gt|quot);/gu, "")).not.toMatch(
          /[<>&]/u,
        );
        // eslint-disable-next-line no-control-regex
        expect(text).not.toMatch(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/u);
        expect(text.match(/<Item>/gu)?.length ?? 0).toBe(answer.List.Item.length);
      }),
    );
  });
});

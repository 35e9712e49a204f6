import { readFileSync } from "node:fs";
import { join } from "node:path";

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { type Clock, fail, ok } from "../../../../src/base/mod.ts";
import type { Credentials } from "../../../../src/control/mod.ts";
import { authenticate } from "../../../../src/gateway/dialect/apig/authenticate.ts";
import { parseRequest } from "../../../../src/gateway/dialect/apig/request.ts";
import { signText, textsToSign } from "../../../../src/gateway/dialect/apig/signature.ts";

interface Recorded {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const vectors = join(import.meta.dirname, "../../../vectors/huawei");

function recorded(name: string): Recorded[] {
  return JSON.parse(readFileSync(join(vectors, `${name}.json`), "utf8")) as Recorded[];
}

const accessKeyId = "LTAItestkey000001";
const credentials: Credentials = {
  find: (id) =>
    id === accessKeyId
      ? ok({
          accessKeyId,
          accessKeySecret: "secretsecretsecret1",
          principal: { kind: "account", accountId: "1", arn: "arn", name: "1", id: "1", accessKeyId },
        })
      : fail("AccessKeyNotFound", id),
};

function clockAt({ headers }: Recorded, offsetMs = 0): Clock {
  const text = (headers["x-sdk-date"] ?? "").replace(
    /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/u,
    "$1-$2-$3T$4:$5:$6Z",
  );
  return { nowMs: () => Date.parse(text) + offsetMs, monotonicMs: () => 0 };
}

function requestOf({ method, target, headers, body }: Recorded) {
  const [path = ""] = target.split("?");
  return parseRequest(
    { method, target, path, host: headers["host"] ?? "", headers },
    Buffer.from(body),
    "http",
  );
}

function outcomeOf(request: Recorded, offsetMs?: number): string {
  const result = authenticate(requestOf(request), { credentials, clock: clockAt(request, offsetMs) });
  return result.ok ? "ok" : result.fault.code;
}

/** Of the Go SDK's own tests: key AccessKey, secret SecretKey. */
const published = [
  {
    method: "GET",
    target: "/path?limit=1",
    headers: { test_underscore: "TEST_VALUE", "x-sdk-date": "20060102T150405Z" },
    body: "",
    signedHeaders: ["test_underscore", "x-sdk-date"],
    signature: "daeadcf4a306599f7422401cc55d3718a23ef159fed370c62c551a2c45ae9655",
  },
  {
    method: "POST",
    target: "/path?key=value",
    headers: {
      "content-type": "application/json",
      test_underscore: "TEST_VALUE",
      "x-sdk-date": "20060102T150405Z",
    },
    body: '{"Name":"test","Id":1}',
    signedHeaders: ["content-type", "test_underscore", "x-sdk-date"],
    signature: "0238c3bedddfe8bf113c7530f783322380dedf720d514861623cfe5f73aa8f64",
  },
];

describe("the AK/SK signature", () => {
  it.each(published)(
    "of $method $target is the published one",
    ({ signedHeaders, signature, ...request }) => {
      const texts = textsToSign(requestOf(request), { dateTime: "20060102T150405Z", signedHeaders });
      expect(texts.map((text) => signText(text, "SecretKey").toString("hex"))).toContain(signature);
    },
  );

  describe.each(["huaweicloud", "opentelekomcloud-access-key"])("of the Terraform provider, %s", (name) => {
    const requests = recorded(name);

    it("holds for every request that was recorded", () => {
      expect(requests.length).toBeGreaterThan(15);
      expect(requests.map((request) => outcomeOf(request))).toEqual(requests.map(() => "ok"));
    });

    it("holds for 15 minutes on both sides of its date", () => {
      const [request] = requests;
      const minuteMs = 60_000;
      expect([-16, -15, 15, 16].map((minutes) => outcomeOf(request!, minutes * minuteMs))).toEqual([
        "TimestampSkewed",
        "ok",
        "ok",
        "TimestampSkewed",
      ]);
    });

    it("does not hold with anything changed that is signed", () => {
      const signedNames = (request: Recorded) =>
        /SignedHeaders=([^,]+)/u.exec(request.headers["authorization"] ?? "")![1]!.split(";");
      fc.assert(
        fc.property(fc.constantFrom(...requests), fc.nat(), fc.nat(), (request, place, kind) => {
          const change = (text: string): string => {
            const index = place % Math.max(1, text.length);
            const other = text[index] === "a" ? "b" : "a";
            return text.slice(0, index) + other + text.slice(index + 1);
          };
          const names = signedNames(request).filter((each) => each !== "x-sdk-date");
          const header = names[place % names.length]!;
          const changed: Recorded = [
            { ...request, method: request.method === "GET" ? "PUT" : "GET" },
            { ...request, target: `/${change(request.target.slice(1))}` },
            { ...request, body: request.body === "" ? "a" : change(request.body) },
            { ...request, headers: { ...request.headers, [header]: change(request.headers[header] ?? "") } },
          ][kind % 4]!;
          expect(outcomeOf(changed)).not.toBe("ok");
        }),
        { numRuns: 300 },
      );
    });
  });

  it.each([
    ["SignatureMalformed", "SDK-HMAC-SHA256 Access=LTAItestkey000001"],
    [
      "SignatureMethodUnsupported",
      "V11-HMAC-SHA256 Credential=a/20261121/eu/vpc, SignedHeaders=a, Signature=b",
    ],
    ["SignatureMalformed", `SDK-HMAC-SHA256 Access=a, SignedHeaders=host, Signature=${"0".repeat(64)}`],
    [
      "SignatureMalformed",
      `SDK-HMAC-SHA256 Access=a, SignedHeaders=x-sdk-date;x-sdk-date, Signature=${"0".repeat(64)}`,
    ],
    [
      "AccessKeyNotFound",
      `SDK-HMAC-SHA256 Access=another, SignedHeaders=x-sdk-date, Signature=${"0".repeat(64)}`,
    ],
    [
      "SignatureMalformed",
      `SDK-HMAC-SHA256 Credential=a/20200101///sdk_request, SignedHeaders=x-sdk-date, Signature=${"0".repeat(64)}`,
    ],
  ])("is refused with %s when it is %s", (code, authorization) => {
    const request = recorded("huaweicloud")[0]!;
    expect(outcomeOf({ ...request, headers: { ...request.headers, authorization } })).toBe(code);
  });

  it.each(["20261321T000000Z", "20260230T000000Z", "2026-11-21T00:00:00Z", "20261121T240000Z"])(
    "is refused with a date that there is not, %s",
    (date) => {
      const request = recorded("huaweicloud")[0]!;
      const changed = { ...request, headers: { ...request.headers, "x-sdk-date": date } };
      const result = authenticate(requestOf(changed), { credentials, clock: clockAt(request) });
      expect(result.ok ? "ok" : result.fault.code).toBe("TimestampMalformed");
    },
  );

  it("is judged by the hash that the request names, if that is the body's", () => {
    const request = recorded("huaweicloud")[0]!;
    const named = { ...request.headers, "x-sdk-content-sha256": "0".repeat(64) };
    expect(outcomeOf({ ...request, headers: named })).toBe("SignatureMismatch");
  });
});

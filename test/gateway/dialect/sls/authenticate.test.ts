import * as fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";

import { unwrap } from "../../../../src/base/mod.ts";
import { parseIsoBasic, parseRfc822 } from "../../../../src/gateway/dialect/sls/authenticate.ts";
import {
  accountId,
  type Call,
  createSlsServer,
  type RawCall,
  regionId,
  send,
  signV1,
  signV4,
  type SlsServer,
} from "./server.ts";

let server: SlsServer;
const call: Call = {
  method: "POST",
  path: "/logstores/records/index",
  query: { name: "a b", empty: "" },
  body: { line: { token: [","] } },
};

async function outcome(raw: RawCall): Promise<string> {
  const { status, errorCode } = await send(server, raw);
  return `${status} ${errorCode}`;
}

/** What the operation itself answers: the request was let through. */
const letThrough = "400 IndexAlreadyExist";

function without(raw: RawCall, name: string): RawCall {
  const headers = { ...raw.headers };
  delete headers[name];
  return { ...raw, headers };
}

function withHeader(raw: RawCall, name: string, value: string): RawCall {
  return { ...raw, headers: { ...raw.headers, [name]: value } };
}

beforeEach(() => {
  server = createSlsServer();
  unwrap(server.logProjects.ensure({ accountId, regionId, project: "flows", logstore: "records" }));
});

describe("a signed request", () => {
  it("is let through", async () => {
    expect(await outcome(signV1(call))).toBe(letThrough);
  });

  it.each([
    ["authorization", "400 MissAccessKeyId"],
    ["x-log-apiversion", "400 MissingAPIVersion"],
    ["x-log-signaturemethod", "400 MissingSignatureMethod"],
    ["date", "400 MissingDate"],
    ["content-type", "401 SignatureNotMatch"],
    ["content-md5", "401 SignatureNotMatch"],
  ])("without %s is answered %s", async (name, code) => {
    expect(await outcome(without(signV1(call), name))).toBe(code);
  });

  it.each([
    ["x-log-apiversion", "0.1.0", "400 InvalidAPIVersion"],
    ["x-log-signaturemethod", "hmac-md5", "400 InvalidSignatureMethod"],
    ["date", "yesterday", "400 InvalidDateFormat"],
    ["date", "Mon, 31 Feb 2020 00:00:00 GMT", "400 InvalidDateFormat"],
    ["authorization", "LOG x", "401 Unauthorized"],
    ["authorization", "SLS4-HMAC-SHA256 Credential=x", "400 MissingDate"],
    ["x-acs-security-token", "token", "401 Unauthorized"],
    ["x-log-extra", "1", "401 SignatureNotMatch"],
    ["x-log-signaturemethod", "hmac-sha256", "401 SignatureNotMatch"],
  ])("with %s: %s is answered %s", async (name, value, code) => {
    expect(await outcome(withHeader(signV1(call), name, value))).toBe(code);
  });

  it("of an unknown or inactive key is Unauthorized", async () => {
    expect(await outcome(signV1({ ...call, accessKeyId: "LTAInobody" }))).toBe("401 Unauthorized");
    expect(await outcome(signV1({ ...call, accessKeyId: "LTAIinactive" }))).toBe("401 Unauthorized");
  });

  it.each([
    [-14, letThrough],
    [14, letThrough],
    [-16, "400 RequestTimeTooSkewed"],
    [16, "400 RequestTimeTooSkewed"],
  ])("%d minutes off the server's clock is answered %s", async (minutes, code) => {
    server.clock.skewMs = minutes * 60_000;
    expect(await outcome(signV1(call))).toBe(code);
  });

  it("may have got x-log-date after it was signed, as Python's client does it", async () => {
    const raw = signV1(call);
    expect(await outcome(withHeader(raw, "x-log-date", raw.headers["date"]!))).toBe(letThrough);
  });

  it("may have its spaces as plus signs, an empty value or a bare question mark", async () => {
    const raw = signV1({ ...call, query: {} });
    expect(await outcome({ ...raw, url: `${raw.url}?` })).toBe(letThrough);
    expect(signV1(call).url).toContain("name=a+b&empty=");
  });

  it("of version 4 is let through, within its day and its region", async () => {
    expect(await outcome(signV4(call))).toBe(letThrough);
    const raw = signV4(call);
    const scoped = raw.headers["authorization"]!;
    const elsewhere = scoped.replace("cn-shanghai", "cn-beijing");
    expect(await outcome(withHeader(raw, "authorization", elsewhere))).toBe("401 SignatureNotMatch");
    const otherDay = scoped.replace(/\/\d{8}\//u, "/20200101/");
    expect(await outcome(withHeader(raw, "authorization", otherDay))).toBe("401 SignatureNotMatch");
    expect(await outcome(withHeader(raw, "x-log-date", "20200101T000000Z"))).toBe("400 RequestTimeTooSkewed");
    expect(await outcome(withHeader(raw, "x-log-date", "now"))).toBe("400 InvalidDateFormat");
    expect(await outcome({ ...raw, payload: "{}" })).toBe("401 SignatureNotMatch");
  });

  it.each([
    ["version 1", signV1, ["authorization", "date", "content-md5", "content-type", "x-log-apiversion"]],
    ["version 4", signV4, ["authorization", "host", "x-log-date", "x-log-content-sha256", "content-type"]],
  ] as const)("of %s is refused with anything of it changed", async (_version, sign, headerNames) => {
    const mutation = fc.oneof(
      fc.record({
        part: fc.constant("url" as const),
        index: fc.nat(),
        to: fc.constantFrom(...Array.from("azAZ09/&=?%+-_ x")),
      }),
      fc.record({
        part: fc.constant("payload" as const),
        index: fc.nat(),
        to: fc.constantFrom(...Array.from('az{}":, 0')),
      }),
      fc.record({
        part: fc.constantFrom(...headerNames),
        index: fc.nat(),
        to: fc.constantFrom(...Array.from("azAZ09+/=:, -")),
      }),
    );
    await fc.assert(
      fc.asyncProperty(mutation, async ({ part, index, to }) => {
        const raw = sign(call);
        const change = (text: string): string => {
          const at = index % text.length;
          return text.slice(0, at) + to + text.slice(at + 1);
        };
        const changed =
          part === "url" || part === "payload"
            ? { ...raw, [part]: change(raw[part]!) }
            : withHeader(raw, part, change(raw.headers[part]!));
        fc.pre(signed(changed) !== signed(raw) && changed.url.startsWith("/") && !/[ ]/u.test(changed.url));
        const answered = await outcome(changed);
        expect(answered).toMatch(/^(?:400|401|415) (?!IndexAlreadyExist)/u);
      }),
      { numRuns: 1000 },
    );
  });

  /** What the signature is about: spellings of the same values are the same. */
  function signed(raw: RawCall): string {
    const url = new URL(raw.url, "http://host");
    const pairs = [...url.searchParams].map(([name, value]) => `${name}=${value}`).sort();
    const trimmed = Object.entries(raw.headers).map(([name, value]) => [name, value.trim()]);
    return JSON.stringify([url.pathname, pairs.join("&"), trimmed, raw.payload]);
  }
});

describe("dates", () => {
  it("are read in the two forms alone", () => {
    expect(parseRfc822("Mon, 09 Nov 2015 06:11:16 GMT")).toBe(Date.UTC(2015, 10, 9, 6, 11, 16));
    expect(parseRfc822("Mon, 3 Jan 2010 08:33:47 GMT")).toBe(Date.UTC(2010, 0, 3, 8, 33, 47));
    expect(parseIsoBasic("20220808T032330Z")).toBe(Date.UTC(2022, 7, 8, 3, 23, 30));
    for (const text of ["", "2015-11-09", "Mon, 09 Nov 2015 25:11:16 GMT", "Mon, 09 Foo 2015 06:11:16 GMT"]) {
      expect(parseRfc822(text)).toBeNull();
    }
    for (const text of ["", "20220808T032360Z", "20221308T032330Z", "2022-08-08T03:23:30Z"]) {
      expect(parseIsoBasic(text)).toBeNull();
    }
  });
});

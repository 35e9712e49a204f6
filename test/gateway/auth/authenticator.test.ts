/** Signatures, time and replay as clients meet them: over HTTP, against the SAG API. */
import { createHash, createHmac, randomUUID } from "node:crypto";
import { request as httpRequest } from "node:http";

import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { systemClock } from "../../../src/base/mod.ts";
import { sign } from "../rpc/client.ts";
import { type SagServer, startSagServer } from "../sag/fixture.ts";
import { scratchFolder } from "../../support/scratch.ts";

let server: SagServer;
beforeAll(async () => {
  server = await startSagServer();
});
afterAll(() => server.stop());

const minuteMs = 60_000;

interface Sent {
  readonly method: string;
  readonly target: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

function send(
  { method, target, headers, body }: Sent,
  port = server.port,
): Promise<{ status: number; body: Record<string, string> }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: "127.0.0.1", port, method, path: target, headers }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (chunk: string) => (text += chunk));
      answer.on("end", () => {
        const json = (answer.headers["content-type"] ?? "").includes("json");
        resolve({
          status: answer.statusCode ?? 0,
          body: json ? (JSON.parse(text) as Record<string, string>) : {},
        });
      });
    });
    request.on("error", reject);
    request.end(body);
  });
}

const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/gu, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

const timestamp = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

function rpcRequest(extra: Record<string, string> = {}): Sent {
  const parameters: [string, string][] = Object.entries({
    Action: "DescribeFlowLogs",
    Version: "2018-03-13",
    Format: "JSON",
    AccessKeyId: server.key.accessKeyId,
    SignatureMethod: "HMAC-SHA1",
    SignatureVersion: "1.0",
    SignatureNonce: randomUUID(),
    Timestamp: timestamp(Date.now()),
    RegionId: "cn-shanghai",
    PageSize: "20",
    ...extra,
  });
  const all = [...parameters, ["Signature", sign("GET", parameters, server.key.accessKeySecret)]];
  const query = all.map(([name, value]) => `${encode(name!)}=${encode(value!)}`).join("&");
  return { method: "GET", target: `/?${query}`, headers: {}, body: "" };
}

/** ACS3 as its documentation has it, with a form body. */
function acs3Request(
  overrides: Record<string, string> = {},
  options: { secret?: string; signedHeaders?: string[]; body?: string } = {},
): Sent {
  const body = options.body ?? "RegionId=cn-shanghai&PageSize=20";
  const headers: Record<string, string> = {
    host: `127.0.0.1:${server.port}`,
    "content-type": "application/x-www-form-urlencoded",
    "x-acs-action": "DescribeFlowLogs",
    "x-acs-version": "2018-03-13",
    "x-acs-date": timestamp(Date.now()),
    "x-acs-signature-nonce": randomUUID(),
    "x-acs-content-sha256": createHash("sha256").update(body).digest("hex"),
    ...overrides,
  };
  const names = (options.signedHeaders ?? Object.keys(headers)).sort();
  const canonical = [
    "POST",
    "/",
    "Status=Active",
    ...names.map((name) => `${name}:${headers[name] ?? ""}`),
    "",
    names.join(";"),
    headers["x-acs-content-sha256"],
  ].join("\n");
  const stringToSign = `ACS3-HMAC-SHA256\n${createHash("sha256").update(canonical).digest("hex")}`;
  const signature = createHmac("sha256", options.secret ?? server.key.accessKeySecret)
    .update(stringToSign)
    .digest("hex");
  const authorization = `ACS3-HMAC-SHA256 Credential=${server.key.accessKeyId},SignedHeaders=${names.join(";")},Signature=${signature}`;
  return { method: "POST", target: "/?Status=Active", headers: { ...headers, authorization }, body };
}

const bothSignatures = [
  ["RPC", (ms: number) => rpcRequest({ Timestamp: timestamp(ms) })],
  ["ACS3", (ms: number) => acs3Request({ "x-acs-date": timestamp(ms) })],
] as const;

describe.each(bothSignatures)("the %s signature", (_name, make) => {
  it.each([
    [-14 * minuteMs - 30_000, 200, undefined],
    [14 * minuteMs + 30_000, 200, undefined],
    [-15 * minuteMs - 30_000, 400, "InvalidTimeStamp.Expired"],
    [15 * minuteMs + 30_000, 400, "InvalidTimeStamp.Expired"],
    [-24 * 60 * minuteMs, 400, "InvalidTimeStamp.Expired"],
  ])("with a timestamp %d ms from now is answered with %d", async (offsetMs, status, code) => {
    const answer = await send(make(Date.now() + offsetMs));
    expect([answer.status, answer.body["Code"]]).toEqual([status, code]);
  });

  it("is accepted once", async () => {
    const request = make(Date.now());
    expect((await send(request)).status).toBe(200);
    expect(await send(request)).toMatchObject({ status: 400, body: { Code: "SignatureNonceUsed" } });
  });

  it("is refused again after a restart", async () => {
    const directory = scratchFolder("replay");
    const outer = server;
    const first = await startSagServer({ directory });
    server = first;
    const request = make(Date.now());
    expect((await send(request)).status).toBe(200);
    await first.stop();
    const second = await startSagServer({ directory });
    server = outer;
    // The host is signed by ACS3, so the second server is sent the first one's name.
    const answer = await send(request, second.port);
    await second.stop();
    expect(answer).toMatchObject({ status: 400, body: { Code: "SignatureNonceUsed" } });
  });

  it("never holds for a request that was changed on its way", async () => {
    const changed = fc.asyncProperty(
      fc.constantFrom("target", "body", "header", "method"),
      fc.nat(),
      fc.integer({ min: 1, max: 93 }),
      async (part, position, flip) => {
        const request = make(Date.now());
        const mutated = mutate(request, part, position, flip);
        if (mutated === null) return;
        const answer = await send(mutated).catch(() => null);
        expect(answer?.status ?? 400, JSON.stringify(mutated)).toBeGreaterThanOrEqual(400);
      },
    );
    await fc.assert(changed, { numRuns: 400 });
  });
});

/** One character of one part changed; null where nothing that is signed would differ. */
function mutate(request: Sent, part: string, position: number, flip: number): Sent | null {
  if (part === "method") return { ...request, method: request.method === "GET" ? "POST" : "GET" };
  if (part === "body")
    return request.body === "" ? null : { ...request, body: changeAt(request.body, position, flip) };
  if (part === "header") {
    const names = Object.keys(request.headers);
    const name = names[position % names.length];
    // The case of the scheme's own words and of hexadecimal digits carries no meaning.
    if (name === undefined) return null;
    const value = changeAt(request.headers[name]!, position >> 3, flip);
    return value.trim() === request.headers[name]
      ? null
      : { ...request, headers: { ...request.headers, [name]: value } };
  }
  const query = changeAt(request.target.slice(2), position, flip);
  return sameParameters(query, request.target.slice(2)) ? null : { ...request, target: `/?${query}` };
}

function changeAt(text: string, position: number, flip: number): string {
  const at = position % text.length;
  const code = 33 + ((text.charCodeAt(at) - 33 + flip) % 94);
  return text.slice(0, at) + String.fromCharCode(code) + text.slice(at + 1);
}

/** Whether two queries name the same parameters, whatever their escapes' spelling. */
function sameParameters(left: string, right: string): boolean {
  const read = (text: string) => {
    const parameters = new URLSearchParams(text.replace(/#.*/u, ""));
    parameters.sort();
    return JSON.stringify([...parameters]);
  };
  return read(left) === read(right);
}

describe("what is wrong with a signature is told", () => {
  it("with the string that was to be signed, as the SDKs look for it", async () => {
    const answer = await server.call("DescribeFlowLogs", {}, { secret: "wrong" });
    expect(answer.body.Code).toBe("SignatureDoesNotMatch");
    const [head, stringToSign] = answer.body.Message.split("server string to sign is:");
    expect(head).toBe("Specified signature is not matched with our calculation. ");
    expect(stringToSign).toMatch(/^POST&%2F&AccessKeyId%3D/u);
    expect(answer.text).not.toContain(server.key.accessKeySecret);
  });

  it.each([
    [{ AccessKeyId: null }, 400, "MissingParameter"],
    [{ SignatureNonce: null }, 400, "MissingParameter"],
    [{ SignatureMethod: null }, 400, "MissingParameter"],
    [{ Timestamp: null }, 400, "MissingParameter"],
    [{ Signature: "" }, 400, "MissingParameter"],
    [{ Signature: "short" }, 400, "IncompleteSignature"],
    [{ SignatureMethod: "HMAC-MD5" }, 400, "IncompleteSignature"],
    [{ SignatureVersion: "9.9" }, 400, "IncompleteSignature"],
    [{ Timestamp: "yesterday" }, 400, "InvalidTimeStamp.Format"],
    [{ AccessKeyId: "LTAInobody" }, 404, "InvalidAccessKeyId.NotFound"],
    [{ SecurityToken: "token" }, 400, "InvalidSecurityToken.Malformed"],
    [{ SecurityToken: "" }, 200, undefined],
    [{ SignatureType: "" }, 200, undefined],
  ])("%j", async (common, status, code) => {
    const answer = await server.call("DescribeFlowLogs", {}, { common });
    expect([answer.status, answer.body.Code]).toEqual([status, code]);
  });

  it("a disabled key", async () => {
    const made = server.control.accessKeys.create(server.scope.accountId);
    if (!made.ok) throw new Error(made.fault.message);
    const { accessKeyId, accessKeySecret } = made.value;
    server.control.accessKeys.setStatus(server.scope.accountId, accessKeyId, "inactive");
    const options = { common: { AccessKeyId: accessKeyId }, secret: accessKeySecret };
    const answer = await server.call("DescribeFlowLogs", {}, options);
    expect([answer.status, answer.body.Code]).toEqual([400, "InvalidAccessKeyId.Inactive"]);
  });

  const required = [
    "host",
    "x-acs-action",
    "x-acs-version",
    "x-acs-date",
    "x-acs-signature-nonce",
    "x-acs-content-sha256",
  ];
  it.each(required)("an ACS3 signature that leaves %s out", async (left) => {
    const answer = await send(acs3Request({}, { signedHeaders: required.filter((name) => name !== left) }));
    expect([answer.status, answer.body["Code"]]).toEqual([400, "IncompleteSignature"]);
  });

  it("an ACS3 body that is not the hashed one, and a wrong secret", async () => {
    const other = { ...acs3Request(), body: "RegionId=cn-shanghai&PageSize=50" };
    expect((await send(other)).body["Code"]).toBe("SignatureDoesNotMatch");
    expect((await send(acs3Request({}, { secret: "wrong" }))).body["Code"]).toBe("SignatureDoesNotMatch");
  });

  it.each([
    ["ACS3-HMAC-SM3 Credential=a,SignedHeaders=host,Signature=00", "IncompleteSignature"],
    ["ACS3-HMAC-SHA256 Credential=a", "IncompleteSignature"],
    ["ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host;host,Signature=zz", "IncompleteSignature"],
  ])("Authorization: %s", async (authorization, code) => {
    const request = acs3Request();
    const answer = await send({ ...request, headers: { ...request.headers, authorization } });
    expect(answer.body["Code"]).toBe(code);
  });
});

describe("a parameter that stands in two places", () => {
  it("is refused where its values differ, for one of them would decide and the other be signed", async () => {
    const request = rpcRequest();
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const answer = await send({ ...request, method: "POST", headers, body: "RegionId=eu-central-1" });
    expect(answer.body).toMatchObject({
      Code: "InvalidParameter",
      Message: 'The specified parameter "RegionId" is not valid.',
    });
  });

  it("cannot replace the action by an unsigned header", async () => {
    const request = rpcRequest({ Action: "" });
    const answer = await send({ ...request, headers: { "x-acs-action": "DescribeRegions" } });
    expect(answer.body).toMatchObject({
      Code: "MissingParameter",
      Message: expect.stringContaining('"Action"'),
    });
  });
});

it("keeps working with a clock that jumps", async () => {
  const clock = {
    offsetMs: 0,
    nowMs: () => systemClock.nowMs() + clock.offsetMs,
    monotonicMs: () => systemClock.monotonicMs(),
  };
  const jumping = await startSagServer({ clock });
  const request = { nonce: "fixed-nonce", atMs: Date.now() };
  expect((await jumping.call("DescribeFlowLogs", {}, request)).status).toBe(200);
  clock.offsetMs = 120 * minuteMs;
  expect((await jumping.call("DescribeFlowLogs")).body.Code).toBe("InvalidTimeStamp.Expired");
  clock.offsetMs = 0;
  expect((await jumping.call("DescribeFlowLogs", {}, request)).body.Code).toBe("SignatureNonceUsed");
  await jumping.stop();
});

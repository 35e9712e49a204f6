import { describe, expect, it } from "vitest";

import { parseRequest, type SlsRequest } from "../../../../src/gateway/dialect/sls/request.ts";
import {
  emptySha256,
  isSignatureOf,
  md5,
  sha256,
  signingKeyV4,
  textsToSignV1,
  textsToSignV4,
} from "../../../../src/gateway/dialect/sls/signature.ts";

/*
 * Requests and signatures as they are printed in Alibaba Cloud's documentation ("Request signatures" of
 * the Log Service API reference) and in the tests of aliyun-log-go-sdk (signature_v4_test.go).
 */

function requestOf(method: string, target: string, headers: Record<string, string>, body = ""): SlsRequest {
  const path = target.split("?")[0]!;
  return parseRequest({ method, target, path, host: "", headers }, Buffer.from(body, "latin1"));
}

const documentedSecret = "4fdO2fTDDnZPU/L7CHNdemB2Nsk=";
const version1 = { "x-log-apiversion": "0.6.0", "x-log-signaturemethod": "hmac-sha1" };
const protobuf = { "x-log-bodyrawsize": "50", "content-type": "application/x-protobuf" };
const logGroup = Buffer.from(
  "0a320a1e08f8b2939e0512160a07546573744b6579120b54657374436f6e74656e741a00220e31302e3233302e3230312e313137",
  "hex",
);

describe("version 1", () => {
  it.each([
    {
      what: "parameters, one of them empty",
      secret: documentedSecret,
      request: requestOf("GET", "/logstores?logstoreName=&offset=0&size=1000", version1),
      date: "Mon, 09 Nov 2015 06:11:16 GMT",
      signature: "jEYOTCJs2e88o+y5F4/S5IsnBJQ=",
    },
    {
      what: "a compressed body",
      secret: documentedSecret,
      request: requestOf("POST", "/logstores/test-logstore", {
        ...version1,
        ...protobuf,
        "content-md5": "1DD45FA4A70A9300CC9FE7305AF2C494",
        "x-log-compresstype": "lz4",
      }),
      date: "Mon, 09 Nov 2015 06:03:03 GMT",
      signature: "XWLGYHGg2F2hcfxWxMLiNkGki6g=",
    },
    {
      what: "a day of one digit",
      secret: "mockAccessKeySecret",
      request: requestOf("GET", "/logstores", { ...version1, "x-log-bodyrawsize": "0" }),
      date: "Mon, 3 Jan 2010 08:33:47 GMT",
      signature: "Rwm6cTKzoti4HWoe+GKcb6Kv07E=",
    },
    {
      what: "a body",
      secret: "mockAccessKeySecret",
      request: requestOf("GET", "/logstores/app_log", {
        ...version1,
        ...protobuf,
        "content-md5": md5(logGroup),
      }),
      date: "Mon, 3 Jan 2010 08:33:47 GMT",
      signature: "87xQWqFaOSewqRIma8kPjGYlXHc=",
    },
  ])("signs $what as published", ({ secret, request, date, signature }) => {
    const bytes = Buffer.from(signature, "base64");
    expect(isSignatureOf(textsToSignV1(request, date), bytes, secret, "sha1")).toBe(true);
    expect(isSignatureOf(textsToSignV1(request, date), bytes, `${secret}.`, "sha1")).toBe(false);
    expect(isSignatureOf(textsToSignV1(request, `${date} `), bytes, secret, "sha1")).toBe(false);
  });
});

describe("version 4", () => {
  const body = "adasd= -asd zcas";
  const dateTime = "20220808T032330Z";
  const secret = "zxasdasdasw2";
  const headers = { "x-log-test": "het123", "x-acs-ppp": "dds", "x-log-date": dateTime };
  const hashed = { ...headers, "x-log-content-sha256": sha256(body) };
  const unhashed = { ...headers, "x-log-content-sha256": emptySha256 };
  const target = "/logstores?=efg&+abc=efg&+agc+=&A-bc=eFg";
  const complex =
    "/logstores/hello/a+*~bb/cc?=efg&+abc=efg&+agc+=&A-bc=eFg&a+abAas123%2Fvc=a~jdad+a2ADFs%2Bd+ada&abs-ij%2Aasd%2Fvc=a~js%2Bd+ada";

  it.each([
    {
      what: "parameters, headers and a body",
      region: "cn-hangzhou",
      request: requestOf("POST", target, hashed, body),
      signature: "a98f5632e93836e63839cd836a54055f480020a9364ca944e2d34f2eb9bf1bed",
    },
    {
      what: "neither parameters nor headers",
      region: "cn-shanghai",
      request: requestOf(
        "POST",
        "/logstores",
        { "x-log-date": dateTime, "x-log-content-sha256": sha256(body) },
        body,
      ),
      signature: "8a10a5e723cb2e75964816de660b2c16a58af8bc0261f7f0722d832468c76ce8",
    },
    {
      what: "no body",
      region: "cn-hangzhou",
      request: requestOf("POST", target, unhashed),
      signature: "5a66d8f8051983e0e9d08e0f960ef9252ef971eead5bb5c7acec8617a2eb2701",
    },
    {
      what: "a GET",
      region: "cn-hangzhou",
      request: requestOf("GET", target, unhashed),
      signature: "d92741852500791d662a8d469ff61627c0559ecd86c3f59b7bf6772b6c62666a",
    },
    {
      what: "a path and parameters of special characters",
      region: "cn-hangzhou",
      request: requestOf("POST", complex, hashed, body),
      signature: "2c204068e961a8813a6bcf7ac422f7fa6e9bf9a5da493e0165dfe100854d18ff",
    },
  ])("signs $what as published", ({ region, request, signature }) => {
    const scope = { date: "20220808", regionId: region };
    const texts = textsToSignV4(request, dateTime, scope);
    const bytes = Buffer.from(signature, "hex");
    expect(isSignatureOf(texts, bytes, signingKeyV4(secret, scope), "sha256")).toBe(true);
    const elsewhere = signingKeyV4(secret, { ...scope, regionId: "cn-beijing" });
    expect(isSignatureOf(texts, bytes, elsewhere, "sha256")).toBe(false);
  });
});

import { createHmac } from "node:crypto";

import { describe, expect, it } from "vitest";

import { rpcStringToSign, signRpc, verifyRpcSignature } from "../../../src/gateway/auth/rpc-signature.ts";
import type { Principal } from "../../../src/control/mod.ts";
import type { KeyFinder } from "../../../src/gateway/auth/signed-request.ts";

// The worked example of Alibaba Cloud's documentation of the RPC signature.
const example = new Map(
  Object.entries({
    Timestamp: "2016-02-23T12:46:24Z",
    Format: "XML",
    AccessKeyId: "testid",
    Action: "DescribeRegions",
    SignatureMethod: "HMAC-SHA1",
    SignatureNonce: "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf",
    Version: "2014-05-26",
    SignatureVersion: "1.0",
  }),
);
const exampleSignature = "OLeaidS1JvxuMvnyHOwuJ+uX5qY=";

const principal: Principal = {
  kind: "account",
  accountId: "1",
  arn: "acs:ram::1:root",
  name: "1",
  id: "1",
  accessKeyId: "testid",
};
const keys: KeyFinder = {
  find: () => ({ ok: true, value: { accessKeyId: "testid", accessKeySecret: "testsecret", principal } }),
};

function verify(parameters: ReadonlyMap<string, string>, method = "GET") {
  return verifyRpcSignature(
    { method, headers: {}, query: parameters, parameters, body: new Uint8Array(0) },
    keys,
  );
}

describe("the RPC signature", () => {
  it("is the one of the documentation's example", () => {
    const stringToSign = rpcStringToSign("GET", example);
    expect(stringToSign).toBe(
      "GET&%2F&AccessKeyId%3Dtestid%26Action%3DDescribeRegions%26Format%3DXML%26SignatureMethod%3DHMAC-SHA1%26SignatureNonce%3D3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf%26SignatureVersion%3D1.0%26Timestamp%3D2016-02-23T12%253A46%253A24Z%26Version%3D2014-05-26",
    );
    expect(signRpc(stringToSign, "testsecret").toString("base64")).toBe(exampleSignature);
  });

  it("is accepted with the time and nonce that it covers", () => {
    expect(verify(new Map([...example, ["Signature", exampleSignature]]))).toEqual({
      ok: true,
      value: {
        principal,
        signedMs: Date.UTC(2016, 1, 23, 12, 46, 24),
        nonce: "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf",
      },
    });
  });

  it("covers the method", () => {
    expect(verify(new Map([...example, ["Signature", exampleSignature]]), "POST")).toMatchObject({
      fault: { code: "SignatureMismatch", allowed: expect.stringMatching(/^POST&%2F&/u) },
    });
  });

  it("covers parameters with empty values, sorts by name alone and encodes what URLs leave alone", () => {
    const parameters = new Map([
      ["a.1", "b *~'()!/+é"],
      ["a", ""],
      ["a-", "x"],
    ]);
    // "a=" sorts after "a-" and "a." by pair, but before both by name.
    expect(rpcStringToSign("POST", parameters)).toBe(
      "POST&%2F&a%3D%26a-%3Dx%26a.1%3Db%2520%252A~%2527%2528%2529%2521%252F%252B%25C3%25A9",
    );
  });

  it.each([
    ["AccessKeyId", "", "SignatureMissing"],
    ["Signature", "", "SignatureMissing"],
    ["SignatureNonce", "", "SignatureMissing"],
    ["SignatureMethod", "", "SignatureMissing"],
    ["SignatureVersion", "", "SignatureMissing"],
    ["Timestamp", "", "SignatureMissing"],
    ["SignatureMethod", "HMAC-SHA256", "SignatureMethodUnsupported"],
    ["SignatureVersion", "2.0", "SignatureMethodUnsupported"],
    ["SignatureType", "BEARERTOKEN", "SignatureMethodUnsupported"],
    ["Signature", "not base64!", "SignatureMalformed"],
    ["Signature", exampleSignature.slice(4), "SignatureMalformed"],
    ["SignatureNonce", "n".repeat(257), "SignatureMalformed"],
    ["Timestamp", "2016-02-30T12:46:24Z", "TimestampMalformed"],
    ["Timestamp", "2016-02-23T24:00:00Z", "TimestampMalformed"],
    ["Timestamp", "2016-02-23 12:46:24", "TimestampMalformed"],
    ["Timestamp", "2016-02-23T12:46:24.000Z", "TimestampMalformed"],
  ])("refuses %s=%s with %s", (name, value, code) => {
    const parameters = new Map([...example, ["Signature", exampleSignature], [name, value]]);
    expect(verify(parameters)).toMatchObject({ ok: false, fault: { code } });
  });

  it("has one spelling: spare bits of its base64 are not free", () => {
    const respelled = exampleSignature.replace(/Y=$/u, "Z=");
    expect(Buffer.from(respelled, "base64")).toEqual(Buffer.from(exampleSignature, "base64"));
    expect(verify(new Map([...example, ["Signature", respelled]]))).toMatchObject({
      fault: { code: "SignatureMismatch" },
    });
  });

  it("is not accepted under the bare secret, without its ampersand", () => {
    const bare = createHmac("sha1", "testsecret").update(rpcStringToSign("GET", example)).digest("base64");
    expect(verify(new Map([...example, ["Signature", bare]]))).toMatchObject({
      fault: { code: "SignatureMismatch" },
    });
  });
});

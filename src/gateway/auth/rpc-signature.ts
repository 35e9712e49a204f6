/**
 * The RPC signature, version 1.0 (HMAC-SHA1), of Alibaba Cloud's RPC-style APIs.
 *
 * Method and decoded parameters of query and form are signed, empty ones included; headers, host and body
 * bytes are not. An action named only in a header is therefore no part of what was signed, and is not read.
 */
import { createHmac } from "node:crypto";

import { fail, ok, type Result } from "../../base/mod.ts";
import { sameDigest } from "./compare.ts";
import { percentEncode } from "./percent.ts";
import {
  type KeyFinder,
  securityTokenOf,
  type SignedRequest,
  type VerifiedSignature,
} from "./signed-request.ts";
import { parseTimestamp } from "./timestamp.ts";

const required = [
  "AccessKeyId",
  "Signature",
  "SignatureMethod",
  "SignatureNonce",
  "SignatureVersion",
  "Timestamp",
] as const;

const base64Sha1 = /^[A-Za-z0-9+/]{27}=$/u;
const nonceLengthMax = 256;

export function rpcStringToSign(method: string, parameters: ReadonlyMap<string, string>): string {
  const names = [...parameters.keys()].filter((name) => name !== "Signature").sort();
  const canonical = names.map((name) => `${percentEncode(name)}=${percentEncode(parameters.get(name)!)}`);
  return `${method}&%2F&${percentEncode(canonical.join("&"))}`;
}

export function signRpc(stringToSign: string, accessKeySecret: string): Buffer {
  return createHmac("sha1", `${accessKeySecret}&`).update(stringToSign).digest();
}

/**
 * Faults: `SignatureMissing` (field: the parameter), `SignatureMethodUnsupported`, `SignatureMalformed`,
 * `TimestampMalformed`, those of `KeyFinder`, `SignatureMismatch` (`allowed` is the string that should have
 * been signed).
 */
export function verifyRpcSignature(request: SignedRequest, keys: KeyFinder): Result<VerifiedSignature> {
  const { parameters } = request;
  for (const field of required) {
    if ((parameters.get(field) ?? "") === "")
      return fail("SignatureMissing", `${field} is missing`, { field });
  }
  const signature = parameters.get("Signature")!;
  const nonce = parameters.get("SignatureNonce")!;
  const unsupported = unsupportedFault(parameters);
  if (unsupported !== null) return unsupported;
  if (!base64Sha1.test(signature) || nonce.length > nonceLengthMax) {
    return fail("SignatureMalformed", "the signature or its nonce has an impossible form");
  }
  const signedMs = parseTimestamp(parameters.get("Timestamp")!);
  if (!signedMs.ok) return signedMs;
  const key = keys.find(parameters.get("AccessKeyId")!, securityTokenOf(request));
  if (!key.ok) return key;
  const stringToSign = rpcStringToSign(request.method, parameters);
  // As text: the last character of the base64 has bits that are nobody's, and only one spelling is signed.
  const expected = signRpc(stringToSign, key.value.accessKeySecret).toString("base64");
  if (!sameDigest(Buffer.from(expected), Buffer.from(signature))) {
    return fail("SignatureMismatch", "the signature does not match", { allowed: stringToSign });
  }
  const { principal } = key.value;
  return ok({ principal, signedMs: signedMs.value, nonce });
}

function unsupportedFault(parameters: ReadonlyMap<string, string>): Result<never> | null {
  const method = parameters.get("SignatureMethod")!;
  if (method !== "HMAC-SHA1" || parameters.get("SignatureVersion") !== "1.0") {
    return fail("SignatureMethodUnsupported", "the signature method is not supported", {
      value: method.slice(0, 40),
      allowed: "HMAC-SHA1 in version 1.0, or ACS3-HMAC-SHA256",
    });
  }
  // Clients send an empty SignatureType; another one names a token that is no signature at all.
  if ((parameters.get("SignatureType") ?? "") === "") return null;
  return fail("SignatureMethodUnsupported", "the signature type is not supported", {
    field: "SignatureType",
  });
}

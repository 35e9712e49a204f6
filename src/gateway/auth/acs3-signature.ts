/**
 * The ACS3-HMAC-SHA256 signature of Alibaba Cloud's current SDKs.
 *
 * Method, decoded query, the listed headers and the body's hash are signed. Which headers are listed is
 * the client's choice, but those that decide what the request means must be among them.
 */
import { createHash, createHmac } from "node:crypto";

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

const algorithm = "ACS3-HMAC-SHA256";
const credentialPattern =
  /^ACS3-HMAC-SHA256\s+Credential=([^,\s]{1,128}),\s*SignedHeaders=([a-z0-9;-]{1,1024}),\s*Signature=([0-9a-f]{64})$/u;
const required = [
  "host",
  "x-acs-action",
  "x-acs-content-sha256",
  "x-acs-date",
  "x-acs-signature-nonce",
  "x-acs-version",
];
const nonceLengthMax = 256;

export function isAcs3(headers: SignedRequest["headers"]): boolean {
  return headers.authorization?.startsWith("ACS3-") === true;
}

export function acs3StringToSign(request: SignedRequest, signedHeaders: readonly string[]): string {
  const canonicalQuery = [...request.query.keys()]
    .sort()
    .map((name) => `${percentEncode(name)}=${percentEncode(request.query.get(name)!)}`)
    .join("&");
  const canonicalHeaders = signedHeaders
    .map((name) => `${name}:${headerOf(request, name).trim()}\n`)
    .join("");
  const canonicalRequest = [
    request.method,
    "/",
    canonicalQuery,
    canonicalHeaders,
    signedHeaders.join(";"),
    headerOf(request, "x-acs-content-sha256"),
  ].join("\n");
  return `${algorithm}\n${sha256(canonicalRequest).toString("hex")}`;
}

export function signAcs3(stringToSign: string, accessKeySecret: string): Buffer {
  return createHmac("sha256", accessKeySecret).update(stringToSign).digest();
}

/**
 * Faults: `SignatureMethodUnsupported` (another ACS3 algorithm), `SignatureMalformed`, `SignatureMissing`
 * (field: the header), `TimestampMalformed`, those of `KeyFinder`, `SignatureMismatch` (`allowed` is the string that should have been signed; absent when the body is not
 * the one that was signed).
 */
export function verifyAcs3Signature(request: SignedRequest, keys: KeyFinder): Result<VerifiedSignature> {
  const authorization = request.headers.authorization ?? "";
  if (!authorization.startsWith(`${algorithm} `)) {
    return fail("SignatureMethodUnsupported", "the signature algorithm is not supported", {
      allowed: algorithm,
    });
  }
  const parts = credentialPattern.exec(authorization);
  if (parts === null) return fail("SignatureMalformed", "the Authorization header is not well formed");
  const [, accessKeyId, headerList, signature] = parts as unknown as [string, string, string, string];
  const signedHeaders = headerList.split(";");
  const unsigned = required.find((name) => !signedHeaders.includes(name) || headerOf(request, name) === "");
  if (unsigned !== undefined)
    return fail("SignatureMissing", `${unsigned} is missing or not signed`, { field: unsigned });
  const nonce = headerOf(request, "x-acs-signature-nonce");
  if (nonce.length > nonceLengthMax || new Set(signedHeaders).size !== signedHeaders.length) {
    return fail("SignatureMalformed", "the nonce is too long or a header is listed twice");
  }
  const signedMs = parseTimestamp(headerOf(request, "x-acs-date"));
  if (!signedMs.ok) return signedMs;
  const key = keys.find(accessKeyId, securityTokenOf(request));
  if (!key.ok) return key;
  const stringToSign = acs3StringToSign(request, signedHeaders);
  const digest = signAcs3(stringToSign, key.value.accessKeySecret);
  if (!sameDigest(digest, Buffer.from(signature, "hex"))) {
    return fail("SignatureMismatch", "the signature does not match", { allowed: stringToSign });
  }
  const bodyHash = Buffer.from(headerOf(request, "x-acs-content-sha256"), "hex");
  if (!sameDigest(sha256(request.body), bodyHash)) {
    return fail("SignatureMismatch", "the body is not the one that was signed");
  }
  const { principal } = key.value;
  return ok({ principal, signedMs: signedMs.value, nonce });
}

function headerOf(request: SignedRequest, name: string): string {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(",") : (value ?? "");
}

function sha256(data: string | Uint8Array): Buffer {
  return createHash("sha256").update(data).digest();
}

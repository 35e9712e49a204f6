/**
 * Who sent a request: a signature by an access key, or a token.
 *
 * A signature is good for 15 minutes around its date. The clouds' scheme has no nonces, so within that
 * time a request may be repeated.
 */
import { timingSafeEqual } from "node:crypto";

import { type Clock, type Fault, fail, ok, type Result } from "../../../base/mod.ts";
import type { Credentials, Principal } from "../../../control/mod.ts";
import { headerOf } from "../../head.ts";
import type { ApigRequest } from "./request.ts";
import {
  algorithm,
  canonicalRequests,
  sha256,
  type SignatureScope,
  type SignedParts,
  signText,
  textsToSign,
} from "./signature.ts";
import { openToken, type Token, tokenHeader } from "./token.ts";

export interface Caller {
  readonly principal: Principal;
  /** What the request came with; absent, it was signed. */
  readonly token?: Token;
}

export interface CredentialDeps {
  readonly credentials: Credentials;
  readonly clock: Clock;
}

const skewMaxMs = 15 * 60 * 1000;
const unsignedPayload = "UNSIGNED-PAYLOAD";

const authorizationPattern =
  /^SDK-HMAC-SHA256 (?:Access=([\w.-]{1,128})|Credential=([\w.-]{1,128})\/(\d{8})\/([\w-]{0,64})\/([\w-]{0,64})\/sdk_request), ?SignedHeaders=([a-z0-9_;-]{1,2048}), ?Signature=([0-9a-f]{64})$/u;

/**
 * Faults, their messages in the gateway's words: `SignatureMissing` (no credential at all),
 * `SignatureMalformed`, `SignatureMethodUnsupported`, `TimestampMalformed`, `TimestampSkewed`,
 * `AccessKeyNotFound`, `AccessKeyInactive`, `SecurityToken…`, `SignatureMismatch`. What is wrong with a
 * token has the field `X-Auth-Token`.
 */
export function authenticate(request: ApigRequest, deps: CredentialDeps): Result<Caller> {
  const authorization = headerOf(request.head, "authorization") ?? "";
  if (authorization !== "") return authenticateSignature(request, authorization, deps);
  const token = headerOf(request.head, "x-auth-token");
  if (token !== undefined) return authenticateToken(token, deps);
  return fail("SignatureMissing", "x-auth-token not found", { field: tokenHeader });
}

/** Whose token it is. Faults: those of a token in `authenticate`. */
export function authenticateToken(text: string, { credentials, clock }: CredentialDeps): Result<Caller> {
  const opened = openToken(text, clock.nowMs(), credentials);
  return opened.ok ? ok(opened.value) : opened;
}

interface Claim extends SignedParts {
  readonly accessKeyId: string;
  readonly signature: Buffer;
  readonly dateMs: number;
}

function authenticateSignature(
  request: ApigRequest,
  authorization: string,
  { credentials, clock }: CredentialDeps,
): Result<Caller> {
  const claim = readClaim(request, authorization);
  if (!claim.ok) return claim;
  const { accessKeyId, dateMs, dateTime, signature, scope } = claim.value;
  const nowMs = clock.nowMs();
  if (Math.abs(nowMs - dateMs) > skewMaxMs) {
    const times = `signature time:${dateTime},server time:${basicTime(nowMs)}`;
    return fail("TimestampSkewed", `calc aksk signature fail:signature expired, ${times}`);
  }
  const key = credentials.find(accessKeyId, headerOf(request.head, "x-security-token"));
  if (!key.ok) return fail(key.fault.code, reasonOf(key.fault, accessKeyId));
  const { principal, accessKeySecret } = key.value;
  // Every text is compared, so that the time taken tells nothing of which one a client signs.
  const matches = textsToSign(request, claim.value).filter((text) =>
    timingSafeEqual(signText(text, accessKeySecret, scope), signature),
  );
  if (matches.length === 0 || !isBodySigned(request)) {
    const [canonical = ""] = canonicalRequests(request, claim.value);
    const shown = canonical.replaceAll("\n", "|");
    return fail("SignatureMismatch", `verify aksk signature fail, canonicalRequest:${shown}`);
  }
  return ok({ principal });
}

function reasonOf({ code, message }: Fault, accessKeyId: string): string {
  if (code === "AccessKeyNotFound") return `ak ${accessKeyId} not exist`;
  return code === "AccessKeyInactive" ? `ak ${accessKeyId} is disabled` : message;
}

/** A hash of the body that the client names is what it signed; it must be that of the body that came. */
function isBodySigned({ head, body }: ApigRequest): boolean {
  const named = headerOf(head, "x-sdk-content-sha256");
  return named === undefined || named === unsignedPayload || named === sha256(body);
}

function readClaim(request: ApigRequest, authorization: string): Result<Claim> {
  if (!authorization.startsWith(`${algorithm} `)) {
    return fail("SignatureMethodUnsupported", `unsupported signature algorithm, ${algorithm} is expected`);
  }
  const match = authorizationPattern.exec(authorization);
  if (match === null) return fail("SignatureMalformed", "the Authorization header is not well formed");
  const [, plainId, derivedId, date, region, service, headers, signature] = match;
  const signedHeaders = headers!.split(";");
  const dateTime = headerOf(request.head, "x-sdk-date") ?? "";
  if (!signedHeaders.includes("x-sdk-date") || dateTime === "") {
    return fail("SignatureMalformed", "x-sdk-date not found in the signed headers");
  }
  if (new Set(signedHeaders).size !== signedHeaders.length) {
    return fail("SignatureMalformed", "a signed header is listed twice");
  }
  const dateMs = parseBasicTime(dateTime);
  if (dateMs === null) return fail("TimestampMalformed", "x-sdk-date is not like 20060102T150405Z");
  const common = { signature: Buffer.from(signature!, "hex"), dateMs, dateTime, signedHeaders };
  if (plainId !== undefined) return ok({ ...common, accessKeyId: plainId });
  if (!dateTime.startsWith(date!)) {
    return fail("SignatureMalformed", "the credential's date is not that of x-sdk-date");
  }
  const scope: SignatureScope = { date: date!, region: region!, service: service! };
  return ok({ ...common, accessKeyId: derivedId!, scope });
}

/** `20060102T150405Z`; null for anything else, and for days and hours that do not exist. */
function parseBasicTime(text: string): number | null {
  const match = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/u.exec(text);
  if (match === null) return null;
  const [, year, month, day, hour, minute, second] = match;
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(ms) || basicTime(ms) !== text ? null : ms;
}

function basicTime(ms: number): string {
  return new Date(ms).toISOString().replaceAll(/[-:]|\.\d+/gu, "");
}

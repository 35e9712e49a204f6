/**
 * Who sent a request: signatures of version 1 (SHA-1 and SHA-256) and version 4.
 *
 * A request is good for 15 minutes around its date. The service has no nonces, so within that time a
 * request may be repeated.
 */
import type { Clock, Fault } from "../../../base/mod.ts";
import type { Credentials, Principal } from "../../../control/mod.ts";
import { headerOf } from "../../head.ts";
import { type Parsed, parsed, refused } from "./answer.ts";
import type { SlsRequest } from "./request.ts";
import {
  emptySha256,
  isSignatureOf,
  md5,
  type ScopeV4,
  sha256,
  signingKeyV4,
  textsToSignV1,
  textsToSignV4,
} from "./signature.ts";

export interface Caller {
  readonly accountId: string;
  readonly principal: Principal;
  /** The region that a version 4 signature names. */
  readonly regionId: string | undefined;
}

export const skewMaxMs = 15 * 60 * 1000;

const authorizationV1 = /^LOG ([\w.-]{1,128}):([A-Za-z0-9+/]{27,43}=)$/u;
const authorizationV4 =
  /^SLS4-HMAC-SHA256 Credential=([\w.-]{1,128})\/(\d{8})\/([\w-]{1,64})\/sls\/aliyun_v4_request, ?Signature=([0-9a-f]{64})$/u;
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** A claim of who signed, with what is needed to check it. */
interface Claim {
  readonly accessKeyId: string;
  readonly signature: string;
  readonly dateMs: number;
  readonly regionId?: string;
  isSignedWith(secret: string): boolean;
}

/** Checks headers, date, key and signature, in this order. */
export function authenticate(
  request: SlsRequest,
  deps: { readonly credentials: Pick<Credentials, "find">; readonly clock: Clock },
): Parsed<Caller> {
  const claim = readClaim(request);
  if (!claim.ok) return claim;
  const { accessKeyId, signature, dateMs, regionId } = claim.value;
  if (Math.abs(deps.clock.nowMs() - dateMs) > skewMaxMs) {
    return refused(400, "RequestTimeTooSkewed", "Request time exceeds server time more than 15 minutes.");
  }
  const key = deps.credentials.find(accessKeyId, headerOf(request.head, "x-acs-security-token"));
  if (!key.ok) return refused(401, "Unauthorized", wordsOf(key.fault.code, accessKeyId));
  if (!claim.value.isSignedWith(key.value.accessKeySecret)) {
    return refused(401, "SignatureNotMatch", `Signature ${signature} is not matched.`);
  }
  const { principal } = key.value;
  return parsed({ accountId: principal.accountId, principal, regionId });
}

function wordsOf(code: Fault["code"], accessKeyId: string): string {
  if (code === "AccessKeyInactive") return `AccessKeyId is disabled: ${accessKeyId}`;
  if (code === "AccessKeyNotFound") return `AccessKeyId not found: ${accessKeyId}`;
  if (code === "SecurityTokenExpired") return "The security token you provided has expired.";
  return "The security token you provided is invalid.";
}

function readClaim(request: SlsRequest): Parsed<Claim> {
  const { head } = request;
  const version = headerOf(head, "x-log-apiversion");
  if (version === undefined) {
    return refused(400, "MissingAPIVersion", "x-log-apiversion does not exist in http header.");
  }
  if (version !== "0.6.0" && version !== "0.4.0") {
    return refused(400, "InvalidAPIVersion", `x-log-apiversion ${version} is unsupported.`);
  }
  const authorization = headerOf(head, "authorization") ?? "";
  if (authorization === "")
    return refused(400, "MissAccessKeyId", "AccessKeyId is missing: the request has no Authorization.");
  if (authorization.startsWith("SLS4-")) return readClaimV4(request, authorization);
  return readClaimV1(request, authorization);
}

function readClaimV1(request: SlsRequest, authorization: string): Parsed<Claim> {
  const { head, body } = request;
  const method = headerOf(head, "x-log-signaturemethod");
  if (method === undefined) {
    return refused(400, "MissingSignatureMethod", "x-log-signaturemethod does not exist in http header.");
  }
  if (method !== "hmac-sha1" && method !== "hmac-sha256") {
    return refused(400, "InvalidSignatureMethod", `signature method ${method} is unsupported.`);
  }
  const date = headerOf(head, "date") ?? headerOf(head, "x-log-date");
  if (date === undefined) return refused(400, "MissingDate", "Date does not exist in http header.");
  const dateMs = parseRfc822(date) ?? parseIsoBasic(date);
  if (dateMs === null) return refused(400, "InvalidDateFormat", `Date ${date} must follow RFC822.`);
  const match = authorizationV1.exec(authorization);
  if (match === null)
    return refused(401, "Unauthorized", "The Authorization header is not LOG id:signature.");
  const [, accessKeyId, signature] = match;
  const signatureBytes = Buffer.from(signature!, "base64");
  // Base64 has several spellings of the same bytes, and only one is what a client computes.
  const isCanonical = signatureBytes.toString("base64") === signature;
  const contentMd5 = headerOf(head, "content-md5") ?? "";
  // Without Content-MD5 the body is not part of what was signed.
  const isBodySigned =
    body.length === 0 ? contentMd5 === "" || contentMd5 === md5(body) : contentMd5 === md5(body);
  return parsed({
    accessKeyId: accessKeyId!,
    signature: signature!,
    dateMs,
    isSignedWith: (secret) =>
      isCanonical &&
      isBodySigned &&
      isSignatureOf(
        textsToSignV1(request, date),
        signatureBytes,
        secret,
        method === "hmac-sha1" ? "sha1" : "sha256",
      ),
  });
}

function readClaimV4(request: SlsRequest, authorization: string): Parsed<Claim> {
  const { head, body } = request;
  const dateTime = headerOf(head, "x-log-date");
  if (dateTime === undefined) return refused(400, "MissingDate", "x-log-date does not exist in http header.");
  const dateMs = parseIsoBasic(dateTime);
  if (dateMs === null) {
    return refused(400, "InvalidDateFormat", `x-log-date ${dateTime} must be like 20060102T150405Z.`);
  }
  const match = authorizationV4.exec(authorization);
  if (match === null) {
    return refused(401, "Unauthorized", "The Authorization header is not that of SLS4-HMAC-SHA256.");
  }
  const [, accessKeyId, date, regionId, signature] = match;
  const scope: ScopeV4 = { date: date!, regionId: regionId! };
  const contentSha256 = headerOf(head, "x-log-content-sha256") ?? sha256(body);
  // A client that was told not to hash contents signs the hash of nothing.
  const isBodySigned = contentSha256 === emptySha256 || contentSha256 === sha256(body);
  return parsed({
    accessKeyId: accessKeyId!,
    signature: signature!,
    dateMs,
    regionId: regionId!,
    isSignedWith: (secret) =>
      isBodySigned &&
      dateTime.startsWith(scope.date) &&
      isSignatureOf(
        textsToSignV4(request, dateTime, scope),
        Buffer.from(signature!, "hex"),
        signingKeyV4(secret, scope),
        "sha256",
      ),
  });
}

/** `Mon, 09 Nov 2015 06:11:16 GMT`, the day with one digit or two; null for anything else. */
export function parseRfc822(text: string): number | null {
  const match =
    /^(?:[A-Z][a-z]{2}, )?(\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) (?:GMT|UTC|\+0000)$/u.exec(
      text,
    );
  if (match === null) return null;
  const [day, year, hour, minute, second] = [1, 3, 4, 5, 6].map((index) => Number(match[index]));
  return utc(year!, months.indexOf(match[2]!), day!, hour!, minute!, second!);
}

/** `20060102T150405Z`; null for anything else. */
export function parseIsoBasic(text: string): number | null {
  const match = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/u.exec(text);
  if (match === null) return null;
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number);
  return utc(year!, month! - 1, day!, hour!, minute!, second!);
}

/** Milliseconds since 1970, or null where there is no such date. */
function utc(
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
): number | null {
  const time = Date.UTC(year, month, day, hour, minute, second);
  const date = new Date(time);
  const isReal =
    date.getUTCMonth() === month && date.getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
  return isReal ? time : null;
}

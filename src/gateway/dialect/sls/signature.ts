/**
 * The texts that a client may have signed, recomputed from what arrived.
 *
 * Clients differ in what they sign (which headers, in which order, the path escaped or not) and say
 * nothing about it, so each function gives the few texts that the known clients make of the request; a
 * signature of any of them is a signature of this request.
 */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";

import { headerOf, type QueryEntry } from "../../head.ts";
import type { SlsRequest } from "./request.ts";

export const emptySha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/** Version 1 (`LOG id:signature`): HMAC-SHA1 or HMAC-SHA256 in base64 over these texts. */
export function textsToSignV1(request: SlsRequest, date: string): readonly string[] {
  const { head, query } = request;
  const contentMd5 = headerOf(head, "content-md5") ?? "";
  const contentType = headerOf(head, "content-type") ?? "";
  const start = `${head.method}\n${contentMd5}\n${contentType}\n${date}\n`;
  const names = serviceHeaders(request);
  // The Python SDK adds x-log-date after it has signed.
  const headerTexts = [names, names.filter((name) => name !== "x-log-date")].map((each) =>
    each.map((name) => `${name}:${(headerOf(head, name) ?? "").trim()}\n`).join(""),
  );
  const paths = [head.path, decodedPath(head.path)];
  const resources = paths.flatMap((path) => queriesV1(query).map((text) => path + text));
  return [...new Set(headerTexts.flatMap((text) => resources.map((resource) => start + text + resource)))];
}

function decodedPath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** Values decoded; ordered as `k=v` texts or by key; an empty value with or without its `=`. */
function queriesV1(query: readonly QueryEntry[]): string[] {
  if (query.length === 0) return [""];
  const byName = query.toSorted((a, b) => compare(a.name, b.name));
  const withEquals = byName.map(({ name, value }) => `${name}=${value ?? ""}`);
  const withoutEquals = byName.map(({ name, value }) => ((value ?? "") === "" ? name : `${name}=${value}`));
  return [withEquals.toSorted(compare), withEquals, withoutEquals].map((parts) => `?${parts.join("&")}`);
}

export interface ScopeV4 {
  /** yyyyMMdd */
  readonly date: string;
  /** Whatever region the client believes the server to be in. */
  readonly regionId: string;
}

/** Version 4 (`SLS4-HMAC-SHA256`): HMAC-SHA256 in hex over these texts, by `signingKeyV4`. */
export function textsToSignV4(request: SlsRequest, dateTime: string, scope: ScopeV4): readonly string[] {
  const { head, query } = request;
  const resource = query
    .toSorted((a, b) => compare(a.name, b.name))
    .map(({ name, value }) => ((value ?? "") === "" ? name : `${name}=${percentEncode(value!)}`))
    .join("&");
  const payload = headerOf(head, "x-log-content-sha256") ?? sha256(request.body);
  // The list of signed headers is not sent: Content-Type and Host are signed if the client set them itself.
  const optional = [["content-type", "host"], ["host"], ["content-type"], []];
  const texts = optional.map((extra) => {
    const names = [...serviceHeaders(request), ...extra]
      .filter((name) => headerOf(head, name) !== undefined)
      .toSorted(compare);
    const headers = names.map((name) => `${name}:${(headerOf(head, name) ?? "").trim()}\n`).join("");
    const canonical = [head.method, head.path, resource, headers, names.join(";"), payload].join("\n");
    const scopeText = `${scope.date}/${scope.regionId}/sls/aliyun_v4_request`;
    return `SLS4-HMAC-SHA256\n${dateTime}\n${scopeText}\n${sha256(canonical)}`;
  });
  return [...new Set(texts)];
}

export function signingKeyV4(secret: string, { date, regionId }: ScopeV4): Buffer {
  const parts = [date, regionId, "sls", "aliyun_v4_request"];
  return parts.reduce<Buffer>(
    (key, part) => createHmac("sha256", key).update(part).digest(),
    Buffer.from(`aliyun_v4${secret}`),
  );
}

/** Whether `signature` is the HMAC of one of the texts. Takes the same time wherever the difference is. */
export function isSignatureOf(
  texts: readonly string[],
  signature: Buffer,
  key: string | Buffer,
  algorithm: "sha1" | "sha256",
): boolean {
  let matched = false;
  for (const text of texts) {
    const expected = createHmac(algorithm, key).update(text).digest();
    if (expected.length === signature.length && timingSafeEqual(expected, signature)) matched = true;
  }
  return matched;
}

export function sha256(bytes: string | Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export function md5(bytes: Buffer): string {
  return createHash("md5").update(bytes).digest("hex").toUpperCase();
}

/** The service's own headers, sorted. Metadata of the object API is never signed. */
function serviceHeaders({ head }: SlsRequest): string[] {
  return Object.keys(head.headers)
    .filter((name) => /^x-(?:log|acs)-/u.test(name) && !name.startsWith("x-log-meta-"))
    .toSorted(compare);
}

/** RFC 3986: everything but unreserved characters. */
function percentEncode(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replaceAll(
    /[!'()*]/gu,
    (character) => `%${character.codePointAt(0)!.toString(16).toUpperCase()}`,
  );
}

/** By code units, as the clients sort. */
function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

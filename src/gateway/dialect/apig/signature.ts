/**
 * The AK/SK signature SDK-HMAC-SHA256 of Huawei Cloud's and Open Telekom Cloud's API gateways, in both of
 * its schemes: signed with the secret itself (`Access=…`), or with a key derived from it for a day, region
 * and service (`Credential=…/sdk_request`).
 *
 * Which headers are signed is the client's choice; some sign neither the host nor the project. Clients
 * differ in how they normalise what they sign and say nothing about it, so each function gives the few
 * texts that the known clients make of the request; a signature of any of them is a signature of it.
 */
import { createHash, createHmac } from "node:crypto";

import { percentEncode } from "../../auth/mod.ts";
import { decodeText, headerOf } from "../../head.ts";
import type { ApigRequest, QueryParameter } from "./request.ts";

export const algorithm = "SDK-HMAC-SHA256";

/** What a derived key is good for. Clients may leave region and service empty. */
export interface SignatureScope {
  /** yyyyMMdd */
  readonly date: string;
  readonly region: string;
  readonly service: string;
}

export interface SignedParts {
  /** X-Sdk-Date as sent. */
  readonly dateTime: string;
  /** In the order in which they were sent, lower case. */
  readonly signedHeaders: readonly string[];
  /** Of the scheme with a derived key alone. */
  readonly scope?: SignatureScope;
}

export function textsToSign(request: ApigRequest, parts: SignedParts): readonly string[] {
  const scopeLine = parts.scope === undefined ? [] : [scopeText(parts.scope)];
  return canonicalRequests(request, parts).map((canonical) =>
    [algorithm, parts.dateTime, ...scopeLine, sha256(canonical)].join("\n"),
  );
}

/** The likeliest one first: an answer that refuses a signature shows it. */
export function canonicalRequests(request: ApigRequest, parts: SignedParts): readonly string[] {
  const { method } = request.head;
  const headers = canonicalHeaders(request, parts);
  const end = [headers, parts.signedHeaders.join(";")];
  const path = canonicalPath(request.head.path);
  const paths = path.endsWith("/") ? [path] : [`${path}/`, ...(parts.scope === undefined ? [] : [path])];
  const hash = headerOf(request.head, "x-sdk-content-sha256") ?? sha256(request.body);
  const queries = canonicalQueries(request, parts.scope !== undefined);
  const texts = paths.flatMap((each) =>
    queries.map((query) => [method, each, query, ...end, hash].join("\n")),
  );
  // A client of derived keys moves the query of a POST without a body into the place of the body.
  const isMoved = parts.scope !== undefined && method === "POST" && request.body.length === 0;
  if (!isMoved) return texts;
  const moved = sha256(formEncoded(request.query));
  return [...texts, ...paths.map((each) => [method, each, "", ...end, moved].join("\n"))];
}

export function signText(text: string, secret: string, scope?: SignatureScope): Buffer {
  if (scope === undefined) return hmac(secret, text);
  const parts = [scope.date, scope.region, scope.service, "sdk_request"];
  const key = parts.reduce<string | Buffer>((derived, part) => hmac(derived, part), `SDK${secret}`);
  return hmac(key, text);
}

function scopeText({ date, region, service }: SignatureScope): string {
  return `${date}/${region}/${service}/sdk_request`;
}

function canonicalPath(path: string): string {
  return path
    .split("/")
    .map((segment) => percentEncode(decodeText(segment)))
    .join("/");
}

/** With `+` read as a space, as Go reads it, and as itself. */
function canonicalQueries({ head, query }: ApigRequest, isDerived: boolean): readonly string[] {
  const asSpace = canonicalQuery(query, isDerived);
  if (!head.target.slice(head.path.length).includes("+")) return [asSpace];
  const literal = query.map(({ name, value }) => ({
    name: name.replaceAll(" ", "+"),
    value: value.replaceAll(" ", "+"),
  }));
  return [asSpace, canonicalQuery(literal, isDerived)];
}

function canonicalQuery(query: readonly QueryParameter[], isDerived: boolean): string {
  const key = ({ name }: QueryParameter): string => (isDerived ? name.toLowerCase() : name);
  const isFirst = (entry: QueryParameter): boolean => query.find(({ name }) => name === entry.name) === entry;
  return query
    .filter((entry) => !isDerived || isFirst(entry))
    .toSorted((a, b) => compare(key(a), key(b)) || compare(a.value, b.value))
    .map(({ name, value }) => `${percentEncode(name)}=${percentEncode(value)}`)
    .join("&");
}

/** As Go's Values.Encode writes a form. */
function formEncoded(query: readonly QueryParameter[]): string {
  const encode = (text: string): string => percentEncode(text).replaceAll("%20", "+");
  return query
    .toSorted((a, b) => compare(a.name, b.name))
    .map(({ name, value }) => `${encode(name)}=${encode(value)}`)
    .join("&");
}

function canonicalHeaders({ head }: ApigRequest, { signedHeaders, scope }: SignedParts): string {
  const valueOf = (name: string): string => {
    const value = (headerOf(head, name) ?? "").trim();
    return scope === undefined ? value : value.replaceAll(/\s+/gu, " ");
  };
  return signedHeaders.map((name) => `${name}:${valueOf(name)}\n`).join("");
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

export function sha256(bytes: string | Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** By code units, as the clients sort. */
function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

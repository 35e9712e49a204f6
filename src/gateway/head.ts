/** The head of a request as dialects see it, with absolute-form targets (RFC 9112 section 3.2.2) taken apart. */
import type { IncomingMessage } from "node:http";

import type { RequestHead } from "./dialect.ts";

const absoluteForm = /^https?:\/\/([^/?#]*)(.*)$/iu;

/**
 * Reads the head of a raw request. Works before and after the gateway rewrote the URL, so a dialect may
 * call it on `request.raw`: path and query are the ones that the client sent and signed.
 */
export function requestHeadOf(raw: IncomingMessage & { originalUrl?: string }): RequestHead {
  const sent = raw.originalUrl ?? raw.url ?? "/";
  const parts = sent.startsWith("/") ? null : absoluteForm.exec(sent);
  const rest = parts?.[2] ?? (parts === null ? sent : "");
  const target = rest.startsWith("/") ? rest : `/${rest}`;
  const queryStart = target.indexOf("?");
  return {
    method: raw.method ?? "GET",
    target,
    path: queryStart < 0 ? target : target.slice(0, queryStart),
    host: (parts?.[1] ?? raw.headers.host ?? "").toLowerCase(),
    headers: raw.headers,
  };
}

/** The values of a header as one text; undefined where it is not there. */
export function headerOf({ headers }: RequestHead, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(",") : value;
}

/** The path's segments, decoded; none at the root. A trailing slash is not one. */
export function segmentsOf({ path }: RequestHead): string[] {
  const segments = path.slice(1).split("/").map(decodeText);
  if (segments.at(-1) === "") segments.pop();
  return segments;
}

/** A query parameter as it came: decoded, in order; null where there was no `=`. */
export interface QueryEntry {
  readonly name: string;
  readonly value: string | null;
}

/** The query's parameters; `+` is a blank. */
export function queryOf({ path, target }: RequestHead): QueryEntry[] {
  const decode = (text: string): string => decodeText(text.replaceAll("+", " "));
  return target
    .slice(path.length + 1)
    .split("&")
    .filter((entry) => entry !== "")
    .map((entry) => {
      const equals = entry.indexOf("=");
      if (equals === -1) return { name: decode(entry), value: null };
      return { name: decode(entry.slice(0, equals)), value: decode(entry.slice(equals + 1)) };
    });
}

/** Without percent escapes; what holds a broken one stands for itself, and will sign and name nothing. */
export function decodeText(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

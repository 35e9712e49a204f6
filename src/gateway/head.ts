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

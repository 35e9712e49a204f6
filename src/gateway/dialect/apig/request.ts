/** A request taken apart, and its JSON body read. */
import type { z } from "zod";

import { fail, ok, type Result } from "../../../base/mod.ts";
import type { RequestHead } from "../../dialect.ts";

export interface QueryEntry {
  readonly name: string;
  readonly value: string;
}

export interface ApigRequest {
  readonly head: RequestHead;
  /** The path's segments, decoded; a trailing slash is not one. */
  readonly segments: readonly string[];
  /** Decoded, in the order in which they came, `+` a space; without `=` the value is empty. */
  readonly query: readonly QueryEntry[];
  /** Exactly the bytes that were sent: clients sign them, also those of a GET. */
  readonly body: Buffer;
  /** Scheme and authority as the client wrote them, for links back to this server. */
  readonly origin: string;
}

/** Never fails: a broken percent escape stands for itself, and will sign and name nothing. */
export function parseRequest(head: RequestHead, body: Buffer, scheme: "http" | "https"): ApigRequest {
  const segments = head.path.slice(1).split("/").map(decode);
  if (segments.at(-1) === "") segments.pop();
  const query = head.target
    .slice(head.path.length + 1)
    .split("&")
    .filter((entry) => entry !== "")
    .map(queryEntry);
  return { head, segments, query, body, origin: `${scheme}://${authority(head.host)}` };
}

/** Only what can be an authority is ever put into an answer. */
function authority(host: string): string {
  return /^[\w.:[\]-]+$/u.test(host) ? host : "localhost";
}

function queryEntry(entry: string): QueryEntry {
  const equals = entry.indexOf("=");
  if (equals === -1) return { name: decodeQuery(entry), value: "" };
  return { name: decodeQuery(entry.slice(0, equals)), value: decodeQuery(entry.slice(equals + 1)) };
}

function decodeQuery(text: string): string {
  return decode(text.replaceAll("+", " "));
}

export function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function headerOf({ headers }: RequestHead, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(",") : value;
}

/** The first value of a query parameter; one that is empty is the same as absent. */
export function queryValue({ query }: Pick<ApigRequest, "query">, name: string): string | undefined {
  const value = query.find((entry) => entry.name === name)?.value;
  return value === "" ? undefined : value;
}

/**
 * The body as JSON in the schema's form. Faults: `Malformed` for what is no JSON, `InputMissing` and
 * `InputInvalid` with the dotted path of the first wrong field.
 */
export function readBody<S extends z.ZodType>(schema: S, { body }: ApigRequest): Result<z.output<S>> {
  let input: unknown;
  try {
    input = JSON.parse(body.toString("utf8"));
  } catch {
    return fail("Malformed", "the body is not JSON", { field: "body" });
  }
  const parsed = schema.safeParse(input);
  if (parsed.success) return ok(parsed.data);
  const [issue] = parsed.error.issues;
  const path = issue?.path ?? [];
  const field = path.join(".");
  const isMissing = issue?.code === "invalid_type" && lookUp(input, path) === undefined;
  if (isMissing) return fail("InputMissing", `${field} is missing`, { field });
  return fail("InputInvalid", `${field}: ${issue?.message ?? "is invalid"}`, { field });
}

function lookUp(tree: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, part) =>
      typeof value === "object" && value !== null ? (value as Record<PropertyKey, unknown>)[part] : undefined,
    tree,
  );
}

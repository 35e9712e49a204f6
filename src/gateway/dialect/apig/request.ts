/** A request taken apart, and its JSON body read. */
import type { z } from "zod";

import { fail, type Result } from "../../../base/mod.ts";
import type { RequestHead } from "../../dialect.ts";
import { queryOf, segmentsOf } from "../../head.ts";
import { parseInput } from "../../input.ts";

export interface QueryParameter {
  readonly name: string;
  readonly value: string;
}

export interface ApigRequest {
  readonly head: RequestHead;
  /** The path's segments, decoded; a trailing slash is not one. */
  readonly segments: readonly string[];
  /** Without `=` the value is empty. */
  readonly query: readonly QueryParameter[];
  /** Exactly the bytes that were sent: clients sign them, also those of a GET. */
  readonly body: Buffer;
  /** Scheme and authority as the client wrote them, for links back to this server. */
  readonly origin: string;
}

export function parseRequest(head: RequestHead, body: Buffer, scheme: "http" | "https"): ApigRequest {
  const query = queryOf(head).map(({ name, value }) => ({ name, value: value ?? "" }));
  return { head, segments: segmentsOf(head), query, body, origin: `${scheme}://${authority(head.host)}` };
}

/** Only what can be an authority is ever put into an answer. */
function authority(host: string): string {
  return /^[\w.:[\]-]+$/u.test(host) ? host : "localhost";
}

/** The first value of a query parameter; one that is empty is the same as absent. */
export function queryValue({ query }: Pick<ApigRequest, "query">, name: string): string | undefined {
  const value = query.find((entry) => entry.name === name)?.value;
  return value === "" ? undefined : value;
}

/**
 * A UUID, with or without hyphens, in lower case; any other text as it is. UUIDs are "output as lowercase characters
 * and are case insensitive on input" (RFC 9562, section 4); the documentation of these clouds writes them in lower
 * case and says nothing of others.
 */
export function canonicalId(text: string): string {
  return /^(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/iu.test(text)
    ? text.toLowerCase()
    : text;
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
  return parseInput(schema, input);
}

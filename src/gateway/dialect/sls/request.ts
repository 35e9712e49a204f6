/** A request of the log service taken apart, and its parameters read. */
import type { RequestHead } from "../../dialect.ts";
import { headerOf, type QueryEntry, queryOf, segmentsOf } from "../../head.ts";
import { type Parsed, parsed, refused } from "./answer.ts";

export interface SlsRequest {
  readonly head: RequestHead;
  /** The path's segments, decoded; none at the root. A trailing slash is not one. */
  readonly segments: readonly string[];
  readonly query: readonly QueryEntry[];
  /** Exactly the bytes that were sent. */
  readonly body: Buffer;
}

export function parseRequest(head: RequestHead, body: Buffer): SlsRequest {
  return { head, segments: segmentsOf(head), query: queryOf(head), body };
}

/** A named value of a query or a JSON body; empty and null are the same as absent. */
export type Parameters = (name: string) => unknown;

export function queryParameters(query: readonly QueryEntry[]): Parameters {
  const values = new Map(query.map((entry) => [entry.name, entry.value]));
  return (name) => presentOrUndefined(values.get(name));
}

const jsonContentType = /^application\/json(?:\s*;|$)/iu;

/** The JSON object of the body. */
export function bodyParameters({ head, body }: SlsRequest): Parsed<Parameters> {
  const compression = headerOf(head, "x-log-compresstype");
  if (compression !== undefined && compression !== "") {
    return refused(400, "InvalidCompressType", `x-log-compresstype ${compression} is unsupported.`);
  }
  const contentType = headerOf(head, "content-type");
  if (contentType === undefined)
    return refused(400, "MissingContentType", "Content-Type does not exist in http header.");
  if (!jsonContentType.test(contentType)) {
    return refused(415, "InvalidContentType", `Content-Type ${contentType} is unsupported.`);
  }
  try {
    const value: unknown = JSON.parse(body.toString("utf8"));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      const fields = new Map(Object.entries(value));
      return parsed((name) => presentOrUndefined(fields.get(name)));
    }
  } catch {
    // The answer below says it.
  }
  return refused(400, "PostBodyInvalid", "the body is not a JSON object.");
}

function presentOrUndefined(value: unknown): unknown {
  return value === null || value === "" ? undefined : value;
}

/** A whole number as JSON number or text. `errorCode` is what the operation calls a bad one. */
export function integerParameter(
  parameters: Parameters,
  name: string,
  bounds: { readonly min: number; readonly max: number; readonly errorCode?: string },
): Parsed<number | undefined> {
  const value = parameters(name);
  if (value === undefined) return parsed(undefined);
  const number = typeof value === "string" && /^-?\d{1,16}$/u.test(value) ? Number(value) : value;
  if (Number.isSafeInteger(number) && Number(number) >= bounds.min && Number(number) <= bounds.max) {
    return parsed(Number(number));
  }
  const code = bounds.errorCode ?? "ParameterInvalid";
  return refused(
    400,
    code,
    `${name} is invalid: a whole number from ${bounds.min} to ${bounds.max} is expected.`,
  );
}

/** true or false, in any case: Python's clients send `True`. */
export function booleanParameter(
  parameters: Parameters,
  name: string,
  errorCode = "ParameterInvalid",
): Parsed<boolean | undefined> {
  const value = parameters(name);
  if (value === undefined || typeof value === "boolean") return parsed(value);
  const text = typeof value === "string" ? value.toLowerCase() : "";
  if (text === "true" || text === "false") return parsed(text === "true");
  return refused(400, errorCode, `${name} is invalid: true or false is expected.`);
}

export function textParameter(parameters: Parameters, name: string): Parsed<string | undefined> {
  const value = parameters(name);
  if (value === undefined || typeof value === "string") return parsed(value);
  return refused(400, "ParameterInvalid", `${name} is invalid: a text is expected.`);
}

/** A client of the RPC style that signs by the documentation, with nothing of the program's own. */
import { createHmac, randomUUID } from "node:crypto";

export type Fields = Readonly<Record<string, string | number>>;

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
  // Answers are looked into member by member, as a client would.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any;
}

/** `ok`, or status and code. */
export function outcomeOf({ status, body }: Answer): string {
  return status === 200 ? "ok" : `${status} ${body.Code}`;
}

export interface CallOptions {
  readonly method?: string;
  /** Where the parameters stand; `split` puts the operation's own into the form, as Terraform does. */
  readonly place?: "query" | "form" | "split";
  readonly nonce?: string;
  readonly atMs?: number;
  /** Replaces or, with null, leaves out parameters before they are signed. */
  readonly common?: Readonly<Record<string, string | null>>;
  readonly secret?: string;
}

export interface CallTarget {
  readonly endpoint: string;
  readonly version: string;
  readonly key: { readonly accessKeyId: string; readonly accessKeySecret: string };
}

/** Signs and sends; RegionId is cn-shanghai unless `fields` says otherwise. */
export async function callRpc(
  { endpoint, version, key }: CallTarget,
  action: string,
  fields: Fields = {},
  {
    method = "POST",
    place = "query",
    nonce = randomUUID(),
    atMs = Date.now(),
    common = {},
    secret,
  }: CallOptions = {},
): Promise<Answer> {
  const system: Record<string, string | null> = {
    Action: action,
    Version: version,
    Format: "JSON",
    AccessKeyId: key.accessKeyId,
    SignatureMethod: "HMAC-SHA1",
    SignatureVersion: "1.0",
    SignatureNonce: nonce,
    Timestamp: `${new Date(atMs).toISOString().slice(0, 19)}Z`,
    ...common,
  };
  const named: Fields = { RegionId: "cn-shanghai", ...fields };
  const own = Object.entries(named).map(([name, value]): [string, string] => [name, String(value)]);
  const shared = Object.entries(system).flatMap(([name, value]): [string, string][] =>
    value === null ? [] : [[name, value]],
  );
  const signature = sign(method, [...shared, ...own], secret ?? key.accessKeySecret);
  const signed: [string, string][] = shared.some(([name]) => name === "Signature")
    ? shared
    : [...shared, ["Signature", signature]];
  const query = place === "form" ? [] : place === "split" ? signed : [...signed, ...own];
  const form = place === "form" ? [...signed, ...own] : place === "split" ? own : [];
  const target = query.length === 0 ? "/" : `/?${new URLSearchParams(query).toString()}`;
  const response = await fetch(endpoint + target, {
    method,
    ...(form.length === 0 ? {} : { body: new URLSearchParams(form) }),
  });
  const text = await response.text();
  const contentType = response.headers.get("content-type") ?? "";
  const body: unknown = contentType.includes("json") ? JSON.parse(text) : undefined;
  return { status: response.status, contentType, text, body };
}

/** The signature of alibabacloud.com/help "Request syntax and signature method V2 for RPC APIs". */
export function sign(method: string, parameters: readonly [string, string][], secret: string): string {
  const encode = (text: string) =>
    Array.from(new TextEncoder().encode(text), (byte) =>
      /[A-Za-z0-9_.~-]/u.test(String.fromCharCode(byte))
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`,
    ).join("");
  const canonical = parameters
    .filter(([name]) => name !== "Signature")
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .join("&");
  const stringToSign = `${method}&${encode("/")}&${encode(canonical)}`;
  return createHmac("sha1", `${secret}&`).update(stringToSign).digest("base64");
}

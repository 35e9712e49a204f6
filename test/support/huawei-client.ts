/** Calls the APIs of Huawei Cloud and Open Telekom Cloud, signed by their documentation or with a token. */
import { createHash, createHmac } from "node:crypto";

import type { RunningWeir } from "./weir.ts";

export interface HuaweiAccess {
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
}

export interface HuaweiAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // Answers are looked into member by member, as a client would.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any;
}

export interface HuaweiCallOptions {
  readonly atMs?: number;
  /** Signs with a key derived for a day, region and service, as Open Telekom Cloud's clients do. */
  readonly isDerived?: boolean;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends a request, its body as JSON; a text is sent as it is. */
export async function callHuawei(
  access: HuaweiAccess,
  method: string,
  target: string,
  body?: object | string,
  options: HuaweiCallOptions = {},
): Promise<HuaweiAnswer> {
  const payload = typeof body === "object" ? JSON.stringify(body) : body;
  const headers: Record<string, string> = {
    "content-type": "application/json",
    ...(options.token === undefined
      ? signedHeaders(access, { method, target, payload: payload ?? "" }, options)
      : { "x-auth-token": options.token }),
    ...options.headers,
  };
  const answer = await fetch(access.endpoint + target, {
    method,
    headers,
    ...(payload === undefined ? {} : { body: payload }),
  });
  const text = await answer.text();
  const isJson = answer.headers.get("content-type")?.startsWith("application/json") === true;
  return {
    status: answer.status,
    headers: answer.headers,
    text,
    body: isJson ? JSON.parse(text) : undefined,
  };
}

export function huaweiAccessOf({ ready }: RunningWeir): HuaweiAccess {
  const { endpoint, accessKeyId, accessKeySecret } = ready;
  return { endpoint, accessKeyId, accessKeySecret: accessKeySecret! };
}

/** Where a flow log can deliver to. */
export interface LogPlace {
  readonly projectId: string;
  readonly groupId: string;
  readonly streamId: string;
}

/** Makes a log group with a stream in the project of a region. */
export async function makeLogPlace(access: HuaweiAccess, regionId: string): Promise<LogPlace> {
  const projects = await callHuawei(access, "GET", `/v3/projects?name=${regionId}`);
  const projectId = projects.body.projects[0].id;
  const groups = `/v2/${projectId}/groups`;
  const group = await callHuawei(access, "POST", groups, { log_group_name: "flows", ttl_in_days: 7 });
  const groupId = group.body.log_group_id;
  const stream = await callHuawei(access, "POST", `${groups}/${groupId}/streams`, {
    log_stream_name: "flows",
  });
  return { projectId, groupId, streamId: stream.body.log_stream_id };
}

interface Signing {
  readonly method: string;
  readonly target: string;
  readonly payload: string;
}

function signedHeaders(
  { accessKeyId, accessKeySecret }: HuaweiAccess,
  { method, target, payload }: Signing,
  { atMs = Date.now(), isDerived = false }: HuaweiCallOptions,
): Record<string, string> {
  const dateTime = new Date(atMs).toISOString().replaceAll(/[-:]|\.\d+/gu, "");
  const [path = "", query = ""] = target.split("?");
  const entries = [...new URLSearchParams(query)].map(([name, value]) => `${encode(name)}=${encode(value)}`);
  const canonical = [
    method,
    path.endsWith("/") ? path : `${path}/`,
    entries.toSorted().join("&"),
    `content-type:application/json\nx-sdk-date:${dateTime}\n`,
    "content-type;x-sdk-date",
    sha256(payload),
  ].join("\n");
  const scope = [dateTime.slice(0, 8), "", "", "sdk_request"];
  const lines = ["SDK-HMAC-SHA256", dateTime, ...(isDerived ? [scope.join("/")] : []), sha256(canonical)];
  let key: string | Buffer = isDerived ? `SDK${accessKeySecret}` : accessKeySecret;
  if (isDerived) for (const part of scope) key = createHmac("sha256", key).update(part).digest();
  const signature = createHmac("sha256", key).update(lines.join("\n")).digest("hex");
  const credential = isDerived ? `Credential=${accessKeyId}/${scope.join("/")}` : `Access=${accessKeyId}`;
  const authorization = `SDK-HMAC-SHA256 ${credential}, SignedHeaders=content-type;x-sdk-date, Signature=${signature}`;
  return { "x-sdk-date": dateTime, authorization };
}

function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/gu,
    (character) => `%${character.codePointAt(0)!.toString(16).toUpperCase()}`,
  );
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** A listening gateway with the log service alone, on projects of its own and a store that the test gives. */
import { createHash, createHmac } from "node:crypto";

import { type Clock, fail, type FaultCode, ok, systemClock, unwrap } from "../../../../src/base/mod.ts";
import { controlMigrations } from "../../../../src/control/schema.ts";
import { createLogProjects, type LogProjects } from "../../../../src/control/mod.ts";
import { openDatabase } from "../../../../src/database/mod.ts";
import { type Authorizer, createGateway, type Dialect, type Gateway } from "../../../../src/gateway/mod.ts";
import { createSlsDialect } from "../../../../src/gateway/dialect/sls/mod.ts";
import { createMetrics, type Metrics, silentLogger } from "../../../../src/observe/mod.ts";
import { createLogReader, type LogReaderStore } from "../../../../src/query/mod.ts";

export const accountId = "1234567890123456";
export const accessKeyId = "LTAIexampleexample1234";
export const accessKeySecret = "secretsecretsecretsecretsecret";
export const regionId = "cn-shanghai";

export interface SlsServer {
  readonly gateway: Gateway;
  readonly dialect: Dialect;
  readonly logProjects: LogProjects;
  readonly metrics: Metrics;
  readonly clock: Clock & { skewMs: number };
}

const noStore: LogReaderStore = {
  query: async () => Promise.resolve(fail("StoreUnavailable", "no store")),
};

export interface SlsServerOptions {
  /** Lets everybody do everything if not given. */
  readonly authorizer?: Authorizer;
  /** The fault with which every request that brings a security token is refused. */
  readonly tokenFault?: FaultCode;
}

export function createSlsServer(
  store: LogReaderStore = noStore,
  { authorizer, tokenFault = "SecurityTokenMalformed" }: SlsServerOptions = {},
): SlsServer {
  const database = unwrap(openDatabase(":memory:", { migrations: controlMigrations }));
  for (const id of [accountId, "2222222222222222"]) {
    database.prepare("INSERT INTO account VALUES (?, 'name', 'rg', 0)").run(id);
  }
  const clock = { skewMs: 0, nowMs: () => systemClock.nowMs() + clock.skewMs, monotonicMs: () => 0 };
  const metrics = createMetrics();
  const logProjects = createLogProjects(database, {
    clock,
    logger: silentLogger,
    changes: { announce: () => undefined },
  });
  const logReader = createLogReader({}, { store });
  const keys: Record<string, string> = { [accessKeyId]: accountId, LTAIother: "2222222222222222" };
  const dialect = createSlsDialect(
    { endpoints: ["weir.example.com"], regionId, regionIds: [regionId, "cn-beijing"] },
    {
      logProjects,
      logReader,
      clock,
      metrics,
      logger: silentLogger,
      credentials: {
        find: (id, securityToken = "") => {
          if (securityToken !== "") return fail(tokenFault, id);
          if (id === "LTAIinactive") return fail("AccessKeyInactive", id);
          const owner = keys[id];
          if (owner === undefined) return fail("AccessKeyNotFound", id);
          const arn = `acs:ram::${owner}:root`;
          const principal = { kind: "account", accountId: owner, arn, name: owner, id: owner } as const;
          return ok({ accessKeyId: id, accessKeySecret, principal: { ...principal, accessKeyId: id } });
        },
      },
      authorizer: authorizer ?? { authorize: () => ok(undefined) },
    },
  );
  const gateway = createGateway({
    listen: { host: "127.0.0.1", port: 0 },
    dialects: [dialect],
    logger: silentLogger,
    metrics,
  });
  return { gateway, dialect, logProjects, metrics, clock };
}

export interface Call {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Host with the project's label, as the clients make it. */
  readonly host?: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: object | string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly accessKeyId?: string;
}

export interface RawCall {
  readonly method: Call["method"];
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly payload?: string;
}

/** Signs as the oldest client does: version 1, HMAC-SHA1. */
export function signV1(call: Call): RawCall {
  const { method, path, query = {}, body } = call;
  const payload = typeof body === "object" ? JSON.stringify(body) : body;
  const headers: Record<string, string> = {
    host: call.host ?? "flows.weir.example.com",
    date: new Date().toUTCString(),
    "x-log-apiversion": "0.6.0",
    "x-log-signaturemethod": "hmac-sha1",
    "content-type": "application/json",
    ...(payload === undefined
      ? {}
      : { "content-md5": createHash("md5").update(payload).digest("hex").toUpperCase() }),
    ...call.headers,
  };
  const names = Object.keys(headers).filter((name) => name.startsWith("x-log-") || name.startsWith("x-acs-"));
  const canonical = names.sort().map((name) => `${name}:${headers[name]}\n`);
  const pairs = Object.entries(query).map(([name, value]) => `${name}=${value}`);
  const resource = pairs.length === 0 ? path : `${path}?${pairs.sort().join("&")}`;
  const lines = [method, headers["content-md5"] ?? "", headers["content-type"], headers["date"]];
  const text = `${lines.join("\n")}\n${canonical.join("")}${resource}`;
  const signature = createHmac("sha1", accessKeySecret).update(text).digest("base64");
  headers["authorization"] = `LOG ${call.accessKeyId ?? accessKeyId}:${signature}`;
  const search = new URLSearchParams(query).toString();
  return {
    method,
    url: search === "" ? path : `${path}?${search}`,
    headers,
    ...(payload === undefined ? {} : { payload }),
  };
}

/** Signs the same call in version 4. */
export function signV4(call: Call): RawCall {
  const { url, headers: sent, ...rest } = signV1(call);
  const dateTime = new Date().toISOString().replaceAll(/[-:]|\.\d+/gu, "");
  const scope = [dateTime.slice(0, 8), regionId, "sls", "aliyun_v4_request"];
  const hash = (text: string): string => createHash("sha256").update(text).digest("hex");
  const headers: Record<string, string> = {
    host: sent["host"]!,
    "content-type": sent["content-type"]!,
    "x-log-apiversion": "0.6.0",
    "x-log-bodyrawsize": "0",
    "x-log-date": dateTime,
    "x-log-content-sha256": hash(rest.payload ?? ""),
  };
  const names = Object.keys(headers).sort();
  const query = Object.entries(call.query ?? {}).map(([name, value]) =>
    value === "" ? name : `${name}=${encodeURIComponent(value)}`,
  );
  const lines = names.map((name) => `${name}:${headers[name]}\n`).join("");
  const parts = [call.method, call.path, query.sort().join("&"), lines, names.join(";")];
  const canonical = `${parts.join("\n")}\n${headers["x-log-content-sha256"]}`;
  const text = `SLS4-HMAC-SHA256\n${dateTime}\n${scope.join("/")}\n${hash(canonical)}`;
  let key: string | Buffer = `aliyun_v4${accessKeySecret}`;
  for (const part of scope) key = createHmac("sha256", key).update(part).digest();
  const signature = createHmac("sha256", key).update(text).digest("hex");
  const credential = `Credential=${call.accessKeyId ?? accessKeyId}/${scope.join("/")}`;
  headers["authorization"] = `SLS4-HMAC-SHA256 ${credential},Signature=${signature}`;
  return { ...rest, url, headers };
}

export interface CallAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  /** The body as JSON; an error's code where it is an error. */
  readonly json: unknown;
  readonly errorCode: string | undefined;
}

export async function send(server: SlsServer, call: RawCall): Promise<CallAnswer> {
  const { statusCode, headers, body } = await server.gateway.inject(call);
  const isJson = String(headers["content-type"]).startsWith("application/json");
  const json: unknown = isJson ? JSON.parse(body) : undefined;
  const { errorCode } = (json ?? {}) as { errorCode?: string };
  return { status: statusCode, headers, text: body, json, errorCode };
}

export async function callSls(server: SlsServer, call: Call): Promise<CallAnswer> {
  return send(server, signV1(call));
}

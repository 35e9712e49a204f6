/** A Smart Access Gateway API on a free port, and a client of its own that signs by the documentation. */
import { createHmac, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type Clock, systemClock, unwrap } from "../../../src/base/mod.ts";
import {
  type AccessKeyWithSecret,
  type Control,
  type ControlOptions,
  openControl,
  type Resource,
} from "../../../src/control/mod.ts";
import {
  createAuthenticator,
  createAuthorizer,
  createGateway,
  createRpcDialect,
  createSagService,
  type DeliveryStatus,
  openNonceStore,
} from "../../../src/gateway/mod.ts";
import { createMetrics, silentLogger } from "../../../src/observe/mod.ts";

export type Fields = Readonly<Record<string, string | number>>;

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
  // Answers are looked into member by member, as a client would.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any;
}

export interface SagServer {
  readonly endpoint: string;
  readonly port: number;
  readonly control: Control;
  readonly key: AccessKeyWithSecret;
  readonly scope: { accountId: string; regionId: string; service: string };
  /** This host as a gateway. */
  readonly gateway: Resource;
  /** The gateway from the configuration of that name. */
  declared(name: string): Resource;
  /** Signs and sends; RegionId is cn-shanghai unless `fields` says otherwise. */
  call(action: string, fields?: Fields, options?: CallOptions): Promise<Answer>;
  stop(): Promise<void>;
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

export interface SagServerOptions {
  readonly directory?: string;
  readonly clock?: Clock;
  readonly control?: Partial<ControlOptions>;
  readonly deliveryStatus?: (flowLogId: string) => DeliveryStatus | undefined;
  readonly settled?: () => Promise<void>;
}

export async function startSagServer(options: SagServerOptions = {}): Promise<SagServer> {
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), "weir-sag-"));
  const clock = options.clock ?? systemClock;
  const metrics = createMetrics();
  const control = unwrap(
    openControl(
      { path: join(directory, "control.sqlite"), ...options.control },
      { clock, logger: silentLogger },
    ),
  );
  const resources = unwrap(
    control.resources.sync({
      hosts: [{ agentId: "agent-test", name: "testhost", interfaces: [{ name: "eth0" }, { name: "eth1" }] }],
      declared: [
        { name: "second" },
        { name: "old-model", flowLogSupport: "model" },
        { name: "basic-edition", flowLogSupport: "edition" },
        { name: "basic-active", flowLogSupport: "activeDevice" },
        { name: "basic-standby", flowLogSupport: "standbyDevice" },
        { name: "elsewhere", regionId: "eu-central-1" },
      ],
    }),
  );
  const accountId = control.accounts.default.id;
  const key = unwrap(control.accessKeys.create(accountId));
  const nonces = unwrap(openNonceStore({ path: join(directory, "nonces.sqlite") }, { clock, metrics }));
  const { deliveryStatus, settled } = options;
  const gateway = createGateway({
    listen: { host: "127.0.0.1", port: 0 },
    dialects: [
      createRpcDialect({
        services: [
          createSagService({
            control,
            logger: silentLogger,
            ...(deliveryStatus === undefined ? {} : { deliveryStatus }),
            ...(settled === undefined ? {} : { settled }),
          }),
        ],
        authenticator: createAuthenticator({ keys: control.access.credentials, nonces, clock, metrics }),
        authorizer: createAuthorizer({ access: control.access, clock, metrics }),
        logger: silentLogger,
      }),
    ],
    logger: silentLogger,
    metrics,
  });
  const { address: endpoint } = unwrap(await gateway.start());
  const declared = (name: string) => resources.find((resource) => resource.name === name)!;
  return {
    endpoint,
    port: Number(new URL(endpoint).port),
    control,
    key,
    scope: { accountId, regionId: "cn-shanghai", service: "sag" },
    gateway: declared("testhost"),
    declared,
    call: (action, fields = {}, callOptions = {}) => send(endpoint, key, action, fields, callOptions),
    stop: async () => {
      await gateway.stop();
      nonces.close();
      control.close();
      if (options.directory === undefined) rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function send(
  endpoint: string,
  key: AccessKeyWithSecret,
  action: string,
  fields: Fields,
  {
    method = "POST",
    place = "query",
    nonce = randomUUID(),
    atMs = Date.now(),
    common = {},
    secret,
  }: CallOptions,
): Promise<Answer> {
  const system: Record<string, string | null> = {
    Action: action,
    Version: "2018-03-13",
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

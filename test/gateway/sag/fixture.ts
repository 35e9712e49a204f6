/** A Smart Access Gateway API on a free port. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type Clock, systemClock, unwrap } from "../../../src/base/mod.ts";
import {
  type AccessKeyWithSecret,
  type Control,
  type ControlOptions,
  type FlowLogScope,
  openControl,
  type Resource,
} from "../../../src/control/mod.ts";
import {
  createAuthenticator,
  createAuthorizer,
  createGateway,
  createRpcDialect,
  createSagService,
  createStsService,
  type DeliveryStatus,
  openNonceStore,
} from "../../../src/gateway/mod.ts";
import { createMetrics, silentLogger } from "../../../src/observe/mod.ts";
import { type Answer, callRpc, type CallOptions, type Fields } from "../rpc/client.ts";

export type { Answer, Fields } from "../rpc/client.ts";

export interface SagServer {
  readonly endpoint: string;
  readonly port: number;
  readonly control: Control;
  readonly key: AccessKeyWithSecret;
  readonly scope: FlowLogScope;
  /** This host as a gateway. */
  readonly gateway: Resource;
  /** The gateway from the configuration of that name. */
  declared(name: string): Resource;
  /** Signs and sends; RegionId is cn-shanghai unless `fields` says otherwise. */
  call(action: string, fields?: Fields, options?: CallOptions): Promise<Answer>;
  stop(): Promise<void>;
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
  const authorizer = createAuthorizer({ access: control.access, clock, metrics });
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
          createStsService({ access: control.access, trust: authorizer }),
        ],
        authenticator: createAuthenticator({ keys: control.access.credentials, nonces, clock, metrics }),
        authorizer,
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
    call: (action, fields, callOptions) =>
      callRpc({ endpoint, version: "2018-03-13", key }, action, fields, callOptions),
    stop: async () => {
      await gateway.stop();
      nonces.close();
      control.close();
      if (options.directory === undefined) rmSync(directory, { recursive: true, force: true });
    },
  };
}

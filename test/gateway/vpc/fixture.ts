/** A VPC API on a free port, over a host of known interfaces. */
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
  createVpcService,
  type DeliveryStatus,
  openNonceStore,
} from "../../../src/gateway/mod.ts";
import { createMetrics, silentLogger } from "../../../src/observe/mod.ts";
import { type Answer, callRpc, type CallOptions, type Fields } from "../rpc/client.ts";

export const vpcVersion = "2016-04-28";

export interface VpcServer {
  readonly endpoint: string;
  readonly port: number;
  readonly control: Control;
  readonly key: AccessKeyWithSecret;
  readonly scope: FlowLogScope;
  readonly vpc: Resource;
  /** Two subnets: of eth0 and eth1 the first, of eth2 the second. */
  readonly subnets: readonly Resource[];
  /** eth0, eth1 and eth2. */
  readonly interfaces: readonly Resource[];
  /** Signs and sends; RegionId is cn-shanghai unless `fields` says otherwise. */
  call(action: string, fields?: Fields, options?: CallOptions): Promise<Answer>;
  /** A flow log of eth0's whole traffic, but for what `fields` say; settled. Answers its id. */
  create(fields?: Fields): Promise<string>;
  /** As DescribeFlowLogs shows it; undefined where it does not. */
  shown(flowLogId: string): Promise<Record<string, unknown> | undefined>;
  /** What `create` sends but for `fields`. */
  readonly onEth0: Fields;
  /** As the running system does when capture holds every change so far. */
  settle(): void;
  /** Deletes every flow log. */
  clear(): void;
  stop(): Promise<void>;
}

export interface VpcServerOptions {
  readonly directory?: string;
  readonly clock?: Clock;
  readonly control?: Partial<ControlOptions>;
  readonly deliveryStatus?: (flowLogId: string) => DeliveryStatus | undefined;
}

const hosts = [
  {
    agentId: "agent-test",
    name: "testhost",
    interfaces: [
      { name: "eth0", networks: ["10.1.0.4/24"] },
      { name: "eth1", networks: ["10.1.0.5/24"] },
      { name: "eth2", networks: ["10.2.0.4/24"] },
    ],
  },
];

export async function startVpcServer(options: VpcServerOptions = {}): Promise<VpcServer> {
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), "weir-vpc-"));
  const clock = options.clock ?? systemClock;
  const metrics = createMetrics();
  const control = unwrap(
    openControl(
      { path: join(directory, "control.sqlite"), ...options.control },
      { clock, logger: silentLogger },
    ),
  );
  const resources = unwrap(control.resources.sync({ hosts }));
  const accountId = control.accounts.default.id;
  const key = unwrap(control.accessKeys.create(accountId));
  const nonces = unwrap(openNonceStore({ path: join(directory, "nonces.sqlite") }, { clock, metrics }));
  const { deliveryStatus } = options;
  const gateway = createGateway({
    listen: { host: "127.0.0.1", port: 0 },
    dialects: [
      createRpcDialect({
        services: [
          createVpcService({ control, ...(deliveryStatus === undefined ? {} : { deliveryStatus }) }),
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
  const ofType = (type: Resource["type"]): Resource[] => resources.filter((one) => one.type === type);
  const settle = (): void => {
    for (const { id, updatedMs } of control.flowLogs.all()) unwrap(control.flowLogs.settle(id, updatedMs));
  };
  const interfaces = ofType("interface");
  const call: VpcServer["call"] = (action, fields, callOptions) =>
    callRpc({ endpoint, version: vpcVersion, key }, action, fields, callOptions);
  const onEth0 = {
    ResourceType: "NetworkInterface",
    ResourceId: interfaces[0]!.id,
    TrafficType: "All",
  };
  return {
    endpoint,
    port: Number(new URL(endpoint).port),
    control,
    key,
    scope: { accountId, regionId: "cn-shanghai", service: "vpc" },
    vpc: ofType("vpc")[0]!,
    subnets: ofType("subnet"),
    interfaces,
    call,
    onEth0,
    create: async (fields = {}) => {
      const answer = await call("CreateFlowLog", { ...onEth0, ...fields });
      if (answer.status !== 200) throw new Error(answer.text);
      settle();
      return answer.body.FlowLogId as string;
    },
    shown: async (FlowLogId) => {
      const { FlowLogs } = (await call("DescribeFlowLogs", { FlowLogId })).body;
      return FlowLogs.FlowLog[0] as Record<string, unknown> | undefined;
    },
    settle,
    clear: () => {
      settle();
      for (const flowLog of control.flowLogs.all()) unwrap(control.flowLogs.remove(flowLog, flowLog.id));
      settle();
    },
    stop: async () => {
      await gateway.stop();
      nonces.close();
      control.close();
      if (options.directory === undefined) rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Values of a parameter, and what the service says to them. */
export type Cases = readonly (readonly [value: string, outcome: string])[];

/** Rows of parameter, value and outcome. */
export const rowsOf = (table: Readonly<Record<string, Cases>>): [string, string, string][] =>
  Object.entries(table).flatMap(([name, cases]) =>
    cases.map(([value, expected]): [string, string, string] => [name, value, expected]),
  );

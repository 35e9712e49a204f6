/** The APIs of Huawei Cloud and Open Telekom Cloud on a free port, over resources of the test's own. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type Clock, fail, systemClock, unwrap } from "../../../src/base/mod.ts";
import {
  type AccessKeyWithSecret,
  type CloudProject,
  type Control,
  type ControlOptions,
  createCloudProjects,
  createLogGroups,
  type LogGroups,
  openControl,
  type Resource,
} from "../../../src/control/mod.ts";
import { controlMigrations } from "../../../src/control/schema.ts";
import { openDatabase } from "../../../src/database/mod.ts";
import { createApigDialect } from "../../../src/gateway/dialect/apig/mod.ts";
import { createHuaweiVpcService } from "../../../src/gateway/dialect/huawei/mod.ts";
import { createIamService } from "../../../src/gateway/dialect/iam/mod.ts";
import { createLtsService, type LtsDeps } from "../../../src/gateway/dialect/lts/mod.ts";
import { createAuthorizer, createGateway, type DeliveryStatus } from "../../../src/gateway/mod.ts";
import { createMetrics, silentLogger } from "../../../src/observe/mod.ts";
import { createLineReader, type LogReaderStore } from "../../../src/query/mod.ts";
import {
  callHuawei,
  type HuaweiAccess,
  type HuaweiAnswer,
  type HuaweiCallOptions,
} from "../../support/huawei-client.ts";

export interface HuaweiServer {
  readonly access: HuaweiAccess;
  readonly control: Control;
  readonly groups: LogGroups;
  readonly key: AccessKeyWithSecret;
  /** That of the region eu-de. */
  readonly project: CloudProject;
  resource(name: string): Resource;
  /** Signs and sends. */
  call(
    method: string,
    target: string,
    body?: object | string,
    options?: HuaweiCallOptions,
  ): Promise<HuaweiAnswer>;
  /** From then on nothing can be saved. */
  loseDatabase(): void;
  stop(): Promise<void>;
}

export interface HuaweiServerOptions {
  readonly clock?: Clock;
  readonly control?: Partial<ControlOptions>;
  /** The account and its key, where a recorded client named them. */
  readonly account?: { readonly id: string; readonly accessKeyId: string; readonly accessKeySecret: string };
  readonly store?: LogReaderStore;
  readonly appendLines?: LtsDeps["appendLines"];
  readonly deliveryStatus?: (flowLogId: string) => DeliveryStatus | undefined;
  readonly settled?: () => Promise<void>;
}

const noStore: LogReaderStore = {
  query: async () => Promise.resolve(fail("StoreUnavailable", "no store")),
};

const noLines: LtsDeps["appendLines"] = async () => Promise.resolve(fail("StoreUnavailable", "no store"));

export async function startHuaweiServer(options: HuaweiServerOptions = {}): Promise<HuaweiServer> {
  const directory = mkdtempSync(join(tmpdir(), "weir-huawei-"));
  const clock = options.clock ?? systemClock;
  const path = join(directory, "control.sqlite");
  const { account } = options;
  if (account !== undefined) makeAccount(path, account.id);
  const control = unwrap(openControl({ path, ...options.control }, { clock, logger: silentLogger }));
  const resources = unwrap(
    control.resources.sync({
      hosts: [
        {
          agentId: "agent-test",
          name: "testhost",
          interfaces: [
            { name: "eth0", networks: ["10.0.0.1/24"] },
            { name: "eth1", networks: ["10.0.1.1/24"] },
          ],
        },
      ],
    }),
  );
  const accountId = control.accounts.default.id;
  const key = unwrap(control.accessKeys.create(accountId, account === undefined ? {} : { given: account }));
  const groups = createLogGroups(control.logProjects);
  const projects = createCloudProjects(control);
  const { deliveryStatus, settled, store = noStore, appendLines = noLines } = options;
  const metrics = createMetrics();
  const { credentials } = control.access;
  const { accounts, accessKeys } = control;
  const gateway = createGateway({
    listen: { host: "127.0.0.1", port: 0 },
    dialects: [
      createApigDialect({
        services: [
          createHuaweiVpcService({
            control,
            groups,
            ...(deliveryStatus === undefined ? {} : { deliveryStatus }),
            ...(settled === undefined ? {} : { settled }),
          }),
          createLtsService({ groups, lines: createLineReader({ store }), appendLines, clock, metrics }),
          createIamService({ accounts, accessKeys, credentials, projects, clock }),
        ],
        projects,
        credentials,
        authorizer: createAuthorizer({ access: control.access, clock, metrics }),
        clock,
        logger: silentLogger,
        metrics,
      }),
    ],
    logger: silentLogger,
    metrics,
  });
  const { address: endpoint } = unwrap(await gateway.start());
  const access = { endpoint, ...key };
  let isLost = false;
  return {
    access,
    control,
    groups,
    key,
    project: projects.list(accountId).find(({ regionId }) => regionId === "eu-de")!,
    resource: (name) => resources.find((resource) => resource.name === name)!,
    call: (method, target, body, callOptions) =>
      callHuawei(access, method, target, body, { atMs: clock.nowMs(), ...callOptions }),
    loseDatabase: () => {
      control.close();
      isLost = true;
    },
    stop: async () => {
      await gateway.stop();
      if (!isLost) control.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function makeAccount(path: string, id: string): void {
  const database = unwrap(openDatabase(path, { migrations: controlMigrations }));
  database
    .prepare("INSERT INTO account (id, name, resource_group_id, created_ms) VALUES (?, 'default', 'rg', 1)")
    .run(id);
  database.close();
}

/** A log group and stream to deliver to. */
export function makeStream({ groups, project }: HuaweiServer): { groupId: string; streamId: string } {
  const group = unwrap(groups.create(project, { name: "flows", retentionDays: 7 }));
  const stream = unwrap(groups.createStream(project, group.id, { name: "flows" }));
  return { groupId: group.id, streamId: stream.id };
}

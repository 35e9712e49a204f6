/**
 * The clouds' own Terraform providers, unmodified, against the real program: apply, no difference on the second
 * plan, every change, import, destroy. The configurations are those of examples/terraform.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { callNative } from "../../support/administration.ts";
import { requireRoot } from "../../support/peers.ts";
import { hasTerraform, openTerraform, type Terraform, type Variables } from "../../support/terraform.ts";
import { type RunningWeir, runWeir, startWeir, temporaryDirectory } from "../../support/weir.ts";

interface ResourceAnswer {
  readonly id: string;
  readonly uuid: string;
  readonly type: string;
}

interface Place {
  readonly weir: RunningWeir;
  /** A network interface of this host. */
  readonly resource: ResourceAnswer;
}

interface Example {
  /** Folder of examples/terraform. */
  readonly name: string;
  readonly source: string;
  readonly variables: (place: Place) => Variables;
  /** Applied one after another; after each nothing differs. */
  readonly changes: readonly Variables[];
  /** What is imported, and the output that has the id to import it by. */
  readonly imports: readonly (readonly [address: string, idOutput: string])[];
  /** Names of the log service's projects, which are hosts that the provider calls by https. */
  readonly hostNames?: readonly string[];
}

const alicloud = ({ weir }: Place): Variables => ({
  endpoint: new URL(weir.ready.endpoint).host,
  region: weir.ready.regionId,
  access_key: weir.ready.accessKeyId,
  secret_key: weir.ready.accessKeySecret!,
});

const examples: readonly Example[] = [
  {
    name: "alicloud-vpc-flow-log",
    source: "aliyun/alicloud",
    variables: (place) => ({ ...alicloud(place), resource_id: place.resource.id }),
    changes: [
      { name: "renamed", description: "changed" },
      { description: "" },
      { aggregation_interval: "1" },
      { tags: '{ team = "ops", env = "" }' },
      { status: "Inactive" },
      { status: "Active" },
    ],
    imports: [["alicloud_vpc_flow_log.first", "flow_log_id"]],
  },
  {
    name: "alicloud-smartag-flow-log",
    source: "aliyun/alicloud",
    variables: alicloud,
    changes: [
      { name: "renamed", description: "changed" },
      { active_aging: "400", inactive_aging: "20" },
      { netflow_server_ip: "127.0.0.2", netflow_server_port: "9996", netflow_version: "V10" },
      { logstore_name: "gateway_update" },
      { output_type: "sls" },
      { output_type: "netflow" },
      { status: "Inactive" },
      { status: "Active" },
    ],
    imports: [["alicloud_smartag_flow_log.first", "flow_log_id"]],
  },
  {
    name: "alicloud-log-service",
    source: "aliyun/alicloud",
    variables: (place) => {
      const { endpoint, ...others } = alicloud(place);
      return { ...others, endpoint: `localhost:${new URL(`http://${endpoint}`).port}` };
    },
    changes: [{ description: "changed" }, { retention_days: "7" }],
    imports: [["alicloud_log_store.flows", "logstore_id"]],
    hostNames: ["weir-flows.localhost"],
  },
  {
    name: "huaweicloud-vpc-flow-log",
    source: "huaweicloud/huaweicloud",
    variables: ({ weir, resource }) => ({
      endpoint: weir.ready.endpoint,
      access_key: weir.ready.accessKeyId,
      secret_key: weir.ready.accessKeySecret!,
      resource_id: resource.uuid,
    }),
    changes: [{ name: "renamed" }, { retention_days: "14" }, { enabled: "false" }, { enabled: "true" }],
    imports: [
      ["huaweicloud_vpc_flow_log.first", "flow_log_id"],
      ["huaweicloud_lts_group.flows", "log_group_id"],
      ["huaweicloud_lts_stream.flows", "log_stream_import_id"],
    ],
  },
  {
    name: "opentelekomcloud-vpc-flow-log",
    source: "opentelekomcloud/opentelekomcloud",
    variables: ({ weir, resource }) => ({
      endpoint: weir.ready.endpoint,
      user_name: weir.ready.accessKeyId,
      password: weir.ready.accessKeySecret!,
      resource_id: resource.uuid,
    }),
    changes: [{ retention_days: "14" }, { name: "renamed" }],
    imports: [
      ["opentelekomcloud_vpc_flow_log_v1.first", "flow_log_id"],
      ["opentelekomcloud_logtank_group_v2.flows", "log_group_id"],
      ["opentelekomcloud_logtank_topic_v2.flows", "log_topic_import_id"],
    ],
  },
];

describe.each(examples)("$name", (example) => {
  const { name, source, variables, changes, imports, hostNames } = example;
  const isPossible = hasTerraform(source) && (hostNames === undefined || requireRoot("name hosts"));
  const directory = temporaryDirectory(`terraform-${name}`);
  let weir: RunningWeir | undefined;
  let terraform: Terraform;

  beforeAll(async () => {
    if (!isPossible) return;
    weir = await startWeir({ data: join(directory.path, "data") });
    const { resources } = await callNative<{ resources: ResourceAnswer[] }>(weir.data, "GET", "/resources");
    const resource = resources.find(({ type }) => type === "interface")!;
    const work = join(directory.path, "work");
    mkdirSync(work);
    const authority = join(directory.path, "authority.pem");
    const exported = await runWeir(["tls", "export", "--ca", "--data", weir.data]);
    writeFileSync(authority, exported.output);
    terraform = openTerraform({
      configuration: resolve(import.meta.dirname, "../../../examples/terraform", name),
      source,
      directory: work,
      variables: variables({ weir, resource }),
      environment: { SSL_CERT_FILE: authority },
      ...(hostNames === undefined ? {} : { hostNames }),
    });
  });
  afterAll(async () => {
    await weir?.stop();
    directory.remove();
  });

  it.skipIf(!isPossible)(
    "is applied, changed, imported and destroyed, with nothing left to do after each",
    async () => {
      await terraform.apply();
      expect(await terraform.differences()).toBe("");
      for (const change of changes) {
        await terraform.apply(change);
        expect([change, await terraform.differences()]).toEqual([change, ""]);
      }
      const ids = new Map<string, string>();
      for (const [, idOutput] of imports) ids.set(idOutput, await terraform.output(idOutput));
      for (const [address, idOutput] of imports) await terraform.importAgain(address, ids.get(idOutput)!);
      expect(await terraform.differences()).toBe("");
      await terraform.destroy();
      const { flowLogs } = await callNative<{ flowLogs: unknown[] }>(weir!.data, "GET", "/flow-logs");
      expect(flowLogs).toEqual([]);
    },
    900_000,
  );
});

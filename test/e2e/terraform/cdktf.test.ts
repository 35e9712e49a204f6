/**
 * The example of CDK for Terraform: installed, checked and synthesised as its user does it, and, where the
 * provider is there, applied to the real program.
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { callNative } from "../../support/administration.ts";
import { hasTerraform, openTerraform } from "../../support/terraform.ts";
import { type RunningWeir, startWeir, temporaryDirectory } from "../../support/weir.ts";

const root = resolve(import.meta.dirname, "../../..");
const example = join(root, "examples/cdktf/alicloud-smartag-flow-log");
const source = "aliyun/alicloud";
const canApply = hasTerraform(source);

interface Access {
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
}

describe("the example of CDK for Terraform", () => {
  const directory = temporaryDirectory("cdktf");
  const work = join(directory.path, "example");
  let weir: RunningWeir | undefined;

  beforeAll(() => {
    cpSync(example, work, { recursive: true });
    execFileSync("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"], {
      cwd: work,
      stdio: ["ignore", "ignore", "inherit"],
    });
  }, 180_000);
  afterAll(async () => {
    await weir?.stop();
    directory.remove();
  });

  /** Runs the example; the folder that Terraform is to run in. */
  function synthesise({ endpoint, accessKeyId, accessKeySecret }: Access): string {
    const environment = {
      ...process.env,
      WEIR_ENDPOINT: endpoint,
      WEIR_ACCESS_KEY_ID: accessKeyId,
      WEIR_ACCESS_KEY_SECRET: accessKeySecret,
    };
    execFileSync(process.execPath, ["main.ts"], { cwd: work, env: environment });
    return join(work, "cdktf.out/stacks/weir");
  }

  /** The local backend is the default, but one that is named needs an init, which would ask a registry. */
  function withoutBackend(stack: string): string {
    const file = join(stack, "cdk.tf.json");
    const made = JSON.parse(readFileSync(file, "utf8")) as { terraform: { backend?: object } };
    delete made.terraform.backend;
    writeFileSync(file, JSON.stringify(made));
    return stack;
  }

  it("agrees with the types of the library", () => {
    const strict = ["--strict", "--noEmit", "--allowImportingTsExtensions", "--skipLibCheck"];
    const modules = ["--module", "nodenext", "--target", "es2024", "--types", "node"];
    const types = ["--typeRoots", join(root, "node_modules/@types")];
    const compiler = join(root, "node_modules/typescript/bin/tsc");
    const checked = execFileSync(
      process.execPath,
      [compiler, ...strict, ...modules, ...types, "main.ts", "alicloud.ts"],
      { cwd: work, encoding: "utf8" },
    );
    expect(checked).toBe("");
  }, 60_000);

  it("makes the resource with the arguments that the provider's documentation lists", () => {
    const stack = synthesise({ endpoint: "127.0.0.1:8080", accessKeyId: "id", accessKeySecret: "secret" });
    const made = JSON.parse(readFileSync(join(stack, "cdk.tf.json"), "utf8")) as Record<string, unknown>;
    expect(made).toMatchObject({
      provider: { alicloud: [{ access_key: "id", endpoints: [{ smartag: "127.0.0.1:8080" }] }] },
      resource: {
        alicloud_smartag_flow_log: {
          example: {
            flow_log_name: "example_value",
            output_type: "all",
            sls_region_id: "cn-shanghai",
            project_name: "weir-flows",
            logstore_name: "gateway",
            netflow_server_ip: "127.0.0.1",
            netflow_server_port: 9995,
          },
        },
      },
    });
  });

  it.skipIf(!canApply)(
    "is applied and destroyed, with nothing left to do after each",
    async () => {
      weir = await startWeir({ data: join(directory.path, "data") });
      const { endpoint, accessKeyId, accessKeySecret = "" } = weir.ready;
      const access = { endpoint: new URL(endpoint).host, accessKeyId, accessKeySecret };
      const place = join(directory.path, "terraform");
      mkdirSync(place);
      const terraform = openTerraform({
        configuration: withoutBackend(synthesise(access)),
        source,
        directory: place,
        variables: {},
      });
      await terraform.apply();
      expect(await terraform.differences()).toBe("");
      await terraform.destroy();
      const { flowLogs } = await callNative<{ flowLogs: unknown[] }>(weir.data, "GET", "/flow-logs");
      expect(flowLogs).toEqual([]);
    },
    300_000,
  );
});

/**
 * Terraform on one of the examples, with a provider's own binary from the folder that the environment
 * variable WEIR_TERRAFORM_PROVIDERS names; `e2e/terraform` sets it. Neither is in a package registry that a
 * test could install from.
 */
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

import { isOnPath } from "./peers.ts";

const run = promisify(execFile);

export type Variables = Readonly<Record<string, string>>;

export interface Terraform {
  /** Applies with these variables beside the first ones, from then on. */
  apply(changes?: Variables): Promise<void>;
  /** The differences that Terraform still sees; "" if there is none. */
  differences(): Promise<string>;
  /** Forgets the resource and takes it in again by its id. */
  importAgain(address: string, id: string): Promise<void>;
  output(name: string): Promise<string>;
  destroy(): Promise<void>;
}

export interface TerraformOptions {
  /** Folder of configurations, which is copied. */
  readonly configuration: string;
  /** Its provider, as `required_providers` has it: `aliyun/alicloud`. */
  readonly source: string;
  /** An empty folder to work in. */
  readonly directory: string;
  readonly variables: Variables;
  readonly environment?: Readonly<Record<string, string>>;
  /** Names that are this host to Terraform, in a mount namespace of its own; needs root. */
  readonly hostNames?: readonly string[];
}

/** Whether Terraform and the provider of that source are there; what is not is said. */
export function hasTerraform(source: string): boolean {
  const why = missing(source);
  if (why !== undefined) process.stderr.write(`skipped: ${source} with Terraform: ${why}\n`);
  return why === undefined;
}

function missing(source: string): string | undefined {
  if (!isOnPath("terraform")) return "terraform is not on PATH";
  const folder = process.env["WEIR_TERRAFORM_PROVIDERS"] ?? "";
  if (folder === "") return "WEIR_TERRAFORM_PROVIDERS names no folder (e2e/terraform DIRECTORY)";
  return binaryOf(source, folder) === undefined
    ? `there is no terraform-provider-${nameOf(source)} in ${folder}`
    : undefined;
}

function nameOf(source: string): string {
  return source.split("/").at(-1)!;
}

/** A release's binary has its version behind the name. */
function binaryOf(source: string, folder: string): string | undefined {
  const name = `terraform-provider-${nameOf(source)}`;
  const found = readdirSync(folder).find((file) => file === name || file.startsWith(`${name}_v`));
  return found === undefined ? undefined : join(folder, found);
}

export function openTerraform(options: TerraformOptions): Terraform {
  const { configuration, source, directory, variables } = options;
  cpSync(configuration, directory, { recursive: true });
  const folder = join(directory, "provider");
  const binary = binaryOf(source, process.env["WEIR_TERRAFORM_PROVIDERS"] ?? "")!;
  mkdirSync(folder);
  symlinkSync(binary, join(folder, `terraform-provider-${nameOf(source)}`));
  const settings = join(directory, "terraform.rc");
  const overrides = `${JSON.stringify(source)} = ${JSON.stringify(folder)}`;
  // An overridden provider needs no init, which would ask a registry.
  writeFileSync(settings, `provider_installation {\n  dev_overrides {\n    ${overrides}\n  }\n}\n`);
  let current = variables;
  const environment = {
    ...process.env,
    ...options.environment,
    TF_CLI_CONFIG_FILE: settings,
    TF_IN_AUTOMATION: "1",
  };
  const [program, ...before] = commandWith(options.hostNames ?? [], directory);
  const terraform = async (
    command: readonly string[],
    ...args: readonly string[]
  ): Promise<{ code: number; output: string }> => {
    const given = Object.entries(current).map(([name, value]) => `-var=${name}=${value}`);
    const all = [...command, ...(takesVariables(command) ? given : []), ...args];
    try {
      const { stdout } = await run(program, [...before, ...all], { cwd: directory, env: environment });
      return { code: 0, output: stdout };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, output: `${stdout}\n${stderr}` };
    }
  };
  const succeed = async (command: readonly string[], ...args: readonly string[]): Promise<string> => {
    const { code, output } = await terraform(command, ...args);
    if (code !== 0) throw new Error(`terraform ${command.join(" ")} failed:\n${output}`);
    return output;
  };
  return {
    apply: async (changes = {}) => {
      current = { ...current, ...changes };
      await succeed(["apply", "-auto-approve", "-input=false", "-no-color"]);
    },
    differences: async () => {
      const { code, output } = await terraform(["plan", "-detailed-exitcode", "-input=false", "-no-color"]);
      if (code === 1) throw new Error(`terraform plan failed:\n${output}`);
      return code === 0 ? "" : output;
    },
    importAgain: async (address, id) => {
      await succeed(["state", "rm"], address);
      await succeed(["import", "-input=false", "-no-color"], address, id);
    },
    output: async (name) => (await succeed(["output", "-raw"], name)).trim(),
    destroy: async () => void (await succeed(["destroy", "-auto-approve", "-input=false", "-no-color"])),
  };
}

/** Terraform's command line, in a namespace where the names are in /etc/hosts if there are any. */
function commandWith(names: readonly string[], directory: string): readonly [string, ...string[]] {
  if (names.length === 0) return ["terraform"];
  const hosts = join(directory, "hosts");
  writeFileSync(hosts, ["localhost", ...names].map((name) => `127.0.0.1 ${name}\n`).join(""));
  return ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', hosts, "terraform"];
}

function takesVariables([command]: readonly string[]): boolean {
  return command === "apply" || command === "plan" || command === "import" || command === "destroy";
}

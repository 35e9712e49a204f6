/** Puts the configuration together: defaults, then the file, then the environment, then flags. */
import { readFileSync } from "node:fs";

import { fail, ok, type Result } from "../../base/mod.ts";
import { parseConfigurationFile, type FileLocator } from "./file.ts";
import { nearest, refuse } from "./refusal.ts";
import { type Configuration, configurationSchema } from "./schema.ts";
import { listSettings, type Setting } from "./setting.ts";

export interface ConfigurationSources {
  /** Path of a YAML file. */
  readonly file?: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Path and value of each setting given as a flag: `["data", "/srv/weir"]`. */
  readonly flags: readonly (readonly [path: string, value: string])[];
}

export interface LoadedConfiguration {
  readonly configuration: Configuration;
  /** Sentences for the person who started Weir. */
  readonly warnings: readonly string[];
}

/** Names of the environment that are no settings: what a client or the launcher reads. */
const otherEnvironmentNames: ReadonlySet<string> = new Set(["WEIR_CONFIG"]);

type Tree = Record<string, unknown>;

/** Faults: `ConfigInvalid`, its message naming every setting that is wrong and where it was given. */
export function loadConfiguration(sources: ConfigurationSources): Result<LoadedConfiguration> {
  const settings = listSettings();
  const tree: Tree = {};
  let locate: FileLocator = () => undefined;
  if (sources.file !== undefined) {
    const file = readConfigurationFile(sources.file);
    if (!file.ok) return file;
    Object.assign(tree, file.value.content);
    locate = file.value.locate;
  }
  const given = new Map<string, string>();
  const environment = fromEnvironment(settings, sources.environment);
  for (const [setting, text, origin] of environment) {
    put(tree, setting, text);
    given.set(setting.path, origin);
  }
  for (const [path, text] of sources.flags) {
    const setting = settings.find((candidate) => candidate.path === path);
    if (setting === undefined || setting.kind === "objects") return unknownFlag(path, settings);
    put(tree, setting, text);
    given.set(path, `flag for ${path}`);
  }
  const parsed = configurationSchema.safeParse(tree);
  if (!parsed.success) {
    return refuse(parsed.error, tree, (path) => given.get(path.join(".")) ?? locate(path));
  }
  return ok({ configuration: parsed.data, warnings: unknownEnvironment(settings, sources.environment) });
}

function readConfigurationFile(path: string): ReturnType<typeof parseConfigurationFile> {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return fail("ConfigInvalid", `cannot read the configuration file: ${reason}`, {
      field: "config",
      value: path,
      allowed: "a YAML file that this user may read",
      cause: error,
    });
  }
  return parseConfigurationFile(path, text);
}

function fromEnvironment(
  settings: readonly Setting[],
  environment: ConfigurationSources["environment"],
): [setting: Setting, text: string, origin: string][] {
  return settings.flatMap((setting) => {
    const text = setting.environment === undefined ? undefined : environment[setting.environment];
    // An empty variable is how a service manager or a shell spells "not set".
    if (text === undefined || text === "") return [];
    return [[setting, text, `environment variable ${setting.environment}`] as [Setting, string, string]];
  });
}

/** Sets one setting from text; what does not parse is left as text, for the schema to refuse. */
function put(tree: Tree, setting: Setting, text: string): void {
  const names = setting.path.split(".");
  const last = names.pop()!;
  let branch = tree;
  for (const name of names) {
    const next = branch[name];
    const child = typeof next === "object" && next !== null && !Array.isArray(next) ? { ...next } : {};
    branch[name] = child;
    branch = child;
  }
  branch[last] = valueOf(setting, text);
}

function valueOf(setting: Setting, text: string): unknown {
  if (setting.kind === "boolean" && /^(?:true|false)$/u.test(text)) return text === "true";
  if (setting.kind === "integer" && /^-?\d{1,15}$/u.test(text)) return Number(text);
  if (setting.kind === "list") {
    return text
      .split(",")
      .map((part) => part.trim())
      .filter((part) => part !== "");
  }
  return text;
}

function unknownFlag(path: string, settings: readonly Setting[]): Result<never> {
  const names = settings.filter(({ kind }) => kind !== "objects").map((setting) => setting.path);
  const suggestion = nearest(path, names);
  const remedy = suggestion === undefined ? undefined : `did you mean ${suggestion}?`;
  return fail("ConfigInvalid", `there is no setting ${path}${remedy === undefined ? "" : `; ${remedy}`}`, {
    field: path,
    allowed: "a setting of docs/reference/configuration.md",
    ...(remedy === undefined ? {} : { remedy }),
  });
}

/**
 * A warning, not a refusal: service managers and orchestrators put names of their own beside ours
 * (Kubernetes sets WEIR_SERVICE_HOST for a service named weir).
 */
function unknownEnvironment(
  settings: readonly Setting[],
  environment: ConfigurationSources["environment"],
): string[] {
  const known = settings.flatMap((setting) => setting.environment ?? []);
  return Object.keys(environment)
    .filter((name) => name.startsWith("WEIR_") && !known.includes(name) && !otherEnvironmentNames.has(name))
    .flatMap((name) => {
      const suggestion = nearest(name, known);
      return suggestion === undefined
        ? []
        : [`the environment variable ${name} is no setting; did you mean ${suggestion}?`];
    });
}

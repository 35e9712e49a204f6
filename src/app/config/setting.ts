/** The settings as a flat list, read off the schema: for the environment, flags, refusals and the reference page. */
import { z } from "zod";

import { configurationSchema } from "./schema.ts";

export type SettingKind = "text" | "integer" | "boolean" | "list" | "objects";

export interface Setting {
  /** As in the file, joined by dots: `capture.ringBytes`. */
  readonly path: string;
  readonly kind: SettingKind;
  /** Name in the environment; lists of objects have none. */
  readonly environment: string | undefined;
  readonly description: string;
  readonly allowed: string;
  /** Default as text; undefined if there is none. */
  readonly defaultText: string | undefined;
  readonly secret: boolean;
  /** The settings of one element, where the setting is a list of objects. */
  readonly elements: readonly Setting[];
}

/** What the layers of one schema say together: `.default()`, `.optional()` and `.transform()` each wrap the one before. */
interface Unwrapped {
  readonly core: z.core.$ZodType;
  readonly meta: Readonly<Record<string, unknown>>;
  readonly defaultValue: unknown;
}

/** Every setting, in the schema's order. */
export function listSettings(): readonly Setting[] {
  return settingsOf(configurationSchema, []);
}

/** `capture.snapLength` as `WEIR_CAPTURE_SNAP_LENGTH`. */
export function environmentName(path: string): string {
  return `WEIR_${path
    .replaceAll(/([a-z0-9])([A-Z])/gu, "$1_$2")
    .replaceAll(".", "_")
    .toUpperCase()}`;
}

function settingsOf(schema: z.core.$ZodType, path: readonly string[]): Setting[] {
  const { core } = unwrap(schema);
  if (!(core instanceof z.ZodObject)) return [settingOf(schema, path)];
  return Object.entries(core.shape as Readonly<Record<string, z.core.$ZodType>>).flatMap(([name, child]) =>
    settingsOf(child, [...path, name]),
  );
}

function settingOf(schema: z.core.$ZodType, path: readonly string[]): Setting {
  const { core, meta, defaultValue } = unwrap(schema);
  const name = path.join(".");
  const element = core instanceof z.ZodArray ? unwrap(core.element) : undefined;
  const kind = kindOf(core, element?.core);
  return {
    path: name,
    kind,
    environment: kind === "objects" ? undefined : environmentName(name),
    description: textOf(meta["description"]) ?? "",
    allowed: allowedOf(core, meta, element),
    defaultText: textOf(meta["defaultText"]) ?? defaultTextOf(defaultValue),
    secret: meta["secret"] === true,
    elements: kind === "objects" && element !== undefined ? settingsOf(element.core, []) : [],
  };
}

function unwrap(schema: z.core.$ZodType): Unwrapped {
  let core = schema;
  let defaultValue: unknown;
  const layers: Record<string, unknown>[] = [];
  for (;;) {
    layers.push({ ...z.globalRegistry.get(core) });
    if (core instanceof z.ZodDefault || core instanceof z.ZodPrefault) {
      defaultValue = isFunctionDefault(core) ? undefined : core.def.defaultValue;
      core = core.def.innerType;
    } else if (core instanceof z.ZodOptional) core = core.def.innerType;
    else if (core instanceof z.ZodPipe) core = core.def.in;
    else return { core, meta: Object.assign({}, ...layers.toReversed()), defaultValue };
  }
}

/** A computed default depends on the machine; its schema describes it in words instead. */
function isFunctionDefault(schema: z.core.$ZodType): boolean {
  return z.globalRegistry.get(schema)?.["defaultText"] !== undefined;
}

function kindOf(core: z.core.$ZodType, element: z.core.$ZodType | undefined): SettingKind {
  if (core instanceof z.ZodBoolean) return "boolean";
  if (core instanceof z.ZodNumber) return "integer";
  if (element instanceof z.ZodObject) return "objects";
  return element === undefined ? "text" : "list";
}

function allowedOf(core: z.core.$ZodType, meta: Unwrapped["meta"], element: Unwrapped | undefined): string {
  const stated = textOf(meta["allowed"]);
  if (stated !== undefined) return stated;
  if (element !== undefined) {
    return element.core instanceof z.ZodObject
      ? "a list"
      : `a list; each ${allowedOf(element.core, element.meta, undefined)}`;
  }
  if (core instanceof z.ZodBoolean) return "true or false";
  if (core instanceof z.ZodNumber) return `an integer from ${core.minValue} to ${core.maxValue}`;
  if (core instanceof z.ZodEnum) return `one of ${core.options.join(", ")}`;
  return "text";
}

function defaultTextOf(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.join(", ");
  return typeof value === "string" ? value : JSON.stringify(value);
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

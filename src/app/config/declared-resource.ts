/** The settings of declared resources: one list for every type, each held to the settings of its own. */
import { z } from "zod";

import { flowLogSupports, parseNetwork, resourceTypes } from "../../control/mod.ts";
import { interfacePattern, regionId } from "./text.ts";

const network = z
  .string()
  .refine((text) => parseNetwork(text) !== null, { message: "is no network" })
  .meta({ allowed: "a network as 10.0.0.0/24 or 2001:db8::/64" });

const declaredName = z.string().min(1).max(128);

const settings = z.strictObject({
  type: z.enum(resourceTypes).default("gateway").describe("What it is"),
  name: declaredName.describe("Its name, by which it is known again; an interface is known by its interface"),
  description: z.string().max(256).optional().describe("What it is for"),
  id: z
    .string()
    .regex(/^(?:vpc|vsw)-[a-z0-9]{1,32}$/u)
    .meta({ allowed: "vpc- or vsw- and 1 to 32 lower-case letters and digits" })
    .optional()
    .describe(
      "Of a VPC or subnet: the id that clients name it by, given once and for ever; default a made-up one",
    ),
  account: z
    .string()
    .min(1)
    .max(50)
    .optional()
    .describe(
      "Of a gateway or VPC: id or name of the account whose it is, with all that is in it; default the installation's",
    ),
  region: regionId.optional().describe("Of a gateway or VPC: its region; default this host's"),
  vpc: declaredName.optional().describe("Of a subnet: the declared VPC that it is in; default the host's"),
  cidrs: z
    .array(network)
    .min(1)
    .optional()
    .describe(
      "Of a VPC: its networks. Of a subnet: interfaces whose first address is in one of them are in it",
    ),
  interfaces: z
    .array(interfacePattern)
    .min(1)
    .optional()
    .describe(
      "Of a gateway: the interfaces of this host that it is made of; default all. Of a subnet: those in it",
    ),
  interface: interfacePattern.optional().describe("Of an interface: the host's name for it"),
  subnet: declaredName
    .optional()
    .describe("Of an interface: the declared subnet that it is in, whatever its address"),
  serial: z.string().min(1).max(64).optional().describe("Of a gateway: serial number; default a made-up one"),
  model: z.string().min(1).max(64).optional().describe("Of a gateway: model of the device"),
  flowLogSupport: z
    .enum(flowLogSupports)
    .optional()
    .meta({ defaultText: "full" })
    .describe("Of a gateway: whether it can carry a flow log, or what stands against it"),
});

type Settings = z.output<typeof settings>;
type SettingName = keyof Settings;

const common = ["type", "name", "description"] as const;
const settingsOfType: Readonly<Record<Settings["type"], readonly SettingName[]>> = {
  gateway: [...common, "account", "region", "interfaces", "serial", "model", "flowLogSupport"],
  vpc: [...common, "id", "account", "region", "cidrs"],
  subnet: [...common, "id", "vpc", "cidrs", "interfaces"],
  interface: [...common, "interface", "subnet"],
};

const idPrefixes: Partial<Readonly<Record<Settings["type"], string>>> = { vpc: "vpc-", subnet: "vsw-" };

type Refuse = (name: SettingName, message: string) => void;

function checkOne(one: Settings, refuse: Refuse): void {
  const { type, id } = one;
  for (const [name, value] of Object.entries(one) as [SettingName, unknown][]) {
    if (value !== undefined && !settingsOfType[type].includes(name))
      refuse(name, `is no setting of a ${type}`);
  }
  if (type === "interface" && one.interface === undefined) refuse("interface", "is missing");
  const prefix = idPrefixes[type];
  if (id !== undefined && prefix !== undefined && !id.startsWith(prefix)) {
    refuse("id", `must begin with ${prefix}`);
  }
}

/** What one says of the others: no name twice, and what is named is there. */
function checkAmong(
  one: Settings,
  others: readonly Settings[],
  before: readonly Settings[],
  refuse: Refuse,
): void {
  const has = (list: readonly Settings[], type: Settings["type"], name: string | undefined): boolean =>
    name === undefined || list.some((other) => other.type === type && other.name === name);
  if (has(before, one.type, one.name)) refuse("name", `is the name of another ${one.type}`);
  if (!has(others, "vpc", one.vpc)) refuse("vpc", "is no declared VPC");
  if (!has(others, "subnet", one.subnet)) refuse("subnet", "is no declared subnet");
  const isTwice = before.some((other) => other.interface !== undefined && other.interface === one.interface);
  if (isTwice) refuse("interface", "is declared twice");
}

export const declaredResources = z
  .array(settings)
  .superRefine((all, context) => {
    for (const [index, one] of all.entries()) {
      const refuse: Refuse = (name, message) =>
        context.addIssue({ code: "custom", path: [index, name], message });
      checkOne(one, refuse);
      checkAmong(one, all, all.slice(0, index), refuse);
    }
  })
  .default([])
  .describe("Resources to declare besides what is found: gateways, and where the host's interfaces are");

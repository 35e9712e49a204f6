/**
 * Every setting of Weir: its type, default, bounds and description, in one place.
 *
 * docs/reference/configuration.md is generated from it. A setting is given in the configuration file, as
 * `WEIR_…` in the environment, or as a flag; flags win over the environment, and that over the file.
 * Every object is strict: a name that is not here is refused.
 */
import { z } from "zod";

import { parseAddress } from "../../base/mod.ts";
import { logLevels } from "../../observe/mod.ts";
import { defaultDataDirectory } from "./data-default.ts";

const megabyte = 1024 * 1024;
const gigabyte = 1024 * megabyte;

/** The regions that the Smart Access Gateway service lists in public. */
export const publicRegions = [
  "cn-shanghai",
  "cn-shanghai-finance-1",
  "cn-hongkong",
  "ap-southeast-1",
  "ap-southeast-2",
  "ap-southeast-3",
  "ap-southeast-5",
  "ap-northeast-1",
  "eu-central-1",
] as const;

const regionId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{1,63}$/u)
  .meta({ allowed: "a region id: lower-case letters, digits and hyphens" });

const interfacePattern = z
  .string()
  .regex(/^[^\s/]{1,32}$/u)
  .meta({ allowed: "an interface name; * stands for any characters" });

const endpoint = z
  .string()
  .meta({ allowed: "HOST:PORT, with an IPv6 address in brackets; port 0 takes any free one" })
  .transform((text, context) => {
    const parsed = parseEndpoint(text);
    if (parsed !== undefined) return parsed;
    context.addIssue({ code: "custom", message: "is not HOST:PORT" });
    return z.NEVER;
  });

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** `127.0.0.1:8090`, `[::1]:0`, `localhost:80`; undefined for anything else. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]\s]+)):(\d{1,5})$/u.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65_535) return undefined;
  if (match?.[1] !== undefined && !parseAddress(host).ok) return undefined;
  return { host, port };
}

function integer(minimum: number, maximum: number): z.ZodNumber {
  return z.number().int().min(minimum).max(maximum);
}

const log = z
  .strictObject({
    level: z.enum(logLevels).default("info").describe("Least severe log line that is written"),
  })
  .prefault({});

const accessKey = z
  .strictObject({
    id: z
      .string()
      .regex(/^[A-Za-z0-9._-]{4,64}$/u)
      .meta({ allowed: "4 to 64 letters, digits, dots, underscores and hyphens" })
      .optional()
      .describe("Names the first access key, instead of one that Weir makes up"),
    secret: z
      .string()
      .min(8)
      .max(128)
      .meta({ secret: true, allowed: "8 to 128 characters" })
      .optional()
      .describe("Secret of that key; better in the environment than in a file"),
  })
  .refine((key) => (key.id === undefined) === (key.secret === undefined), {
    message: "id and secret go together: one of them is missing",
  })
  .prefault({});

const capture = z
  .strictObject({
    method: z
      .enum(["auto", "ring", "tcpdump", "off"])
      .default("auto")
      .describe("How packets are read: the kernel's ring, a tcpdump pipe, the ring if it can be had, or not"),
    interfaces: z
      .strictObject({
        include: z
          .array(interfacePattern)
          .default(["*"])
          .describe("Interfaces that are resources of this host"),
        exclude: z.array(interfacePattern).default([]).describe("Interfaces that are not, though included"),
      })
      .prefault({}),
    loopback: z.boolean().default(false).describe("Whether the loopback interface is metered too"),
    natInterfaces: z
      .array(interfacePattern)
      .default([])
      .describe("Interfaces whose packets are metered before this host translates their addresses"),
    ringBytes: integer(megabyte / 4, gigabyte)
      .default(16 * megabyte)
      .describe("Kernel ring of one interface"),
    snapLength: integer(96, 65_535)
      .default(192)
      .describe("Octets of a packet that are read, from its link header on"),
    flowsMax: integer(1000, 20_000_000)
      .default(500_000)
      .describe(
        "Concurrent flows of one flow log; beyond, the longest silent one is ended early and counted",
      ),
  })
  .prefault({});

const netflow = z
  .strictObject({
    templateRefreshDatagrams: integer(1, 10_000)
      .default(20)
      .describe("Datagrams after which templates are sent again"),
    templateRefreshS: integer(1, 86_400).default(60).describe("Seconds after which templates are sent again"),
    datagramBytesMax: integer(512, 9000).default(1400).describe("UDP payload of one datagram at most"),
    bytesPerSecondMax: integer(0, 10 * gigabyte)
      .default(0)
      .describe("Export rate to one collector at most; 0 is no bound"),
  })
  .prefault({});

const spool = z
  .strictObject({
    bytesMax: integer(megabyte, 1024 * gigabyte)
      .default(4 * gigabyte)
      .describe("Undelivered batches kept on disk; beyond, the oldest are dropped and counted"),
  })
  .prefault({});

const store = z
  .strictObject({
    memoryBytesMax: integer(256 * megabyte, 1024 * gigabyte)
      .default(gigabyte)
      .describe("Memory of the embedded store"),
    retentionDays: integer(1, 3650).default(30).describe("Days that a record of a new logstore is kept"),
    readers: integer(1, 64).default(2).describe("Queries that run at once"),
    deduplicate: z
      .boolean()
      .default(true)
      .describe("Whether a batch that arrives again after a crash is stored once only"),
  })
  .prefault({});

const flowLogs = z
  .strictObject({
    quota: integer(1, 100_000).default(100).describe("Flow logs of one account in one region"),
    createLogProjects: z
      .boolean()
      .default(true)
      .describe("Whether a project and logstore that a flow log names are created on first use"),
  })
  .prefault({});

const gateway = z
  .strictObject({
    limits: z
      .strictObject({
        bodyBytesMax: integer(1024, 64 * megabyte)
          .default(10 * megabyte)
          .describe("Request body at most, as sent"),
        headerBytesMax: integer(1024, megabyte).default(65_536).describe("Request line and headers at most"),
        connectionsMax: integer(1, 100_000).default(2000).describe("Open connections at most"),
        requestTimeoutS: integer(1, 3600)
          .default(60)
          .describe("Seconds within which a request must have arrived"),
        clockSkewS: integer(1, 86_400)
          .default(900)
          .describe("Difference allowed between a signed time and this host's"),
      })
      .prefault({}),
  })
  .prefault({});

const sls = z
  .strictObject({
    baseDomains: z
      .array(
        z
          .string()
          .regex(/^[a-z0-9.-]{1,253}$/u)
          .meta({ allowed: "a domain name without port, in lower case" }),
      )
      .default(["localhost"])
      .describe("Domains under which a host name is <project>.<domain>, besides the listening address"),
  })
  .prefault({});

const declaredGateway = z.strictObject({
  name: z.string().min(1).max(128).describe("Name of the gateway"),
  interfaces: z.array(interfacePattern).min(1).describe("Its interfaces, of this host"),
  model: z.string().min(1).max(64).default("sag-1000").describe("Device model; flow logs need sag-1000"),
  edition: z.enum(["standard", "basic"]).default("standard").describe("The basic edition has no flow logs"),
});

export const configurationSchema = z
  .strictObject({
    data: z
      .string()
      .min(1)
      .default(() => defaultDataDirectory())
      .meta({ defaultText: "`/var/lib/weir` as root, else `$XDG_STATE_HOME/weir` or `~/.local/state/weir`" })
      .describe("Directory that holds all state"),
    listen: endpoint.prefault("127.0.0.1:8090").describe("Address of the API"),
    regions: z
      .array(regionId)
      .min(1)
      .default([...publicRegions])
      .describe("Regions that the APIs know"),
    defaultRegion: regionId.default("cn-shanghai").describe("Region of this host's resources"),
    log,
    accessKey,
    capture,
    netflow,
    spool,
    store,
    flowLogs,
    gateway,
    sls,
    resources: z.array(declaredGateway).default([]).describe("Gateways to declare besides this host"),
  })
  .refine((configuration) => configuration.regions.includes(configuration.defaultRegion), {
    path: ["defaultRegion"],
    message: "is not one of regions",
  });

export type Configuration = z.output<typeof configurationSchema>;
/** What a person may write: every setting may be left out. */
export type ConfigurationInput = z.input<typeof configurationSchema>;

/**
 * Every setting of Weir: its type, default, bounds and description, in one place.
 *
 * docs/reference/configuration.md is generated from it. A setting is given in the configuration file, as
 * `WEIR_…` in the environment, or as a flag; flags win over the environment, and that over the file.
 * Every object is strict: a name that is not here is refused.
 */
import { z } from "zod";

import { parseAddress } from "../../base/mod.ts";
import { defaultRegionId, defaultRegions } from "../../control/mod.ts";
import { logLevels } from "../../observe/mod.ts";
import { defaultDataDirectory } from "../location/mod.ts";
import { declaredResources } from "./declared-resource.ts";
import { interfacePattern, regionId } from "./text.ts";

const megabyte = 1024 * 1024;
const gigabyte = 1024 * megabyte;

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

/** `127.0.0.1:8080`, `[::1]:0`, `localhost:80`; undefined for anything else. */
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

const regions = z
  .strictObject({
    sag: z
      .array(regionId)
      .min(1)
      .default([...(defaultRegions["sag"] ?? [])])
      .describe("Regions of the Smart Access Gateway API"),
    logService: z
      .array(regionId)
      .min(1)
      .default([...(defaultRegions["logService"] ?? [])])
      .describe("Regions of the log service"),
    huawei: z
      .array(regionId)
      .min(1)
      .default([...(defaultRegions["huawei"] ?? [])])
      .describe("Regions of the Huawei Cloud and Open Telekom Cloud APIs: each is a project of an account"),
  })
  .prefault({});

const log = z
  .strictObject({
    level: z.enum(logLevels).default("info").describe("Least severe log line that is written"),
  })
  .prefault({});

const accessKey = z
  .strictObject({
    id: z
      .string()
      .regex(/^[A-Za-z0-9._-]{8,128}$/u)
      .meta({ allowed: "8 to 128 letters, digits, dots, hyphens and underscores" })
      .optional()
      .describe("Names the first access key, instead of one that Weir makes up"),
    secret: z
      .string()
      .regex(/^[\u0021-\u007e]{8,128}$/u)
      .meta({ secret: true, allowed: "8 to 128 printable ASCII characters without spaces" })
      .optional()
      .describe("Secret of that key; better in the environment than in a file"),
  })
  .refine((key) => (key.id === undefined) === (key.secret === undefined), {
    message: "id and secret go together: one of them is missing",
  })
  .prefault({});

/** Whether the packets inside an encapsulation are metered; docs/reference/encapsulations.md has the reasons. */
function inside(what: string, byDefault: boolean): z.ZodDefault<z.ZodBoolean> {
  return z.boolean().default(byDefault).describe(what);
}

const encapsulations = z
  .strictObject({
    vlan: inside("Whether frames with a VLAN tag are metered (802.1Q, 802.1ad, stacked)", true),
    mpls: inside("Whether frames with MPLS labels are metered", true),
    pppoe: inside(
      "Whether frames of PPPoE sessions are metered; not on a host that ends them, whose ppp device shows the same packets",
      false,
    ),
    gre: inside("Whether packets inside GRE are metered instead of those that carry them", false),
    erspan: inside("Whether frames that a switch mirrors by ERSPAN are metered instead of its packets", true),
    ipInIp: inside("The same for IPv4 in IPv4 and IPv6 in IPv6", false),
    ipv6InIpv4: inside("The same for IPv6 in IPv4: 6in4, 6to4, 6rd", false),
    ipv4InIpv6: inside("The same for IPv4 in IPv6: 4in6, DS-Lite", false),
    vxlan: inside("The same for VXLAN, UDP ports 4789 and 8472", false),
    geneve: inside("The same for GENEVE, UDP port 6081", false),
    gtpu: inside("The same for GTP-U, UDP port 2152", false),
  })
  .prefault({});

const capture = z
  .strictObject({
    method: z
      .enum(["auto", "ring", "tcpdump"])
      .default("auto")
      .describe(
        "How packets are read: from the kernel's ring, through tcpdump, or the ring where it can be had",
      ),
    workers: integer(1, 16)
      .default(1)
      .describe(
        "Processes that share the packets of each interface, all of a flow to one, for more than a CPU can read; with the ring only",
      ),
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
      .default(["*"])
      .describe(
        "Interfaces on which outgoing packets may be forwarded ones with this host's address (source NAT): while the host forwards, its own are told from them by the hop limit",
      ),
    ringBytes: integer(4 * megabyte, gigabyte)
      .default(32 * megabyte)
      .describe(
        "Memory of one interface's ring in each worker, bytes; once the rings take 512 MiB together, further interfaces get 2 MiB each",
      ),
    snapshotBytes: integer(128, 65_535)
      .default(256)
      .describe("Bytes kept of each frame: every header that is decoded must fit"),
    encapsulations,
    verdictGroup: integer(1, 65_535)
      .default(3021)
      .describe("Netlink log group by which the firewall tells its verdicts; weir firewall uses the same"),
    flowsMax: integer(1000, 20_000_000)
      .default(500_000)
      .describe(
        "Concurrent flows of one flow log, shared out among the workers; beyond, the longest silent one is ended early and counted",
      ),
  })
  .refine((settings) => settings.workers === 1 || settings.method !== "tcpdump", {
    path: ["workers"],
    message: "needs the ring: tcpdump would show each of them every packet",
  })
  .prefault({});

const netflow = z
  .strictObject({
    templateRefreshDatagrams: integer(1, 10_000)
      .default(20)
      .describe("Datagrams after which templates are sent again"),
    templateRefreshS: integer(1, 86_400).default(60).describe("Seconds after which templates are sent again"),
    bytesPerSecondMax: integer(10_000, 10 * gigabyte)
      .default(64 * megabyte)
      .describe("Export rate to one collector at most, bytes a second"),
  })
  .prefault({});

const spool = z
  .strictObject({
    bytesMax: integer(megabyte, 1024 * gigabyte)
      .default(4 * gigabyte)
      .describe("Undelivered batches kept on disk; beyond, the oldest are dropped and counted"),
  })
  .prefault({});

/** 0 is as long as the records, which is what a retention promises. */
function rollupDays(span: string): z.ZodDefault<z.ZodNumber> {
  return integer(0, 36_500)
    .default(0)
    .describe(`Days that the counts of each ${span} are kept at least; never shorter than the records`);
}

const rollups = z
  .strictObject({
    minuteDays: rollupDays("minute"),
    fiveMinuteDays: rollupDays("five minutes"),
    hourDays: rollupDays("hour"),
  })
  .prefault({});

const store = z
  .strictObject({
    memoryBytesMax: integer(256 * megabyte, 1024 * gigabyte)
      .default(gigabyte)
      .describe("Memory of the embedded store"),
    retentionDays: integer(1, 3650)
      .default(30)
      .describe("Days that the records of a logstore are kept if nobody says otherwise"),
    rollups,
    readers: integer(1, 64).default(2).describe("Queries that run at once"),
    deduplicate: z
      .boolean()
      .default(true)
      .describe("Whether a batch that arrives again after a crash is stored once only"),
  })
  .prefault({});

const flowLogs = z
  .strictObject({
    quota: integer(1, 100_000).default(1000).describe("Flow logs that an account may have in a region"),
    createLogProjects: z
      .boolean()
      .default(true)
      .describe("Whether a project and logstore that a flow log names are created on first use"),
    vpcQuota: integer(1, 100_000)
      .default(10)
      .describe("The same for the VPC service, whose own number this is"),
    huaweiQuota: integer(1, 100_000)
      .default(10)
      .describe("The same for Huawei Cloud and Open Telekom Cloud, whose own number this is"),
    openByDefault: z
      .boolean()
      .default(true)
      .describe("Whether the VPC flow-log service counts as opened where OpenFlowLogService was not called"),
  })
  .prefault({});

const logProjects = z
  .strictObject({
    projectsMax: integer(1, 100_000).default(50).describe("Projects of one account in one region"),
    logstoresMax: integer(1, 100_000).default(200).describe("Logstores of one project"),
    groupsMax: integer(1, 100_000).default(100).describe("Log groups of one account in one region"),
    streamsMax: integer(1, 100_000).default(100).describe("Log streams of one log group"),
  })
  .prefault({});

const gateway = z
  .strictObject({
    limits: z
      .strictObject({
        headerBytesMax: integer(1024, megabyte)
          .default(65_536)
          .describe("Request line and headers together at most"),
        headersTimeoutMs: integer(100, 600_000)
          .default(10_000)
          .describe("Time from a request's first byte to the end of its headers"),
        requestTimeoutMs: integer(100, 3_600_000)
          .default(30_000)
          .describe("Time from a request's first byte to the end of its body"),
        keepAliveTimeoutMs: integer(0, 3_600_000)
          .default(65_000)
          .describe("How long an idle connection is kept"),
        connectionsMax: integer(1, 100_000).default(2000).describe("Connections at once"),
      })
      .prefault({}),
  })
  .prefault({});

const tls = z
  .strictObject({
    enabled: z.boolean().default(true).describe("Whether https is served, on the same port as http"),
    plainHttp: z.boolean().default(true).describe("Whether http is served beside https"),
    certificate: z
      .string()
      .min(1)
      .optional()
      .describe(
        "File with the server's certificate in PEM, its authorities' below it; read anew when it changes. Without it a local authority makes one",
      ),
    key: z.string().min(1).optional().describe("File with the private key of that certificate, PEM"),
    names: z
      .array(
        z
          .string()
          .regex(/^(?:\*\.)?[A-Za-z0-9_.:-]{1,253}$/u)
          .meta({ allowed: "a host name, *.DOMAIN, or an IP address" }),
      )
      .default([])
      .describe(
        "Names and addresses that the local authority's certificate is for, besides localhost, this host's name, the listening address and the hosts of `sls.baseDomains`",
      ),
  })
  .refine((settings) => (settings.certificate === undefined) === (settings.key === undefined), {
    message: "certificate and key go together: one of them is missing",
  })
  .refine((settings) => settings.enabled || settings.plainHttp, {
    message: "neither http nor https would be served",
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

export const configurationSchema = z
  .strictObject({
    data: z
      .string()
      .min(1)
      .default(() => defaultDataDirectory())
      .meta({ defaultText: "`/var/lib/weir` as root, else `$XDG_STATE_HOME/weir` or `~/.local/state/weir`" })
      .describe("Directory that holds all state"),
    listen: endpoint.prefault("127.0.0.1:8080").describe("Address of the API"),
    regions,
    defaultRegion: regionId.default(defaultRegionId).describe("Region of this host's resources"),
    log,
    accessKey,
    capture,
    netflow,
    spool,
    store,
    flowLogs,
    logProjects,
    gateway,
    tls,
    sls,
    resources: declaredResources,
  })
  .refine((configuration) => configuration.regions.sag.includes(configuration.defaultRegion), {
    path: ["defaultRegion"],
    message: "is not one of regions.sag",
  });

export type Configuration = z.output<typeof configurationSchema>;
/** What a person may write: every setting may be left out. */
export type ConfigurationInput = z.input<typeof configurationSchema>;

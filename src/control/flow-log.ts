/** What a flow log is, and what its settings may be. */
import type { ResourceType } from "./resource.ts";
import { meteringOfService, type Service } from "./service.ts";

/** Flows are cut by age: a long one every `activeTimeoutS`, a silent one after `inactiveTimeoutS`. */
export interface AgingPolicy {
  readonly kind: "aging";
  readonly activeTimeoutS: number;
  readonly inactiveTimeoutS: number;
}

/** Flows are cut where a window ends: every `windowS` seconds since 1970, one record a flow and window. */
export interface WindowPolicy {
  readonly kind: "window";
  readonly windowS: number;
}

export type MeteringPolicy = AgingPolicy | WindowPolicy;

/** Which packets are observed, of those that the resource has. */
export interface TrafficFilter {
  /** By the firewall's verdict. */
  readonly trafficType: "all" | "accept" | "reject";
  readonly ipVersions: readonly (4 | 6)[];
  /** `all`; this host cannot tell apart what the clouds call paths. */
  readonly trafficPaths: readonly string[];
}

export interface LogServiceOutput {
  readonly enabled: boolean;
  /** Region, project and logstore of the log service; "" where not set. */
  readonly regionId: string;
  readonly project: string;
  readonly logstore: string;
}

export interface NetflowOutput {
  readonly enabled: boolean;
  /** Dotted-quad IPv4 address of the collector; "" where not set. */
  readonly address: string;
  readonly port: number;
  /** The export protocol's version number: NetFlow 5, NetFlow 9, IPFIX (10). */
  readonly version: 5 | 9 | 10;
}

/** What its owner may set. An output that is not enabled keeps its settings. */
export interface FlowLogSettings {
  readonly name: string;
  readonly description: string;
  readonly resourceGroupId: string;
  readonly policy: MeteringPolicy;
  readonly filter: TrafficFilter;
  readonly outputs: { readonly logService: LogServiceOutput; readonly netflow: NetflowOutput };
}

/** Which lists a flow log is in: it belongs to an account, a region and the service that created it. */
export interface FlowLogScope {
  readonly accountId: string;
  readonly regionId: string;
  readonly service: Service;
}

/** What a flow log was created on; it covers the interfaces that this has now and will have. */
export interface FlowLogTarget {
  readonly type: Exclude<ResourceType, "gateway">;
  readonly id: string;
}

/** A change that capture has not taken over yet. */
export const flowLogTransitions = ["activating", "modifying", "deactivating", "deleting"] as const;
export type FlowLogTransition = (typeof flowLogTransitions)[number];

export type Tags = Readonly<Record<string, string>>;

export interface FlowLog extends FlowLogScope, FlowLogSettings {
  readonly id: string;
  /** RFC 9562 version 4, lower case: the id where a cloud's ids are UUIDs. */
  readonly uuid: string;
  /** A number (u32) that no other flow log of this installation ever had: the NetFlow observation domain. */
  readonly number: number;
  /** Absent for the services that bind resources later: see Associations. */
  readonly target?: FlowLogTarget;
  /** What is wanted. */
  readonly status: "active" | "inactive";
  /** What is under way there; absent once capture holds it. Of the services whose changes are asynchronous. */
  readonly transition?: FlowLogTransition;
  readonly tags: Tags;
  /** Words of the request that created it which a dialect answers as they were sent; nothing to the core. */
  readonly asSent: Readonly<Record<string, string>>;
  readonly createdMs: number;
  /** Of the last change of settings or status, no two of them alike; tags and resource group leave it. */
  readonly updatedMs: number;
}

/**
 * A change of settings. What is absent keeps its value. A string is cleared by "", a number by null: it
 * then falls back to its default, unless an enabled output needs it, which is refused as missing.
 */
export interface FlowLogPatch {
  readonly name?: string;
  readonly description?: string;
  readonly resourceGroupId?: string;
  /** Of the policy that its service meters by; a setting of the other is refused. */
  readonly policy?: {
    readonly activeTimeoutS?: number | null;
    readonly inactiveTimeoutS?: number | null;
    readonly windowS?: number | null;
  };
  readonly filter?: Partial<TrafficFilter>;
  readonly outputs?: {
    readonly logService?: Partial<LogServiceOutput>;
    readonly netflow?: {
      readonly enabled?: boolean;
      readonly address?: string;
      readonly port?: number | null;
      readonly version?: NetflowOutput["version"] | null;
    };
  };
}

/** A change of settings and of whether they hold at present, all or nothing. */
export interface FlowLogChange extends FlowLogPatch {
  readonly status?: FlowLog["status"];
}

/** What a flow log is created with. */
export interface NewFlowLog extends FlowLogPatch {
  /** Needed by the services that cut flows at windows, refused by the others. Its id may be a UUID. */
  readonly target?: FlowLogTarget;
  readonly tags?: Tags;
  readonly asSent?: Readonly<Record<string, string>>;
}

export const flowLogBounds = {
  activeTimeoutS: { min: 60, max: 6000, default: 300 },
  inactiveTimeoutS: { min: 10, max: 600, default: 15 },
  windowS: { values: [60, 300, 600], default: 600 },
  netflowPort: { min: 1, max: 65_535, default: 9995 },
  netflowVersion: { default: 9 },
  nameLengthMax: 256,
  descriptionLengthMax: 1024,
  logNameLengthMax: 128,
  /** Those on one resource that deliver to one place, where a resource may have several. */
  siblingsMax: 2,
  tagsMax: 20,
  tagLengthMax: 128,
} as const;

/** Everything that there is to see. */
export const wholeTraffic: TrafficFilter = { trafficType: "all", ipVersions: [4, 6], trafficPaths: ["all"] };

/** The settings that a patch is laid over when a flow log is created. */
export function blankSettings(service: Service, resourceGroupId: string): FlowLogSettings {
  return {
    name: "",
    description: "",
    resourceGroupId,
    policy:
      meteringOfService[service] === "window"
        ? { kind: "window", windowS: flowLogBounds.windowS.default }
        : {
            kind: "aging",
            activeTimeoutS: flowLogBounds.activeTimeoutS.default,
            inactiveTimeoutS: flowLogBounds.inactiveTimeoutS.default,
          },
    filter: wholeTraffic,
    outputs: {
      logService: { enabled: false, regionId: "", project: "", logstore: "" },
      netflow: {
        enabled: false,
        address: "",
        port: flowLogBounds.netflowPort.default,
        version: flowLogBounds.netflowVersion.default,
      },
    },
  };
}

/** What is found on a host and what the configuration declares: the input of a look at the resources. */
import type { FlowLogSupport } from "./resource.ts";

export interface DiscoveredInterface {
  /** The kernel's name. */
  readonly name: string;
  readonly description?: string;
  /** Its addresses with their prefix lengths, `192.0.2.7/24`; none while it is down. */
  readonly networks?: readonly string[];
  /** The bridge or bond that it is a port of. */
  readonly masterName?: string;
}

export interface DiscoveredHost {
  /** The stable name of the host's agent. */
  readonly agentId: string;
  readonly name: string;
  readonly interfaces: readonly DiscoveredInterface[];
}

/** A gateway from the configuration, known again by its name. */
export interface DeclaredGateway {
  readonly type?: "gateway";
  readonly name: string;
  /** Whose it is; absent, the installation's account's. */
  readonly accountId?: string;
  readonly regionId?: string;
  readonly description?: string;
  readonly serial?: string;
  readonly model?: string;
  /** Patterns of the host's interfaces that it is made of; absent means all. */
  readonly interfaceNames?: readonly string[];
  readonly flowLogSupport?: FlowLogSupport;
}

/** A VPC from the configuration, known again by its name. */
export interface DeclaredVpc {
  readonly type: "vpc";
  readonly name: string;
  /** Whose it is, with all that is in it; absent, the installation's account's. */
  readonly accountId?: string;
  /** `vpc-` and letters and digits, as clients are to name it; given once and for ever. */
  readonly id?: string;
  readonly regionId?: string;
  readonly description?: string;
  readonly cidrs?: readonly string[];
}

/** A subnet from the configuration, known again by its name. */
export interface DeclaredSubnet {
  readonly type: "subnet";
  readonly name: string;
  /** `vsw-` and letters and digits, as clients are to name it; given once and for ever. */
  readonly id?: string;
  /** Name of a declared VPC; the host's if absent. */
  readonly vpc?: string;
  readonly description?: string;
  /** Interfaces whose first address is in one of these networks are in this subnet … */
  readonly cidrs?: readonly string[];
  /** … and those whose names match one of these patterns. */
  readonly interfaceNames?: readonly string[];
}

/** What the configuration says of an interface of the host. */
export interface DeclaredInterface {
  readonly type: "interface";
  readonly interfaceName: string;
  /** The resource's name; the kernel's for it if absent. */
  readonly name?: string;
  readonly description?: string;
  /** Name of a declared subnet that it is in, whatever its address. */
  readonly subnet?: string;
}

export type DeclaredResource = DeclaredGateway | DeclaredVpc | DeclaredSubnet | DeclaredInterface;
